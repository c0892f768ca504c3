//! Calls from several threads on one world, and its clock.
//!
//! Time is virtual: it passes only while somebody waits for it ([`Machine::sleep`], [`Machine::receive_packet`]) or asks for it. A call
//! that blocks sleeps on a condition variable. Whoever lets time pass stops at each point where something happens, lets all
//! blocked calls look again, and goes on only when each sleeps once more. A blocked call that returns has its time read by its
//! caller first: until then the clock stands still.

use crate::clock::Clock;
use crate::flags::Flags;
use crate::patience::Patience;
use crate::world::{Packet, World};
use basis::Instant;
use nix::errno::Errno;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What asking for the time costs, so that who spins until a point in time reaches it.
const TICK: Duration = Duration::from_micros(1);
/// Real time that the clock stands still for a caller that does not read it.
const COURTESY: Duration = Duration::from_millis(200);
/// Real time that a caller gets for what it does after its blocked call.
const AFTERMATH: Duration = Duration::from_millis(2);
/// Virtual time after which nobody waits for a packet any longer: two keepalive idle times of two hours.
const RECEIVE_PATIENCE: Duration = Duration::from_secs(4 * 3_600);

/// What the pointer `userdata` of all calls leads to.
#[derive(Debug)]
pub(crate) struct Machine {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    world: World,
    clock: Clock,
}

type Guard<'a> = MutexGuard<'a, State>;

impl Machine {
    pub(crate) fn new(flags: &Flags) -> Result<Machine, String> {
        crate::sysctl::note_inherited();
        let state = State { world: World::new(flags)?, clock: Clock::default() };
        Ok(Machine { state: Mutex::new(state), changed: Condvar::new() })
    }

    /// A call that panicked has broken at most its own socket: the others go on.
    fn lock(&self) -> Guard<'_> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep_on<'a>(&'a self, guard: Guard<'a>, at_most: Duration) -> (Guard<'a>, bool) {
        let (guard, timeout) =
            self.changed.wait_timeout(guard, at_most).unwrap_or_else(PoisonError::into_inner);
        (guard, timeout.timed_out())
    }

    // ---- calls ----

    /// Makes a call that returns at once.
    pub(crate) fn call<T>(&self, call: impl FnOnce(&mut World) -> Result<T, Errno>) -> Result<T, Errno> {
        let mut guard = self.lock();
        let result = call(&mut guard.world);
        drop(self.settle(guard));
        result
    }

    /// Makes a call that may block: `attempt` looks again whenever something has happened, until it returns something. When
    /// `patience` ends before, the call returns what `otherwise` says.
    pub(crate) fn wait<T>(
        &self,
        patience: Patience,
        mut attempt: impl FnMut(&mut World) -> Option<Result<T, Errno>>,
        otherwise: impl FnOnce(&mut World) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let mut guard = self.lock();
        let deadline = match patience {
            Patience::None => Some(guard.world.now),
            Patience::For(duration) => Some(guard.world.after(duration)),
            Patience::Endless => None,
        };
        let me = guard.clock.enter(deadline);
        loop {
            let State { world, clock } = &mut *guard;
            let expired = deadline.is_some_and(|deadline| deadline <= world.now);
            let result = attempt(world);
            if result.is_some() || expired {
                let result = result.unwrap_or_else(|| otherwise(world));
                clock.leave(me, thread::current().id());
                self.changed.notify_all();
                drop(self.settle(guard));
                return result;
            }
            // What was tried in vain may have had effects, such as half a write.
            world.settle();
            clock.has_looked(me);
            self.changed.notify_all();
            while guard.clock.sleeps(me) {
                guard = self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    // ---- time ----

    /// The time since the world began, after which the clock goes on.
    pub(crate) fn time(&self) -> Duration {
        let mut guard = self.lock();
        guard.clock.has_read(thread::current().id());
        self.changed.notify_all();
        guard = self.stand_still(guard);
        let to = guard.world.after(TICK);
        let guard = self.advance(guard, to, |_| false);
        Duration::from_nanos(guard.world.now.as_nanos())
    }

    /// Lets `duration` pass.
    pub(crate) fn sleep(&self, duration: Duration) {
        self.let_others_finish();
        let guard = self.lock();
        let to = guard.world.after(duration);
        drop(self.advance(guard, to, |_| false));
        self.let_others_finish();
    }

    /// A caller whose blocked call has returned has more to do than to read the clock, under a lock of packetdrill's that is free
    /// only while its main thread sleeps.
    fn let_others_finish(&self) {
        let returned = self.lock().clock.take_returned();
        if returned {
            thread::sleep(AFTERMATH);
        }
    }

    /// Waits for the next packet to leave. `None` if none will.
    pub(crate) fn receive_packet(&self) -> Option<Packet> {
        let guard = self.lock();
        let to = guard.world.after(RECEIVE_PATIENCE);
        let mut guard = self.advance(guard, to, |world| !world.left.is_empty());
        guard.world.left.pop_front()
    }

    /// A packet comes in.
    pub(crate) fn arrive(&self, packet: &[u8]) {
        let mut guard = self.lock();
        guard.world.arrive(packet);
        if guard.world.has_opened() {
            // Who waits to write joins the acknowledgment of the handshake.
            guard = self.let_look(guard);
        }
        drop(self.settle(guard));
    }

    /// Lets time pass until `to`, or until `enough`, or until nothing will ever happen again.
    fn advance<'a>(
        &'a self,
        mut guard: Guard<'a>,
        to: Instant,
        enough: impl Fn(&World) -> bool,
    ) -> Guard<'a> {
        loop {
            guard = self.stand_still(guard);
            if enough(&guard.world) {
                return guard;
            }
            let due = [guard.world.next_due(), guard.clock.next_deadline()];
            match due.into_iter().flatten().min() {
                Some(due) if due <= to => {
                    guard.world.go_to(due);
                    guard = self.settle(guard);
                }
                _ => {
                    guard.world.now = guard.world.now.max(to);
                    return guard;
                }
            }
        }
    }

    /// Lets the world follow from what has just happened, and every blocked call look at it.
    fn settle<'a>(&'a self, mut guard: Guard<'a>) -> Guard<'a> {
        guard.world.settle();
        self.let_look(guard)
    }

    /// Lets every blocked call look at what has happened.
    fn let_look<'a>(&'a self, mut guard: Guard<'a>) -> Guard<'a> {
        guard.clock.wake_all();
        self.changed.notify_all();
        while !guard.clock.all_sleep() {
            (guard, _) = self.sleep_on(guard, COURTESY);
        }
        guard
    }

    /// Waits until the callers of blocked calls that returned have read the clock.
    fn stand_still<'a>(&'a self, mut guard: Guard<'a>) -> Guard<'a> {
        guard.clock.has_read(thread::current().id());
        while guard.clock.is_awaited() {
            let late;
            (guard, late) = self.sleep_on(guard, COURTESY);
            if late {
                guard.clock.wait_no_longer();
            }
        }
        guard
    }
}
