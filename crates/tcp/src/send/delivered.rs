//! What one acknowledgment tells to have arrived.

use basis::Instant;
use core::time::Duration;
use wire::tcp::Seq;

/// The numbers that an acknowledgment reports for the first time, cumulatively or selectively.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delivered {
    now: Instant,
    /// When what caused the acknowledgment was sent, by its echoed timestamp, in milliseconds.
    echo: Option<u64>,
    /// By how much the timestamps of what was sent again may be older than its sending, in milliseconds.
    lag: u16,
    /// The shortest round trip known.
    shortest: Duration,
    /// Numbers newly reported.
    pub(super) bytes: u32,
    /// Those of them that were reported selectively.
    pub(super) selected: u32,
    /// When the last sent of them was sent, and where it ends.
    pub(super) latest: Option<(Instant, Seq)>,
    /// When the one noted last was sent: RACK.rtt is its time under way (RFC 8985 6.2 step 2).
    pub(super) noted: Option<Instant>,
    /// Where the lowest of those begins and ends that were sent once only.
    pub(super) lowest_original: Option<(Seq, Seq)>,
    /// Where the highest of those ends that were sent once only.
    pub(super) highest_original: Option<Seq>,
    /// Where the highest of all ends.
    pub(super) highest: Option<Seq>,
    /// When the last sent of those was sent that tell a round-trip time (Karn).
    timed: Option<Instant>,
    /// Something sent again was acknowledged cumulatively: so may be what waited behind it.
    ambiguous: bool,
}

impl Delivered {
    /// `echoed` is the time since the echoed timestamp, in whole milliseconds; timestamps of what was sent again are up to `lag`
    /// milliseconds older than its sending.
    pub(super) fn new(now: Instant, echoed: Option<Duration>, lag: u16, shortest: Duration) -> Delivered {
        let echo = echoed.map(|echoed| now.as_millis().saturating_sub(echoed.as_millis() as u64));
        Delivered {
            now,
            echo,
            lag,
            shortest,
            bytes: 0,
            selected: 0,
            latest: None,
            noted: None,
            lowest_original: None,
            highest_original: None,
            highest: None,
            timed: None,
            ambiguous: false,
        }
    }

    /// Numbers from `left` to `end` are reported for the first time.
    pub(super) fn note(&mut self, left: Seq, end: Seq, sent_at: Instant, repeated: bool, selectively: bool) {
        let length = end.since(left);
        self.bytes += length;
        self.selected += if selectively { length } else { 0 };
        self.highest = Some(self.highest.map_or(end, |highest| highest.max(end)));
        if repeated {
            self.ambiguous |= !selectively;
        } else {
            if self.lowest_original.is_none_or(|(_, lowest)| end.before(lowest)) {
                self.lowest_original = Some((left, end));
            }
            self.highest_original = Some(self.highest_original.map_or(end, |highest| highest.max(end)));
            if selectively || !self.ambiguous {
                self.timed =
                    Some(self.timed.map_or(sent_at, |timed| if timed < sent_at { sent_at } else { timed }));
            }
        }
        // RFC 8985 6.2 step 2: this may still be the acknowledgment of an earlier transmission. What arrived behind a gap leaves the
        // echo as it was (RFC 7323 4.3), which then tells nothing.
        let echo = self.echo.filter(|_| !selectively);
        let too_early = repeated
            && (self.now.saturating_since(sent_at) < self.shortest
                || echo.is_some_and(|echo| echo + u64::from(self.lag) < sent_at.as_millis()));
        let later = self.latest.is_none_or(|(at, last)| at < sent_at || at == sent_at && last.before(end));
        if too_early {
            return;
        }
        self.noted = Some(sent_at);
        if later {
            self.latest = Some((sent_at, end));
        }
    }

    /// The round-trip time that it tells, in microseconds.
    pub(super) fn round_trip(&self) -> Option<u32> {
        self.timed.map(|sent_at| self.now.micros_since(sent_at))
    }

    /// Whether the echoed timestamp is older than what was sent at `sent_at` (RFC 3522 3.2).
    pub(super) fn echoes_before(&self, sent_at: Instant) -> Option<bool> {
        self.echo.map(|echo| echo < sent_at.as_millis())
    }
}
