//! A whole run, from the arguments to the files.

use crate::arguments::Arguments;
use crate::clock::Clock;
use crate::flood;
use crate::machine::Machine;
use crate::measure::{Effort, Measured, Skipped, measure};
use crate::memory;
use crate::progress::Progress;
use crate::report::{Report, markdown, svg, table};
use crate::setup::Setup;
use crate::subject::Subject;
use crate::work::{Case, Work};
use anyhow::{Context, bail};

/// Measures what `arguments` ask for and reports it. `live` tells how many bytes of heap are in use, if the program counts
/// them: only then is memory measured.
///
/// # Errors
/// When our own stack cannot do a work, when a file cannot be written, or when nothing is left to measure.
pub fn run(arguments: &Arguments, live: Option<fn() -> usize>) -> anyhow::Result<()> {
    if let Some(work) = arguments.count {
        return count(work, arguments.subject.unwrap_or(Subject::Ours));
    }
    if arguments.flood {
        flood::report(live);
        return Ok(());
    }
    if let Some(count) = arguments.hold {
        let held = memory::hold(live, count).map_err(|reason| anyhow::anyhow!("--hold: {reason}"))?;
        println!("{held}");
        return Ok(());
    }
    // The measuring thread may move to a network namespace of its own; its caller must not.
    let thread = std::thread::scope(|scope| scope.spawn(|| run_here(arguments, live)).join());
    match thread {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// A fixed amount of work for whoever counts instructions.
fn count(work: Work, subject: Subject) -> anyhow::Result<()> {
    let setup = Setup { mtu: 1_500, checksums: true, idle: 0, checked: false, clock: Clock::steps() };
    let mut pair = subject.pair(&setup)?;
    work.run(pair.as_mut(), work.counted())?;
    println!("{}: {} of {}", subject.name(), work.counted(), work.name());
    Ok(())
}

fn run_here(arguments: &Arguments, live: Option<fn() -> usize>) -> anyhow::Result<()> {
    let effort = Effort::new(arguments.quick, arguments.rounds);
    let mut progress = Progress::new();
    let mut skipped = Vec::new();
    let absent = absent();
    let mut measured: Vec<Measured> = Vec::new();
    let machine = Machine::this();
    print!("{}", table::heading(&machine, effort));
    for case in Case::all().into_iter().filter(|case| case.idle <= effort.most_idle) {
        let subjects: Vec<Subject> = Subject::ALL
            .into_iter()
            .filter(|subject| subject.takes_part(&case) && wanted(arguments, &case, *subject))
            .filter(|subject| !absent.iter().any(|(absent, _)| absent == subject))
            .collect();
        if subjects.is_empty() {
            continue;
        }
        let one = measure(case, &subjects, effort, &mut progress, &mut skipped);
        progress.clear();
        print!("{}", table::case(&one));
        measured.push(one);
    }
    skipped.extend(absent.into_iter().map(|(subject, reason)| Skipped {
        case: "all".into(),
        subject,
        reason,
    }));
    let footprint = footprint(arguments, live, &mut progress)?;
    progress.clear();
    if measured.is_empty() && footprint.is_none() {
        bail!("nothing is called that: {}", arguments.only.join(", "));
    }
    let report = Report::new(machine, effort, measured, footprint, skipped);
    print!("{}", table::end(&report));
    write(arguments, &report)?;
    match report.skipped.iter().find(|skipped| skipped.subject == Subject::Ours) {
        Some(failed) => bail!("{}: our own stack: {}", failed.case, failed.reason),
        None => Ok(()),
    }
}

/// Who cannot be measured at all on this machine, and why.
fn absent() -> Vec<(Subject, String)> {
    #[cfg(target_os = "linux")]
    return match crate::kernel::enter() {
        Ok(()) => Vec::new(),
        Err(reason) => vec![(Subject::Veth, reason)],
    };
    #[cfg(not(target_os = "linux"))]
    return [Subject::Loopback, Subject::Veth]
        .map(|subject| (subject, "only Linux is measured".into()))
        .into();
}

fn wanted(arguments: &Arguments, case: &Case, subject: Subject) -> bool {
    let name = format!("{case} {}", subject.name());
    arguments.only.is_empty() || arguments.only.iter().any(|part| name.contains(part.as_str()))
}

fn footprint(
    arguments: &Arguments,
    live: Option<fn() -> usize>,
    progress: &mut Progress,
) -> anyhow::Result<Option<memory::Footprint>> {
    let (Some(live), true) = (
        live,
        arguments.only.is_empty() || arguments.only.iter().any(|part| "memory".contains(part.as_str())),
    ) else {
        return Ok(None);
    };
    progress.tell("memory");
    let count = if arguments.quick { 2_000 } else { 100_000 };
    memory::measure(live, count).map(Some).map_err(|reason| anyhow::anyhow!("memory: {reason}"))
}

fn write(arguments: &Arguments, report: &Report) -> anyhow::Result<()> {
    let put = |path: &Option<std::path::PathBuf>, text: &dyn Fn() -> anyhow::Result<String>| match path {
        Some(path) => {
            std::fs::write(path, text()?).with_context(|| format!("cannot write {}", path.display()))
        }
        None => Ok(()),
    };
    put(&arguments.json, &|| Ok(serde_json::to_string_pretty(report)? + "\n"))?;
    put(&arguments.svg, &|| Ok(svg::draw(report)))?;
    let picture = arguments.svg.as_deref().and_then(|path| path.file_name()?.to_str());
    put(&arguments.markdown, &|| Ok(markdown::write(report, picture)))
}
