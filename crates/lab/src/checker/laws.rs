//! The laws that a history is held against, as sentences that are true of a good one.
//!
//! One lie may break several; each fault stands under the law that a reader would look for it under.
//!
//! It must not know: how any of them is checked.

/// The ledger by itself.
pub const LEDGER: &str = "the ledger replays by the rules, without a gap";
/// The history by itself, whatever the program did.
pub const HISTORY: &str = "the history is of this event, and names each request once";
/// The kinds of the answers.
pub const FITTING: &str = "every request got an answer it deserves";
/// The 2xx of changes.
pub const ACKNOWLEDGED: &str = "what was acknowledged is in the ledger as it was told";
/// Exactly once, or not at all.
pub const ONCE: &str = "no request was done twice, and none that was refused";
/// Requests that are asked again.
pub const KEYS: &str = "under one key one thing was done, and whoever asked again was told of it";
/// The changes that were not acknowledged.
pub const ASKED: &str = "every change is what somebody asked for";
/// The numbers in a read.
pub const READ: &str = "every read shows the event as it was at its version";
/// Refusals to sell.
pub const REFUSED: &str = "seats were refused only where the rules refuse them";
/// Changes of terms, and refusals to change them.
pub const TERMS: &str = "terms changed, or were refused to change, only as the rules say";
/// Refusals to cancel, or to put seats back.
pub const NOT_FOUND: &str = "nothing was called missing while it was there";
/// Refusals because of how a reservation stands.
pub const STANDS: &str = "a reservation was said to stand only as it stood";
/// Two changes in real time.
pub const ORDER: &str = "a change asked for after another was answered comes after it";
/// A read or a refusal, and what was told before.
pub const STALE: &str = "nobody was shown less than was told before he asked";
/// A read or a refusal, and what was asked for after it.
pub const FORESEEN: &str = "nobody was shown a change before it was asked for";

/// All of them, in the order in which a verdict lists them.
pub(super) const ALL: [&str; 15] = [
    LEDGER,
    HISTORY,
    FITTING,
    ACKNOWLEDGED,
    ONCE,
    KEYS,
    ASKED,
    READ,
    REFUSED,
    TERMS,
    NOT_FOUND,
    STANDS,
    ORDER,
    STALE,
    FORESEEN,
];
