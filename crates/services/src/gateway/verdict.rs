//! What rules say.

/// What a rule says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Guests may go there.
    Allow,
    /// They may not.
    Deny,
}
