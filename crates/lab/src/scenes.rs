//! Networks that many experiments stand on.

use crate::lab::Lab;
use crate::trace::model::Frame;
use sim::network::{Impairments, NodeId};
use std::time::Duration;

pub(crate) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A cable that only takes time.
pub(crate) fn cable(delay: Duration) -> Impairments {
    Impairments { delay, ..Impairments::NONE }
}

/// Two hosts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pair {
    pub(crate) client: NodeId,
    pub(crate) server: NodeId,
}

/// A client, 10.0.0.1, and a server, 10.0.0.2, on one cable. They know each other's hardware addresses, and the recording
/// has begun.
pub(crate) fn pair(lab: &mut Lab, cable: Impairments) -> Pair {
    let (client, server) = (lab.host("client"), lab.host("server"));
    lab.cable(cable, (client, "10.0.0.1/24"), (server, "10.0.0.2/24"));
    acquaint(lab, &[(client, "10.0.0.2"), (server, "10.0.0.1")]);
    lab.begin();
    Pair { client, server }
}

/// Lets hosts learn each other's hardware addresses by an echo, over perfect cables, before anything is recorded.
pub(crate) fn acquaint(lab: &mut Lab, who: &[(NodeId, &str)]) {
    lab.set_perfect(true);
    for (host, address) in who {
        let now = lab.network.now();
        let Ok(address) = address.parse() else { continue };
        let stack = lab.network.stack(*host);
        if let Ok(socket) = stack.ping_open() {
            // It cannot fail but by a fault in the scene; then the run shows the ARP exchange.
            let _ = stack.ping_send(now, socket, address, 1, b"", None);
            lab.network.run_for(seconds(10));
            lab.network.stack(*host).ping_close(socket);
        }
    }
    lab.set_perfect(false);
}

impl Lab {
    /// The TCP segments whose name begins so, lost ones included.
    pub(crate) fn segments(&self, beginning: &str) -> impl Iterator<Item = &Frame> {
        let frames = self.recorder.as_ref().map_or(&[][..], |recorder| &recorder.frames);
        frames
            .iter()
            .filter(move |frame| frame.summary.protocol == "TCP" && frame.name.starts_with(beginning))
    }
}
