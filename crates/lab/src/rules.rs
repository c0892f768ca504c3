//! Faults in words: `drop server SYN,ACK #1`.
//!
//! ```text
//! rule    = verdict packet | "cut" packet | ("cut" | "mend") "link" number "at" time
//! verdict = "drop" | "duplicate" | "corrupt" | "delay" time
//! packet  = node kind [which]
//! kind    = "SYN" | "SYN,ACK" | "data" | "ACK" | ... | "any"
//! which   = "#" n | "#" n "-" m | "#" n "+" ; without it, all of them
//! time    = number ("ms" | "s")
//! ```

use crate::request::{Refusal, hint, nearest};
use crate::text::{Words, words};
use sim::network::{NodeId, Packet, Rule};
use std::time::Duration;

const VERDICTS: [&str; 6] = ["drop", "delay", "duplicate", "corrupt", "cut", "mend"];

/// What a rule says, before it is known which nodes there are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// Something happens to packets.
    Packet { verdict: Verdict, node: String, kind: String, first: u64, count: u64 },
    /// A cable is cut or mended at a time.
    Link { link: usize, up: bool, at: Duration },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Drop,
    Delay(Duration),
    Duplicate,
    Corrupt,
    Cut,
}

impl Fault {
    /// Reads a rule.
    ///
    /// # Errors
    /// Where it stops making sense, with what may have been meant.
    pub(crate) fn parse(rule: &str) -> Result<Fault, Refusal> {
        let mut tokens = rule.split_whitespace();
        let verdict = tokens.next().unwrap_or_default();
        let refuse = |given: &str, valid: &[&str], what: Words| refuse(rule, given, valid, &what);
        let mut need = |what: Words| tokens.next().ok_or_else(|| refuse("", &[], what));
        let all = VERDICTS.join(", ");
        let verdict = match verdict {
            "drop" => Verdict::Drop,
            "duplicate" => Verdict::Duplicate,
            "corrupt" => Verdict::Corrupt,
            "delay" => {
                let given = need(words("a time, such as 200ms", "时间，例如 200ms"))?;
                let what =
                    words("a time up to a day, such as 200ms or 1.5s", "时间，例如 200ms 或 1.5s，最多一天");
                Verdict::Delay(time(given).ok_or_else(|| refuse(given, &[], what))?)
            }
            "cut" | "mend" => {
                let given = need(words("a host or \"link\"", "主机名或 \"link\""))?;
                if given == "link" || verdict == "mend" {
                    return link(rule, verdict == "mend", given, &mut tokens);
                }
                return packet(rule, Verdict::Cut, given, &mut tokens);
            }
            _ => {
                let what = words(format!("a verdict: {all}"), format!("动作：{all}"));
                return Err(refuse(verdict, &VERDICTS, what));
            }
        };
        let node = need(words("the name of a host", "主机名"))?;
        packet(rule, verdict, node, &mut tokens)
    }

    /// The refusal of a rule where nothing can be broken.
    pub(crate) fn no_network(text: &str) -> Refusal {
        Refusal {
            kind: "rule",
            given: text.to_owned(),
            parameter: None,
            nearest: None,
            message: Box::new(words(
                format!("rule {text:?}: this experiment is a model without a network; leave the rule out"),
                format!("规则 {text:?}：此实验是模型，没有网络可破坏；请去掉规则"),
            )),
        }
    }

    /// The refusal of a rule about a cable that there is not.
    pub(crate) fn no_link(text: &str, link: usize, links: usize) -> Refusal {
        let last = links.saturating_sub(1);
        let what = words(format!("a link from 0 to {last}"), format!("0 到 {last} 之间的链路编号"));
        refuse(text, &link.to_string(), &[], &what)
    }

    /// The rule for a network whose nodes have these names; `None` if it is one of a cable.
    ///
    /// # Errors
    /// There is no such node.
    pub(crate) fn rule(&self, text: &str, names: &[String]) -> Result<Option<Rule>, Refusal> {
        let Fault::Packet { verdict, node, kind, first, count } = self else { return Ok(None) };
        let Some(index) = names.iter().position(|name| name == node) else {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let all = names.join(", ");
            let what = words(format!("one of {all}"), format!("以下之一：{all}"));
            return Err(refuse(text, node, &names, &what));
        };
        let rule = match verdict {
            Verdict::Drop => Rule::drop(),
            Verdict::Delay(time) => Rule::delay(*time),
            Verdict::Duplicate => Rule::duplicate(),
            Verdict::Corrupt => Rule::corrupt(),
            Verdict::Cut => Rule::cut(),
        };
        let kind = kind.clone();
        let rule = rule.when(move |packet: &Packet| kind == "any" || packet.kind == kind);
        Ok(Some(rule.from(NodeId::from_index(index)).between(*first, *count)))
    }
}

fn packet<'a>(
    rule: &str,
    verdict: Verdict,
    node: &str,
    tokens: &mut impl Iterator<Item = &'a str>,
) -> Result<Fault, Refusal> {
    let given = tokens.next().unwrap_or_default();
    let kinds: Vec<&str> = Packet::KINDS.into_iter().chain(["any"]).collect();
    let Some(kind) = kinds.iter().find(|kind| kind.eq_ignore_ascii_case(given)) else {
        let all = kinds.join(" ");
        let what = words(format!("a kind of packet: {all}"), format!("包的种类：{all}"));
        return Err(refuse(rule, given, &kinds, &what));
    };
    let (first, count) = match tokens.next() {
        None => (1, u64::MAX),
        Some(which) => range(which).ok_or_else(|| {
            let what = words("which ones, as in #2, #2-4 or #2+", "第几个，例如 #2、#2-4 或 #2+");
            refuse(rule, which, &[], &what)
        })?,
    };
    if let Some(more) = tokens.next() {
        return Err(refuse(rule, more, &[], &words("nothing more", "到此为止")));
    }
    Ok(Fault::Packet { verdict, node: node.to_owned(), kind: (*kind).to_owned(), first, count })
}

fn link<'a>(
    rule: &str,
    up: bool,
    word: &str,
    tokens: &mut impl Iterator<Item = &'a str>,
) -> Result<Fault, Refusal> {
    let form = words(
        format!("\"{} link 0 at 1.5s\", at most a day", if up { "mend" } else { "cut" }),
        format!("\"{} link 0 at 1.5s\" 的形式，最多一天", if up { "mend" } else { "cut" }),
    );
    let (number, at, when) = (tokens.next(), tokens.next(), tokens.next());
    let link = number.and_then(|number| number.parse().ok());
    let when = when.and_then(time);
    match (word, link, at, when, tokens.next()) {
        ("link", Some(link), Some("at"), Some(at), None) => Ok(Fault::Link { link, up, at }),
        _ => Err(refuse(rule, word, &["link"], &form)),
    }
}

/// `#n`, `#n-m` or `#n+` as the first and how many.
fn range(which: &str) -> Option<(u64, u64)> {
    let which = which.strip_prefix('#')?;
    let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
    if let Some(first) = which.strip_suffix('+') {
        return Some((number(first)?, u64::MAX));
    }
    if let Some((first, last)) = which.split_once('-') {
        let (first, last): (u64, u64) = (number(first)?, number(last)?);
        return (first <= last).then(|| (first, last - first + 1));
    }
    Some((number(which)?, 1))
}

/// A time with its unit, up to a day.
fn time(text: &str) -> Option<Duration> {
    let (number, scale) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s')?, 1.0),
    };
    let seconds = number.parse::<f64>().ok()? * scale;
    (0.0..=86_400.0).contains(&seconds).then(|| Duration::from_nanos((seconds * 1e9).round() as u64))
}

fn refuse(rule: &str, given: &str, valid: &[&str], what: &Words) -> Refusal {
    let nearest = nearest(given, valid.iter().copied()).filter(|word| !given.is_empty() && word != given);
    let place = if given.is_empty() {
        words("at its end", "末尾")
    } else {
        words(format!("at {given:?}"), format!("{given:?} 处"))
    };
    Refusal {
        kind: "rule",
        given: rule.to_owned(),
        parameter: None,
        message: Box::new(words(
            format!("rule {rule:?} {}: expected {}{}", place.en, what.en, hint(&nearest).en),
            format!("规则 {rule:?} 在{}有误：应为{}{}", place.zh, what.zh, hint(&nearest).zh),
        )),
        nearest,
    }
}

#[cfg(test)]
mod tests;
