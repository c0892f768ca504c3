//! What somebody wants to see, and why it may be refused.

use crate::parameter::{Parameter, Range};
use crate::text::{Words, words};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A run that is asked for.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// The name of the experiment.
    pub experiment: String,
    /// Where all randomness grows from; 1 unless said otherwise.
    pub seed: Option<u64>,
    /// Values of parameters; those that are missing have their defaults.
    pub parameters: BTreeMap<String, Value>,
    /// Faults, as in `drop server SYN,ACK #1`; `None` for the experiment's own.
    pub rules: Option<Vec<String>>,
}

/// The value of a parameter.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(u64),
    /// A word.
    Word(String),
}

/// Why a request is refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Refusal {
    /// What is wrong: `experiment`, `parameter`, `value`, `rule` or `request`.
    pub kind: &'static str,
    /// What was given.
    pub given: String,
    /// The parameter that it is about, for a wrong value.
    pub parameter: Option<String>,
    /// The nearest right one.
    pub nearest: Option<String>,
    /// One line for people.
    pub message: Box<Words>,
}

/// The parameters of a run, checked.
#[derive(Clone, Debug)]
pub(crate) struct Settings(pub(crate) BTreeMap<&'static str, Value>);

impl Settings {
    /// Takes what was asked for, and the defaults for the rest.
    ///
    /// # Errors
    /// A parameter that there is not, or a value that it does not take.
    pub(crate) fn of(parameters: &[Parameter], asked: &BTreeMap<String, Value>) -> Result<Settings, Refusal> {
        let mut settings: BTreeMap<&'static str, Value> =
            parameters.iter().map(|parameter| (parameter.name, parameter.default())).collect();
        for (name, value) in asked {
            let Some(parameter) = parameters.iter().find(|parameter| parameter.name == name) else {
                return Err(unknown("parameter", name, parameters.iter().map(|p| p.name)));
            };
            settings.insert(parameter.name, parameter.take(value)?);
        }
        Ok(Settings(settings))
    }
}

impl Parameter {
    fn default(&self) -> Value {
        match self.range {
            Range::Number { default, .. } => Value::Number(default),
            Range::Choice { default, .. } => Value::Word(default.to_owned()),
            Range::Flag { default } => Value::Flag(default),
        }
    }

    /// The value, if this parameter takes it. Words are read as what is wanted, as they come from a command line.
    fn take(&self, value: &Value) -> Result<Value, Refusal> {
        let word = match value {
            Value::Word(word) => word.clone(),
            Value::Number(number) => number.to_string(),
            Value::Flag(flag) => flag.to_string(),
        };
        let refuse = |nearest: Option<String>, range: Words| Refusal {
            kind: "value",
            given: word.clone(),
            parameter: Some(self.name.to_owned()),
            message: Box::new(words(
                format!("{} cannot be {word:?}: {}{}", self.name, range.en, hint(&nearest).en),
                format!("{} 不能是 {word:?}：{}{}", self.name, range.zh, hint(&nearest).zh),
            )),
            nearest,
        };
        match self.range {
            Range::Number { min, max, .. } => {
                let number = word.parse().ok().filter(|number| (min..=max).contains(number));
                number.map(Value::Number).ok_or_else(|| {
                    let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
                    let nearest = word.parse::<i128>().ok();
                    let nearest = nearest.map(|number| number.clamp(min.into(), max.into()).to_string());
                    refuse(
                        nearest,
                        words(format!("it takes {min} to {max}{unit}"), format!("取值 {min} 到 {max}{unit}")),
                    )
                })
            }
            Range::Choice { options, .. } => match options.iter().find(|option| **option == word) {
                Some(option) => Ok(Value::Word((*option).to_owned())),
                None => {
                    let all = options.join(", ");
                    let nearest = nearest(&word, options.iter().copied());
                    Err(refuse(nearest, words(format!("it is one of {all}"), format!("可选：{all}"))))
                }
            },
            Range::Flag { .. } => match word.as_str() {
                "true" | "yes" | "on" | "1" => Ok(Value::Flag(true)),
                "false" | "no" | "off" | "0" => Ok(Value::Flag(false)),
                _ => Err(refuse(None, words("it is true or false", "只能是 true 或 false"))),
            },
        }
    }
}

/// The refusal of a name that there is not.
pub(crate) fn unknown<'a>(
    kind: &'static str,
    given: &str,
    valid: impl IntoIterator<Item = &'a str>,
) -> Refusal {
    let valid: Vec<&str> = valid.into_iter().collect();
    let nearest = nearest(given, valid.iter().copied());
    let zh = if kind == "experiment" { "实验" } else { "参数" };
    let remedy = match &nearest {
        Some(_) => hint(&nearest),
        None if valid.is_empty() => words("; there is none to set", "；没有可设的参数"),
        None => words(format!("; there are {}", valid.join(", ")), format!("；可选：{}", valid.join("、"))),
    };
    Refusal {
        kind,
        given: given.to_owned(),
        parameter: None,
        message: Box::new(words(
            format!("there is no {kind} {given:?}{}", remedy.en),
            format!("没有名为 {given:?} 的{zh}{}", remedy.zh),
        )),
        nearest,
    }
}

/// "Did you mean", or nothing.
pub(crate) fn hint(nearest: &Option<String>) -> Words {
    match nearest {
        Some(word) => words(format!("; did you mean {word:?}?"), format!("；是不是 {word:?}？")),
        None => words("", ""),
    }
}

/// The valid word that the given one was most likely meant to be, if any is near enough.
pub(crate) fn nearest<'a>(given: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let lower = given.to_lowercase();
    valid
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&lower, &word.to_lowercase()), word))
        .filter(|&(distance, word)| distance <= word.len().div_ceil(3).max(1))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word.to_owned())
}
