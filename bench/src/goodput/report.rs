//! The figures as JSON, as a table and as Markdown.

use super::arguments::Arguments;
use super::matrix::{Cell, Pairing};
use super::path::Path;
use super::site::LARGEST_BUFFER;
use super::transfer::Sample;
use crate::machine::Machine;
use crate::statistics::{Ratio, Statistics};
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// Nothing counts as that much, where figures are compared. Mbit/s.
const LEAST: f64 = 0.01;

/// All that a run has found; also what the JSON file holds.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    command: String,
    machine: Machine,
    /// How things were set up, for who compares.
    conditions: Vec<String>,
    pub(crate) figures: Vec<Figures>,
}

/// The samples of one pairing in one cell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) cell: Cell,
    pub(crate) pairing: Pairing,
    pub(crate) samples: Vec<Sample>,
}

impl Figures {
    /// Mbit/s.
    pub(crate) fn statistics(&self) -> Option<Statistics> {
        Statistics::of(&self.samples.iter().map(|sample| sample.megabits).collect::<Vec<_>>())
    }

    fn median_of(&self, count: impl Fn(&Sample) -> u64) -> f64 {
        let counts: Vec<f64> = self.samples.iter().map(|sample| count(sample) as f64).collect();
        Statistics::of(&counts).map_or(0.0, |statistics| statistics.median)
    }

    fn sum_of(&self, count: impl Fn(&Sample) -> u64) -> u64 {
        self.samples.iter().map(count).sum()
    }
}

impl Report {
    pub(crate) fn new(machine: Machine, arguments: &Arguments) -> Report {
        // As anyone can run it: the program's own place says nothing to others.
        let said: Vec<String> = std::env::args().skip(1).collect();
        let command = format!("cargo run --release -p netstrata-bench -- {}", said.join(" "));
        Report { command, machine, conditions: conditions(arguments), figures: Vec::new() }
    }

    pub(crate) fn add(&mut self, cell: Cell, pairing: Pairing, sample: Sample) {
        let same = |figures: &&mut Figures| figures.cell == cell && figures.pairing == pairing;
        match self.figures.iter_mut().find(same) {
            Some(figures) => figures.samples.push(sample),
            None => self.figures.push(Figures { cell, pairing, samples: vec![sample] }),
        }
        self.figures.sort_by(|one, other| one.cell.order(&other.cell).then(one.pairing.cmp(&other.pairing)));
    }

    /// The cells, in the table's order.
    pub(crate) fn cells(&self) -> Vec<Cell> {
        let mut cells: Vec<Cell> = self.figures.iter().map(|figures| figures.cell).collect();
        cells.dedup();
        cells
    }

    pub(crate) fn find(&self, cell: Cell, pairing: Pairing) -> Option<&Figures> {
        self.figures.iter().find(|figures| figures.cell == cell && figures.pairing == pairing)
    }

    /// How a pairing compares with Linux to itself, seed by seed.
    fn share(&self, cell: Cell, pairing: Pairing) -> Option<Ratio> {
        let (ours, linux) = (self.find(cell, pairing)?, self.find(cell, Pairing::LinuxToLinux)?);
        let pair = |one: &Sample| {
            let other = linux.samples.iter().find(|other| other.seed == one.seed)?;
            Some((one.megabits.max(LEAST), other.megabits.max(LEAST)))
        };
        Ratio::of(&ours.samples.iter().filter_map(pair).collect::<Vec<_>>())
    }
}

/// What a reader must know to compare the figures.
fn conditions(arguments: &Arguments) -> Vec<String> {
    let queue = |rtt| Cell { rtt, loss: 0.0, reordering: 0.0 }.path(u64::from(arguments.rate) * 1_000_000);
    let queues: Vec<String> = arguments
        .rtt
        .iter()
        .map(|&rtt| format!("{} kB at {rtt} ms", Path::queue(&queue(rtt)) / 1000))
        .collect();
    vec![
        format!(
            "the path: a thread between two TAPs, each in a network namespace of its own; {} Mbit/s each way, then half the RTT; a queue \
             of one product of bandwidth and delay, no less than 30 frames ({}). MTU 1500, no offload.",
            arguments.rate,
            queues.join(", ")
        ),
        "loss and reordering by seed, in both directions alike; a frame of those reordered is held back by a random part of half \
         the RTT. All pairings of a round have the same seed. ARP passes unharmed."
            .into(),
        format!(
            "a sample: one connection, written to without pause; what the receiver's application has read {} s after the sender's \
             connect() returned. The bytes are compared.",
            arguments.seconds
        ),
        format!(
            "Linux: its own defaults but CUBIC, no metrics kept from earlier connections, and buffers that may grow to {} MiB; the TAP \
             carries its address. Ours: defaults (CUBIC), buffers that may grow as far; on a TAP of its own, which a bridge joins with \
             the path's, driven by its runtime in real time.",
            LARGEST_BUFFER >> 20
        ),
        "late: how much later than it should the path delivered 99 of 100 frames at most. A transfer with more than a twentieth of \
         the RTT, and more than 0.5 ms, is repeated, up to twice; the least late one counts."
            .into(),
        "per cent: the geometric mean of the ratios of both transfers of each seed, and its standard error. What a seed loses early \
         decides how far slow start comes, so that medians of a few seeds tell less."
            .into(),
        "time-outs, repeated segments: medians of what the sending stack has counted.".into(),
        "taken back: what the sender itself found out to have been for nothing. Linux: TCPLossUndo for time-outs (TCPSpuriousRTOs are \
         among them), TCPFullUndo, TCPPartialUndo and TCPDSACKUndo for recoveries."
            .into(),
    ]
}

/// One transfer.
pub(crate) fn line(cell: Cell, pairing: Pairing, sample: &Sample) -> String {
    let counts = sample.counts;
    format!(
        "{cell}, {pairing}: {} Mbit/s, {} time-outs ({} spurious), {} repeated, {} recoveries ({} taken back), {} probes, \
         round trips {:.2} ms (shortest {:.2}); path: {} frames, {} lost, \
         {} dropped, {} us late",
        figure(sample.megabits),
        counts.timeouts,
        known(counts.spurious_timeouts),
        counts.retransmissions,
        counts.recoveries,
        known(counts.spurious_recoveries),
        counts.tail_probes,
        f64::from(sample.round_trips.smoothed) / 1e3,
        f64::from(sample.round_trips.shortest) / 1e3,
        sample.path.frames,
        sample.path.lost,
        sample.path.dropped,
        sample.path.late_microseconds
    )
}

/// The medians, for the terminal.
pub(crate) fn table(report: &Report) -> String {
    let mut text = format!("{:<42}", "Mbit/s");
    for pairing in Pairing::ALL {
        let _ = write!(text, "{pairing:>16}");
    }
    for cell in report.cells() {
        let _ = write!(text, "\n{:<42}", cell.to_string());
        for pairing in Pairing::ALL {
            let median = report.find(cell, pairing).and_then(Figures::statistics);
            let _ = write!(text, "{:>16}", median.map(|found| figure(found.median)).unwrap_or_default());
        }
    }
    text + "\n"
}

/// The whole report; `picture` is the file name of the drawing beside it.
pub(crate) fn markdown(report: &Report, picture: Option<&str>) -> String {
    let mut text = String::from("# Goodput over a poor path\n\n");
    let machine = &report.machine;
    let rounds = report.figures.iter().map(|figures| figures.samples.len()).max().unwrap_or(0);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{}, {} cores, {}. Medians of up to {rounds} rounds (least .. most), in turn, in one run:\n",
        machine.processor, machine.cores, machine.system
    );
    let _ = writeln!(text, "    {}\n", report.command);
    if !machine.optimized {
        text += "**This was not a measurement but a test: not optimized.**\n\n";
    }
    if let Some(picture) = picture {
        let _ = writeln!(text, "![The figures as bars]({picture})\n");
    }
    text += "Mbit/s, and behind it what that is of Linux to Linux with the same seeds, and its standard error.\n\n";
    text +=
        "| Reordering | RTT | Loss | ours to ours | | Linux to Linux | ours to Linux | | Linux to ours | |\n";
    text += "|---|---|---|---|---|---|---|---|---|---|\n";
    for cell in report.cells() {
        let _ = write!(text, "| {} % | {} ms | {} % |", cell.reordering, cell.rtt, cell.loss);
        for pairing in Pairing::ALL {
            let found = report.find(cell, pairing).and_then(Figures::statistics);
            let spread = |found: Statistics| {
                let [median, least, most] = [found.median, found.least, found.most].map(figure);
                format!("{median} ({least} .. {most})")
            };
            let _ = write!(text, " {} |", found.map(spread).unwrap_or_default());
            if pairing != Pairing::LinuxToLinux {
                let _ = write!(text, " {} |", report.share(cell, pairing).map(percent).unwrap_or_default());
            }
        }
        text.push('\n');
    }
    text += "\n## Time-outs and repeated segments\n\n";
    text += "Time-outs / segments sent again; the path's lateness in ms is the largest of the samples.\n\n";
    text += "| Reordering | RTT | Loss | ours to ours | Linux to Linux | ours to Linux | Linux to ours | late |\n";
    text += "|---|---|---|---|---|---|---|---|\n";
    for cell in report.cells() {
        let _ = write!(text, "| {} % | {} ms | {} % |", cell.reordering, cell.rtt, cell.loss);
        let mut late = 0;
        for pairing in Pairing::ALL {
            let Some(figures) = report.find(cell, pairing) else {
                text += " |";
                continue;
            };
            let timeouts = figures.median_of(|sample| sample.counts.timeouts);
            let repeated = figures.median_of(|sample| sample.counts.retransmissions);
            let _ = write!(text, " {timeouts} / {repeated} |");
            late = figures.samples.iter().map(|sample| sample.path.late_microseconds).fold(late, u32::max);
        }
        let _ = writeln!(text, " {:.2} |", f64::from(late) / 1000.0);
    }
    text += &reordering(report);
    text += "\n## How it was measured\n\n";
    for condition in &report.conditions {
        let _ = writeln!(text, "- {condition}");
    }
    text
}

/// What late arrivals led to, in the cells that have them.
fn reordering(report: &Report) -> String {
    let mut text = String::from("\n## What was taken for lost and had arrived\n\n");
    text += "Sums of all samples: time-outs, those of them that were for nothing; fast recoveries, those of them that were taken back.\n";
    text += "A time-out was for nothing if what it sent again had arrived: late, or with all that acknowledged it lost, when only a time-out could help.\n\n";
    text += "| Reordering | RTT | Loss | ours to ours | Linux to Linux | ours to Linux | Linux to ours |\n";
    text += "|---|---|---|---|---|---|---|\n";
    for cell in report.cells().into_iter().filter(|cell| cell.reordering > 0.0) {
        // Writing to a string cannot fail.
        let _ = write!(text, "| {} % | {} ms | {} % |", cell.reordering, cell.rtt, cell.loss);
        for pairing in Pairing::ALL {
            let found = report.find(cell, pairing).map(|figures| {
                let all = |count: fn(&Sample) -> Option<u64>| {
                    figures.samples.iter().map(count).sum::<Option<u64>>()
                };
                format!(
                    "{}, {}; {}, {}",
                    figures.sum_of(|sample| sample.counts.timeouts),
                    known(all(|sample| sample.counts.spurious_timeouts)),
                    figures.sum_of(|sample| sample.counts.recoveries),
                    known(all(|sample| sample.counts.spurious_recoveries)),
                )
            });
            let _ = write!(text, " {} |", found.unwrap_or_default());
        }
        text.push('\n');
    }
    text
}

/// A number, unless an earlier run did not count it.
fn known(number: Option<u64>) -> String {
    number.map_or_else(|| "?".into(), |number| number.to_string())
}

fn percent(share: Ratio) -> String {
    let Ratio { mean, error } = share;
    let error = error.map(|error| format!(" ± {:.0}", error * 100.0)).unwrap_or_default();
    format!("{:.0} %{error}", mean * 100.0)
}

/// A figure with as many digits as it deserves.
pub(crate) fn figure(megabits: f64) -> String {
    if megabits >= 10.0 { format!("{megabits:.1}") } else { format!("{megabits:.2}") }
}
