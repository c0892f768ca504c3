//! Packets that follow each other in one TCP stream are read behind each other and handed on as the super-segment that they were
//! before somebody cut it (generic receive offload): it is looked at, and acknowledged, once.

use crate::intake::Intake;
use basis::{Checksum, Frame};
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use wire::checksum::{self, Sum};

/// The longest packet, without its link header.
const LONGEST: usize = 65_535;
/// The longest headers that are compared: Ethernet, IPv6, and TCP with all its options.
const HEADERS: usize = 14 + 40 + 60;

const TCP: u8 = 6;
const ACK: u8 = 0x10;
const PSH: u8 = 0x08;

/// Where packets are read to. What was read last may still be held: [`Gather::flush`] gives it out.
pub(crate) struct Gather {
    intake: Intake,
    /// The longest frame.
    longest: usize,
    link_header: usize,
    /// What lies at the beginning of the space and is not given out yet.
    run: Option<Run>,
}

/// Packets of one stream, each of which carries on where the one before ended.
#[derive(Clone, Copy, Debug)]
struct Run {
    layout: Layout,
    /// Payload of the first, and of all but the last.
    segment_size: usize,
    /// Bytes of all, with the first one's headers.
    length: usize,
    packets: usize,
    /// The number of the byte behind them.
    next: u32,
}

/// Where the parts of a packet begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Layout {
    ip: usize,
    tcp: usize,
    payload: usize,
}

impl Gather {
    /// For frames of up to `longest` bytes, the first `link_header` of which are the link's. At least two of them must fit into one packet.
    pub(crate) fn new(longest: usize, link_header: usize) -> Gather {
        Gather { intake: Intake::new(), longest, link_header, run: None }
    }

    /// Whether something is held that more may follow.
    pub(crate) fn holds(&self) -> bool {
        self.run.is_some()
    }

    /// Takes in a frame by `read`, which fills its argument and tells how many bytes it is. What is complete goes to `arrived`.
    ///
    /// # Errors
    /// Those of `read`; nothing was read then.
    pub(crate) fn read(
        &mut self,
        arrived: &mut VecDeque<Frame>,
        read: impl FnOnce(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let Some(run) = self.run else {
            let length = read(&mut self.intake.space()[..self.longest])?;
            self.begin(length, arrived);
            return Ok(length);
        };
        // The payload is read to where it belongs if the headers are as long as those before: these come over the end of what lies there
        // already, which is put back.
        let headers = run.layout.payload;
        let space = &mut self.intake.space()[run.length - headers..][..self.longest];
        let (mut head, mut covered) = ([0; HEADERS], [0; HEADERS]);
        let (head, covered) = (&mut head[..headers], &mut covered[..headers]);
        covered.copy_from_slice(&space[..headers]);
        let result = read(space);
        head.copy_from_slice(&space[..headers]);
        space[..headers].copy_from_slice(covered);
        let length = result?;
        let head = &head[..headers.min(length)];
        let (old, payload) = self.intake.space().split_at_mut(run.length);
        let payload = &payload[..length.saturating_sub(headers)];
        if run.goes_on(old, head, payload) {
            let pushed = head[run.layout.tcp + 13] & PSH;
            old[run.layout.tcp + 13] |= pushed;
            let is_last = payload.len() < run.segment_size || pushed != 0;
            let run = run.with(payload.len());
            self.run = Some(run);
            if is_last || !self.has_room(&run) {
                arrived.extend(self.flush());
            }
            return Ok(length);
        }
        // Something else: what was held goes first.
        let behind = run.length..run.length + payload.len();
        arrived.extend(self.give_out(head, behind));
        self.begin(length, arrived);
        Ok(length)
    }

    /// Whether the longest frame may carry a run on.
    fn has_room(&self, run: &Run) -> bool {
        run.length + self.longest <= LONGEST
    }

    /// Gives out what is held: nothing more follows for now.
    pub(crate) fn flush(&mut self) -> Option<Frame> {
        self.give_out(&[], 0..0)
    }

    /// Gives out what is held; what follows it begins with `head`, and goes on with what was read to `behind`.
    fn give_out(&mut self, head: &[u8], behind: Range<usize>) -> Option<Frame> {
        let run = self.run.take()?;
        if run.packets > 1 {
            run.write_length(self.intake.space());
        }
        let mut frame = self.intake.take_before(run.length, head, behind);
        frame.checksum = Checksum::Verified;
        if run.packets > 1 {
            frame.segment_size = run.segment_size as u16;
        }
        Some(frame)
    }

    /// A frame of `length` bytes was read, and nothing is held: it is, if more may follow it.
    fn begin(&mut self, length: usize, arrived: &mut VecDeque<Frame>) {
        let run = Run::of(&self.intake.space()[..length], self.link_header);
        self.run = run.filter(|run| self.has_room(run));
        if self.run.is_none() {
            arrived.push_back(self.intake.take(length));
        }
    }
}

impl Run {
    /// The run that begins with `frame`, if it is a segment that another may follow: of a stream under way, without anything that an
    /// application or a TCP should see at once, and with right checksums.
    fn of(frame: &[u8], link_header: usize) -> Option<Run> {
        let layout = Layout::of(frame, link_header)?;
        let (head, payload) = frame.split_at_checked(layout.payload)?;
        let flags = [head[layout.tcp + 12] & 0x0f, head[layout.tcp + 13]];
        if payload.is_empty() || flags != [0, ACK] || !layout.is_sound(head, payload) {
            return None;
        }
        Some(Run {
            layout,
            segment_size: payload.len(),
            length: frame.len(),
            packets: 1,
            next: number(head, layout.tcp + 4).wrapping_add(payload.len() as u32),
        })
    }

    /// The run with that much payload more.
    fn with(self, payload: usize) -> Run {
        Run {
            length: self.length + payload,
            packets: self.packets + 1,
            next: self.next.wrapping_add(payload as u32),
            ..self
        }
    }

    /// Whether a packet with these headers and this payload carries on and is right: it differs from the first in what must differ alone.
    fn goes_on(&self, first: &[u8], head: &[u8], payload: &[u8]) -> bool {
        !payload.is_empty() && self.fits(first, head, payload.len()) && self.layout.is_sound(head, payload)
    }

    fn fits(&self, first: &[u8], head: &[u8], payload: usize) -> bool {
        let Layout { ip, tcp, payload: end } = self.layout;
        if head.len() != end || payload > self.segment_size || number(head, tcp + 4) != self.next {
            return false;
        }
        let same = |from: usize, to: usize| first[from..to] == head[from..to];
        let length = (end - tcp + payload) as u16;
        let network = if head[ip] >> 4 == 4 {
            // All but the length, the identification and the checksum.
            let whole = (length + 20).to_be_bytes();
            same(0, ip + 2) && head[ip + 2..ip + 4] == whole && same(ip + 6, ip + 10) && same(ip + 12, tcp)
        } else {
            same(0, ip + 4) && head[ip + 4..ip + 6] == length.to_be_bytes() && same(ip + 6, tcp)
        };
        // All but the sequence number, PSH and the checksum.
        network
            && same(tcp, tcp + 4)
            && same(tcp + 8, tcp + 13)
            && head[tcp + 13] & !PSH == ACK
            && same(tcp + 14, tcp + 16)
            && same(tcp + 18, end)
    }

    /// Tells in the first packet's headers how long all are.
    fn write_length(&self, first: &mut [u8]) {
        let Layout { ip, tcp, .. } = self.layout;
        if first[ip] >> 4 == 4 {
            first[ip + 2..ip + 4].copy_from_slice(&((self.length - ip) as u16).to_be_bytes());
            first[ip + 10..ip + 12].fill(0);
            let sum = Sum::ZERO.add_bytes(&first[ip..tcp]).finish();
            first[ip + 10..ip + 12].copy_from_slice(&sum.to_be_bytes());
        } else {
            first[ip + 4..ip + 6].copy_from_slice(&((self.length - tcp) as u16).to_be_bytes());
        }
    }
}

impl Layout {
    /// That of a whole TCP packet without IPv4 options, IPv6 extension headers, fragments, or bytes behind its end.
    fn of(frame: &[u8], link_header: usize) -> Option<Layout> {
        let ip = link_header;
        let packet = frame.get(ip..)?;
        let length = match packet.first()? >> 4 {
            4 if packet.len() >= 40 && packet[0] == 0x45 && packet[9] == TCP => {
                // MF and the offset of fragments.
                let whole = usize::from(u16::from_be_bytes([packet[2], packet[3]])) == packet.len();
                (whole && packet[6] & 0x3f == 0 && packet[7] == 0).then_some(20)?
            }
            6 if packet.len() >= 60 && packet[6] == TCP => {
                let whole = usize::from(u16::from_be_bytes([packet[4], packet[5]])) + 40 == packet.len();
                whole.then_some(40)?
            }
            _ => return None,
        };
        let (tcp, header) = (ip + length, usize::from(packet[length + 12] >> 4) * 4);
        (header >= 20 && length + header <= packet.len()).then_some(Layout { ip, tcp, payload: tcp + header })
    }

    /// Whether the checksums of a packet are right.
    fn is_sound(self, head: &[u8], payload: &[u8]) -> bool {
        let Layout { ip, tcp, .. } = self;
        let (source, destination) = if head[ip] >> 4 == 4 {
            if Sum::ZERO.add_bytes(&head[ip..tcp]).finish() != 0 {
                return false;
            }
            let address = |at: usize| IpAddr::from(Ipv4Addr::from(number(head, at)));
            (address(ip + 12), address(ip + 16))
        } else {
            let address = |at: usize| {
                let mut octets = [0; 16];
                octets.copy_from_slice(&head[at..at + 16]);
                IpAddr::from(Ipv6Addr::from(octets))
            };
            (address(ip + 8), address(ip + 24))
        };
        checksum::transport(source, destination, TCP, [&head[tcp..], payload]) == 0
    }
}

/// The 32 bits at `at`.
fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests;
