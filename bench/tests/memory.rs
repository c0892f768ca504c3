//! What a connection that nobody uses may cost: sizes, so they are the same on every machine.

use netstrata_bench::memory::{hold, measure};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn live() -> usize {
    HEAP.stats().bytes_allocated - HEAP.stats().bytes_deallocated
}

#[test]
fn a_connection_that_nobody_uses_costs_no_more_than_its_bound() {
    let footprint = measure(live, 100_000).unwrap();
    assert!(footprint.established > 100.0 && footprint.half_open > 10.0 && footprint.time_wait > 10.0);
    assert!(footprint.established <= 512.0, "{footprint:?}");
    assert!(footprint.half_open <= 128.0, "{footprint:?}");
    assert!(footprint.time_wait <= 96.0, "{footprint:?}");
    // A million is one command away; the whole host counts here, its first tables and kept buffers included.
    let held = hold(Some(live), 20_000).unwrap();
    assert!(held.heap.unwrap() <= 20_000 * 600, "{held}");
    assert_eq!(hold(None, 10).unwrap().heap, None);
}
