//! Who waits for the clock, and for whom the clock waits.

use basis::Instant;
use std::collections::BTreeMap;
use std::thread::ThreadId;

/// The calls that block, and the callers that have yet to read the time of their return.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    calls: BTreeMap<u64, Blocked>,
    next: u64,
    /// Threads whose blocked call has returned, until they have read the time.
    returned: Vec<ThreadId>,
    /// A blocked call has returned since this was last asked.
    has_returned: bool,
}

#[derive(Debug)]
struct Blocked {
    /// It has looked at all that has happened, and sleeps.
    sleeps: bool,
    /// It has slept at all.
    slept: bool,
    deadline: Option<Instant>,
}

impl Clock {
    /// A call that may block begins. Returns its number.
    pub(crate) fn enter(&mut self, deadline: Option<Instant>) -> u64 {
        self.next += 1;
        self.calls.insert(self.next, Blocked { sleeps: false, slept: false, deadline });
        self.next
    }

    /// The call `number` has looked in vain.
    pub(crate) fn has_looked(&mut self, number: u64) {
        if let Some(call) = self.calls.get_mut(&number) {
            (call.sleeps, call.slept) = (true, true);
        }
    }

    /// Whether nothing has happened since the call `number` looked.
    pub(crate) fn sleeps(&self, number: u64) -> bool {
        self.calls.get(&number).is_some_and(|call| call.sleeps)
    }

    /// The call `number` returns on `thread`; if it had blocked, its time has to be read.
    pub(crate) fn leave(&mut self, number: u64, thread: ThreadId) {
        if self.calls.remove(&number).is_some_and(|call| call.slept) {
            self.returned.push(thread);
            self.has_returned = true;
        }
    }

    /// Something has happened: every blocked call has to look.
    pub(crate) fn wake_all(&mut self) {
        for call in self.calls.values_mut() {
            call.sleeps = false;
        }
    }

    /// Whether no blocked call has still to look.
    pub(crate) fn all_sleep(&self) -> bool {
        self.calls.values().all(|call| call.sleeps)
    }

    /// When a blocked call gives up.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.calls.values().filter_map(|call| call.deadline).min()
    }

    /// `thread` reads the time.
    pub(crate) fn has_read(&mut self, thread: ThreadId) {
        self.returned.retain(|other| *other != thread);
    }

    /// Whether somebody has yet to read the time of a return.
    pub(crate) fn is_awaited(&self) -> bool {
        !self.returned.is_empty()
    }

    /// Whether a blocked call has returned since this was last asked.
    pub(crate) fn take_returned(&mut self) -> bool {
        std::mem::take(&mut self.has_returned)
    }

    /// Nobody is waited for any more.
    pub(crate) fn wait_no_longer(&mut self) {
        self.returned.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_has_blocked_has_its_time_read() {
        let mut clock = Clock::default();
        let me = std::thread::current().id();
        let call = clock.enter(None);
        clock.leave(call, me);
        assert!(!clock.is_awaited());
        let call = clock.enter(Some(Instant::from_millis(5)));
        assert_eq!(clock.next_deadline(), Some(Instant::from_millis(5)));
        clock.has_looked(call);
        assert!(clock.all_sleep());
        clock.wake_all();
        assert!(!clock.all_sleep() && !clock.sleeps(call));
        clock.leave(call, me);
        assert!(clock.is_awaited() && clock.all_sleep());
        assert!(clock.take_returned() && !clock.take_returned());
        clock.has_read(me);
        assert!(!clock.is_awaited());
    }
}
