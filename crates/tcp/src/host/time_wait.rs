//! Segments for connections in TIME-WAIT, and how connections come there and leave.

use super::demux::Place;
use super::tcp_host::Host;
use crate::connection::time_wait::{TimeWait, Verdict};
use crate::error::Dropped;
use crate::segment::Path;
use basis::{Frame, Instant};
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
            Verdict::Reopen(beyond) if self.listeners.find(tuple.local, tuple.local_port).is_some() => {
                self.reopen(now, path, index, header, beyond)
            }
            verdict => {
                let (acknowledgment, lane) = (time_wait.acknowledgment(now), time_wait.lane);
                self.reply(&tuple, lane, acknowledgment);
                if verdict == Verdict::Restart {
                    self.time_wait.restart(index, now, self.config.time_wait);
                }
                Ok(())
            }
        }
    }

    pub(super) fn end_time_wait(&mut self, index: u32) {
        if let Some(time_wait) = self.time_wait.remove(index) {
            self.demux.remove(&time_wait.tuple, Place::TimeWait(index));
        }
    }

    pub(super) fn enter_time_wait(&mut self, now: Instant, index: u32, time_wait: TimeWait) {
        let tuple = time_wait.tuple;
        if self.time_wait.len() as u32 >= self.config.max_time_wait.max(1)
            && let Some(oldest) = self.time_wait.oldest()
        {
            self.end_time_wait(oldest);
        }
        match self.time_wait.insert(time_wait, now, self.config.time_wait) {
            Some(place) => self.demux.relocate(&tuple, Place::Connection(index), Place::TimeWait(place)),
            None => self.demux.remove(&tuple, Place::Connection(index)),
        }
    }
}
