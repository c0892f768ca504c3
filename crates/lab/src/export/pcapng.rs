//! A trace as a capture that Wireshark opens (draft-ietf-opsawg-pcapng): one interface for each cable, a packet for each
//! frame sent, with the sender, the fate and the stack's reasons as comments.

use super::ladder::remark;
use crate::trace::model::{Frame, Trace, What};

const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const COMMENT: u16 = 1;
const NAME: u16 = 2;
const RESOLUTION: u16 = 9;
/// The link types of Ethernet and of bare IP packets.
const ETHERNET: u16 = 1;
const RAW: u16 = 101;
/// Times begin here, so that no tool takes them for missing: 2024-01-01 00:00:00 UTC, in nanoseconds.
const EPOCH: u64 = 1_704_067_200_000_000_000;

/// The capture's bytes.
pub fn pcapng(trace: &Trace) -> Vec<u8> {
    let mut out = Vec::new();
    let mut section = Vec::new();
    section.extend(0x1A2B_3C4Du32.to_le_bytes());
    section.extend([1, 0, 0, 0]);
    section.extend(u64::MAX.to_le_bytes());
    option(
        &mut section,
        COMMENT,
        format!("netstrata lab: {} (seed {})", trace.experiment, trace.seed).as_bytes(),
    );
    end_options(&mut section);
    block(&mut out, SECTION_HEADER, &section);
    for (number, link) in trace.links.iter().enumerate() {
        let names: Vec<&str> =
            link.ends.iter().filter_map(|end| Some(trace.nodes.get(*end)?.name.as_str())).collect();
        let kind = if link.ends.len() > 1 { ETHERNET } else { RAW };
        let mut interface = Vec::new();
        interface.extend(kind.to_le_bytes());
        interface.extend([0; 6]);
        option(&mut interface, NAME, format!("{number}: {}", names.join(" - ")).as_bytes());
        // Nanoseconds.
        option(&mut interface, RESOLUTION, &[9]);
        end_options(&mut interface);
        block(&mut out, INTERFACE_DESCRIPTION, &interface);
    }
    let notes = notes(trace);
    for (frame, notes) in trace.frames.iter().zip(notes) {
        packet(&mut out, frame, &notes);
    }
    out
}

fn packet(out: &mut Vec<u8>, frame: &Frame, notes: &[String]) {
    let bytes = decoded(&frame.bytes);
    let time = EPOCH + frame.sent;
    let mut packet = Vec::new();
    packet.extend((frame.link as u32).to_le_bytes());
    packet.extend(((time >> 32) as u32).to_le_bytes());
    packet.extend((time as u32).to_le_bytes());
    packet.extend((bytes.len() as u32).to_le_bytes());
    packet.extend((frame.length as u32).to_le_bytes());
    packet.extend(&bytes);
    pad(&mut packet);
    let name = match remark(frame) {
        Some(remark) => format!("{}: {}", frame.name, remark.en),
        None => frame.name.clone(),
    };
    option(&mut packet, COMMENT, name.as_bytes());
    for note in notes {
        option(&mut packet, COMMENT, note.as_bytes());
    }
    end_options(&mut packet);
    block(out, ENHANCED_PACKET, &packet);
}

/// The stack's reasons for each frame: those noted in the step in which it left.
fn notes(trace: &Trace) -> Vec<Vec<String>> {
    let mut notes = vec![Vec::new(); trace.frames.len()];
    let mut step: (u32, Vec<String>) = (0, Vec::new());
    for event in &trace.events {
        if event.step != step.0 {
            step = (event.step, Vec::new());
        }
        match &event.what {
            What::Note { text, source, frame, .. } => {
                let note = format!("{} ({source})", text.en);
                match frame.and_then(|frame| notes.get_mut(frame)) {
                    Some(notes) => notes.push(note),
                    None => step.1.push(note),
                }
            }
            What::Send { frame } => {
                if let Some(notes) = notes.get_mut(*frame) {
                    notes.append(&mut step.1);
                }
            }
            _ => {}
        }
    }
    notes
}

fn block(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let length = (body.len() as u32 + 12).to_le_bytes();
    out.extend(kind.to_le_bytes());
    out.extend(length);
    out.extend(body);
    out.extend(length);
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    out.extend(code.to_le_bytes());
    out.extend((value.len() as u16).to_le_bytes());
    out.extend(value);
    pad(out);
}

fn end_options(out: &mut Vec<u8>) {
    out.extend([0; 4]);
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}

/// The bytes of a frame.
pub(crate) fn decoded(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.as_bytes().chunks_exact(2);
    let value = |digit: u8| (digit as char).to_digit(16).unwrap_or(0) as u8;
    digits.map(|pair| value(pair[0]) << 4 | value(pair[1])).collect()
}
