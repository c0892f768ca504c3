//! `netstrata lab`: the experiments in the terminal.

mod canvas;
mod drawing;
mod page;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use ::lab::{Experiment, Range, Refusal, Request, Text, Trace, Value, Words};

use crate::arguments::LabArguments;
use crate::failure::Failure;
use crate::invocation::program;
use crate::output;

/// Which of the two languages to speak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Language {
    chinese: bool,
}

impl Language {
    /// What the user's environment asks for.
    fn of_environment() -> Language {
        let of = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let wanted = of("LC_ALL").or_else(|| of("LC_MESSAGES")).or_else(|| of("LANG")).unwrap_or_default();
        Language { chinese: wanted.starts_with("zh") }
    }

    pub(crate) fn is_chinese(self) -> bool {
        self.chinese
    }

    pub(crate) fn fixed(self, text: &Text) -> &'static str {
        if self.chinese { text.zh } else { text.en }
    }

    pub(crate) fn words(self, words: &Words) -> &str {
        if self.chinese { &words.zh } else { &words.en }
    }
}

/// Lists the experiments, runs one, or runs all.
pub(crate) fn run(arguments: &LabArguments) -> Result<(), Failure> {
    if let Some(at) = arguments.web {
        return page::run(at);
    }
    let language = Language::of_environment();
    match &arguments.name {
        Some(name) => one(name, arguments, language),
        None if arguments.all => all(arguments, language),
        None if arguments.json => output::print(&(::lab::json::catalogue() + "\n")).map(drop),
        None => output::print(&list(language)).map(drop),
    }
}

fn one(name: &str, arguments: &LabArguments, language: Language) -> Result<(), Failure> {
    let refused = |refusal: Refusal| Failure::usage(language.words(&refusal.message), "");
    let request = request(name, arguments)?;
    let trace = ::lab::run(&request).map_err(refused)?;
    if let Some(file) = &arguments.svg {
        write(file, ::lab::svg(&trace, language.chinese).as_bytes())?;
    }
    if let Some(file) = &arguments.pcapng {
        write(file, &::lab::pcapng(&trace))?;
    }
    if arguments.json {
        output::print(&(::lab::json::trace(&trace) + "\n"))?;
    } else if let Some(experiment) = ::lab::catalogue().iter().find(|experiment| experiment.name == name) {
        let canvas = canvas::Canvas::of_stdout(trace.nodes.len());
        output::print(&drawing::draw(experiment, &trace, language, &canvas))?;
    }
    if trace.passed { Ok(()) } else { Err(Failure::silent(1)) }
}

fn request(name: &str, arguments: &LabArguments) -> Result<Request, Failure> {
    let mut parameters = BTreeMap::new();
    for setting in &arguments.set {
        let Some((parameter, value)) = setting.split_once('=') else {
            return Err(Failure::usage(
                format!("{setting:?} sets nothing"),
                "write PARAMETER=VALUE, such as delay=100",
            ));
        };
        parameters.insert(parameter.trim().to_owned(), Value::Word(value.trim().to_owned()));
    }
    let rules = match arguments.rules.as_slice() {
        [] => None,
        [none] if none == "none" => Some(Vec::new()),
        rules => Some(rules.to_vec()),
    };
    Ok(Request { experiment: name.to_owned(), seed: Some(arguments.seed), parameters, rules })
}

/// Runs every experiment as it stands; tells those that fail.
fn all(arguments: &LabArguments, language: Language) -> Result<(), Failure> {
    let mut failed = 0;
    for experiment in ::lab::catalogue() {
        let request = Request {
            experiment: experiment.name.to_owned(),
            seed: Some(arguments.seed),
            ..Request::default()
        };
        let trace = ::lab::run(&request).map_err(|refusal| {
            Failure::new(language.words(&refusal.message), "the experiment itself is at fault")
        })?;
        failed += usize::from(!trace.passed);
        output::print(&if arguments.json {
            ::lab::json::trace(&trace) + "\n"
        } else {
            verdict(&trace, language)
        })?;
    }
    match failed {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} experiments failed"), "see `lab NAME`")),
    }
}

fn verdict(trace: &Trace, language: Language) -> String {
    let mark = if trace.passed { "ok  " } else { "FAIL" };
    let mut out = format!(
        "{mark} {:<18} {:>6} frames, {} checks\n",
        trace.experiment,
        trace.frames.len(),
        trace.checks.len()
    );
    for check in trace.checks.iter().filter(|check| check.verdict == "failed") {
        out += &format!("       {}: {}\n", language.words(&check.claim), language.words(&check.seen));
    }
    out
}

/// All experiments with their parameters.
fn list(language: Language) -> String {
    let mut out = String::new();
    for experiment in ::lab::catalogue() {
        out += &format!("{:<18} {}\n", experiment.name, language.fixed(&experiment.title));
        out += &parameters(experiment, language);
    }
    out + &format!("\n{} lab NAME [--set PARAMETER=VALUE] [--rule \"drop server SYN,ACK #1\"]\n", program())
}

fn parameters(experiment: &Experiment, language: Language) -> String {
    let mut out = String::new();
    for parameter in experiment.parameters {
        let values = match parameter.range {
            Range::Number { min, max, default } => format!("{default} {} [{min}..{max}]", parameter.unit),
            Range::Choice { options, default } => format!("{default} [{}]", options.join(" ")),
            Range::Flag { default } => format!("{default} [true false]"),
        };
        out += &format!("    {:<14} {values}  {}\n", parameter.name, language.fixed(&parameter.title));
    }
    out
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(file, bytes).map_err(|error| {
        Failure::new(format!("cannot write {}: {error}", file.display()), "give another FILE")
    })
}
