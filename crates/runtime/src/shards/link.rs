//! One shard's end of a link that all shards of a host use.

use super::bell::Bell;
use super::inbox::Inbox;
use super::outbox::Outbox;
use crate::port::BATCH;
use basis::{Frame, Instant};
use link::{Capabilities, Link, RawFdSource};
use stack::{Medium, Steering, Target};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

/// Batches that one call sends for other shards: no shard's own frames wait for longer.
const TURNS: usize = 4;

/// What the ends of one link have in common.
pub(crate) struct Ends {
    inboxes: Arc<[Inbox]>,
    /// If the first shard alone has a device.
    outbox: Option<Arc<Outbox>>,
    steering: Steering,
    medium: Medium,
    capabilities: Capabilities,
}

impl Ends {
    /// Of a link with a queue for each of the drivers that have these bells, or (`shared`) with one for all.
    pub(crate) fn new(
        bells: &[Arc<Bell>],
        shared: bool,
        steering: Steering,
        medium: Medium,
        capabilities: Capabilities,
    ) -> Ends {
        let inboxes = bells.iter().map(|bell| Inbox::new(Arc::clone(bell))).collect();
        let outbox = shared.then(|| Arc::new(Outbox::new(bells.to_vec())));
        Ends { inboxes, outbox, steering, medium, capabilities }
    }

    pub(crate) fn inboxes(&self) -> Arc<[Inbox]> {
        Arc::clone(&self.inboxes)
    }

    /// The end of one shard, with its queue of the device if it has one.
    pub(crate) fn end(&self, shard: usize, device: Option<Box<dyn Link>>) -> ShardLink {
        ShardLink {
            device,
            shard,
            inboxes: Arc::clone(&self.inboxes),
            outbox: self.outbox.clone(),
            steering: self.steering,
            medium: self.medium,
            capabilities: self.capabilities,
            came: VecDeque::with_capacity(BATCH),
            staged: self.inboxes.iter().map(|_| Vec::new()).collect(),
            passing: VecDeque::new(),
            full: false,
        }
    }
}

/// Frames of other shards that come by this one's device are left in their inboxes; what has no device leaves by the first shard's.
pub(crate) struct ShardLink {
    device: Option<Box<dyn Link>>,
    shard: usize,
    inboxes: Arc<[Inbox]>,
    outbox: Option<Arc<Outbox>>,
    steering: Steering,
    medium: Medium,
    capabilities: Capabilities,
    /// What the device has brought, before it finds its shard.
    came: VecDeque<Frame>,
    /// By shard, what is to be left there.
    staged: Vec<Vec<Frame>>,
    /// Frames of other shards that the device has not taken yet.
    passing: VecDeque<Frame>,
    /// The device, or the outbox, took no more.
    full: bool,
}

impl ShardLink {
    fn steer(&mut self, arrived: &mut VecDeque<Frame>) {
        for frame in self.came.drain(..) {
            match self.steering.of_frame(self.medium, frame.first()) {
                Target::Shard(shard) if shard == self.shard => arrived.push_back(frame),
                Target::Shard(shard) => {
                    if let Some(staged) = self.staged.get_mut(shard) {
                        staged.push(frame);
                    }
                }
                Target::All => {
                    let others = self.staged.iter_mut().enumerate().filter(|(shard, _)| *shard != self.shard);
                    others.for_each(|(_, staged)| staged.push(frame.clone()));
                    arrived.push_back(frame);
                }
            }
        }
        for (staged, inbox) in self.staged.iter_mut().zip(&*self.inboxes) {
            if !staged.is_empty() {
                inbox.put(staged);
            }
        }
    }

    fn has_for_device(&self) -> bool {
        !self.passing.is_empty() || self.outbox.as_ref().is_some_and(|outbox| !outbox.is_empty())
    }
}

/// Sends what is this shard's own, then what the others have left.
fn send(
    device: &mut dyn Link,
    outbox: Option<&Outbox>,
    passing: &mut VecDeque<Frame>,
    now: Instant,
    waiting: &mut VecDeque<Frame>,
) -> io::Result<bool> {
    // What was begun for others comes first, or it might wait for ever.
    if !(passing.is_empty() || device.transmit(now, passing)?) || !device.transmit(now, waiting)? {
        return Ok(false);
    }
    let Some(outbox) = outbox else { return Ok(true) };
    for _ in 0..TURNS {
        outbox.take(passing, BATCH);
        if passing.is_empty() {
            break;
        }
        if !device.transmit(now, passing)? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Link for ShardLink {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn receive(&mut self, now: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        let mut more = self.inboxes.get(self.shard).is_some_and(|inbox| inbox.take(arrived, most));
        if let Some(device) = &mut self.device {
            more |= device.receive(now, &mut self.came, most)?;
            self.steer(arrived);
        }
        Ok(more)
    }

    fn transmit(&mut self, now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        let all_gone = match (&mut self.device, &self.outbox) {
            (Some(device), outbox) => {
                send(&mut **device, outbox.as_deref(), &mut self.passing, now, waiting)?
            }
            (None, Some(outbox)) => outbox.put(self.shard, waiting),
            // The device of this shard is gone.
            (None, None) => {
                waiting.clear();
                true
            }
        };
        self.full = !all_gone;
        Ok(all_gone)
    }

    fn source(&self) -> Option<RawFdSource> {
        self.device.as_ref()?.source()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.inboxes.get(self.shard).is_some_and(|inbox| !inbox.is_empty()) {
            return Some(Instant::ZERO);
        }
        match (&self.device, &self.outbox) {
            (Some(_), _) if !self.full && self.has_for_device() => Some(Instant::ZERO),
            (Some(device), _) => device.poll_timeout(),
            (None, Some(outbox)) if self.full => {
                Some(if outbox.has_room(self.shard) { Instant::ZERO } else { Instant::FAR_FUTURE })
            }
            (None, _) => None,
        }
    }
}
