//! `bench`: measures this stack beside its peers, its memory included.

use clap::Parser;
use netstrata_bench::Arguments;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::process::ExitCode;

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Measures this stack beside its peers, in turn, on this machine.
#[derive(Parser)]
#[command(name = "bench", version)]
struct Command {
    #[command(flatten)]
    arguments: Arguments,
}

fn main() -> ExitCode {
    match netstrata_bench::run(&Command::parse().arguments, Some(live)) {
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
