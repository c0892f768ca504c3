//! How a thread of the application takes the helm, and how the driver's thread follows: see [`crate::lead`].

use crate::clock::time_until;
use crate::lead::{Next, OFTEN, Who};
use crate::parker::Parker;
use crate::state::{Core, Shared};
use basis::Instant;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant as Time};

/// How often the driver's thread looks whether somebody drives.
const TICK: Duration = Duration::from_micros(500);
/// Turns that one makes who drives only for what it has written.
const TURNS: usize = 4;

impl Core {
    /// Whether the driver's thread may stay away, though that many wait for data.
    pub(crate) fn may_be_led(&self, waiting: usize) -> bool {
        self.lead.soon >= OFTEN
            && !self.stop
            && self.wakers.waiting_for_traffic() <= waiting
            && !self.has_transmit()
    }

    fn leave_helm(&mut self, may: bool) {
        self.lead.moves += 1;
        self.lead.who = if may { Who::Nobody } else { Who::Thread };
        // Timers are the thread's, at its next tick: whoever acts is asked for what can be sent at once.
        self.sleeping = may.then_some(Instant::ZERO);
    }
}

impl Shared {
    /// The driver's thread, having found nothing to do and let go of the helm, steps aside if there is still nothing. Who waits
    /// already is woken, to take the helm.
    pub(crate) fn step_aside(&self) {
        let mut woken = Vec::new();
        let mut core = self.lock();
        let may = core.may_be_led(1);
        core.leave_helm(may);
        if may {
            core.wakers.take_waiting_for_traffic(&mut woken);
        }
        drop(core);
        woken.into_iter().for_each(Waker::wake);
    }

    /// The driver's thread waits until it is to drive.
    pub(crate) fn follow(&self) {
        let mut core = self.lock();
        let mut seen = None;
        while core.lead.who != Who::Thread {
            let moves = core.lead.moves;
            let still = seen.replace(moves) == Some(moves);
            if still && core.lead.is_nobody() {
                (core.lead.who, core.lead.soon) = (Who::Thread, 0);
            } else if still && core.sleeping.is_some() {
                // Whoever wakes up at the helm leaves it, or is seen at the next tick after that.
                core.lead.rests = true;
                core = self.baton.wait(core).unwrap_or_else(PoisonError::into_inner);
                core.lead.rests = false;
            } else {
                core = self.wait_a_tick(core);
            }
        }
        core.sleeping = None;
    }

    /// Waits for a tick, whole, or until it is the thread's turn.
    fn wait_a_tick<'a>(&self, core: MutexGuard<'a, Core>) -> MutexGuard<'a, Core> {
        let follows = |core: &mut Core| core.lead.who != Who::Thread;
        self.baton.wait_timeout_while(core, TICK, follows).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Drives for what has just been written; the helm was taken.
    pub(crate) fn drive_out(&self) {
        let mut helm = Helm { shared: self, goes_on: false };
        if let Ok(mut driver) = self.helm.lock()
            && let Some(driver) = driver.as_mut()
        {
            let last = (0..TURNS).map(|_| driver.turn(Who::Caller)).find(|next| *next != Next::Turn);
            helm.goes_on = last.is_some_and(Next::is_still);
        }
    }

    /// Takes the helm for one who waits, if it is free and nobody else waits: two are served better by a third.
    fn take_to_wait(&self) -> bool {
        let mut core = self.lock();
        // The own place is one.
        if core.wakers.waiting_for_traffic() <= 1 && core.lead.take() {
            core.sleeping = None;
            return true;
        }
        let recalled = core.lead.recall();
        drop(core);
        if recalled {
            self.baton.notify_one();
        }
        false
    }

    /// Drives until `parker` is woken or `deadline` is there, if the helm is free; false if it was the deadline.
    pub(crate) fn wait_at_helm(&self, parker: &Parker, deadline: Option<Time>) -> Option<bool> {
        if !self.take_to_wait() {
            return None;
        }
        let mut helm = Helm { shared: self, goes_on: false };
        let mut driver = self.helm.lock().ok()?;
        let driver = driver.as_mut()?;
        loop {
            let next = driver.turn(Who::Caller);
            helm.goes_on = next.is_still();
            if next == Next::End {
                return None;
            }
            if parker.take_woken() {
                return Some(true);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Time::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Some(false);
            }
            match next {
                Next::Sleep(until) => {
                    let due = time_until(self.clock.now(), until);
                    let patience = left.into_iter().chain(due).min();
                    parker.poll(&self.bell, || driver.sleep(patience));
                }
                _ => driver.look(next),
            }
        }
    }
}

/// Held by a caller that drives. However it ends, somebody drives after it.
struct Helm<'a> {
    shared: &'a Shared,
    /// Nothing was left to do.
    goes_on: bool,
}

impl Drop for Helm<'_> {
    fn drop(&mut self) {
        let mut core = self.shared.lock();
        let may = self.goes_on && core.may_be_led(0);
        core.leave_helm(may);
        let tell = core.lead.rests || !core.lead.is_nobody();
        drop(core);
        if tell {
            self.shared.baton.notify_one();
        }
        self.shared.led.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
