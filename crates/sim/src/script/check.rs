//! Whether a segment that left is the one expected, and packets that arrive.

use super::family::Family;
use super::notation::{IcmpMessage, TcpSegment};
use super::observed::{HEADER, Observed};
use super::options::encode;
use super::peer::{Peer, stream};
use basis::Frame;
use wire::{checksum, protocol};

/// Compares a segment that left with the expected one.
pub(crate) fn compare(observed: &Observed, expected: &TcpSegment, peer: &mut Peer) -> Result<(), String> {
    let found = peer.translate(&observed.segment, expected);
    let ports = (observed.local_port, observed.remote_port) == (peer.local_port, peer.remote_port);
    let same = found.flags == expected.flags
        && expected.ecn.is_none_or(|ecn| found.ecn == Some(ecn))
        && expected.traffic_class.is_none_or(|class| found.traffic_class == Some(class))
        && found.sequence == expected.sequence
        && found.length == expected.length
        && found.acknowledgment == expected.acknowledgment
        && found.urgent == expected.urgent
        && expected.window.is_none_or(|window| found.window == Some(window))
        && (expected.options.is_none() || found.options == expected.options);
    if !same || !ports {
        return Err(format!("expected > {expected}\n     got > {found}"));
    }
    if observed.payload != stream(peer.leaving_place(&found), observed.payload.len()) {
        return Err(format!("the payload of > {found} is not what was written"));
    }
    Ok(())
}

/// The packet of a segment that arrives.
pub(crate) fn segment(script: &TcpSegment, peer: &Peer, family: Family) -> Frame {
    let wire = peer.to_wire(script);
    let options = encode(wire.options.as_deref().unwrap_or(&[]));
    let mut bytes = Vec::with_capacity(HEADER + options.len() + wire.length as usize);
    bytes.extend(peer.remote_port.to_be_bytes());
    bytes.extend(peer.local_port.to_be_bytes());
    bytes.extend(wire.sequence.to_be_bytes());
    bytes.extend(wire.acknowledgment.unwrap_or(0).to_be_bytes());
    bytes.extend([(((HEADER + options.len()) / 4) << 4) as u8, wire.flags.0]);
    bytes.extend(wire.window.unwrap_or(0).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(wire.urgent.unwrap_or(0).to_be_bytes());
    bytes.extend(options);
    bytes.extend(stream(peer.arriving_place(script), wire.length as usize));
    let sum = checksum::transport(family.remote(), family.local(), protocol::TCP, [&bytes, &[]]);
    bytes[16..18].copy_from_slice(&sum.to_be_bytes());
    family.packet(bytes, protocol::TCP, script.ecn.unwrap_or_default())
}

/// The packet of an ICMP error that arrives; it quotes a segment of ours.
pub(crate) fn icmp(script: &IcmpMessage, peer: &Peer, family: Family) -> Frame {
    let mut quoted = Frame::new();
    quoted.append(&peer.local_port.to_be_bytes());
    quoted.append(&peer.remote_port.to_be_bytes());
    quoted.append(&peer.local_number(script.sequence).to_be_bytes());
    family.error(script.message, quoted)
}
