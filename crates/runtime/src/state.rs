//! What the driver and the application's threads share, and how they tell each other about work.

use crate::clock::Clock;
use crate::failures::Failures;
use crate::lead::{Drive, Lead};
use crate::shards::bell::Bell;
use crate::shards::family::Family;
use crate::wakers::{Awaited, Ticket, Wakers};
use basis::Instant;
use stack::{InterfaceId, Stack, Surroundings};
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;

/// One host's stack, or one shard of it, and everything around it.
pub(crate) struct Shared {
    pub(crate) name: String,
    pub(crate) clock: Clock,
    /// The interfaces in the order of their adding, without the loopback.
    pub(crate) interfaces: Vec<InterfaceId>,
    core: Mutex<Core>,
    /// Told when [`Core::stopped`] becomes true.
    pub(crate) ended: Condvar,
    /// What moves frames, for whoever drives ([`Lead`]). Taken before the core's lock, never after it.
    pub(crate) helm: Mutex<Option<Box<dyn Drive>>>,
    /// Tells the driver's thread, while another one drives, that it is its turn.
    pub(crate) baton: Condvar,
    /// Ends the driver's sleep.
    pub(crate) bell: Arc<Bell>,
    /// What all shards of the host have in common.
    pub(crate) family: Arc<Family>,
    /// Of this shard.
    pub(crate) number: usize,
    /// All shards, this one among them, kept alive by their drivers and by handles.
    pub(crate) siblings: OnceLock<Box<[Weak<Shared>]>>,
    /// Whether others copy its addresses and routes.
    leads: bool,
    pub(crate) turns: AtomicU64,
    pub(crate) sleeps: AtomicU64,
    /// How often a thread of the application has driven.
    pub(crate) led: AtomicU64,
}

/// What the lock guards.
pub(crate) struct Core {
    pub(crate) stack: Stack,
    pub(crate) wakers: Wakers,
    /// Who drives.
    pub(crate) lead: Lead,
    /// Until when the driver sleeps, if it does. It is set under the same lock under which the driver looked for work for
    /// the last time, so whoever makes work after that sees it: no wake-up is lost.
    pub(crate) sleeping: Option<Instant>,
    /// The interfaces that took frames when the driver went to sleep.
    pub(crate) open: Vec<InterfaceId>,
    /// Somebody asked the driver to end.
    pub(crate) stop: bool,
    /// The driver has ended: nothing moves any more.
    pub(crate) stopped: bool,
    /// Why links broke for good, in their order of failing.
    pub(crate) link_failures: Failures,
    /// Why no link is left: all broke for good.
    pub(crate) severed: Option<String>,
    /// The revision of addresses and routes that the other shards were told of.
    told: u64,
}

/// What a call does that has made work for a driver that sleeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Then {
    /// It wakes it.
    Wake,
    /// It drives itself, if nobody does.
    Drive,
}

impl Core {
    /// Moves those to `woken` whom the stack's events concern.
    #[inline]
    pub(crate) fn collect_events(&mut self, woken: &mut Vec<Waker>) {
        while let Some(event) = self.stack.poll_event() {
            self.wakers.on_event(&event, woken);
        }
    }

    /// Why nobody need wait for `awaited` any more, if so: the host has ended, or no link is left by which it could come.
    #[cold]
    pub(crate) fn in_vain(&self, awaited: Awaited) -> Option<io::Error> {
        if self.stopped {
            return Some(stopped());
        }
        let why = self.severed.as_ref()?;
        let comes_by_a_link = match awaited {
            Awaited::Read(id) | Awaited::Write(id) => self.stack.tcp().tuple(id).is_some_and(|tuple| {
                let peer = tuple.remote;
                !peer.is_loopback() && self.stack.address_state(peer).is_none()
            }),
            Awaited::Address => true,
            // Others of this very host may still call and send.
            Awaited::Accept(_) | Awaited::Receive(_) | Awaited::Send(_) | Awaited::Ping(_) => false,
        };
        comes_by_a_link.then(|| io::Error::new(io::ErrorKind::NetworkDown, why.clone()))
    }

    /// What the other shards have to be told of addresses and routes, if that has changed.
    #[inline]
    fn news(&mut self) -> Option<Surroundings> {
        let revision = self.stack.surroundings_revision();
        (std::mem::replace(&mut self.told, revision) != revision).then(|| self.stack.surroundings())
    }

    /// Whether the stack has something to send that can be sent.
    #[inline]
    pub(crate) fn has_transmit(&self) -> bool {
        self.open.iter().any(|interface| self.stack.has_transmit(*interface))
    }

    /// Whether the sleeping driver must be woken for what has become due; it is then no longer taken for asleep, so one alarm
    /// is enough however many threads have work.
    #[inline]
    fn must_wake_driver(&mut self) -> bool {
        let Some(until) = self.sleeping else { return false };
        let earlier = self.stack.poll_timeout().is_some_and(|timeout| timeout < until);
        let due = earlier || self.stop || self.has_transmit();
        if due {
            self.sleeping = None;
        }
        due
    }
}

impl Shared {
    pub(crate) fn new(
        name: String,
        clock: Clock,
        interfaces: Vec<InterfaceId>,
        stack: Stack,
        bell: Arc<Bell>,
        family: Arc<Family>,
    ) -> Shared {
        let number = stack.shard().index();
        let core = Core {
            stack,
            wakers: Wakers::default(),
            lead: Lead::default(),
            sleeping: None,
            open: Vec::new(),
            stop: false,
            stopped: false,
            link_failures: Failures::default(),
            severed: None,
            told: 0,
        };
        Shared {
            name,
            clock,
            interfaces,
            core: Mutex::new(core),
            ended: Condvar::new(),
            bell,
            leads: number == 0 && !family.is_alone(),
            number,
            siblings: OnceLock::new(),
            family,
            turns: AtomicU64::new(0),
            sleeps: AtomicU64::new(0),
            led: AtomicU64::new(0),
            helm: Mutex::new(None),
            baton: Condvar::new(),
        }
    }

    /// The lock. A thread that panicked in the stack is a fault of ours; the others go on as well as they can.
    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `act` use the stack, then wakes whom it concerns and the driver, if that made work for it.
    #[inline]
    pub(crate) fn act<R>(&self, act: impl FnOnce(&mut Core, Instant) -> R) -> R {
        self.act_if(Then::Wake, |core, now| (act(core, now), true))
    }

    /// Like [`Shared::act`] for what may come to nothing: `act` says whether it did anything. TCP takes every call for a reason
    /// to look at a connection again; one that had to wait is none to wake the driver.
    #[inline]
    pub(crate) fn act_if<R>(&self, then: Then, act: impl FnOnce(&mut Core, Instant) -> (R, bool)) -> R {
        let mut woken = Vec::new();
        let mut core = self.lock();
        // Read under the lock, so that the stack's time never goes back.
        let now = self.clock.now();
        let (result, acted) = act(&mut core, now);
        core.collect_events(&mut woken);
        let wake_driver = acted && core.must_wake_driver();
        let drive = wake_driver && then == Then::Drive && core.lead.take();
        let recalled = wake_driver && !drive && core.lead.recall();
        let news = self.news(&mut core);
        drop(core);
        if let Some(news) = news {
            self.share(&news);
        }
        if drive {
            self.drive_out();
        } else if recalled {
            self.baton.notify_one();
        } else if wake_driver {
            self.bell.ring();
        }
        woken.into_iter().for_each(Waker::wake);
        result
    }

    /// What has to be shared with the other shards once the lock is released.
    #[inline]
    pub(crate) fn news(&self, core: &mut Core) -> Option<Surroundings> {
        if self.leads { core.news() } else { None }
    }

    /// No link of the host is left. Who waits for somebody elsewhere learns it.
    #[cold]
    pub(crate) fn sever(&self, why: &str) {
        for shard in self.shards() {
            let mut woken = Vec::new();
            let mut core = shard.lock();
            core.severed.get_or_insert_with(|| why.to_owned());
            core.wakers.take_all(&mut woken);
            drop(core);
            woken.into_iter().for_each(Waker::wake);
        }
    }

    /// Ends the driver's sleep, whatever for.
    pub(crate) fn wake_driver(&self) {
        if self.lock().lead.recall() {
            self.baton.notify_one();
        } else {
            self.bell.ring();
        }
    }

    /// Blocks until the driver has ended.
    pub(crate) fn wait_for_end(&self) {
        let mut core = self.lock();
        while !core.stopped {
            core = self.ended.wait(core).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes a waker back.
    pub(crate) fn remove_waker(&self, awaited: Awaited, ticket: Ticket) {
        let removed = self.lock().wakers.remove(awaited, ticket);
        drop(removed);
    }
}

/// The error of every verb after the host's end.
pub(crate) fn stopped() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the host has been shut down")
}
