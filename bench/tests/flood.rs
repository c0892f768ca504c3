//! 100 000 forged SYNs a second, in virtual time: real clients notice nothing, and memory stays as it is.

use netstrata_bench::flood::flood;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use tcp::SynCookies;

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn live() -> usize {
    HEAP.stats().bytes_allocated - HEAP.stats().bytes_deallocated
}

#[test]
fn cookies_serve_every_real_client_in_flat_memory_and_without_them_most_fail() {
    let with = flood(SynCookies::WhenFull, 100_000, 1, live);
    println!("with cookies: {with:?}");
    assert!(with.forged >= 100_000 && with.cookies > 100_000);
    assert_eq!(with.failed, 0, "{with:?}");
    assert!(with.answered >= 1_000, "{with:?}");
    // A hundred calls at once have buffers; a hundred thousand half-open connections would need 12 MB.
    assert!(with.grown < 512 * 1024, "{with:?}");
    let without = flood(SynCookies::Off, 100_000, 1, live);
    println!("without: {without:?}");
    assert!(without.cookies == 0 && without.failed >= 100, "{without:?}");
}
