//! The texts of the domain: each a type of its own, not blank, with a limit.

use std::fmt;
use std::sync::Arc;

/// Why a text is no valid name. The message is a fragment that can follow the name of the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// The text is empty, or nothing but white space.
    #[error("must not be blank")]
    Blank,
    /// The text is longer than its limit.
    #[error("must not be longer than {0} characters")]
    TooLong(usize),
    /// The text has a character that its alphabet lacks.
    #[error("may have the letters a-z, digits, '-' and '_' only")]
    Alphabet,
}

/// Makes a type of text, of at most so many characters.
macro_rules! text_types {
    ($($(#[doc = $doc:literal])+ $name:ident: $chars_max:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The most characters that it may have.
            pub const CHARS_MAX: usize = $chars_max;

            /// Takes `text`.
            ///
            /// # Errors
            /// When it is blank or too long.
            pub fn new(text: &str) -> Result<Self, InvalidName> {
                bounded(text, Self::CHARS_MAX).map(Self)
            }

            /// Takes `text` out of a ledger, where U+FEFF alone may be one.
            ///
            /// # Errors
            /// When it is blank or too long.
            pub fn kept(text: &str) -> Result<Self, InvalidName> {
                bounded_as_kept(text, Self::CHARS_MAX).map(Self)
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

text_types! {
    /// What an event is called on a poster.
    EventName: 200;
    /// Who reserves on behalf of buyers.
    PartnerId: 128;
    /// What an event is about.
    Description: 1000;
    /// Where an event is.
    Venue: 200;
    /// The name of a time zone, as in `Europe/Berlin`.
    ZoneName: 64;
    /// Why something was done.
    Reason: 200;
    /// A partner's own name for a reservation, as an order number.
    Reference: 200;
    /// The name of an entry of a note.
    MetadataKey: 40;
    /// What an entry of a note says.
    MetadataValue: 100;
}

fn bounded(text: &str, chars_max: usize) -> Result<Arc<str>, InvalidName> {
    // For JavaScript's `trim` U+FEFF is white space, too, so it is for the seed and its clients.
    if text.trim_matches(|letter: char| letter.is_whitespace() || letter == '\u{FEFF}').is_empty() {
        return Err(InvalidName::Blank);
    }
    bounded_as_kept(text, chars_max)
}

/// As [`bounded`], of what is in a ledger already: U+FEFF alone was no blank once.
fn bounded_as_kept(text: &str, chars_max: usize) -> Result<Arc<str>, InvalidName> {
    if text.trim().is_empty() {
        return Err(InvalidName::Blank);
    }
    if text.chars().count() > chars_max {
        return Err(InvalidName::TooLong(chars_max));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::super::names::EventId;
    use super::*;

    #[test]
    fn names_are_refused_for_their_reason() {
        for blank in ["", " \t", "\u{FEFF}", " \u{FEFF}\u{A0}\u{FEFF}\u{85}\u{3000}"] {
            assert_eq!(PartnerId::new(blank), Err(InvalidName::Blank), "{blank:?}");
            assert_eq!(EventName::new(blank), Err(InvalidName::Blank), "{blank:?}");
            assert_eq!(Reason::new(blank), Err(InvalidName::Blank), "{blank:?}");
        }
        assert_eq!(PartnerId::new("\u{FEFF}p").map(|_| ()), Ok(()));
        assert_eq!(PartnerId::new(&"é".repeat(128)).map(|_| ()), Ok(()));
        assert_eq!(PartnerId::new(&"é".repeat(129)), Err(InvalidName::TooLong(128)));
        assert_eq!(EventId::new("Node"), Err(InvalidName::Alphabet));
        assert_eq!(EventId::new(""), Err(InvalidName::Blank));
    }
}
