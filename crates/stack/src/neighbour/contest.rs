//! A station says, unasked, that it has an address that another one is known to have.

use super::cache::Cache;
use super::entry::NeighbourState;
use crate::timers::{Timer, Timers};
use basis::Instant;
use core::net::IpAddr;
use wire::ethernet::MacAddress;

/// What is to be done about a claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Contest {
    /// It contradicts nobody who is known, or answers what was asked: it may be believed.
    None,
    /// All are to be asked who has the address; until somebody answers, whom we knew has it.
    Ask,
    /// They have been asked not long ago.
    Wait,
}

impl Cache {
    /// Judges that `hardware` claims `address`; `answers`: in a reply to us.
    ///
    /// Deviates: RFC 826 "Packet Reception" believes whoever spoke last, so that one forged or stray packet leads away all that is
    /// sent for as long as nobody contradicts it. Here a claim is a reason to ask, once in the time between requests. Who has moved
    /// answers, and is believed from then on.
    pub(crate) fn contest(
        &mut self,
        now: Instant,
        address: IpAddr,
        hardware: MacAddress,
        answers: bool,
        timers: &mut Timers,
    ) -> Contest {
        let (interface, retransmit) = (self.interface, self.times(address).retransmit);
        let Some(key) = self.by_address.get(&address).copied() else { return Contest::None };
        let Some(entry) = self.entries.get_mut(key) else { return Contest::None };
        let unknown = matches!(entry.state, NeighbourState::Incomplete | NeighbourState::Failed);
        let was_asked = entry.state == NeighbourState::Probe && entry.asked > 0;
        if unknown || entry.hardware == hardware || (answers && was_asked) {
            return Contest::None;
        }
        entry.is_contested = true;
        let (state, at, verdict) = match now < entry.contest {
            false => {
                entry.contest = now + retransmit;
                (NeighbourState::Probe, entry.contest, Contest::Ask)
            }
            // Nobody may claim it again, so the question must come by itself.
            true if entry.state != NeighbourState::Probe => {
                (NeighbourState::Delay, entry.contest, Contest::Wait)
            }
            true => return Contest::Wait,
        };
        entry.state = state;
        entry.asked = u8::from(verdict == Contest::Ask);
        entry.deadline = at;
        timers.cancel(&mut entry.timer);
        timers.arm(&mut entry.timer, at, Timer::Neighbour { interface, slot: key.index() });
        verdict
    }
}
