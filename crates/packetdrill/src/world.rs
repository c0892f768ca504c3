//! The stack under test, the packets that have left it, and the descriptors of its sockets.

use crate::descriptors::Descriptors;
use crate::flags::Flags;
use crate::socket::Role;
use basis::{Frame, Instant};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use nix::errno::Errno;
use stack::{InterfaceConfig, InterfaceId, Medium, Probing, Stack, StackConfig};
use std::collections::VecDeque;
use std::net::IpAddr;
use std::os::fd::RawFd;
use std::time::Duration;
use tcp::State;

/// When the clock begins: not at zero, which some code may take for "never".
pub(crate) const BEGIN: Instant = Instant::from_millis(10_000);
/// Packets that nobody fetched, beyond which the oldest goes: a script that ends early fetches none.
const MOST_PACKETS: usize = 65_536;
/// Steps at one point in time beyond which the stack is thought to spin.
const PATIENCE: u32 = 100_000;

/// A packet that has left the stack.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) at: Instant,
    pub(crate) bytes: Vec<u8>,
}

/// All that calls act on.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) stack: Stack,
    interface: InterfaceId,
    pub(crate) now: Instant,
    pub(crate) left: VecDeque<Packet>,
    pub(crate) descriptors: Descriptors,
    /// Sockets with a call that waits for the end of a handshake to write.
    pub(crate) openers: Vec<RawFd>,
}

impl World {
    /// A host at the flags' address, whose only way leads to the script.
    pub(crate) fn new(flags: &Flags) -> Result<World, String> {
        let now = BEGIN;
        // The same numbers in every run: a script that fails once fails again.
        let mut stack = Stack::new(now, StackConfig::default(), [42; 32]);
        let interface = stack.add_interface(
            now,
            InterfaceConfig {
                name: "packetdrill".into(),
                medium: Medium::Ip,
                mtu: flags.mtu,
                super_segments: false,
            },
        );
        let error = |error: &dyn std::fmt::Display| error.to_string();
        let (address, prefix) = (flags.local.addr(), flags.local.prefix_len());
        stack
            .add_address(now, interface, address, prefix, Probing::Skip)
            .map_err(|reason| format!("{address}: {}", error(&reason)))?;
        let everywhere = match flags.remote {
            IpNet::V4(_) => IpNet::V4(Ipv4Net::default()),
            IpNet::V6(_) => IpNet::V6(Ipv6Net::default()),
        };
        stack.add_route(everywhere, None, interface).map_err(|reason| error(&reason))?;
        Ok(World {
            stack,
            interface,
            now,
            left: VecDeque::new(),
            descriptors: Descriptors::default(),
            openers: Vec::new(),
        })
    }

    /// Makes `ip` an address of this host: a script may have another than the flags say, and it is told nowhere but here.
    pub(crate) fn own(&mut self, ip: IpAddr) -> Result<(), Errno> {
        if self.stack.addresses().any(|own| own.address.addr() == ip) {
            return Ok(());
        }
        let prefix = if ip.is_ipv4() { 16 } else { 64 };
        let added = self.stack.add_address(self.now, self.interface, ip, prefix, Probing::Skip);
        added.map(drop).map_err(|_| Errno::EADDRNOTAVAIL)
    }

    /// Whether a socket's attempt to connect has not come to its end.
    pub(crate) fn is_opening(&self, number: RawFd) -> bool {
        let Ok(Role::Connection(id)) = self.descriptors.get(number).map(|socket| socket.role) else {
            return false;
        };
        let states = [State::SynSent, State::SynReceived];
        self.stack.tcp().info(id).is_some_and(|info| info.segment_size == 0 && states.contains(&info.state))
    }

    /// Whether a handshake is over that a call waits for to write. That is told once.
    pub(crate) fn has_opened(&mut self) -> bool {
        let mut openers = std::mem::take(&mut self.openers);
        let waiting = openers.len();
        openers.retain(|number| self.is_opening(*number));
        self.openers = openers;
        self.openers.len() < waiting
    }

    /// A packet comes in. That the stack drops it is none of the script's business.
    pub(crate) fn arrive(&mut self, bytes: &[u8]) {
        let _ = self.stack.on_frame(self.now, self.interface, Frame::copy_of(bytes));
    }

    /// Lets everything leave that is due now, and everything be told.
    pub(crate) fn settle(&mut self) {
        for _ in 0..PATIENCE {
            let Some(frame) = self.stack.poll_transmit(self.now, self.interface) else { break };
            self.leave(frame.to_vec());
        }
        while self.stack.poll_event().is_some() {}
        self.descriptors.note(&self.stack, self.now);
        self.descriptors.watch(&self.stack);
    }

    /// A packet has left the stack, and waits to be fetched.
    fn leave(&mut self, bytes: Vec<u8>) {
        if self.left.len() == MOST_PACKETS {
            self.left.pop_front();
        }
        self.left.push_back(Packet { at: self.now, bytes });
    }

    /// When something is due by itself.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.stack.poll_timeout()
    }

    /// Goes to `now`, where something may be due.
    pub(crate) fn go_to(&mut self, now: Instant) {
        self.now = self.now.max(now);
        for _ in 0..PATIENCE {
            if self.stack.poll_timeout().is_none_or(|due| due > self.now) {
                break;
            }
            self.stack.on_timeout(self.now);
        }
    }

    /// `duration` from now.
    pub(crate) fn after(&self, duration: Duration) -> Instant {
        self.now + duration
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_packets_that_nobody_fetches_the_oldest_go() {
        let mut world = World::new(&Flags::parse("family=4").unwrap()).unwrap();
        for number in 0..=MOST_PACKETS {
            world.leave(number.to_be_bytes().to_vec());
        }
        assert_eq!(world.left.len(), MOST_PACKETS);
        assert_eq!(world.left.front().unwrap().bytes, 1_usize.to_be_bytes());
        assert_eq!(world.left.back().unwrap().bytes, MOST_PACKETS.to_be_bytes());
    }
}
