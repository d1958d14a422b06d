//! Why stored bytes cannot be read.

/// Why bytes are no record or page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The bytes are fewer than the shortest value has, or more than the longest.
    #[error("{0} bytes is no possible length")]
    Length(usize),
    /// The checksum does not match: the bytes are not those that were written.
    #[error("the checksum does not match")]
    Checksum,
    /// Written by another version of this program.
    #[error("format {0} is unknown; a newer TicketBoss may have written it")]
    Format(u8),
    /// The bytes are intact but do not decode.
    #[error("it does not decode: {0}")]
    Decode(String),
    /// A value in it is outside its limits.
    #[error("a value in it is outside its limits: {0}")]
    Value(&'static str),
}
