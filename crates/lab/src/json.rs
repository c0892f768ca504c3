//! The lab in JSON, as the page speaks with it.

use crate::experiment::Experiment;
use crate::request::{Refusal, Request};
use crate::text::words;
use crate::trace::model::{FORMAT, Trace};
use serde::Serialize;

#[derive(Serialize)]
struct Catalogue {
    format: u32,
    experiments: &'static [&'static Experiment],
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer<'a> {
    Trace(&'a Trace),
    Refusal(&'a Refusal),
}

/// All experiments: `{"format": 1, "experiments": […]}`.
pub fn catalogue() -> String {
    write(&Catalogue { format: FORMAT, experiments: crate::catalogue() })
}

/// A run that was done: `{"trace": {…}}`.
pub fn trace(trace: &Trace) -> String {
    write(&Answer::Trace(trace))
}

/// A run that was refused: `{"refusal": {…}}`.
pub fn refusal(refusal: &Refusal) -> String {
    write(&Answer::Refusal(refusal))
}

/// Reads a request.
///
/// # Errors
/// What is wrong with it.
pub fn request(json: &[u8]) -> Result<Request, Refusal> {
    serde_json::from_slice(json).map_err(|error| Refusal {
        kind: "request",
        given: String::from_utf8_lossy(json).chars().take(200).collect(),
        parameter: None,
        nearest: None,
        message: Box::new(words(format!("not a request: {error}"), format!("不是有效的请求：{error}"))),
    })
}

/// Nothing of ours can fail to be written: there are no maps with keys other than strings, and no numbers that are not finite.
fn write(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
