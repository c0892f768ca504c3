//! A thread that waits as a task does: blocking and asynchronous sockets are woken by one mechanism.

use crate::shards::bell::Bell;
use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Instant;

/// One thread's place to wait at. Its [`Waker`] unparks the thread.
#[derive(Clone)]
pub(crate) struct Parker {
    shared: Arc<Shared>,
    waker: Waker,
}

struct Shared {
    thread: Thread,
    /// Tells a wake-up of ours from an unpark that somebody else meant for the thread.
    woken: AtomicBool,
    /// The bell of the driver at whose helm the thread may sleep.
    bell: Mutex<Option<Arc<Bell>>>,
    polls: AtomicBool,
}

impl Wake for Shared {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Who finds it set has nothing to add: the thread was unparked and has not looked yet.
        if !self.woken.swap(true, Ordering::SeqCst) {
            // It says that it polls before it looks for the last time: one of both sees the other.
            if self.polls.load(Ordering::SeqCst) {
                self.ring();
            }
            self.thread.unpark();
        }
    }
}

impl Shared {
    #[cold]
    fn ring(&self) {
        if let Some(bell) = &*self.bell.lock().unwrap_or_else(PoisonError::into_inner) {
            bell.ring();
        }
    }
}

thread_local! {
    /// Kept between waits, so that a wait allocates nothing.
    static SPARE: Cell<Option<Parker>> = const { Cell::new(None) };
}

impl Parker {
    fn new() -> Parker {
        let shared = Arc::new(Shared {
            thread: thread::current(),
            woken: AtomicBool::new(false),
            bell: Mutex::new(None),
            polls: AtomicBool::new(false),
        });
        Parker { waker: Waker::from(Arc::clone(&shared)), shared }
    }

    /// Calls `wait` with this thread's parker.
    pub(crate) fn with<R>(wait: impl FnOnce(&Parker) -> R) -> R {
        // Taken out meanwhile: should `wait` come here again, it gets one of its own.
        let parker = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_else(Parker::new);
        let result = wait(&parker);
        let _ = SPARE.try_with(|spare| spare.set(Some(parker)));
        result
    }

    /// The waker that ends [`Parker::park`].
    pub(crate) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Whether the waker was used since this was asked last.
    pub(crate) fn take_woken(&self) -> bool {
        self.shared.woken.swap(false, Ordering::SeqCst)
    }

    /// Waits by `sleep`, which `bell` ends as well as what else it waits for; not at all if the waker was used already.
    pub(crate) fn poll(&self, bell: &Arc<Bell>, sleep: impl FnOnce()) {
        let mut own = self.shared.bell.lock().unwrap_or_else(PoisonError::into_inner);
        if !own.as_ref().is_some_and(|own| Arc::ptr_eq(own, bell)) {
            *own = Some(Arc::clone(bell));
        }
        drop(own);
        self.shared.polls.store(true, Ordering::SeqCst);
        if !self.shared.woken.load(Ordering::SeqCst) {
            sleep();
        }
        self.shared.polls.store(false, Ordering::SeqCst);
    }

    /// Waits until the waker was used or `deadline` is there; false if it was the deadline.
    pub(crate) fn park(&self, deadline: Option<Instant>) -> bool {
        loop {
            if self.shared.woken.swap(false, Ordering::AcqRel) {
                return true;
            }
            match deadline {
                None => thread::park(),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    thread::park_timeout(left);
                }
            }
        }
    }
}

/// Blocks the thread until `future` is ready: for what waits at several shards at once.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    Parker::with(|parker| {
        let mut context = Context::from_waker(parker.waker());
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return output;
            }
            parker.park(None);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_wake_before_the_wait_is_not_lost_and_counts_once() {
        Parker::with(|parker| {
            parker.waker().wake_by_ref();
            parker.waker().wake_by_ref();
            let soon = Instant::now() + Duration::from_secs(10);
            assert!(parker.park(Some(soon)));
            assert!(!parker.park(Some(Instant::now() + Duration::from_millis(5))));
        });
    }

    #[test]
    fn a_stranger_s_unpark_does_not_end_the_wait() {
        Parker::with(|parker| {
            thread::current().unpark();
            let start = Instant::now();
            assert!(!parker.park(Some(start + Duration::from_millis(20))));
            assert!(start.elapsed() >= Duration::from_millis(20));
        });
    }

    #[test]
    fn another_thread_ends_the_wait() {
        Parker::with(|parker| {
            let waker = parker.waker().clone();
            let other = thread::spawn(move || {
                thread::sleep(Duration::from_millis(10));
                waker.wake();
            });
            assert!(parker.park(Some(Instant::now() + Duration::from_secs(10))));
            other.join().unwrap();
        });
    }

    #[test]
    fn waits_within_waits_have_their_own_parkers() {
        Parker::with(|outer| {
            Parker::with(|inner| {
                inner.waker().wake_by_ref();
                assert!(inner.park(None));
            });
            assert!(!outer.park(Some(Instant::now())));
        });
    }
}
