//! The deadlines of a stack's own parts, on one wheel. TCP has its own.

use basis::{Instant, TimerId, TimerWheel};

/// What a timer is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Timer {
    /// A neighbour, by its interface's number and its slot in that interface's cache.
    Neighbour { interface: u8, slot: u32 },
    /// An address, by its interface's number and its own.
    Address { interface: u8, number: u32 },
    /// A datagram in reassembly, by its slot.
    Reassembly { slot: u32 },
    /// What an interface knows of its link by IPv6, and its groups.
    Upkeep { interface: u8 },
}

const SLOT_BITS: u32 = 22;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;
const INTERFACE_MASK: u32 = 0xff;
const NEIGHBOUR: u32 = 0;
const ADDRESS: u32 = 1;
const REASSEMBLY: u32 = 2;
const UPKEEP: u32 = 3;

/// Most slots that a table with timers may have.
pub(crate) const MAX_SLOTS: usize = 1 << SLOT_BITS;

impl Timer {
    fn to_token(self) -> u32 {
        let (kind, interface, slot) = match self {
            Timer::Neighbour { interface, slot } => (NEIGHBOUR, interface, slot),
            Timer::Address { interface, number } => (ADDRESS, interface, number),
            Timer::Reassembly { slot } => (REASSEMBLY, 0, slot),
            Timer::Upkeep { interface } => (UPKEEP, interface, 0),
        };
        kind << (SLOT_BITS + 8) | u32::from(interface) << SLOT_BITS | slot & SLOT_MASK
    }

    fn from_token(token: u32) -> Timer {
        let interface = (token >> SLOT_BITS & INTERFACE_MASK) as u8;
        let slot = token & SLOT_MASK;
        match token >> (SLOT_BITS + 8) {
            NEIGHBOUR => Timer::Neighbour { interface, slot },
            ADDRESS => Timer::Address { interface, number: slot },
            REASSEMBLY => Timer::Reassembly { slot },
            _ => Timer::Upkeep { interface },
        }
    }
}

/// The stack's timers.
#[derive(Clone, Debug)]
pub(crate) struct Timers {
    wheel: TimerWheel,
}

impl Timers {
    pub(crate) fn new(now: Instant) -> Timers {
        Timers { wheel: TimerWheel::new(now) }
    }

    /// Arms `timer` in `place`, moving it if it is armed.
    pub(crate) fn arm(&mut self, place: &mut Option<TimerId>, deadline: Instant, timer: Timer) {
        match *place {
            Some(armed) => self.wheel.rearm(armed, deadline),
            None => *place = Some(self.wheel.arm(deadline, timer.to_token())),
        }
    }

    /// Disarms the timer in `place`, if there is one.
    pub(crate) fn cancel(&mut self, place: &mut Option<TimerId>) {
        if let Some(armed) = place.take() {
            self.wheel.cancel(armed);
        }
    }

    /// A timer that has expired. Whose it is must forget its id.
    pub(crate) fn pop_expired(&mut self, now: Instant) -> Option<Timer> {
        self.wheel.pop_expired(now).map(Timer::from_token)
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.wheel.next_deadline()
    }

    #[cfg(test)]
    pub(crate) fn armed(&self) -> usize {
        self.wheel.armed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_carries_every_timer_there_and_back() {
        for timer in [
            Timer::Neighbour { interface: 0, slot: 0 },
            Timer::Neighbour { interface: 255, slot: SLOT_MASK },
            Timer::Address { interface: 7, number: 63 },
            Timer::Reassembly { slot: SLOT_MASK },
            Timer::Upkeep { interface: 255 },
        ] {
            assert_eq!(Timer::from_token(timer.to_token()), timer);
        }
    }
}
