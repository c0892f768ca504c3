//! What can be asked of a run.

use crate::subject::Subject;
use crate::work::Work;
use std::path::PathBuf;

/// Measure this stack beside its peers, in turn, on this machine.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Arguments {
    /// Measure only cases and subjects whose names contain this, like `bulk`, `idle=0` or `smoltcp`; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// See in a few seconds whether everything works, and verify every byte; the figures mean nothing
    #[arg(long)]
    pub quick: bool,
    /// Rounds, in each of which every subject has its turn [default: 5; with --quick: 1]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: Option<u32>,
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draw the figures as SVG
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Write the figures as Markdown
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// Only let a SYN flood come: 100 000 forged SYNs in each second of virtual time while 100 clients call, and how many a core answers
    #[arg(long)]
    pub flood: bool,
    /// Only hold so many idle connections at one host, and tell what its heap and the process take for them
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=4_000_000))]
    pub hold: Option<u32>,
    /// Do a fixed amount of this work without looking at the clock, to count instructions with `valgrind --tool=callgrind`
    #[arg(long, value_name = "WORK")]
    pub count: Option<Work>,
    /// Whose instructions to count
    #[arg(long, value_name = "SUBJECT", requires = "count", default_value = "ours")]
    pub subject: Option<Subject>,
}
