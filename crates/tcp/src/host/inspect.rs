//! The whole host opened for somebody who watches.

use super::tcp_host::Host;
use crate::event::ConnectionId;
use crate::inspection::Inspection;

impl Host {
    /// The inside of every connection, half-open and in TIME-WAIT included. It walks the tables: for simulations and tests.
    pub fn inspect(&self) -> impl Iterator<Item = Inspection> {
        let open = self.connections.iter().filter(|(_, connection)| !connection.is_finished());
        let open =
            open.map(|(key, connection)| Inspection { id: Some(ConnectionId(key)), ..connection.inspect() });
        let half_open = self.half_open.slab.iter().map(|(_, half_open)| half_open.inspect());
        open.chain(half_open).chain(self.time_wait.inspect())
    }
}
