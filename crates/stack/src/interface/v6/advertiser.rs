//! When a router advertises itself (RFC 4861 6.2).

use crate::config::RouterAdvertisement;
use basis::{Instant, Random};
use core::time::Duration;

/// RFC 4861 10: MAX_INITIAL_RTR_ADVERTISEMENTS and MAX_INITIAL_RTR_ADVERT_INTERVAL.
const INITIAL: u8 = 3;
const INITIAL_INTERVAL: Duration = Duration::from_secs(16);
/// RFC 4861 6.2.1: MinRtrAdvInterval and MaxRtrAdvInterval, as they are unless told otherwise.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(200);
const LONGEST_INTERVAL: Duration = Duration::from_secs(600);
/// RFC 4861 10: MIN_DELAY_BETWEEN_RAS, however many ask.
const SPACING: Duration = Duration::from_secs(3);
/// RFC 4861 10: MAX_RA_DELAY_TIME.
const LONGEST_DELAY: Duration = Duration::from_millis(500);
/// When it is tried again while there is no address to send from.
const AGAIN: Duration = Duration::from_millis(500);

/// What one interface's router says, and when.
#[derive(Clone, Debug)]
pub(crate) struct Advertiser {
    pub(crate) says: RouterAdvertisement,
    initial: u8,
    due: Instant,
    last: Option<Instant>,
}

impl Advertiser {
    pub(crate) fn new(now: Instant, says: RouterAdvertisement) -> Advertiser {
        Advertiser { says, initial: INITIAL, due: now, last: None }
    }

    /// When the next advertisement is due.
    pub(crate) fn next(&self) -> Instant {
        self.due
    }

    /// A host asks: all are answered at once, not long after, and not often (RFC 4861 6.2.6).
    pub(crate) fn on_solicitation(&mut self, now: Instant, random: &mut Random) {
        let earliest = self.last.map_or(now, |last| now.max(last + SPACING));
        self.due = self.due.min(earliest + below(LONGEST_DELAY, random));
    }

    /// Whether an advertisement is due.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due <= now
    }

    /// It was sent.
    pub(crate) fn sent(&mut self, now: Instant, random: &mut Random) {
        self.last = Some(now);
        self.initial = self.initial.saturating_sub(1);
        let wait = SHORTEST_INTERVAL + below(LONGEST_INTERVAL - SHORTEST_INTERVAL, random);
        self.due = now + if self.initial > 0 { wait.min(INITIAL_INTERVAL) } else { wait };
    }

    /// It could not be sent yet.
    pub(crate) fn postpone(&mut self, now: Instant) {
        self.due = now + AGAIN;
    }
}

fn below(time: Duration, random: &mut Random) -> Duration {
    let most = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
    Duration::from_micros(u64::from(random.below(most)))
}
