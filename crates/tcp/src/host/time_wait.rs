//! Segments for connections in TIME-WAIT, and how connections come there and leave.

use super::demux::{Demux, Place};
use super::tcp_host::Host;
use super::work::Turn;
use crate::connection::time_wait::{TimeWait, Verdict};
use crate::error::Dropped;
use crate::segment::Path;
use basis::{Frame, Instant, Key};
use wire::tcp::Header;

impl Host {
    pub(super) fn on_time_wait_segment(
        &mut self,
        now: Instant,
        path: Path,
        index: u32,
        header: &Header,
        frame: &Frame,
    ) -> Result<(), Dropped> {
        let Some(time_wait) = self.time_wait.at_mut(index) else { return Err(Dropped::NoSocket) };
        let tuple = time_wait.tuple;
        match time_wait.on_segment(header, frame.len(), now) {
            Verdict::Ignore => Ok(()),
            Verdict::End => {
                self.end_time_wait(index);
                Ok(())
            }
            Verdict::Reopen(beyond) if self.listeners.find(&tuple).is_some() => {
                self.reopen(now, path, index, header, beyond)
            }
            verdict => {
                self.queue_time_wait(index);
                if verdict == Verdict::Restart {
                    self.time_wait.restart(index, now, self.config.time_wait);
                }
                Ok(())
            }
        }
    }

    pub(super) fn end_time_wait(&mut self, index: u32) {
        let Some((hash, queued)) = self.time_wait.remove(index) else { return };
        self.demux.remove_hashed(hash, Place::TimeWait(index));
        if queued {
            self.note_stale();
        }
    }

    /// The connection at `index` goes on in TIME-WAIT. An acknowledgment that it owes leaves from there.
    pub(super) fn enter_time_wait(&mut self, now: Instant, index: u32) {
        let Some(connection) = self.connections.at_mut(index) else { return };
        let tuple = connection.tuple;
        let Some(remains) = connection.remains() else {
            return self.demux.remove(&tuple, Place::Connection(index));
        };
        let hash = self.demux.hash(&tuple).short();
        let state = TimeWait::new(tuple, remains);
        match self.time_wait.insert(state, hash, now, self.config.time_wait) {
            Some(place) => {
                self.demux.relocate(hash, Place::Connection(index), Place::TimeWait(place));
                if remains.owes {
                    self.queue_time_wait(place);
                }
            }
            None => self.demux.remove_hashed(hash, Place::Connection(index)),
        }
        self.bound_time_wait(now);
    }

    /// Ends the oldest if there are more than may be. What it still has to acknowledge is, though nobody will hear the answer.
    fn bound_time_wait(&mut self, now: Instant) {
        if self.time_wait.len() as u32 <= self.config.max_time_wait.clamp(1, Demux::INDEX_LIMIT) {
            return;
        }
        let Some(oldest) = self.time_wait.oldest() else { return };
        if let Some(time_wait) = self.time_wait.at(oldest).filter(|time_wait| time_wait.queued) {
            let (tuple, lane) = (time_wait.tuple, time_wait.lane);
            let mut acknowledgment = Frame::new();
            time_wait.transmit(now, &mut acknowledgment);
            self.reply(&tuple, lane, acknowledgment);
        }
        self.end_time_wait(oldest);
    }

    /// An acknowledgment is due; however many are asked for until it leaves, it is one.
    fn queue_time_wait(&mut self, index: u32) {
        let Some(key) = self.time_wait.key_at(index) else { return };
        if let Some(time_wait) = self.time_wait.at_mut(index)
            && !core::mem::replace(&mut time_wait.queued, true)
        {
            self.lanes.get(time_wait.lane).line.push_back(Turn::TimeWait(key));
        }
    }

    /// Returns whether there was a segment.
    pub(super) fn transmit_time_wait(&mut self, now: Instant, key: Key, frame: &mut Frame) -> bool {
        let Some(time_wait) = self.time_wait.get_mut(key) else { return false };
        time_wait.queued = false;
        time_wait.transmit(now, frame);
        true
    }
}
