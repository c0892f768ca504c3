//! Measures this stack beside its peers on a TUN device, with the Linux kernel's own sockets at the other end.
//!
//! Every sample is taken in a process of its own, in a network namespace that it makes itself: nobody sees what another one has
//! left behind, and one that hangs is ended. Within a case the subjects take turns, round by round; a run that ends early is gone on
//! with by the next one.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "measuring is done in real time")]

mod case;
mod kernel;
mod namespace;
mod report;
mod rounds;
mod rows;
mod sample;
mod subjects;
mod traffic;

use anyhow::Context;
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use subjects::Subject;

/// Measure this stack beside its peers on a TUN device (needs root).
#[derive(Parser, Debug)]
#[command(name = "bench-tun", version)]
struct Arguments {
    /// Measure only cases and subjects whose names contain this, like `to-kernel`, `offload` or `smoltcp`; may be given more than once
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Measure only cases of so many connections; may be given more than once
    #[arg(long, value_name = "COUNT")]
    connections: Vec<usize>,
    /// Measure only this subject, by its whole name; may be given more than once
    #[arg(long, value_name = "NAME")]
    subject: Vec<Subject>,
    /// Rounds, in each of which every subject has its turn
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// The length of a sample, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    seconds: f64,
    /// Compare every byte with what was sent; the figures mean nothing
    #[arg(long)]
    verify: bool,
    /// Go on from the figures in this file, if it is there, and write it after each round: samples that it has are not taken again
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    keep: Option<PathBuf>,
    /// Begin no round that would not end within so many seconds, once the peers are built; with --keep, run the same again for the rest
    #[arg(long, value_name = "SECONDS")]
    within: Option<f64>,
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the figures as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Draw the figures as SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Measure nothing: take the figures from what earlier runs have written with --json; may be given more than once
    #[arg(long, value_name = "FILE")]
    from: Vec<PathBuf>,
    /// Take one sample here: the case and the subject
    #[arg(long, hide = true, num_args = 2)]
    sample: Option<Vec<String>>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-tun: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let seconds = Duration::try_from_secs_f64(arguments.seconds)?;
    if let Some([case, subject]) = arguments.sample.as_deref() {
        let figures = sample::take(case.parse()?, subject.parse()?, seconds, arguments.verify)?;
        println!("{}", serde_json::to_string(&figures)?);
        return Ok(());
    }
    if !arguments.from.is_empty() {
        return report::write(&rows::read(&arguments.from)?, arguments);
    }
    let programs = std::env::temp_dir().join(format!("netstrata-bench-tun.{}", std::process::id()));
    std::fs::create_dir(&programs).with_context(|| format!("cannot make {}", programs.display()))?;
    let rows = rounds::measure(arguments, seconds, &programs);
    std::fs::remove_dir_all(&programs)?;
    report::write(&rows?, arguments)
}
