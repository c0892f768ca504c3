//! A second thread that hands frames to the kernel while the first one reads.
//!
//! The kernel does in the call that hands it a frame all that follows from it: an acknowledgment makes it cut and sum the next segments of
//! its sender, and data goes through its TCP to the receiver. That is as much work as reading what comes, and is done beside it here. Two
//! threads cost a wake-up now and then, so frames go this way only while there are many, and in their order.

use super::napi::Switch;
use super::outlet::Outlet;
use super::pace::Pace;
use basis::{Frame, Instant};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Bytes and frames that wait for the thread at most.
const MOST_BYTES: usize = 1 << 20;
const MOST_FRAMES: usize = 256;
/// When a kernel that takes no more for now is asked again.
const RETRY: Duration = Duration::from_millis(1);
/// When there has been nothing to write for that long, the kernel's thread is not needed any more.
const PAUSE: Duration = Duration::from_millis(if cfg!(test) { 20 } else { 200 });

/// The thread, from the outside.
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    outlet: Arc<Mutex<Outlet>>,
    queue: Mutex<Queue>,
    /// There is something in the queue, or it is the end.
    work: Condvar,
    /// The queue has been taken over.
    room: Condvar,
}

struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
    pace: Pace,
    /// The thread has something in its hands.
    busy: bool,
    ended: bool,
    broken: Option<io::Error>,
}

impl Writer {
    /// Starts the thread, which takes the outlet's lock while it writes, and has the kernel take in what it writes in another one while that is much, if
    /// there is a switch for that.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(super) fn start(outlet: &Arc<Mutex<Outlet>>, switch: Option<Switch>) -> io::Result<Writer> {
        let shared = Arc::new(Shared {
            outlet: Arc::clone(outlet),
            queue: Mutex::new(Queue {
                frames: VecDeque::new(),
                bytes: 0,
                pace: Pace::new(),
                busy: false,
                ended: false,
                broken: None,
            }),
            work: Condvar::new(),
            room: Condvar::new(),
        });
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new().name("net-writer".to_owned()).spawn(move || own.run(switch))?;
        Ok(Writer { shared, thread: Some(thread) })
    }

    /// Whether all that was given to it is with the kernel.
    pub(super) fn is_idle(&self) -> bool {
        let queue = self.shared.lock();
        !queue.busy && queue.frames.is_empty()
    }

    /// Gives it what waits at this moment; waits itself while that would be more than the bound.
    ///
    /// # Errors
    /// What the thread met with: the interface has been taken away.
    pub(super) fn give(&self, now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<()> {
        let full = |queue: &mut Queue| {
            queue.broken.is_none() && (queue.bytes >= MOST_BYTES || queue.frames.len() >= MOST_FRAMES)
        };
        let queue = self.shared.lock();
        let mut queue = self.shared.room.wait_while(queue, full).unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &queue.broken {
            return Err(io::Error::new(error.kind(), error.to_string()));
        }
        queue.pace.on_frames(now, waiting.len());
        queue.bytes += waiting.iter().map(Frame::len).sum::<usize>();
        queue.frames.append(waiting);
        let sleeps = !queue.busy;
        drop(queue);
        if sleeps {
            self.shared.work.notify_one();
        }
        Ok(())
    }
}

impl Drop for Writer {
    /// What was given to it is with the kernel afterwards, as far as the kernel took it at once.
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.work.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut switch: Option<Switch>) {
        let _ending = Ending(self);
        let mut batch = VecDeque::new();
        loop {
            let mut queue = self.wait(&mut switch);
            if queue.frames.is_empty() {
                return;
            }
            std::mem::swap(&mut queue.frames, &mut batch);
            (queue.bytes, queue.busy) = (0, true);
            let is_fast = queue.pace.is_fast();
            drop(queue);
            self.room.notify_one();
            if switch.as_mut().is_some_and(|switch| switch.turn(is_fast).is_err()) {
                switch = None;
            }
            if let Err(error) = self.write(&mut batch) {
                batch.clear();
                self.lock().broken = Some(error);
                self.room.notify_one();
            }
        }
    }

    /// Waits for something to write, or for the end.
    fn wait(&self, switch: &mut Option<Switch>) -> MutexGuard<'_, Queue> {
        let idle = |queue: &mut Queue| queue.frames.is_empty() && !queue.ended;
        let mut queue = self.lock();
        queue.busy = false;
        if let Some(on) = switch.as_mut().filter(|switch| switch.is_on()) {
            let waited = self.work.wait_timeout_while(queue, PAUSE, idle);
            let (held, waited) = waited.unwrap_or_else(PoisonError::into_inner);
            queue = held;
            if waited.timed_out() {
                drop(queue);
                // Off or not: it is only for few frames that it matters.
                let _ = on.turn(false);
                queue = self.lock();
            }
        }
        self.work.wait_while(queue, idle).unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, batch: &mut VecDeque<Frame>) -> io::Result<()> {
        while !self.outlet.lock().unwrap_or_else(PoisonError::into_inner).send(batch)? {
            if self.lock().ended {
                // A kernel that takes nothing is not waited for at the end.
                batch.clear();
                return Ok(());
            }
            thread::sleep(RETRY);
        }
        Ok(())
    }
}

/// However the thread ends, by a fault of ours too, nobody waits for it.
struct Ending<'a>(&'a Shared);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.lock().broken.get_or_insert_with(|| io::Error::other("the thread that writes has ended"));
        self.0.room.notify_one();
    }
}

#[cfg(test)]
mod tests;
