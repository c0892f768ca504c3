//! What is due: timers, segments, events.

use super::half_open::CookieReply;
use super::lines::{Lines, lines};
use super::tcp_host::{Host, environment};
use super::work::{News, Turn};
use crate::connection::effect::Transmission;
use crate::connection::fate::Fate;
use crate::environment::Environment;
use crate::event::{ConnectionId, Event, ListenerId, Readiness};
use crate::segment::{Labels, Outgoing};
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
            let half_open = self.half_open.slab.at(index);
            let listener = half_open.and_then(|half_open| self.listeners.get(half_open.listener));
            let (most, answers) = match (half_open, listener) {
                (Some(half_open), Some(listener)) => {
                    half_open.patience(self.config.syn_ack_retries, listener.defers)
                }
                _ => (0, false),
            };
            if listener.is_some() && self.half_open.retry(index, most, now) {
                if answers {
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
                        return Some(connection.settings.labels.on(&connection.tuple));
                    }
                }
                Turn::HalfOpen(key) => {
                    if let Some(labels) = self.transmit_half_open(now, key, frame) {
                        self.counters.segments_sent += 1;
                        return Some(labels.on(&self.half_open.slab.at(key.index())?.tuple));
                    }
                }
                Turn::TimeWait(key) => {
                    if self.transmit_time_wait(now, key, frame) {
                        self.counters.segments_sent += 1;
                        return Some(Labels::USUAL.on(&self.time_wait.get(key)?.tuple));
                    }
                }
            }
        }
    }

    #[inline(never)]
    fn transmit_reply(&mut self, lane: u8, frame: &mut Frame) -> Option<Outgoing<'_>> {
        let (tuple, labels, reply) = self.lanes.get(lane).replies.pop()?;
        self.counters.segments_sent += 1;
        (*frame, self.replied) = (reply, tuple);
        Some(labels.on(&self.replied))
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

    /// Returns what the segment's IP header is to say, if there was one.
    #[inline(never)]
    pub(super) fn transmit_half_open(&mut self, now: Instant, key: Key, frame: &mut Frame) -> Option<Labels> {
        let half_open = self.half_open.slab.get(key)?;
        let cookie = match half_open.cookie {
            CookieReply::None => None,
            reply => self.cookie_option(half_open.listener, &half_open.tuple, reply),
        };
        let half_open = self.half_open.slab.get_mut(key)?;
        half_open.queued = false;
        let labels = self.listeners.get(half_open.listener)?.settings.labels;
        half_open.transmit(now, cookie.as_ref(), frame);
        Some(labels)
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
