//! The device without a stack: one connection that takes everything for granted. It acknowledges whatever comes, and sends what
//! the kernel's window allows, from memory that is filled once.

use super::descriptor;
use crate::case::{Case, Device, Work};
use crate::namespace::{self, KERNEL, STACK};
use crate::traffic::{SINK, SOURCE};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const HEADERS: usize = 40;
const SHIFT: u8 = 10;
/// The window that is offered, where super-segments pass and where they do not: with a larger one, what waits in the device lies in no cache any
/// more, and with a smaller one the sender waits.
const WHOLE: u16 = 1 << 10;
const CUT: u16 = 2 << 10;

pub fn start(case: Case, received: &Arc<AtomicU64>) -> anyhow::Result<()> {
    let offload = case.device == Device::Offload;
    // What is fastest on each device: where packets are small, a thread of the kernel's merges what was written.
    let queued = case.device == Device::Plain && case.work == Work::ToKernel;
    let file = if queued { descriptor::open_queued(offload)? } else { descriptor::open(offload)? };
    if queued {
        namespace::thread_napi()?;
    }
    let mut end = End {
        file,
        offload,
        segment: case.device.mtu() - HEADERS,
        sends: case.work == Work::ToKernel,
        next: 1,
        acknowledged: 1,
        window: 0,
        shift: 0,
        heard: 0,
        port: 0,
        packet: vec![0; 65_536],
        payload: vec![7; 65_536],
        received: Arc::clone(received),
    };
    thread::spawn(move || end.run());
    Ok(())
}

struct End {
    file: File,
    offload: bool,
    segment: usize,
    sends: bool,
    /// SND.NXT, SND.UNA and SND.WND.
    next: u32,
    acknowledged: u32,
    window: u32,
    shift: u8,
    /// RCV.NXT.
    heard: u32,
    /// The kernel's port.
    port: u16,
    packet: Vec<u8>,
    payload: Vec<u8>,
    received: Arc<AtomicU64>,
}

impl End {
    fn run(&mut self) {
        loop {
            let mut any = false;
            // A few reads for each answer: an acknowledgment a packet would be more than any stack sends.
            for _ in 0..32 {
                match self.read() {
                    Some(length) => any |= self.hear(length),
                    None => break,
                }
            }
            if any && !self.sends {
                self.put(0x10, 0, &[]);
            }
            let sent = self.sends && self.fill();
            if !any && !sent {
                let _ = poll(
                    &mut [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)],
                    PollTimeout::from(1_000u16),
                );
            }
        }
    }

    fn read(&mut self) -> Option<usize> {
        if !self.offload {
            return self.file.read(&mut self.packet).ok();
        }
        let mut header = [0; 10];
        let mut parts = [IoSliceMut::new(&mut header), IoSliceMut::new(&mut self.packet)];
        self.file.read_vectored(&mut parts).ok()?.checked_sub(10)
    }

    /// Takes in a segment; whether it calls for an answer.
    fn hear(&mut self, length: usize) -> bool {
        let packet = &self.packet[..length];
        if length < HEADERS || packet[0] != 0x45 || packet[9] != 6 {
            return false;
        }
        let word =
            |at: usize| u32::from_be_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]]);
        let port = u16::from_be_bytes([packet[20], packet[21]]);
        let header = usize::from(packet[32] >> 4) * 4;
        let flags = packet[33];
        if flags & 2 != 0 {
            (self.heard, self.port) = (word(24).wrapping_add(1), port);
            self.window = u32::from(u16::from_be_bytes([packet[34], packet[35]]));
            // The window scale is the only option that matters here.
            let mut options = &packet[HEADERS..20 + header];
            while let [kind, rest @ ..] = options {
                match (kind, rest) {
                    (0, _) => break,
                    (1, _) => options = rest,
                    (3, [_, shift, ..]) => {
                        self.shift = *shift;
                        break;
                    }
                    (_, [length, ..]) => options = &options[usize::from(*length).clamp(2, options.len())..],
                    _ => break,
                }
            }
            self.next = 0;
            let segment = (self.segment as u16).to_be_bytes();
            self.put(0x12, 0, &[2, 4, segment[0], segment[1], 1, 3, 3, SHIFT]);
            (self.next, self.acknowledged) = (1, 1);
            return false;
        }
        let text = length - 20 - header;
        if port != self.port {
            return false;
        }
        self.acknowledged = word(28);
        self.window = u32::from(u16::from_be_bytes([packet[34], packet[35]])) << self.shift;
        if word(24) == self.heard {
            self.heard = self.heard.wrapping_add(text as u32);
            self.received.fetch_add(text as u64, Ordering::Relaxed);
        }
        text > 0
    }

    /// Sends what the window allows; whether there was anything.
    fn fill(&mut self) -> bool {
        let burst = if self.offload { 65_000 / self.segment * self.segment } else { self.segment };
        let mut any = false;
        for _ in 0..32 {
            let allowed = self.window.saturating_sub(self.next.wrapping_sub(self.acknowledged)) as usize;
            if self.port == 0 || allowed < burst || self.acknowledged == 0 {
                break;
            }
            self.put(0x10, burst, &[]);
            any = true;
        }
        any
    }

    /// Writes a segment with `length` bytes of payload.
    fn put(&mut self, flags: u8, length: usize, options: &[u8]) {
        let header = HEADERS + options.len();
        let mut head = [0; 10 + HEADERS + 8];
        let port = if self.sends { SOURCE } else { SINK };
        let offered = if self.offload { WHOLE } else { CUT };
        {
            let ip = &mut head[10..10 + header];
            ip[0] = 0x45;
            ip[2..4].copy_from_slice(&((header + length) as u16).to_be_bytes());
            ip[6] = 0x40;
            (ip[8], ip[9]) = (64, 6);
            ip[12..16].copy_from_slice(&STACK);
            ip[16..20].copy_from_slice(&KERNEL);
            let sum = !sum(&ip[..20], 0);
            ip[10..12].copy_from_slice(&sum.to_be_bytes());
            ip[20..22].copy_from_slice(&port.to_be_bytes());
            ip[22..24].copy_from_slice(&self.port.to_be_bytes());
            ip[24..28].copy_from_slice(&self.next.to_be_bytes());
            ip[28..32].copy_from_slice(&self.heard.to_be_bytes());
            ip[32] = (((header - 20) / 4) << 4) as u8;
            ip[33] = flags;
            ip[34..36].copy_from_slice(&offered.to_be_bytes());
            ip[HEADERS..].copy_from_slice(options);
        }
        let pseudo = 6 + (header - 20 + length) as u64;
        let addresses = sum(&[STACK, KERNEL].concat(), pseudo);
        let payload = &self.payload[..length];
        let checksum = if self.offload {
            addresses
        } else {
            !sum(payload, u64::from(sum(&head[30..10 + header], u64::from(addresses))))
        };
        head[10 + 36..10 + 38].copy_from_slice(&checksum.to_be_bytes());
        if self.offload {
            head[0] = 1;
            head[2..4].copy_from_slice(&(header as u16).to_ne_bytes());
            if length > self.segment {
                head[1] = 1;
                head[4..6].copy_from_slice(&(self.segment as u16).to_ne_bytes());
            }
            head[6..8].copy_from_slice(&20_u16.to_ne_bytes());
            head[8..10].copy_from_slice(&16_u16.to_ne_bytes());
        }
        let begin = if self.offload { 0 } else { 10 };
        let parts = [IoSlice::new(&head[begin..10 + header]), IoSlice::new(payload)];
        let _ = (&mut &self.file).write_vectored(&parts);
        let phantom = u32::from(flags & 2 != 0);
        self.next = self.next.wrapping_add(length as u32 + phantom);
    }
}

/// The folded sum of 16-bit words, not inverted.
fn sum(bytes: &[u8], begin: u64) -> u16 {
    let mut sum = begin;
    let (words, rest) = bytes.as_chunks::<2>();
    for word in words {
        sum += u64::from(u16::from_be_bytes(*word));
    }
    if let [last] = rest {
        sum += u64::from(*last) << 8;
    }
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}
