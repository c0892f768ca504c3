//! The rows of a ladder diagram: what is worth a line, with numbers relative to where each side began.

use crate::text::{Text, Words, text};
use crate::trace::model::{Frame, Trace, What};
use std::collections::BTreeMap;

/// One line of a ladder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// When, in nanoseconds since the run began.
    pub at: u64,
    /// Where: a node's place in the trace.
    pub node: usize,
    /// What.
    pub mark: Mark,
}

/// What a line of a ladder shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mark {
    /// A frame, from the row's node to others.
    Frame {
        /// Its place in the trace.
        frame: usize,
        /// What it says.
        label: String,
    },
    /// An application's call and its result.
    Call(String),
    /// A state that a connection came to.
    State(String),
    /// Why something happens, with the rule.
    Note(Words),
    /// A cable was cut or mended.
    Link(Words),
}

/// The rows of a trace, in order of time.
pub fn ladder(trace: &Trace) -> Vec<Row> {
    let labels = labels(trace);
    let mut rows = Vec::new();
    for event in &trace.events {
        let mark = match &event.what {
            What::Send { frame } => {
                let label = labels.get(*frame).cloned().unwrap_or_default();
                Mark::Frame { frame: *frame, label }
            }
            What::Call { call, result, .. } => Mark::Call(format!("{call} = {result}")),
            What::State { to, .. } => Mark::State(to.clone()),
            What::Note { text, source, .. } => {
                let source = if source.is_empty() { String::new() } else { format!(" ({source})") };
                let words = Words { en: format!("{}{source}", text.en), zh: format!("{}{source}", text.zh) };
                Mark::Note(words)
            }
            What::Link { link, up } => {
                let (en, zh) = if *up { ("mended", "修复") } else { ("cut", "切断") };
                Mark::Link(Words {
                    en: format!("cable {link} is {en}"), zh: format!("线缆 {link} 被{zh}")
                })
            }
            What::Receive { .. }
            | What::Change { .. }
            | What::Arm { .. }
            | What::Stop { .. }
            | What::Fire { .. } => {
                continue;
            }
        };
        rows.push(Row { at: event.at, node: event.node, mark });
    }
    rows
}

/// What each frame says.
pub(crate) fn labels(trace: &Trace) -> Vec<String> {
    // The initial number of each direction of each conversation; a later SYN begins another.
    let mut initial: BTreeMap<(String, String), u32> = BTreeMap::new();
    trace.frames.iter().map(|frame| label(frame, &mut initial)).collect()
}

fn label(frame: &Frame, initial: &mut BTreeMap<(String, String), u32>) -> String {
    let summary = &frame.summary;
    let Some(sequence) = summary.sequence else {
        return format!("{} {}", summary.protocol, summary.info).trim_end().to_owned();
    };
    let forth = (summary.source.clone(), summary.destination.clone());
    let back = (summary.destination.clone(), summary.source.clone());
    if summary.flags.contains("SYN") {
        initial.insert(forth.clone(), sequence);
    }
    let relative = |key: &(String, String), number: u32| match initial.get(key) {
        Some(first) => number.wrapping_sub(*first),
        None => number,
    };
    let from = relative(&forth, sequence);
    let place = match summary.payload {
        0 => format!("seq {from}"),
        length => format!("{from}:{} ({length} bytes)", from.wrapping_add(length as u32)),
    };
    let acknowledged = summary.acknowledgment.map(|number| format!(" ack {}", relative(&back, number)));
    let window = summary.window.map(|window| format!(" win {window}")).unwrap_or_default();
    format!("{} {place}{}{window}", summary.flags, acknowledged.unwrap_or_default())
}

/// What became of a frame, if it did not simply arrive.
pub fn remark(frame: &Frame) -> Option<Text> {
    Some(match frame.fate {
        "lost" => text("lost", "丢失"),
        "ruled" => text("dropped by a rule", "被规则丢弃"),
        "queue-full" => text("dropped: queue full", "丢弃：队列已满"),
        "cut" => text("lost: cable cut", "丢失：线缆已断"),
        _ if frame.retransmission => text("again", "重发"),
        _ if frame.arrivals.iter().any(|arrival| arrival.damaged) => text("damaged", "已损坏"),
        _ if frame.arrivals.len() > 1 => text("several copies arrive", "到达多份"),
        _ => return None,
    })
}
