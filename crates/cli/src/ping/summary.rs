//! The last lines of a ping.

use std::fmt::Write;
use std::time::Duration;

/// What came of the requests.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    /// Requests sent.
    pub(crate) sent: u64,
    /// Requests answered.
    pub(crate) replies: u64,
    /// Answers to requests that were answered before, or given up.
    pub(crate) duplicates: u64,
    /// Reports of requests that failed.
    pub(crate) errors: u64,
    least: f64,
    most: f64,
    sum: f64,
    sum_of_squares: f64,
}

impl Summary {
    /// Counts a reply that took `time`.
    pub(crate) fn reply(&mut self, time: Duration) {
        let milliseconds = time.as_secs_f64() * 1000.0;
        self.least = if self.replies == 0 { milliseconds } else { self.least.min(milliseconds) };
        self.most = self.most.max(milliseconds);
        self.sum += milliseconds;
        self.sum_of_squares += milliseconds * milliseconds;
        self.replies += 1;
    }

    /// Requests of which nothing more is expected.
    pub(crate) fn outcomes(&self) -> u64 {
        self.replies + self.errors
    }

    /// The lines, for a ping that took `time` in all.
    pub(crate) fn text(&self, time: Duration) -> String {
        let mut text = format!("{} packets transmitted, {} received", self.sent, self.replies);
        // Writing to a string cannot fail.
        for (count, what) in [(self.duplicates, "duplicates"), (self.errors, "errors")] {
            if count > 0 {
                let _ = write!(text, ", +{count} {what}");
            }
        }
        let lost = self.sent.saturating_sub(self.replies);
        let percent = if self.sent == 0 { 0.0 } else { 100.0 * lost as f64 / self.sent as f64 };
        let _ = writeln!(
            text,
            ", {}% packet loss, time {} ms",
            (percent * 10.0).round() / 10.0,
            time.as_millis()
        );
        if self.replies > 0 {
            let mean = self.sum / self.replies as f64;
            let deviation = (self.sum_of_squares / self.replies as f64 - mean * mean).max(0.0).sqrt();
            let _ = writeln!(
                text,
                "rtt min/avg/max/mdev = {:.3}/{mean:.3}/{:.3}/{deviation:.3} ms",
                self.least, self.most
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_lines() {
        let mut summary = Summary { sent: 4, duplicates: 1, errors: 1, ..Summary::default() };
        summary.reply(Duration::from_millis(3));
        summary.reply(Duration::from_millis(1));
        assert_eq!(
            summary.text(Duration::from_millis(3012)),
            "4 packets transmitted, 2 received, +1 duplicates, +1 errors, 50% packet loss, time 3012 ms\n\
             rtt min/avg/max/mdev = 1.000/2.000/3.000/1.000 ms\n"
        );
        let nothing = Summary { sent: 3, ..Summary::default() };
        assert_eq!(
            nothing.text(Duration::ZERO),
            "3 packets transmitted, 0 received, 100% packet loss, time 0 ms\n"
        );
    }
}
