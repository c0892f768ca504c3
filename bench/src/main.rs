//! `bench`: measures this stack beside its peers, its memory included.

use clap::{Parser, Subcommand};
use netstrata_bench::Arguments;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::process::ExitCode;

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Measures this stack beside its peers, in turn, on this machine.
#[derive(Parser)]
#[command(name = "bench", version, args_conflicts_with_subcommands = true)]
struct Command {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    arguments: Arguments,
}

/// Other measurements.
#[derive(Subcommand)]
enum Other {
    #[cfg(target_os = "linux")]
    Goodput(netstrata_bench::goodput::Arguments),
    Shards(netstrata_bench::shards::Arguments),
}

fn main() -> ExitCode {
    let command = Command::parse();
    let result = match &command.other {
        #[cfg(target_os = "linux")]
        Some(Other::Goodput(arguments)) => netstrata_bench::goodput::run(arguments),
        Some(Other::Shards(arguments)) => netstrata_bench::shards::run(arguments),
        _ => netstrata_bench::run(&command.arguments, Some(live)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Bytes of heap in use.
fn live() -> usize {
    let heap = HEAP.stats();
    heap.bytes_allocated.saturating_sub(heap.bytes_deallocated)
}
