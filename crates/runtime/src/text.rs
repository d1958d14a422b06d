//! Numbers as people read them, on a terminal and on a page. It must not know what they count.

/// A number with a comma after every thousand.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_are_grouped_from_the_right() {
        let told = [0, 999, 1_000, 65_536, 1_234_567].map(grouped);
        assert_eq!(told, ["0", "999", "1,000", "65,536", "1,234,567"]);
    }
}
