//! What follows from what happened to a connection: its end, its answers, and its place in the queues.

use super::demux::Place;
use super::lines::{Lines, lines};
use super::reset;
use super::tcp_host::{Host, environment};
use super::work::{News, Turn};
use crate::connection::fate::Fate;
use crate::environment::Environment;
use crate::error::Failure;
use crate::info::State;
use crate::segment::{FourTuple, Labels};
use basis::{Frame, Instant, Key};
use wire::tcp::Header;

/// Leftovers in the queues, beyond as many as there are connections.
const MAX_STALE: usize = 1024;

impl Host {
    /// Lets a connection's fate happen, and looks after what follows from it.
    pub(super) fn apply(&mut self, now: Instant, index: u32, fate: Fate) {
        let Some(connection) = self.connections.at_mut(index) else { return };
        if connection.is_finished() || fate == Fate::Live {
            if connection.is_finished() && connection.detached {
                self.free(now, index);
            } else {
                self.settle(index);
            }
            return;
        }
        let tuple = connection.tuple;
        let failure = match fate {
            Fate::Failed(failure) | Fate::Reset(failure) => Some(failure),
            Fate::Deserted(_) => Some(Failure::Reset),
            Fate::Live | Fate::TimeWait | Fate::Closed => None,
        };
        match fate {
            Fate::Reset(_) => self.send_reset(now, index),
            Fate::Deserted(sequence) => {
                let lane = connection.path.lane;
                self.reply_reset(&tuple, lane, reset::reset(&tuple, sequence, None));
            }
            Fate::Live | Fate::TimeWait | Fate::Closed | Fate::Failed(_) => {}
        }
        let state = match fate {
            Fate::TimeWait => {
                self.enter_time_wait(now, index);
                State::TimeWait
            }
            _ => {
                self.demux.remove(&tuple, Place::Connection(index));
                State::Closed
            }
        };
        let Some(connection) = self.connections.at_mut(index) else { return };
        if connection.detached {
            // Nobody will ask what became of it.
            return self.free(now, index);
        }
        connection.finish(failure, state, &mut environment!(self, now));
        self.settle(index);
    }

    /// See [`Lines::settle`].
    #[inline(never)]
    pub(super) fn settle(&mut self, index: u32) {
        if let Some((key, connection)) = self.connections.entry_at_mut(index) {
            lines!(self).settle(key, connection);
        }
    }

    /// The application is gone and so is the connection: its slot can be used again.
    pub(super) fn free(&mut self, now: Instant, index: u32) {
        let Some(key) = self.connections.key_at(index) else { return };
        if let Some(connection) = self.connections.get_mut(key) {
            connection.release(&mut environment!(self, now));
            let stale = connection.queued || connection.told.is_announced();
            let (timer, armed) = (connection.timer, connection.armed);
            self.connections.discard(key);
            let others = !self.connections.is_empty();
            if armed != Instant::FAR_FUTURE {
                self.alarms.leave(timer, armed, others);
            }
            if !others {
                self.alarms.drop_spare();
            }
            self.memory.sharers = self.connections.len();
            if stale {
                self.note_stale();
            }
        }
    }

    /// Something that stands in a queue is gone; its turn would be passed over. If nobody comes to take turns, such leftovers
    /// must not pile up: once they may outnumber the living, they are swept out.
    pub(super) fn note_stale(&mut self) {
        self.stale += 1;
        if self.stale <= MAX_STALE + self.connections.len() + self.half_open.slab.len() {
            return;
        }
        self.stale = 0;
        let (connections, half_open, time_wait) = (&self.connections, &self.half_open.slab, &self.time_wait);
        self.lanes.sweep(|turn| match turn {
            Turn::Connection(key) => connections.get(key).is_some(),
            Turn::HalfOpen(key) => half_open.get(key).is_some(),
            Turn::TimeWait(key) => time_wait.get(key).is_some(),
        });
        let listeners = &self.listeners;
        self.news.retain(|news| match *news {
            News::Connection(key) => connections.get(key).is_some(),
            News::Listener(key) => listeners.get(key).is_some(),
        });
    }

    #[cold]
    #[inline(never)]
    pub(super) fn send_reset(&mut self, now: Instant, index: u32) {
        let Some(connection) = self.connections.at(index) else { return };
        if connection.is_known_to_peer() {
            let (tuple, lane) = (connection.tuple, connection.path.lane);
            let (sequence, acknowledgment, timestamps) = connection.reset_numbers(now);
            self.reply_reset(&tuple, lane, reset::abort(&tuple, sequence, acknowledgment, timestamps));
        }
    }

    pub(super) fn refuse(
        &mut self,
        now: Instant,
        lane: u8,
        tuple: &FourTuple,
        header: &Header,
        payload: usize,
    ) {
        if let Some(frame) = reset::answer(tuple, header, payload) {
            self.reply_stray(now, tuple, lane, frame);
        }
    }

    /// A RST to a segment of no connection: anybody could have sent that, so there are only so many.
    pub(super) fn reply_stray(&mut self, now: Instant, tuple: &FourTuple, lane: u8, frame: Frame) {
        if self.reset_limit.take(now) {
            self.reply_reset(tuple, lane, frame);
        } else {
            self.counters.replies_dropped += 1;
        }
    }

    pub(super) fn reply_reset(&mut self, tuple: &FourTuple, lane: u8, frame: Frame) {
        self.counters.resets_sent += 1;
        self.reply(tuple, lane, frame);
    }

    pub(super) fn reply(&mut self, tuple: &FourTuple, lane: u8, frame: Frame) {
        self.reply_with(tuple, lane, Labels::USUAL, frame);
    }

    /// Returns whether there was room for it.
    pub(super) fn reply_with(&mut self, tuple: &FourTuple, lane: u8, labels: Labels, frame: Frame) -> bool {
        let room = self.lanes.get(lane).replies.push(tuple, labels, frame);
        self.counters.replies_dropped += u64::from(!room);
        room
    }

    /// Ends all that a closed listener has begun.
    pub(super) fn abandon(&mut self, now: Instant, key: Key) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.detached = true;
            self.apply(now, key.index(), Fate::Reset(Failure::Aborted));
        }
    }
}
