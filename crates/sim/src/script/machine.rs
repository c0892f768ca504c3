//! The stack under test and its time: what leaves it is kept, and what it announces is compared with what is so.

use super::family::Family;
use super::observed::Observed;
use super::settings::Settings;
use basis::{Frame, Instant};
use stack::{InterfaceConfig, InterfaceId, Medium, Probing, Stack, StackConfig};
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;
use tcp::{ConnectionId, Readiness};

/// Steps without time passing, and segments at once, beyond which a stack is thought to spin.
const PATIENCE: u32 = 100_000;

#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) stack: Stack,
    pub(crate) family: Family,
    interface: InterfaceId,
    mtu: usize,
    pub(crate) now: Instant,
    /// What has left and was not yet expected.
    pub(crate) left: VecDeque<Observed>,
    /// Readiness that events have told of.
    told: BTreeMap<ConnectionId, Readiness>,
    /// Steps since time passed.
    steps: u32,
}

impl Machine {
    pub(crate) fn new(settings: &Settings, later: Duration, family: Family) -> Result<Machine, String> {
        let mtu = family.mtu(settings.mtu);
        let now = Instant::from_millis(10_000) + later;
        let config = StackConfig { tcp: settings.host, ..StackConfig::default() };
        let mut stack = Stack::new(now, config, [42; 32]);
        let interface = stack.add_interface(
            now,
            InterfaceConfig { name: "script".into(), medium: Medium::Ip, mtu, super_segments: false },
        );
        stack
            .add_address(now, interface, family.local(), 24, Probing::Skip)
            .map_err(|error| error.to_string())?;
        let everywhere = match family.local() {
            IpAddr::V4(_) => ipnet::IpNet::V4(ipnet::Ipv4Net::default()),
            IpAddr::V6(_) => ipnet::IpNet::V6(ipnet::Ipv6Net::default()),
        };
        stack.add_route(everywhere, None, interface).map_err(|error| error.to_string())?;
        let (left, told) = (VecDeque::new(), BTreeMap::new());
        Ok(Machine { stack, family, interface, mtu, now, left, told, steps: 0 })
    }

    /// A packet comes in. That the stack drops it is none of the script's business.
    pub(crate) fn arrive(&mut self, packet: Frame) {
        let _ = self.stack.on_frame(self.now, self.interface, packet);
    }

    /// Lets everything leave that is due now, and everything be told.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        let mut count = 0;
        while let Some(frame) = self.stack.poll_transmit(self.now, self.interface) {
            count += 1;
            if count > PATIENCE {
                return Err("the stack does not stop sending".into());
            }
            self.left.push_back(Observed::read(self.now, &frame, self.mtu)?);
        }
        if self.stack.has_transmit(self.interface) {
            return Err("nothing leaves though the stack says it has something to send".into());
        }
        self.listen_to_events()
    }

    fn listen_to_events(&mut self) -> Result<(), String> {
        let tcp = self.stack.tcp();
        self.told.retain(|id, told| {
            *told = *told & tcp.readiness(*id);
            true
        });
        while let Some(event) = self.stack.poll_event() {
            if let stack::Event::Tcp(tcp::Event::Connection(id, fresh)) = event {
                let told = self.told.entry(id).or_default();
                *told |= fresh;
            }
        }
        for summary in self.stack.tcp().connections().filter(|summary| !summary.detached) {
            let Some(id) = summary.id else { continue };
            let ready = self.stack.tcp().readiness(id);
            let told = self.told.get(&id).copied().unwrap_or_default();
            if !told.contains(ready) {
                return Err(format!("{:?} was never announced", ready & !told));
            }
        }
        Ok(())
    }

    /// Goes to the next point in time at which something is due, or to `limit`. Returns false once that is reached.
    pub(crate) fn step(&mut self, limit: Instant) -> Result<bool, String> {
        self.settle()?;
        let due = self.stack.poll_timeout().filter(|due| *due <= limit);
        let Some(due) = due else {
            let reached = self.now >= limit;
            self.now = self.now.max(limit);
            return Ok(!reached);
        };
        self.steps = if due > self.now { 0 } else { self.steps + 1 };
        if self.steps > PATIENCE {
            return Err("a deadline is due again and again".into());
        }
        self.now = self.now.max(due);
        self.stack.on_timeout(self.now);
        self.settle()?;
        Ok(true)
    }
}
