//! Packets that left the stack, as the wire has them.

use super::notation::TcpSegment;
use super::options::{List, decode};
use basis::{Ecn, Frame, Instant};
use std::fmt;
use std::net::IpAddr;
use wire::tcp::Flags;
use wire::{Malformed, ipv4, ipv6, protocol};

/// A segment that left.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(crate) at: Instant,
    pub(crate) local_port: u16,
    pub(crate) remote_port: u16,
    /// With the numbers of the wire.
    pub(crate) segment: TcpSegment,
    pub(crate) payload: Vec<u8>,
}

/// Bytes of a TCP header without options.
pub(crate) const HEADER: usize = 20;

impl Observed {
    /// Reads a bare IP packet. All that no packet may have wrong is checked here.
    pub(crate) fn read(at: Instant, frame: &Frame, mtu: usize) -> Result<Observed, String> {
        let bytes = frame.to_vec();
        let ip = Ip::read(&bytes).map_err(|error| format!("a bad packet left: {error}"))?;
        if bytes.len() > mtu || bytes.len() != ip.total_length {
            return Err(format!("a packet of {} bytes left, on a path of {mtu}", bytes.len()));
        }
        if ip.protocol != protocol::TCP {
            return Err(format!("a packet of protocol {} left", ip.protocol));
        }
        let bytes = &bytes[ip.header_length..];
        wire::tcp::verify(ip.source, ip.destination, [bytes, &[]])
            .map_err(|error| format!("a bad segment left: {error}"))?;
        let field = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let number = |at: usize| u32::from(field(at)) << 16 | u32::from(field(at + 2));
        let length = bytes.get(12).map_or(0, |offset| (offset >> 4) as usize * 4);
        if length < HEADER || length > bytes.len() {
            return Err(format!("a segment with a header of {length} bytes left"));
        }
        let flags = Flags(bytes[13]);
        let payload = bytes[length..].to_vec();
        let segment = TcpSegment {
            peer: 0,
            ecn: Some(Ecn::of_traffic_class(ip.traffic_class)),
            traffic_class: Some(ip.traffic_class),
            flags,
            sequence: number(4),
            length: payload.len() as u32,
            acknowledgment: flags.contains(Flags::ACK).then(|| number(8)),
            window: Some(field(14)),
            urgent: flags.contains(Flags::URG).then(|| field(18)),
            options: Some(decode(&bytes[HEADER..length])),
        };
        Ok(Observed { at, local_port: field(0), remote_port: field(2), segment, payload })
    }
}

/// What both families' headers say.
struct Ip {
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
    traffic_class: u8,
    header_length: usize,
    total_length: usize,
}

impl Ip {
    fn read(bytes: &[u8]) -> Result<Ip, Malformed> {
        if bytes.first().is_some_and(|byte| byte >> 4 == 6) {
            let header = ipv6::Header::parse(bytes, bytes.len())?;
            return Ok(Ip {
                source: header.source.into(),
                destination: header.destination.into(),
                protocol: header.next_header,
                traffic_class: header.traffic_class,
                header_length: ipv6::HEADER_LENGTH,
                total_length: header.total_length(),
            });
        }
        let header = ipv4::Header::parse(bytes, bytes.len())?;
        Ok(Ip {
            source: header.source.into(),
            destination: header.destination.into(),
            protocol: header.protocol,
            traffic_class: header.traffic_class,
            header_length: header.header_length,
            total_length: header.total_length,
        })
    }
}

impl fmt::Display for TcpSegment {
    /// As a script writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.peer != 1 {
            write!(f, "({}) ", self.peer)?;
        }
        match self.ecn {
            _ if self.traffic_class.is_some_and(|class| class > 3) => {
                write!(f, "[tos {:#x}] ", self.traffic_class.unwrap_or_default())?;
            }
            None | Some(Ecn::NotCapable) => {}
            Some(Ecn::Capable0) => f.write_str("[ect0] ")?,
            Some(Ecn::Capable1) => f.write_str("[ect1] ")?,
            Some(Ecn::Experienced) => f.write_str("[ce] ")?,
        }
        let known = [
            (Flags::FIN, 'F'),
            (Flags::SYN, 'S'),
            (Flags::RST, 'R'),
            (Flags::PSH, 'P'),
            (Flags::URG, 'U'),
            (Flags::ECE, 'E'),
            (Flags::CWR, 'W'),
            (Flags::ACK, '.'),
        ];
        let letters: String =
            known.iter().filter(|(flag, _)| self.flags.contains(*flag)).map(|(_, letter)| letter).collect();
        f.write_str(if letters.is_empty() { "-" } else { &letters })?;
        write!(f, " {}:{}({})", self.sequence, self.sequence.wrapping_add(self.length), self.length)?;
        if let Some(acknowledgment) = self.acknowledgment {
            write!(f, " ack {acknowledgment}")?;
        }
        if let Some(window) = self.window {
            write!(f, " win {window}")?;
        }
        if let Some(urgent) = self.urgent {
            write!(f, " urg {urgent}")?;
        }
        match &self.options {
            Some(options) if options.is_empty() => Ok(()),
            Some(options) => write!(f, " {}", List(options)),
            None => f.write_str(" <...>"),
        }
    }
}
