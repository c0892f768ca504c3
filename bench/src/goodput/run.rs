//! A whole run: every pairing in every cell, round by round.

use super::arguments::Arguments;
use super::matrix::{Cell, Pairing};
use super::picture;
use super::report::{self, Figures, Report};
use super::transfer::{Sample, transfer};
use crate::machine::Machine;
use crate::pair::Failed;
use anyhow::{Context, bail};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A path that was later than that, in microseconds, or than that part of a round trip was disturbed: the transfer is repeated.
const LATEST: u32 = 500;
const LATEST_PART: u32 = 20;
/// Transfers of which the least disturbed one counts, at most.
const ATTEMPTS: u32 = 3;

/// A transfer to be done.
#[derive(Clone, Copy)]
struct Task {
    cell: Cell,
    pairing: Pairing,
    seed: u64,
}

/// Measures what `arguments` ask for, tells each transfer as it ends, and writes the files after each round.
///
/// # Errors
/// When a namespace or a TAP is not to be had, when a transfer fails, or when a file cannot be written.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let machine = Machine::this();
    if !machine.optimized {
        eprintln!("not optimized: run it with --release");
    }
    let mut report = Report::new(machine, arguments);
    if let Some(file) = &arguments.keep {
        report.figures = kept(file)?.into_iter().filter(|figures| !is_asked(arguments, figures)).collect();
    }
    let began = std::time::Instant::now();
    for round in 0..u64::from(arguments.rounds) {
        let tasks = tasks(arguments, arguments.seed + round);
        let (done, total) = (round * tasks.len() as u64, tasks.len() as u64 * u64::from(arguments.rounds));
        let results = Mutex::new(Vec::new());
        let queue = Mutex::new(VecDeque::from(tasks));
        let failed = std::thread::scope(|scope| {
            let work = || -> Result<(), Failed> {
                // The other workers stop at the first failure, too.
                let next = || lock(&queue).pop_front();
                while let Some(task) = next() {
                    match measure(task, arguments) {
                        Ok(sample) => {
                            let mut results = lock(&results);
                            results.push((task, sample));
                            let number = done + results.len() as u64;
                            println!("{number}/{total} {}", report::line(task.cell, task.pairing, &sample));
                        }
                        Err(error) => {
                            lock(&queue).clear();
                            return Err(Failed::Refused(format!("{}, {}: {error}", task.cell, task.pairing)));
                        }
                    }
                }
                Ok(())
            };
            let workers: Vec<_> = (0..arguments.jobs).map(|_| scope.spawn(work)).collect();
            workers.into_iter().filter_map(|worker| worker.join().unwrap_or(Ok(())).err()).next()
        });
        for (task, sample) in results.into_inner().unwrap_or_else(PoisonError::into_inner) {
            report.add(task.cell, task.pairing, sample);
        }
        write(arguments, &report)?;
        if let Some(error) = failed {
            bail!(error);
        }
    }
    print!("\n{}", report::table(&report));
    println!("{} s", began.elapsed().as_secs());
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tasks(arguments: &Arguments, seed: u64) -> Vec<Task> {
    let mut tasks = Vec::new();
    for &rtt in &arguments.rtt {
        for &reordering in &arguments.reordering {
            for &loss in &arguments.loss {
                let cell = Cell { rtt, loss, reordering };
                tasks.extend(arguments.pairing.iter().map(|&pairing| Task { cell, pairing, seed }));
            }
        }
    }
    tasks
}

/// A transfer on a path that was not disturbed, if one is to be had.
fn measure(task: Task, arguments: &Arguments) -> Result<Sample, Failed> {
    let rate = u64::from(arguments.rate) * 1_000_000;
    let one = || transfer(task.cell, rate, task.pairing, arguments.seconds, task.seed);
    let latest = LATEST.max(task.cell.rtt * 1000 / LATEST_PART);
    let mut best = one()?;
    for _ in 1..ATTEMPTS {
        if best.path.late_microseconds <= latest {
            break;
        }
        let again = one()?;
        if again.path.late_microseconds < best.path.late_microseconds {
            best = again;
        }
    }
    Ok(best)
}

fn kept(file: &Path) -> anyhow::Result<Vec<Figures>> {
    let context = || format!("cannot read {}", file.display());
    let text = std::fs::read_to_string(file).with_context(context)?;
    let value: serde_json::Value = serde_json::from_str(&text).with_context(context)?;
    serde_json::from_value(value["figures"].clone()).with_context(context)
}

fn is_asked(arguments: &Arguments, figures: &Figures) -> bool {
    tasks(arguments, 0).iter().any(|task| task.cell == figures.cell && task.pairing == figures.pairing)
}

fn write(arguments: &Arguments, report: &Report) -> anyhow::Result<()> {
    let put = |path: &Option<std::path::PathBuf>, text: String| match path {
        Some(path) => std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display())),
        None => Ok(()),
    };
    put(&arguments.json, serde_json::to_string_pretty(report)? + "\n")?;
    put(&arguments.svg, picture::draw(report))?;
    let picture = arguments.svg.as_deref().and_then(|path| path.file_name()?.to_str());
    put(&arguments.markdown, report::markdown(report, picture))
}
