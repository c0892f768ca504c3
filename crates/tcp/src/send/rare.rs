//! What few senders need, behind one pointer: all others pay for no more than that.

use super::marks::Records;
use super::path_mtu::PathSearch;

/// See the fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Rare {
    /// Where the records end, of an application that marks them.
    pub(super) records: Records,
    /// The search for longer segments, on a path that does not carry what its ends do.
    pub(super) search: Option<PathSearch>,
}

impl Rare {
    /// Whether nothing is kept any more.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.search.is_none()
    }
}
