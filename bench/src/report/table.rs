//! Figures on the terminal.

use super::Report;
use crate::machine::Machine;
use crate::measure::{Effort, Measured};
use crate::memory::Footprint;
use crate::subject::Subject;
use crate::work::Work;
use std::fmt::Write;

/// What stands before the first case.
pub(crate) fn heading(machine: &Machine, effort: Effort) -> String {
    let mut text = format!(
        "{}, {} cores, {}; built for: {}\n",
        machine.processor,
        machine.cores,
        machine.system,
        machine.features()
    );
    if !machine.optimized {
        text += "not optimized: run it with --release\n";
    }
    if effort.checked {
        text += "quick: every byte is verified, and the figures mean nothing\n";
    }
    text
}

/// One case.
pub(crate) fn case(measured: &Measured) -> String {
    let better = if measured.case.work.lower_is_better() { ", lower is better" } else { "" };
    let mut text = format!("\n{} ({}{better})\n", measured.case, measured.unit);
    for outcome in &measured.outcomes {
        let statistics = outcome.statistics;
        let ratio = match (outcome.subject, measured.ratio(outcome.subject)) {
            (Subject::Ours, _) | (_, None) => String::new(),
            (_, Some(ratio)) => format!("   ours is {ratio:.2} times as good"),
        };
        let work = measured.case.work;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "  {:<16}{:>10}   {} .. {}{ratio}",
            outcome.subject.name(),
            figure(work, statistics.median),
            figure(work, statistics.least),
            figure(work, statistics.most),
        );
    }
    text
}

/// What stands behind the last case.
pub(crate) fn end(report: &Report) -> String {
    let mut text = String::new();
    if let Some(footprint) = report.memory {
        text += "\nmemory of ours (bytes of heap per connection)\n";
        for (name, bytes, bound) in rows(footprint) {
            let _ = writeln!(text, "  {name:<16}{bytes:>10.1}   bound {bound}");
        }
    }
    if !report.skipped.is_empty() {
        text += "\nnot measured\n";
    }
    for skipped in &report.skipped {
        let _ = writeln!(text, "  {} ({}): {}", skipped.subject.name(), skipped.case, skipped.reason);
    }
    text
}

/// Name, bytes and bound of each kind of connection.
pub(crate) fn rows(footprint: Footprint) -> [(&'static str, f64, u32); 3] {
    [
        ("established", footprint.established, 512),
        ("half-open", footprint.half_open, 128),
        ("TIME-WAIT", footprint.time_wait, 96),
    ]
}

/// A figure with as many digits as it deserves.
pub(crate) fn figure(work: Work, value: f64) -> String {
    match work {
        Work::Bulk if value >= 10.0 => format!("{value:.1}"),
        Work::Bulk => format!("{value:.3}"),
        Work::RoundTrip | Work::Calls => format!("{value:.0}"),
    }
}
