//! What a caller and the server have agreed on for transfers.

use super::command::Kind;
use super::data::Way;
use super::facts::Facts;

/// It begins anew with the session, and inside of TLS: nothing that was said in the open holds there.
pub(super) struct Agreement<L> {
    pub(super) kind: Kind,
    /// Where the next file begins.
    pub(super) offset: u64,
    pub(super) facts: Facts,
    pub(super) way: Option<Way<L>>,
    /// EPSV ALL: nothing else from then on (RFC 2428 4).
    pub(super) extended_only: bool,
    /// PBSZ was said, and PROT P.
    pub(super) protection: (bool, bool),
}

impl<L> Default for Agreement<L> {
    fn default() -> Agreement<L> {
        Agreement {
            kind: Kind::Text,
            offset: 0,
            facts: Facts::default(),
            way: None,
            extended_only: false,
            protection: (false, false),
        }
    }
}
