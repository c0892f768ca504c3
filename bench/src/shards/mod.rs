//! What several shards carry beside one: bulk connections in memory, each core with a shard of both hosts.

mod queue;
mod worker;

use crate::clock::Clock;
use crate::machine::Machine;
use crate::pair::Failed;
use crate::statistics::Statistics;
use anyhow::{Context, bail};
use basis::Instant;
use queue::{Inbox, Queues};
use stack::Shard;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use worker::{Moved, Worker};

/// Measure bulk connections on one core beside the same connections on several.
#[derive(clap::Args, Clone, Debug)]
pub struct Arguments {
    /// Shards of each host, and cores, beside one
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u16).range(2..=64))]
    pub shards: u16,
    /// Connections
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=512))]
    pub connections: u16,
    /// Rounds, in each of which every case has its turn
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// Milliseconds that a case is measured for in each round
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    pub time: u64,
    /// Compare every byte; the figures mean nothing
    #[arg(long)]
    pub checked: bool,
    /// Write the figures as Markdown
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

/// A kind of run.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    shards: usize,
    /// Whether both hosts place a flow on the same core.
    agreed: bool,
}

const WAITING: u8 = 0;
const MEASURED: u8 = 1;
const OVER: u8 = 2;
/// Nanoseconds after which a core without any work ends all the same.
const MOST: u64 = 100_000_000_000;

/// Measures and reports.
///
/// # Errors
/// When a connection fails, when nothing or other bytes arrive than were sent, or when the file cannot be written.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let several = usize::from(arguments.shards);
    let cases = [
        Case { name: "one shard", shards: 1, agreed: true },
        Case { name: "flows stay on their core", shards: several, agreed: true },
        Case { name: "each host places flows by a key of its own", shards: several, agreed: false },
    ];
    let mut rates = vec![Vec::new(); cases.len()];
    let mut handed = vec![0.0; cases.len()];
    let mut efficiency = vec![Vec::new(); cases.len()];
    for round in 0..arguments.rounds {
        for (index, case) in cases.iter().enumerate() {
            let outcome = measure(*case, arguments, round as u8)
                .map_err(|error| anyhow::anyhow!("{}: {error}", case.name))?;
            rates[index].push(outcome.rate);
            handed[index] = outcome.handed;
            efficiency[index].extend(outcome.per_second_of_processor);
        }
    }
    let text = report(arguments, &cases, &rates, &efficiency, &handed)?;
    print!("{text}");
    match &arguments.markdown {
        Some(path) => std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display())),
        None => Ok(()),
    }
}

struct Outcome {
    /// Gigabits a second, all cores together.
    rate: f64,
    /// Packets that were handed to another core, of 1500 bytes read.
    handed: f64,
    /// Gigabits for each second of one processor, where the system tells: what is carried however busy the machine is otherwise.
    per_second_of_processor: Option<f64>,
}

fn measure(case: Case, arguments: &Arguments, round: u8) -> anyhow::Result<Outcome> {
    let inboxes: Vec<Inbox> = (0..case.shards).map(|_| Inbox::default()).collect();
    let (phase, ready) = (AtomicU8::new(WAITING), Barrier::new(case.shards + 1));
    let clock = Clock::real();
    let (first, other) = ([1 + round; 32], if case.agreed { [1 + round; 32] } else { [101 + round; 32] });
    let connections = usize::from(arguments.connections);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..case.shards)
            .map(|index| {
                let (inboxes, phase, ready, clock) = (&inboxes[..], &phase, &ready, clock.clone());
                let own = connections / case.shards + usize::from(index < connections % case.shards);
                scope.spawn(move || {
                    let shard = Shard::new(index, case.shards).expect("the index is below the count");
                    let queues = Queues::new(inboxes, index);
                    let worker =
                        Worker::new(Instant::ZERO, shard, [first, other], own, arguments.checked, queues);
                    ready.wait();
                    work(worker?, case.agreed && own > 0, phase, clock)
                })
            })
            .collect();
        ready.wait();
        // Slow start and full buffers are not what is measured.
        std::thread::sleep(Duration::from_millis(arguments.time / 4 + 20));
        phase.store(MEASURED, Ordering::Release);
        std::thread::sleep(Duration::from_millis(arguments.time));
        phase.store(OVER, Ordering::Release);
        let mut outcome = Outcome { rate: 0.0, handed: 0.0, per_second_of_processor: None };
        let (mut bytes, mut processor) = (0.0, Some(0.0));
        for worker in workers {
            let (moved, seconds, used) = match worker.join() {
                Ok(result) => result?,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            bytes += moved.bytes as f64;
            processor = processor.zip(used).map(|(sum, used)| sum + used);
            outcome.handed += moved.handed as f64;
            outcome.rate += moved.bytes as f64 * 8e-9 / seconds;
        }
        if bytes == 0.0 {
            bail!("nothing moved");
        }
        outcome.handed *= 1500.0 / bytes;
        outcome.per_second_of_processor =
            processor.filter(|used| *used > 0.0).map(|used| bytes * 8e-9 / used);
        Ok(outcome)
    })
}

/// Seconds of a processor that this thread has had, if the system tells.
fn processor_time() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split_whitespace().next()?.parse::<f64>().ok()? * 1e-9)
}

/// Works until it is over; what was moved while it was measured, in how many seconds, and in how many of a processor.
fn work(
    mut worker: Worker<'_>,
    patient: bool,
    phase: &AtomicU8,
    mut clock: Clock,
) -> Result<(Moved, f64, Option<f64>), Failed> {
    let mut begun = None;
    loop {
        let nanoseconds = clock.nanoseconds();
        if !worker.turn(Instant::from_nanos(nanoseconds))? {
            std::hint::spin_loop();
        }
        match (phase.load(Ordering::Acquire), begun) {
            (MEASURED, None) => begun = Some((nanoseconds, worker.moved(), processor_time())),
            // On a busy machine a core may not have had its turn yet.
            (OVER, begun) if !patient || worker.moved().bytes > 0 || nanoseconds > MOST => {
                let (start, before, used) = begun.unwrap_or((0, Moved::default(), None));
                let now = worker.moved();
                let moved = Moved { bytes: now.bytes - before.bytes, handed: now.handed - before.handed };
                let used = processor_time().zip(used).map(|(now, before)| now - before);
                return Ok((moved, (clock.nanoseconds() - start) as f64 * 1e-9, used));
            }
            _ => {}
        }
    }
}

fn report(
    arguments: &Arguments,
    cases: &[Case],
    rates: &[Vec<f64>],
    efficiency: &[Vec<f64>],
    handed: &[f64],
) -> anyhow::Result<String> {
    let Arguments { shards, connections, rounds, time, .. } = arguments;
    let machine = Machine::this();
    let mut text = format!(
        "# Shards\n\n{}, {} cores, {}. Built for: {}.{} Medians of {rounds} rounds (least .. most), in turn, in one run:\n\n    \
         cargo run --release -p netstrata-bench -- shards --shards {shards} --connections {connections} --rounds {rounds} --time {time}\n\n",
        machine.processor,
        machine.cores,
        machine.system,
        machine.features(),
        if machine.optimized { "" } else { " Not optimized: the figures mean nothing." },
    );
    writeln!(
        text,
        "| {connections} bulk connections, MTU 1500, checksums on | Shards | Gbit/s | Beside one shard | Gbit per second of a core | Handed to another core |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|")?;
    let mut one = None;
    for (((case, rates), efficiency), handed) in cases.iter().zip(rates).zip(efficiency).zip(handed) {
        let rate = Statistics::of(rates).context("no round")?;
        let single = *one.get_or_insert(rate.median);
        let efficient = Statistics::of(efficiency).map_or_else(
            || "not told".to_owned(),
            |of| format!("{:.1} ({:.1} .. {:.1})", of.median, of.least, of.most),
        );
        writeln!(
            text,
            "| {} | {} | **{:.1}** ({:.1} .. {:.1}) | {:.2} x | {efficient} | {:.0} % |",
            case.name,
            case.shards,
            rate.median,
            rate.least,
            rate.most,
            rate.median / single,
            (handed * 100.0).min(100.0),
        )?;
    }
    text.push_str(
        "\nEach core has a thread, a shard of the client and a shard of the server. Super-segments are cut into packets on the way, each packet's\n\
         checksum is computed and verified, and with several shards each packet is looked at for its shard. Where both hosts place flows alike, both\n\
         ends of a connection are on one core, as they are when the other host is elsewhere and a device or the kernel keeps to the queue that a\n\
         flow was sent by. Where each has a key of its own, most packets have to be handed to another core on one of their ways.\n\n\
         What a core carries in a second of its time does not depend on what else the machine does; the rates do.\n",
    );
    Ok(text)
}
