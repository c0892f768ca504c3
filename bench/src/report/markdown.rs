//! Figures as Markdown.

use super::Report;
use super::table::{figure, rows};
use crate::measure::Measured;
use crate::subject::Subject;
use std::fmt::Write;

/// The whole report; `picture` is the file name of the drawing beside it.
pub(crate) fn write(report: &Report, picture: Option<&str>) -> String {
    let mut text = String::from("# Measured side by side\n\n");
    // Writing to a string cannot fail.
    let machine = &report.machine;
    let _ = writeln!(
        text,
        "{}, {} cores, {}. Built for: {}. Medians of {} rounds (least .. most), in turn, in one run:\n",
        machine.processor,
        machine.cores,
        machine.system,
        machine.features(),
        report.effort.rounds
    );
    let _ = writeln!(text, "    {}\n", report.command);
    if !machine.optimized || report.effort.checked {
        text += "**This was not a measurement but a test: not optimized, or `--quick`.**\n\n";
    }
    if let Some(picture) = picture {
        let _ = writeln!(text, "![The figures as bars]({picture})\n");
    }
    text += "\"Ours is\" tells how many times as good ours is: faster, or taking less time.\n\n";
    text += "| Case | Unit | ours | smoltcp | ours is | smoltcp, in halves | ours is | kernel, loopback | ours is | kernel, veth | ours is |\n";
    text += "|---|---|---|---|---|---|---|---|---|---|---|\n";
    for measured in &report.measured {
        let _ = write!(text, "| {} | {} | {} |", measured.case, measured.unit, cell(measured, Subject::Ours));
        for subject in [Subject::Smoltcp, Subject::SmoltcpHalves, Subject::Loopback, Subject::Veth] {
            let ratio = measured.ratio(subject).map(|ratio| format!("{ratio:.2} x")).unwrap_or_default();
            let _ = write!(text, " {} | {ratio} |", cell(measured, subject));
        }
        text.push('\n');
    }
    if let Some(footprint) = report.memory {
        let _ = writeln!(
            text,
            "\n## Memory\n\nBytes of heap per connection of ours, over {} of each, one host alone.\n\n| | bytes | bound |\n|---|---|---|",
            footprint.count
        );
        for (name, bytes, bound) in rows(footprint) {
            let _ = writeln!(text, "| {name} | {bytes:.1} | {bound} |");
        }
    }
    text += "\n## Conditions\n\n";
    for condition in &report.conditions {
        let _ = writeln!(text, "- {condition}");
    }
    if !report.skipped.is_empty() {
        text += "\n## Not measured\n\n";
        for skipped in &report.skipped {
            let _ = writeln!(text, "- {} ({}): {}", skipped.subject.name(), skipped.case, skipped.reason);
        }
    }
    text
}

fn cell(measured: &Measured, subject: Subject) -> String {
    let Some(outcome) = measured.outcomes.iter().find(|outcome| outcome.subject == subject) else {
        return String::new();
    };
    let show = |value| figure(measured.case.work, value);
    let statistics = outcome.statistics;
    format!("**{}** ({} .. {})", show(statistics.median), show(statistics.least), show(statistics.most))
}
