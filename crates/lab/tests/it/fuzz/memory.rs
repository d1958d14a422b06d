//! That a length in a few bytes is not believed: with little memory to take, nothing fails.

use super::run_with_little_memory;

#[test]
fn no_length_in_the_bytes_is_taken_on_trust() {
    run_with_little_memory("fuzz::texts::", 1);
}
