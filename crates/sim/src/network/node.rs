//! What stands at the ends of wires.

use super::id::WireId;
use super::router::Router;
use super::switch::Switch;
use stack::Stack;
use wire::MacAddress;

/// A host, hub, switch or router.
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The wire of each port, and which of its ends. A host's ports are its interfaces.
    pub(crate) plugs: Vec<(WireId, usize)>,
    /// The hardware address of the first port, if it was chosen; the others count on from it.
    pub(crate) hardware: Option<MacAddress>,
    /// It may have something to send, or wait for another time than before.
    pub(crate) touched: bool,
}

/// What a node is.
pub(crate) enum Kind {
    Host(Box<Stack>),
    Switch(Switch),
    Router(Router),
}

impl Node {
    pub(crate) fn new(name: &str, kind: Kind) -> Node {
        Node { name: name.to_owned(), kind, plugs: Vec::new(), hardware: None, touched: false }
    }

    /// The hardware address of a port: no two ports of a network have the same.
    pub(crate) fn hardware(&self, node: usize, port: usize) -> MacAddress {
        match self.hardware {
            Some(MacAddress([a, b, c, d, e, f])) => MacAddress([a, b, c, d, e, f.wrapping_add(port as u8)]),
            None => {
                let [_, _, a, b] = (node as u32).to_be_bytes();
                MacAddress([2, 0, 0, a, b, port as u8])
            }
        }
    }
}
