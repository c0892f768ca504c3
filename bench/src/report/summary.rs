//! All that a run has found.

use crate::machine::Machine;
use crate::measure::{Effort, Measured, Skipped};
use crate::memory::Footprint;
use crate::ours::MAX_TIME_WAIT;
use crate::setup::BUFFER;
use serde::Serialize;

/// All that a run has found; also what the JSON file holds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) command: String,
    pub(crate) machine: Machine,
    pub(crate) effort: Effort,
    /// How things were set up, for who compares.
    pub(crate) conditions: Vec<String>,
    pub(crate) measured: Vec<Measured>,
    /// Bytes of heap per connection.
    pub(crate) memory: Option<Footprint>,
    pub(crate) skipped: Vec<Skipped>,
}

impl Report {
    pub(crate) fn new(
        machine: Machine,
        effort: Effort,
        measured: Vec<Measured>,
        memory: Option<Footprint>,
        skipped: Vec<Skipped>,
    ) -> Report {
        // As anyone can run it: the program's own place says nothing to others.
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let command = format!("cargo run --release -p netstrata-bench -- {}", arguments.join(" "));
        Report { command, machine, effort, conditions: conditions(), measured, memory, skipped }
    }
}

/// What a reader must know to compare the figures.
fn conditions() -> Vec<String> {
    vec![
        "Both ends of every subject are in one thread; within a case the subjects take turns, round by round.".into(),
        format!(
            "ours and smoltcp: one Ethernet interface each, frames handed over by ownership through a queue in memory, \
             their memory used again; buffers of {} KiB; Nagle's algorithm off; the application writes and reads 64 KiB at a time.",
            BUFFER / 1024
        ),
        "ours has timestamps, selective acknowledgments and CUBIC on; smoltcp 0.14 as it comes: no timestamps, no congestion control.".into(),
        "A host's turn: it takes in what has come, its program acts, it gives out what is due; one look at the clock serves all three. \
         smoltcp is driven by `poll`, as in its documentation, which takes in and answers at once, so that the client's first byte \
         cannot travel with its acknowledgment of the SYN-ACK; smoltcp in halves (`poll_ingress_single`, `poll_egress`) does as ours."
            .into(),
        "With checksums, ours cuts its super-segments into packets of the MTU and both sides compute and verify the checksum \
         of each packet. Without (checksums=none), ours hands super-segments over whole and verifies nothing, but still sums a \
         segment that is one packet when it sends it; smoltcp leaves all checksums out."
            .into(),
        format!(
            "calls: ours really keeps the closing side in TIME-WAIT, in a table of {MAX_TIME_WAIT}; smoltcp uses two sockets again \
             and again and keeps no TIME-WAIT."
        ),
        "idle connections are established at both ends beside the busy one; those of smoltcp have buffers of 1 KiB.".into(),
        "kernel: sockets that never block, buffers as the kernel sizes them. Loopback has an MTU of 65536 and no checksums; \
         veth has its default offloads, so that super-segments pass whole and without checksums."
            .into(),
    ]
}
