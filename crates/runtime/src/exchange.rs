//! What passes between a stack and its ports.

use crate::port::Port;
use basis::Instant;
use stack::Stack;

/// Lets the stack see what the ports have brought.
pub(crate) fn deliver(ports: &mut [Port], stack: &mut Stack, now: Instant) {
    stack.tcp_mut().set_behind(ports.iter().any(|port| port.is_behind(now)));
    for port in ports {
        for frame in port.arrived.drain(..) {
            // Why a frame was dropped is in the stack's counters.
            let _ = stack.on_frame(now, port.interface, frame);
        }
    }
}

/// Whether a timer's time has come.
pub(crate) fn is_due(stack: &Stack, now: Instant) -> bool {
    stack.poll_timeout().is_some_and(|timeout| timeout <= now)
}

/// Pulls what the stack sends, a batch for each port at most. True if there may be more for a port that takes it.
pub(crate) fn fill(ports: &mut [Port], stack: &mut Stack, now: Instant) -> bool {
    let mut more = false;
    for port in ports {
        more |= port.fill(|interface| stack.poll_transmit(now, interface));
    }
    more
}
