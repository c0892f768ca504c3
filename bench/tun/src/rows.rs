//! What was measured, and the files that keep it.

use crate::case::Case;
use crate::sample::Figures;
use crate::subjects::Subject;
use anyhow::Context;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// One subject in one case.
#[derive(Debug, Serialize, Deserialize)]
pub struct Row {
    pub case: Case,
    pub subject: Subject,
    pub unit: String,
    #[serde(deserialize_with = "figure")]
    pub median: f64,
    #[serde(deserialize_with = "figure")]
    pub least: f64,
    #[serde(deserialize_with = "figure")]
    pub most: f64,
    /// The median of the processor time of both ends.
    #[serde(deserialize_with = "figure")]
    pub processor: f64,
    /// As they were taken.
    pub samples: Vec<Figures>,
    pub faults: Vec<String>,
}

impl Row {
    pub fn new(case: Case, subject: Subject) -> Row {
        Row {
            case,
            subject,
            unit: case.unit().to_owned(),
            median: f64::NAN,
            least: f64::NAN,
            most: f64::NAN,
            processor: f64::NAN,
            samples: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// How often it has had its turn.
    pub fn turns(&self) -> usize {
        self.samples.len() + self.faults.len()
    }

    /// What its turn has brought.
    pub fn add(&mut self, result: anyhow::Result<Figures>) {
        match result {
            Ok(figures) => self.samples.push(figures),
            Err(error) => self.faults.push(format!("{error:#}")),
        }
        let sorted = |pick: fn(&Figures) -> f64| {
            let mut figures: Vec<f64> = self.samples.iter().map(pick).collect();
            figures.sort_by(f64::total_cmp);
            figures
        };
        let (figures, processor) = (sorted(|sample| sample.figure), sorted(|sample| sample.processor));
        let middle = |figures: &[f64]| figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN);
        self.median = middle(&figures);
        self.least = figures.first().copied().unwrap_or(f64::NAN);
        self.most = figures.last().copied().unwrap_or(f64::NAN);
        self.processor = middle(&processor);
    }

    pub fn line(&self) -> String {
        let mut line = format!(
            "{:<26}{:<18}{:>8.2} {:<7}{:>8.2} .. {:<8.2}",
            self.case.to_string(),
            self.subject.to_string(),
            self.median,
            self.unit,
            self.least,
            self.most
        );
        if let Some(fault) = self.faults.first() {
            // Writing to a string cannot fail.
            let _ = write!(line, " {} of {} failed: {fault}", self.faults.len(), self.turns());
        }
        line
    }
}

/// A figure; JSON has none for what nobody could measure.
fn figure<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

/// The rows of several files. What a later one has takes the place of what an earlier one has.
pub fn read(files: &[PathBuf]) -> anyhow::Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    for file in files {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let more: Vec<Row> = serde_json::from_str(&text)
            .with_context(|| format!("{} is not of this program", file.display()))?;
        rows.retain(|row| !more.iter().any(|new| new.case == row.case && new.subject == row.subject));
        rows.extend(more);
    }
    sort(&mut rows);
    Ok(rows)
}

/// The rows of a file that may not be there yet.
pub fn kept(file: &Path) -> anyhow::Result<Vec<Row>> {
    if file.exists() { read(&[file.to_owned()]) } else { Ok(Vec::new()) }
}

/// Writes `rows` in place of what `file` has: all of them or, if this is ended meanwhile, none.
pub fn write(rows: &[Row], file: &Path) -> anyhow::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let text = serde_json::to_string_pretty(rows)? + "\n";
    std::fs::write(&beside, text)
        .and_then(|()| std::fs::rename(&beside, file))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// How often a subject has had its turn in a case.
pub fn turns(rows: &[Row], case: Case, subject: Subject) -> usize {
    rows.iter().find(|row| row.case == case && row.subject == subject).map_or(0, Row::turns)
}

/// The row of a subject in a case, which is made if there is none.
pub fn row(rows: &mut Vec<Row>, case: Case, subject: Subject) -> &mut Row {
    let at = rows.iter().position(|row| row.case == case && row.subject == subject).unwrap_or_else(|| {
        rows.push(Row::new(case, subject));
        rows.len() - 1
    });
    &mut rows[at]
}

/// By case, and by subject in each, whatever order they were measured in.
pub fn sort(rows: &mut [Row]) {
    let cases = Case::all();
    rows.sort_by_key(|row| {
        let case = cases.iter().position(|case| *case == row.case);
        (case, Subject::ALL.iter().position(|subject| *subject == row.subject))
    });
}
