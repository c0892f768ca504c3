use super::*;
use crate::clock::Clock;
use crate::driver::ALARM;
use crate::lead::Lead;
use crate::shards::bell::Bell;
use crate::shards::family::Family;
use crate::wakers::{Awaited, Place};
use stack::{Stack, StackConfig};
use std::sync::Arc;

const T: fn(u64) -> Instant = |micros| Instant::from_nanos(micros * 1000);

/// A host whose driver's thread is this one.
fn host() -> Shared {
    let clock = Clock::new();
    let stack = Stack::new(clock.now(), StackConfig::default(), [7; 32]);
    let poll = mio::Poll::new().unwrap();
    let bell = Arc::new(Bell::new(poll.registry(), ALARM).unwrap());
    Shared::new(String::new(), clock, Vec::new(), stack, bell, Arc::new(Family::new(1, Vec::new())))
}

fn come_back(lead: &mut Lead, pauses: &[u64]) {
    for (turn, pause) in pauses.iter().enumerate() {
        let woken = 1_000_000 * (turn as u64 + 1);
        lead.on_woken(T(woken));
        lead.on_wait(T(woken + pause));
    }
}

#[test]
fn the_thread_steps_aside_for_one_who_comes_back_soon_several_times_in_a_row() {
    let host = host();
    come_back(&mut host.lock().lead, &[250, 1, 250]);
    host.step_aside();
    assert!(!host.lock().lead.is_nobody(), "three times are too few");
    come_back(&mut host.lock().lead, &[250, 1, 251, 1, 1, 1]);
    host.step_aside();
    assert!(!host.lock().lead.is_nobody(), "once was too late");
    come_back(&mut host.lock().lead, &[1]);
    host.step_aside();
    assert!(host.lock().lead.is_nobody());
    assert!(host.lock().sleeping.is_some(), "whoever makes work sees that nobody does it");
}

#[test]
fn the_thread_does_not_step_aside_while_two_wait() {
    let host = host();
    let mut core = host.lock();
    come_back(&mut core.lead, &[1; 4]);
    assert!(core.may_be_led(1));
    let (one, another) = (stack::UdpId::from_bits(1), stack::PingId::from_bits(1));
    for awaited in [Awaited::Receive(one), Awaited::Ping(another)] {
        let ticket = core.wakers.ticket();
        core.wakers.add(awaited, Place::Shared(ticket), Waker::noop());
    }
    assert!(!core.may_be_led(1));
}

#[test]
fn the_thread_drives_again_when_nobody_has_for_a_tick() {
    let host = host();
    come_back(&mut host.lock().lead, &[1; 4]);
    host.step_aside();
    host.follow();
    let core = host.lock();
    assert!(core.lead.who == Who::Thread && core.lead.soon == 0 && core.sleeping.is_none());
}

#[test]
fn the_thread_drives_again_when_it_is_called() {
    let host = Arc::new(host());
    come_back(&mut host.lock().lead, &[1; 4]);
    host.step_aside();
    // Somebody takes the helm and sleeps there: the thread sleeps without a time.
    assert!(host.lock().lead.take());
    host.lock().sleeping = Some(Instant::FAR_FUTURE);
    let thread = std::thread::spawn({
        let host = Arc::clone(&host);
        move || host.follow()
    });
    while !host.lock().lead.rests {
        std::thread::yield_now();
    }
    assert!(!thread.is_finished());
    drop(Helm { shared: &host, goes_on: false });
    thread.join().unwrap();
    assert!(!host.lock().lead.take(), "the thread has it");
}

/// A driver that does as it is told, and then has come to its end.
struct Told(std::collections::VecDeque<Next>, Arc<std::sync::atomic::AtomicUsize>);

impl crate::lead::Drive for Told {
    fn turn(&mut self, _: Who) -> Next {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.pop_front().unwrap_or(Next::End)
    }

    fn look(&mut self, _: Next) {}

    fn sleep(&mut self, _: Option<Duration>) {
        panic!("what is waited for has happened already");
    }

    fn drive(&mut self) -> bool {
        false
    }
}

/// Whoever drives next after one has driven through these turns, by `lead`, and how many of them it took.
fn after(turns: &[Next], lead: impl FnOnce(&Shared)) -> (Who, usize) {
    let host = host();
    let count = Arc::default();
    *host.helm.lock().unwrap() = Some(Box::new(Told(turns.iter().copied().collect(), Arc::clone(&count))));
    come_back(&mut host.lock().lead, &[1; 4]);
    host.step_aside();
    lead(&host);
    let who = host.lock().lead.who;
    (who, count.load(Ordering::Relaxed))
}

#[test]
fn who_leaves_work_undone_hands_it_to_the_thread_and_who_does_not_leaves_the_helm_to_anybody() {
    let sleep = Next::Sleep(Instant::FAR_FUTURE);
    let written = |turns: &[Next]| {
        after(turns, |host| {
            assert!(host.lock().lead.take());
            host.drive_out();
        })
    };
    assert_eq!(written(&[sleep]), (Who::Nobody, 1));
    assert_eq!(written(&[Next::Turn, Next::Turn, Next::Ask]), (Who::Nobody, 3));
    assert_eq!(written(&[Next::Turn; 9]), (Who::Thread, TURNS));
    // What ends the host ends it once.
    assert_eq!(written(&[Next::Turn]), (Who::Thread, 2));
    let waited = |next: Next| {
        after(&[next], |host| {
            Parker::with(|parker| {
                parker.waker().wake_by_ref();
                assert_eq!(host.wait_at_helm(parker, None), Some(true));
            });
        })
    };
    assert_eq!(waited(sleep), (Who::Nobody, 1));
    assert_eq!(waited(Next::Ask), (Who::Nobody, 1));
    assert_eq!(waited(Next::Turn), (Who::Thread, 1));
    let ended = after(&[], |host| {
        Parker::with(|parker| assert_eq!(host.wait_at_helm(parker, None), None));
    });
    assert_eq!(ended, (Who::Thread, 1));
}

#[test]
fn a_fault_at_the_helm_hands_it_to_the_thread() {
    struct Faulty;
    impl crate::lead::Drive for Faulty {
        fn turn(&mut self, _: Who) -> Next {
            std::panic::resume_unwind(Box::new("a fault"));
        }
        fn look(&mut self, _: Next) {}
        fn sleep(&mut self, _: Option<Duration>) {}
        fn drive(&mut self) -> bool {
            false
        }
    }
    let host = host();
    *host.helm.lock().unwrap() = Some(Box::new(Faulty));
    come_back(&mut host.lock().lead, &[1; 4]);
    host.step_aside();
    let fault = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        Parker::with(|parker| host.wait_at_helm(parker, None))
    }));
    assert!(fault.is_err());
    // It finds the helm broken, and ends the host.
    host.follow();
    assert!(host.lock().lead.who == Who::Thread && host.helm.is_poisoned());
}
