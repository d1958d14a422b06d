//! Who may call an operation.
//!
//! It must not know: how a caller proves who it is, or which operations there are.

/// The callers that an operation is open to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Every caller, also one that proves nothing.
    Anyone,
}
