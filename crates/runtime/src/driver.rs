//! The event loop: one thread moves frames between one stack and its links.

use crate::clock::time_until;
use crate::delay::Delay;
use crate::drain;
use crate::exchange::{deliver, fill, is_due};
use crate::lead::{Drive, Next, Who};
use crate::polling::Polling;
use crate::port::{self, BATCH, Port};
use crate::state::{Core, Shared};
use basis::{Frame, Instant};
use mio::{Events, Poll};
use stack::InterfaceId;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::Waker;
use std::time::Duration;

/// The token of the alarm; ports have their index.
pub(crate) const ALARM: usize = usize::MAX;
/// How often a driver without handles looks whether everything is delivered.
const DRAIN_CHECK: Duration = Duration::from_millis(20);

/// Frames that a link may have brought while a timer was due before the timer expires all the same: more than a window's worth of
/// segments, and no flood holds a timer back for longer than these take.
const CATCH_UP: usize = 64 * BATCH;

/// How long the links may take for what is left at the end.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How often a full link is tried meanwhile.
const LAST_TRY: Duration = Duration::from_millis(1);

/// What the driver's thread owns.
pub(crate) struct Driver {
    shared: Arc<Shared>,
    poll: Poll,
    events: Events,
    ports: Vec<Port>,
    woken: Vec<Waker>,
    abandoned: Option<Abandoned>,
    delay: Delay,
    /// The thread's own, and that of a caller who drives.
    polling: Polling,
    led: Polling,
    /// Packets that are for other shards.
    handovers: Vec<(InterfaceId, usize, Frame)>,
}

/// The last handle is gone.
#[derive(Clone, Copy)]
struct Abandoned {
    since: Instant,
    next_check: Instant,
}

impl Driver {
    pub(crate) fn new(shared: Arc<Shared>, poll: Poll, ports: Vec<Port>) -> Driver {
        let events = Events::with_capacity(ports.len() + 1);
        Driver {
            shared,
            poll,
            events,
            ports,
            woken: Vec::new(),
            abandoned: None,
            delay: Delay::default(),
            polling: Polling::default(),
            led: Polling::of_leader(Duration::ZERO),
            handovers: Vec::new(),
        }
    }

    /// Asks once more for up to that time after traffic before it sleeps, where that has been worthwhile.
    pub(crate) fn with_polling(mut self, most: Duration) -> Driver {
        (self.polling, self.led) = (Polling::new(most), Polling::of_leader(most));
        self
    }

    /// Runs until the host's end, in its own thread: drives, or follows who does.
    pub(crate) fn run(self) {
        let shared = Arc::clone(&self.shared);
        *shared.helm.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(self));
        let _end = End(&shared);
        loop {
            // A thread that panicked at the helm is a fault of ours, and the host's end.
            let Ok(mut helm) = shared.helm.lock() else { return };
            let Some(driver) = helm.as_mut() else { return };
            if !driver.drive() {
                return;
            }
            drop(helm);
            shared.step_aside();
            shared.follow();
        }
    }

    fn receive(&mut self) {
        let now = self.shared.clock.now();
        for index in 0..self.ports.len() {
            if let Err(error) = self.ports[index].receive(now) {
                self.give_up(index, &error);
            }
        }
    }

    /// Lets the stack see what arrived and what time it is, and pulls what it sends. Returns whether it has more to send, or
    /// `None` at the host's end.
    fn process(&mut self) -> Option<bool> {
        let shared = Arc::clone(&self.shared);
        let mut core = shared.lock();
        core.sleeping = None;
        let now = shared.clock.now();
        if self.is_at_end(&core, now) {
            drop(core);
            self.say_last_words();
            return None;
        }
        deliver(&mut self.ports, &mut core.stack, now);
        let mut now = now;
        if is_due(&core.stack, self.delay.before(now)) {
            drop(core);
            let until = self.catch_up();
            core = shared.lock();
            core.stack.on_timeout(until);
            now = shared.clock.now();
        }
        self.delay.on_pulled(now);
        let more = fill(&mut self.ports, &mut core.stack, now);
        core.collect_events(&mut self.woken);
        if !self.woken.is_empty() {
            core.lead.on_woken(now);
        }
        let news = shared.news(&mut core);
        self.handovers.extend(std::iter::from_fn(|| core.stack.poll_handover()));
        drop(core);
        if let Some(news) = news {
            shared.share(&news);
        }
        shared.hand_over(&mut self.handovers);
        self.woken.drain(..).for_each(Waker::wake);
        Some(more)
    }

    /// Takes in what has arrived before the timers that are due may expire. What a timer waits for, mostly an acknowledgment, may
    /// lie in a link while this thread has to wait for the processor; a timer that expired then would tell of a loss that is
    /// none. Returns the moment up to which timers may expire: all that had arrived by then is known.
    fn catch_up(&mut self) -> Instant {
        for _ in 0..CATCH_UP / BATCH {
            let now = self.shared.clock.now();
            let mut more = false;
            for index in 0..self.ports.len() {
                match self.ports[index].look(now) {
                    Ok(readable) => more |= readable,
                    Err(error) => self.give_up(index, &error),
                }
            }
            let mut core = self.shared.lock();
            deliver(&mut self.ports, &mut core.stack, self.shared.clock.now());
            let until = self.delay.before(now);
            if !more || !is_due(&core.stack, until) {
                return until;
            }
        }
        self.delay.before(self.shared.clock.now())
    }

    /// Sends what the stack still has to say at the end, as the RSTs of connections that were just aborted, for as long as the
    /// links take it and [`LAST_WORDS`] at most.
    fn say_last_words(&mut self) {
        let end = self.shared.clock.now() + LAST_WORDS;
        loop {
            let now = self.shared.clock.now();
            let more = fill(&mut self.ports, &mut self.shared.lock().stack, now);
            self.transmit();
            if now >= end || (!more && self.ports.iter().all(Port::is_empty)) {
                return;
            }
            if !more {
                // Everybody who has something left was full: not worth being watched for that, it is tried again.
                std::thread::sleep(LAST_TRY);
                self.ports.iter_mut().for_each(Port::on_ready);
            }
        }
    }

    /// Whether somebody stopped the host, or nobody is left and everything is delivered.
    fn is_at_end(&mut self, core: &Core, now: Instant) -> bool {
        if core.stop || self.shared.family.handles.load(Ordering::Acquire) > 0 {
            return core.stop;
        }
        let abandoned = self.abandoned.get_or_insert(Abandoned { since: now, next_check: now });
        if now < abandoned.next_check {
            return false;
        }
        abandoned.next_check = now + DRAIN_CHECK;
        now >= abandoned.since + drain::LINGER
            || self.shared.family.all_over(self.shared.number, drain::is_over(&core.stack))
    }

    fn transmit(&mut self) {
        let now = self.shared.clock.now();
        for index in 0..self.ports.len() {
            if let Err(error) = self.ports[index].transmit(now) {
                self.give_up(index, &error);
            }
        }
        self.delay.on_sent(self.shared.clock.now());
    }

    /// Looks for the last time whether there is work, and declares itself asleep under the same lock.
    fn settle(&mut self) -> Next {
        if !self.shared.family.is_alone() {
            self.shared.bell.nap();
        }
        let mut core = self.shared.lock();
        let now = self.shared.clock.now();
        let timeout = core.stack.poll_timeout().unwrap_or(Instant::FAR_FUTURE);
        let mut until = self.delay.after(now, timeout);
        for port in &self.ports {
            until = until.min(port.poll_timeout());
        }
        let abandoned = self.shared.family.handles.load(Ordering::Acquire) == 0;
        until = until.min(self.abandoned.map_or(Instant::FAR_FUTURE, |abandoned| abandoned.next_check));
        if core.stop || (abandoned && self.abandoned.is_none()) {
            return Next::Turn;
        }
        self.note_open(&mut core);
        if until <= now || core.has_transmit() {
            return Next::Turn;
        }
        core.sleeping = Some(until);
        Next::Sleep(until)
    }

    /// The same without sleeping: whoever makes work need not tell, since it is seen in the next turn.
    fn look_for_work(&self) -> Next {
        let mut core = self.shared.lock();
        self.note_open(&mut core);
        if core.has_transmit() { Next::Turn } else { Next::Ask }
    }

    /// A port that is full says itself when it is not: what waits for it is no work now.
    fn note_open(&self, core: &mut Core) {
        core.open.clear();
        core.open.extend(self.ports.iter().filter(|port| port.is_open()).map(|port| port.interface));
    }

    /// Asks the operating system what has become ready, for up to `patience`; `None` waits for ever.
    fn ask(&mut self, patience: Option<Duration>) {
        self.look_around(patience);
        self.shared.bell.rise();
    }

    fn look_around(&mut self, patience: Option<Duration>) {
        for (index, error) in port::watch(&mut self.ports, self.poll.registry()) {
            self.give_up(index, &error);
        }
        match self.poll.poll(&mut self.events, patience) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
            Err(error) => {
                // Nothing that we know of leads here. Whatever it is, it must not become a busy loop.
                self.note_failure(&format!("event loop: {error}"));
                std::thread::sleep(Duration::from_millis(10));
                return;
            }
        }
        for event in &self.events {
            if let Some(port) = self.ports.get_mut(event.token().0) {
                port.on_ready();
            }
        }
    }

    /// A link is broken for good: its interface goes down, the others go on.
    fn give_up(&mut self, index: usize, error: &io::Error) {
        let Some(port) = self.ports.get_mut(index) else { return };
        if std::mem::replace(&mut port.broken, true) {
            return;
        }
        let interface = port.interface;
        self.shared.act(|core, now| core.stack.set_link_state(now, interface, false));
        self.note_failure(&format!("link {index}: {error}"));
        // The loopback does not count, which leads to nobody else.
        let links = &self.shared.interfaces;
        if self.ports.iter().all(|port| port.broken || !links.contains(&port.interface)) {
            self.shared.sever(&format!("the link is broken: {error}"));
        }
    }

    fn note_failure(&self, message: &str) {
        self.shared.lock().link_failures.note(message);
    }
}

impl Drive for Driver {
    fn drive(&mut self) -> bool {
        loop {
            match self.turn(Who::Thread) {
                Next::End => return false,
                next if next.is_still()
                    && self.shared.family.is_alone()
                    && self.shared.lock().may_be_led(1) =>
                {
                    return true;
                }
                Next::Sleep(until) => self.sleep(time_until(self.shared.clock.now(), until)),
                next => Drive::look(self, next),
            }
        }
    }

    fn look(&mut self, next: Next) {
        if next == Next::Ask {
            // Whoever is to send what is asked for may wait for this very processor.
            std::thread::yield_now();
        }
        self.ask(Some(Duration::ZERO));
    }

    fn sleep(&mut self, patience: Option<Duration>) {
        if patience != Some(Duration::ZERO) {
            self.shared.sleeps.fetch_add(1, Ordering::Relaxed);
        }
        self.ask(patience);
    }

    /// Each part is bounded, so that every port gets its turn.
    fn turn(&mut self, who: Who) -> Next {
        self.shared.turns.fetch_add(1, Ordering::Relaxed);
        self.receive();
        let mut moves = self.ports.iter().any(|port| !port.arrived.is_empty());
        let Some(mut more) = self.process() else { return Next::End };
        moves |= self.ports.iter().any(Port::has_waiting);
        self.transmit();
        more |= self.ports.iter().any(|port| port.poll_timeout() == Instant::ZERO);
        if more {
            return Next::Turn;
        }
        let polling = if who == Who::Caller { &mut self.led } else { &mut self.polling };
        if polling.is_on() && polling.goes_on(self.shared.clock.now(), moves) {
            self.look_for_work()
        } else {
            self.settle()
        }
    }
}

/// Takes the driver down at the end of its thread.
struct End<'a>(&'a Shared);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let driver = self.0.helm.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(driver);
    }
}

impl Drop for Driver {
    /// However the driver ends, by a fault of ours too, nobody goes on waiting for it.
    fn drop(&mut self) {
        // Links first: whoever waits for the end finds their files written and their sockets closed.
        self.ports.clear();
        self.shared.family.all_over(self.shared.number, true);
        let mut core = self.shared.lock();
        core.stopped = true;
        core.sleeping = None;
        core.wakers.take_all(&mut self.woken);
        drop(core);
        self.shared.ended.notify_all();
        self.woken.drain(..).for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests;
