//! What is due: timers, segments, events.

use super::half_open::CookieReply;
use super::lines::{Lines, lines};
use super::reset;
use super::tcp_host::{Host, environment};
use super::work::{News, Turn};
use crate::connection::effect::Transmission;
use crate::connection::fate::Fate;
use crate::environment::Environment;
use crate::event::{ConnectionId, Event, ListenerId, Readiness};
use crate::segment::Outgoing;
use basis::{Frame, Instant, Key, TimerId};

impl Host {
    /// Lets all timers expire whose time has come.
    pub fn on_timeout(&mut self, now: Instant) {
        while let Some(index) = self.alarms.pop_expired(now) {
            let Some(connection) = self.connections.at_mut(index) else { continue };
            (connection.timer, connection.armed) = (TimerId::NONE, Instant::FAR_FUTURE);
            let fate = match connection.next_deadline() <= now {
                true => connection.on_timeout(&mut environment!(self, now)),
                false => Fate::Live,
            };
            self.apply(now, index, fate);
        }
        while let Some(index) = self.half_open.expired(now) {
            let orphaned = self
                .half_open
                .slab
                .at(index)
                .is_none_or(|half_open| self.listeners.get(half_open.listener).is_none());
            let undecided = self.half_open.slab.at(index).is_some_and(|half_open| half_open.undecided);
            if !orphaned && self.half_open.retry(index, self.config.syn_ack_retries, now) {
                if !undecided {
                    self.counters.retransmissions += 1;
                    self.queue_half_open(index);
                }
            } else {
                self.drop_half_open(index);
            }
        }
        while let Some(index) = self.time_wait.expired(now) {
            self.end_time_wait(index);
        }
    }

    /// When [`Host::on_timeout`] wants to be called next.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let never = Instant::FAR_FUTURE;
        let tables = self.time_wait.next_deadline().min(self.half_open.next_deadline());
        let earliest = self.alarms.next_deadline().min(tables);
        (earliest != never).then_some(earliest)
    }

    /// Whether [`Host::poll_transmit`] may have a segment for `lane`: who drives the host must not sleep then.
    #[inline]
    pub fn has_transmit(&self, lane: u8) -> bool {
        self.lanes.has_work(lane)
    }

    /// Lays the next segment that is due on `lane` into the empty `frame`, and tells where it goes. Connections take turns,
    /// one segment or super-segment each.
    #[inline(always)]
    pub fn poll_transmit(&mut self, now: Instant, lane: u8, frame: &mut Frame) -> Option<Outgoing<'_>> {
        loop {
            let queues = self.lanes.get(lane);
            if !queues.replies.is_empty() {
                return self.transmit_reply(lane, frame);
            }
            match queues.line.pop_front()? {
                Turn::Connection(key) => {
                    if self.transmit_connection(now, lane, key, frame) {
                        self.counters.segments_sent += 1;
                        let connection = self.connections.at(key.index())?;
                        let (tuple, time_to_live) = (&connection.tuple, connection.settings.time_to_live);
                        return Some(Outgoing { tuple, time_to_live });
                    }
                }
                Turn::HalfOpen(key) => {
                    if let Some(time_to_live) = self.transmit_half_open(now, key, frame) {
                        self.counters.segments_sent += 1;
                        let tuple = &self.half_open.slab.at(key.index())?.tuple;
                        return Some(Outgoing { tuple, time_to_live });
                    }
                }
                Turn::TimeWait(key) => {
                    if self.transmit_time_wait(now, key, frame) {
                        self.counters.segments_sent += 1;
                        let tuple = &self.time_wait.get(key)?.tuple;
                        return Some(Outgoing { tuple, time_to_live: reset::TIME_TO_LIVE });
                    }
                }
            }
        }
    }

    #[inline(never)]
    fn transmit_reply(&mut self, lane: u8, frame: &mut Frame) -> Option<Outgoing<'_>> {
        let (tuple, time_to_live, reply) = self.lanes.get(lane).replies.pop()?;
        self.counters.segments_sent += 1;
        (*frame, self.replied) = (reply, tuple);
        Some(Outgoing { tuple: &self.replied, time_to_live })
    }

    /// Returns whether there was a segment.
    #[inline(always)]
    pub(super) fn transmit_connection(
        &mut self,
        now: Instant,
        lane: u8,
        key: Key,
        frame: &mut Frame,
    ) -> bool {
        let Some(connection) = self.connections.get_mut(key) else { return false };
        let Transmission { sent, may_transmit, deadline } =
            connection.poll_transmit(frame, &mut environment!(self, now));
        connection.queued = sent && may_transmit;
        if connection.queued {
            self.lanes.get(lane).line.push_back(Turn::Connection(key));
        }
        // Also if nothing was sent: the timer may wait for the peer's window.
        lines!(self).arm(key, connection, deadline);
        sent
    }

    /// Returns the segment's time to live, if there was one.
    #[inline(never)]
    pub(super) fn transmit_half_open(&mut self, now: Instant, key: Key, frame: &mut Frame) -> Option<u8> {
        let half_open = self.half_open.slab.get(key)?;
        let cookie = match half_open.cookie {
            CookieReply::None => None,
            reply => self.cookie_option(half_open.listener, &half_open.tuple, reply),
        };
        let half_open = self.half_open.slab.get_mut(key)?;
        half_open.queued = false;
        let time_to_live = self.listeners.get(half_open.listener)?.settings.time_to_live;
        half_open.transmit(now, cookie.as_ref(), frame);
        Some(time_to_live)
    }

    /// The next thing the application should know.
    #[inline]
    pub fn poll_event(&mut self) -> Option<Event> {
        if self.news.is_empty() { None } else { self.next_event() }
    }

    fn next_event(&mut self) -> Option<Event> {
        while let Some(news) = self.news.pop_front() {
            match news {
                News::Listener(key) => {
                    if let Some(listener) = self.listeners.get_mut(key) {
                        listener.announced = false;
                        return Some(Event::Listener(ListenerId(key)));
                    }
                }
                News::Connection(key) => {
                    let Some(connection) = self.connections.get_mut(key) else { continue };
                    let fresh = connection.told.take();
                    if !connection.detached && fresh != Readiness::NONE {
                        return Some(Event::Connection(ConnectionId(key), fresh));
                    }
                }
            }
        }
        None
    }
}
