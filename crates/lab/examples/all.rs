//! Runs every experiment as it stands, and tells what its checks found.

use netstrata_lab::{Request, catalogue, run};

fn main() {
    for experiment in catalogue() {
        let trace = match run(&Request { experiment: experiment.name.to_owned(), ..Request::default() }) {
            Ok(trace) => trace,
            Err(refusal) => panic!("{}", refusal.message.en),
        };
        let (frames, events) = (trace.frames.len(), trace.events.len());
        println!(
            "{} {}: {frames} frames, {events} events",
            if trace.passed { "ok  " } else { "FAIL" },
            experiment.name
        );
        for check in &trace.checks {
            println!("       {} {}: {}", check.verdict, check.claim.en, check.seen.en);
        }
    }
}
