//! What neighbour advertisements do to the cache (RFC 4861 7.2.5).

use super::cache::Cache;
use super::entry::NeighbourState;
use crate::timers::Timers;
use alloc::collections::VecDeque;
use basis::{Frame, Instant};
use core::net::IpAddr;
use wire::ethernet::MacAddress;

/// What an advertisement says, besides of whom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Advertisement {
    pub(crate) hardware: Option<MacAddress>,
    pub(crate) solicited: bool,
    pub(crate) overriding: bool,
}

impl Cache {
    /// Somebody advertises `address`. Nobody is remembered who was not asked for. Returns the station and what waited for it.
    pub(crate) fn on_advertisement(
        &mut self,
        now: Instant,
        address: IpAddr,
        advertisement: Advertisement,
        timers: &mut Timers,
    ) -> Option<(MacAddress, VecDeque<Frame>)> {
        let reachable_time = self.times(address).reachable;
        let key = *self.by_address.get(&address)?;
        let entry = self.entries.get_mut(key)?;
        let Advertisement { hardware, solicited, overriding } = advertisement;
        let unknown = matches!(entry.state, NeighbourState::Incomplete | NeighbourState::Failed);
        let state = if unknown {
            entry.hardware = hardware?;
            if solicited { NeighbourState::Reachable } else { NeighbourState::Stale }
        } else {
            let differs = hardware.is_some_and(|hardware| hardware != entry.hardware);
            if differs && !overriding {
                // The old one may still be right: it is used, and asked soon.
                if entry.state == NeighbourState::Reachable {
                    (entry.state, entry.deadline) = (NeighbourState::Stale, Instant::FAR_FUTURE);
                }
                return None;
            }
            entry.hardware = hardware.unwrap_or(entry.hardware);
            match (solicited, differs) {
                (true, _) => NeighbourState::Reachable,
                (false, true) => NeighbourState::Stale,
                (false, false) => return None,
            }
        };
        timers.cancel(&mut entry.timer);
        entry.state = state;
        entry.asked = 0;
        entry.deadline =
            if state == NeighbourState::Reachable { now + reachable_time } else { Instant::FAR_FUTURE };
        self.waiting_bytes = self.waiting_bytes.saturating_sub(entry.waiting_bytes());
        Some((entry.hardware, entry.take_waiting()))
    }
}
