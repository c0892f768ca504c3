//! Case by case and round by round, until all has been measured or the time is over.

use crate::Arguments;
use crate::case::Case;
use crate::rows::{self, Row};
use crate::sample;
use crate::subjects::{Subject, gvisor};
use std::path::Path;
use std::time::{Duration, Instant};

/// What a sample takes beside its own length: what goes before it, and starting and ending a process.
const AROUND: Duration = Duration::from_millis(1_100);

/// All that was asked for and is not in the file that is kept.
pub fn measure(arguments: &Arguments, seconds: Duration, programs: &Path) -> anyhow::Result<Vec<Row>> {
    let mut rows = arguments.keep.as_deref().map_or(Ok(Vec::new()), rows::kept)?;
    let within = arguments.within.map(Duration::try_from_secs_f64).transpose()?;
    let plan = plan(arguments);
    anyhow::ensure!(!plan.is_empty(), "there is no such case with such a subject");
    let mut without = None;
    let rounds = arguments.rounds as usize;
    if plan.iter().any(|(case, subjects)| {
        subjects.contains(&Subject::Gvisor) && is_due(&rows, *case, Subject::Gvisor, rounds)
    }) && let Err(reason) = gvisor::build(programs)
    {
        eprintln!("gVisor is not measured: {reason:#}");
        without = Some(Subject::Gvisor);
    }
    // Building is none of the time that was given.
    let begin = Instant::now();
    let fits = |samples: usize| {
        within.is_none_or(|within| begin.elapsed() + (seconds + AROUND) * samples as u32 <= within)
    };
    let mut any = false;
    for (case, mut subjects) in plan {
        subjects.retain(|subject| Some(*subject) != without);
        let mut due: Vec<Vec<Subject>> = (1..=rounds)
            .map(|round| {
                subjects.iter().copied().filter(|subject| is_due(&rows, case, *subject, round)).collect()
            })
            .collect();
        due.retain(|round: &Vec<Subject>| !round.is_empty());
        // A case that is begun is ended, if a run is long enough for one at all.
        let mut over = any && !fits(due.iter().map(Vec::len).sum());
        for (index, round) in due.iter().enumerate() {
            over |= !fits(round.len());
            if over {
                break;
            }
            for subject in round {
                eprint!("\r\x1b[K{case}: {} rounds left, {subject} ", due.len() - index);
                let result = sample::in_child(case, *subject, seconds, arguments.verify, programs);
                rows::row(&mut rows, case, *subject).add(result);
            }
            any = true;
            save(&mut rows, arguments)?;
        }
        eprint!("\r\x1b[K");
        if over {
            anyhow::ensure!(any, "--within is too short for a round of {case}");
            println!("The time is over: {case} is not complete, and what comes behind it is not begun.");
            return Ok(rows);
        }
        if !due.is_empty() {
            for row in rows.iter().filter(|row| row.case == case) {
                println!("{}", row.line());
            }
        }
    }
    println!("Complete: {} rounds.", arguments.rounds);
    Ok(rows)
}

/// Whether a subject has not had this round's turn.
fn is_due(rows: &[Row], case: Case, subject: Subject, round: usize) -> bool {
    rows::turns(rows, case, subject) < round
}

/// The cases that are wanted, each with its subjects.
fn plan(arguments: &Arguments) -> Vec<(Case, Vec<Subject>)> {
    let wanted = |case: Case, subject: Subject| {
        let name = format!("{case} {subject}");
        let (only, subjects) = (&arguments.only, &arguments.subject);
        (only.is_empty() || only.iter().any(|part| name.contains(part.as_str())))
            && (subjects.is_empty() || subjects.contains(&subject))
            && (arguments.connections.is_empty() || arguments.connections.contains(&case.connections))
    };
    let subjects = |case: Case| {
        let wanted = |subject: &Subject| subject.takes_part(case) && wanted(case, *subject);
        Subject::ALL.into_iter().filter(wanted).collect::<Vec<_>>()
    };
    Case::all()
        .into_iter()
        .map(|case| (case, subjects(case)))
        .filter(|(_, subjects)| !subjects.is_empty())
        .collect()
}

fn save(rows: &mut [Row], arguments: &Arguments) -> anyhow::Result<()> {
    rows::sort(rows);
    [&arguments.keep, &arguments.json].into_iter().flatten().try_for_each(|file| rows::write(rows, file))
}
