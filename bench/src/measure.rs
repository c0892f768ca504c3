//! Taking samples: within a case every subject has its turn in every round.
#![allow(clippy::disallowed_methods, reason = "measuring is looking at the clock")]

use crate::clock::Clock;
use crate::pair::{Failed, Pair};
use crate::progress::Progress;
use crate::setup::Setup;
use crate::statistics::Statistics;
use crate::subject::Subject;
use crate::work::{Case, Work};
use serde::Serialize;
use std::time::{Duration, Instant};

/// How much is measured.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Effort {
    pub(crate) rounds: u32,
    /// The least time of a sample.
    pub(crate) sample: Duration,
    /// The least time that is spent before the first sample.
    pub(crate) warm_up: Duration,
    /// Whether each received byte is compared with what was sent.
    pub(crate) checked: bool,
    /// Cases with more idle connections are left out.
    pub(crate) most_idle: usize,
}

impl Effort {
    pub(crate) fn new(quick: bool, rounds: Option<u32>) -> Effort {
        match quick {
            true => Effort {
                rounds: rounds.unwrap_or(1),
                sample: Duration::from_millis(5),
                warm_up: Duration::ZERO,
                checked: true,
                most_idle: 1_000,
            },
            false => Effort {
                rounds: rounds.unwrap_or(5),
                sample: Duration::from_millis(500),
                warm_up: Duration::from_millis(150),
                checked: false,
                most_idle: usize::MAX,
            },
        }
    }
}

/// One subject's figures in one case, in the unit of the work.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) subject: Subject,
    #[serde(flatten)]
    pub(crate) statistics: Statistics,
    pub(crate) samples: Vec<f64>,
}

/// A case and all who took part.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measured {
    #[serde(flatten)]
    pub(crate) case: Case,
    pub(crate) unit: &'static str,
    pub(crate) outcomes: Vec<Outcome>,
}

impl Measured {
    /// How many times better our figure is than that of `subject`.
    pub(crate) fn ratio(&self, subject: Subject) -> Option<f64> {
        let figure = |wanted| self.outcomes.iter().find(|outcome| outcome.subject == wanted);
        let (ours, theirs) = (figure(Subject::Ours)?.statistics.median, figure(subject)?.statistics.median);
        Some(if self.case.work.lower_is_better() { theirs / ours } else { ours / theirs })
    }
}

/// A subject that could not take part.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Skipped {
    pub(crate) case: String,
    pub(crate) subject: Subject,
    pub(crate) reason: String,
}

/// Somebody who takes part in a case.
struct Contender {
    subject: Subject,
    pair: Box<dyn Pair>,
    /// About as much as is done in a tenth of a sample.
    amount: u64,
    samples: Vec<f64>,
}

/// Measures one case; who cannot take part goes to `skipped`.
pub(crate) fn measure(
    case: Case,
    subjects: &[Subject],
    effort: Effort,
    progress: &mut Progress,
    skipped: &mut Vec<Skipped>,
) -> Measured {
    let mut skip = |subject, reason| skipped.push(Skipped { case: case.to_string(), subject, reason });
    let setup = Setup {
        mtu: case.mtu,
        checksums: case.checksums,
        idle: case.idle,
        checked: effort.checked,
        clock: Clock::real(),
    };
    let mut contenders = Vec::new();
    for subject in subjects {
        progress.tell(&format!("{case}: setting up {}", subject.name()));
        let ready = subject.pair(&setup).and_then(|pair| warm_up(*subject, pair, case.work, effort));
        match ready {
            Ok(contender) => contenders.push(contender),
            Err(reason) => skip(*subject, reason.to_string()),
        }
    }
    for round in 1..=effort.rounds {
        contenders.retain_mut(|contender| {
            progress.tell(&format!(
                "{case}: round {round} of {}, {}",
                effort.rounds,
                contender.subject.name()
            ));
            match sample(contender.pair.as_mut(), case.work, contender.amount, effort.sample) {
                Ok(figure) => contender.samples.push(figure),
                Err(reason) => {
                    skip(contender.subject, reason.to_string());
                    return false;
                }
            }
            true
        });
    }
    let outcome = |contender: Contender| {
        let statistics = Statistics::of(&contender.samples)?;
        Some(Outcome { subject: contender.subject, statistics, samples: contender.samples })
    };
    let outcomes = contenders.into_iter().filter_map(outcome).collect();
    Measured { case, unit: case.work.unit(), outcomes }
}

/// Works until everything has found its place, and finds out how much is done in a tenth of a sample.
fn warm_up(
    subject: Subject,
    mut pair: Box<dyn Pair>,
    work: Work,
    effort: Effort,
) -> Result<Contender, Failed> {
    let begin = Instant::now();
    let mut amount = work.least();
    loop {
        let before = Instant::now();
        work.run(pair.as_mut(), amount)?;
        let enough = before.elapsed() >= effort.sample / 10;
        if enough && begin.elapsed() >= effort.warm_up {
            return Ok(Contender { subject, pair, amount, samples: Vec::new() });
        }
        if !enough {
            amount *= 2;
        }
    }
}

fn sample(pair: &mut dyn Pair, work: Work, amount: u64, least: Duration) -> Result<f64, Failed> {
    let begin = Instant::now();
    let mut done = 0;
    loop {
        work.run(pair, amount)?;
        done += amount;
        let elapsed = begin.elapsed();
        if elapsed >= least {
            return Ok(work.figure(done, elapsed.as_secs_f64()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(work: Work, figures: &[(Subject, f64)]) -> Measured {
        let outcome = |&(subject, figure): &(Subject, f64)| Outcome {
            subject,
            statistics: Statistics { median: figure, least: figure, most: figure },
            samples: vec![figure],
        };
        let case = Case { work, mtu: 1_500, checksums: true, idle: 0 };
        Measured { case, unit: work.unit(), outcomes: figures.iter().map(outcome).collect() }
    }

    #[test]
    fn a_ratio_above_one_means_that_ours_is_better() {
        let bulk = measured(Work::Bulk, &[(Subject::Ours, 60.0), (Subject::Smoltcp, 40.0)]);
        assert_eq!(bulk.ratio(Subject::Smoltcp), Some(1.5));
        assert_eq!(bulk.ratio(Subject::Veth), None);
        let trip = measured(Work::RoundTrip, &[(Subject::Ours, 200.0), (Subject::Smoltcp, 400.0)]);
        assert_eq!(trip.ratio(Subject::Smoltcp), Some(2.0));
    }
}
