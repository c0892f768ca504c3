//! Experiments with networks, on production stacks in virtual time.
//!
//! [`catalogue`] tells what there is, [`run`] runs one and gives its [`Trace`]: every frame, what each end knew after every
//! event, and what the checks found. The same request gives the same trace, natively and in WebAssembly.
//!
//! ```
//! use netstrata_lab::{Request, run};
//! let trace = run(&Request { experiment: "handshake".into(), ..Request::default() }).unwrap();
//! assert!(trace.passed);
//! assert_eq!(trace.frames[0].name, "client SYN #1");
//! ```
#![forbid(unsafe_code)]

mod calls;
mod experiment;
mod experiments;
mod export;
pub mod json;
mod lab;
mod parameter;
mod request;
mod rules;
mod scenes;
mod text;
mod trace;

pub use experiment::Experiment;
pub use export::ladder::{Mark, Row, ladder, remark};
pub use export::pcapng::pcapng;
pub use export::svg::svg;
pub use parameter::{Parameter, Range};
pub use request::{Refusal, Request, Value};
pub use text::{Text, Words};
pub use trace::model::{
    Arrival, Check, Endpoint, Event, Exhibit, Frame, GraphEdge, GraphState, Link, Node, Port, RuleReport,
    Stretch, Summary, Trace, What,
};

/// All experiments, in the order in which they are best met.
pub fn catalogue() -> &'static [&'static Experiment] {
    experiments::ALL
}

/// Runs an experiment.
///
/// # Errors
/// A name, parameter, value or rule that there is not, with the nearest one.
pub fn run(request: &Request) -> Result<Trace, Refusal> {
    let Some(experiment) = catalogue().iter().find(|experiment| experiment.name == request.experiment) else {
        let names = catalogue().iter().map(|experiment| experiment.name);
        return Err(request::unknown("experiment", &request.experiment, names));
    };
    let settings = request::Settings::of(experiment.parameters, &request.parameters)?;
    let own = || experiment.rules.iter().map(|rule| (*rule).to_owned()).collect();
    let texts = request.rules.clone().unwrap_or_else(own);
    let faults = texts.into_iter().map(|text| rules::Fault::parse(&text).map(|fault| (text, fault)));
    let faults = faults.collect::<Result<Vec<_>, _>>()?;
    let seed = request.seed.unwrap_or(1);
    let mut lab = lab::Lab::new(settings, seed, faults);
    (experiment.run)(&mut lab);
    lab.finish(experiment.name, seed)
}
