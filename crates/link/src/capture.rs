//! A link that writes down what it carries.

use crate::capabilities::{Capabilities, Link, Medium, RawFdSource};
use basis::{Checksum, Frame, Instant};
use pcap_file::DataLink;
use pcap_file::pcapng::PcapNgWriter;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};
use wire::segmentation::Segments;

/// Frames that are on their way into the link below and written down already.
const BATCH: usize = 64;
/// Bytes that are kept back before they are written to the file.
const BUFFER: usize = 256 << 10;
/// No packet is kept back longer than this.
const FLUSH: Duration = Duration::from_secs(1);

/// A link around a link: every packet in and out goes to a pcapng file, with nanoseconds and its direction.
///
/// Super-segments are written as the packets they would be cut into, deferred checksums completed. When the file cannot
/// be written any more, the capture ends and the link goes on.
///
/// ```
/// use basis::{Frame, Instant};
/// use netstrata_link::{Capture, Link, Loopback};
/// use std::{collections::VecDeque, time::SystemTime};
/// # let path = std::env::temp_dir().join(format!("ns-doc-{}.pcapng", std::process::id()));
/// let mut link = Capture::create(Loopback::new(), &path, "lo", SystemTime::now())?;
/// link.transmit(Instant::ZERO, &mut VecDeque::from([Frame::copy_of(b"packet")]))?;
/// assert_eq!(link.packets(), 1);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Capture<L: Link> {
    link: L,
    writer: Option<PcapNgWriter<Box<dyn Write + Send>>>,
    link_header: usize,
    /// Since 1970, at `Instant::ZERO`.
    epoch: Duration,
    sending: VecDeque<Frame>,
    scratch: Vec<u8>,
    packets: u64,
    /// When what was written last must be in the file.
    flush_at: Option<Instant>,
}

#[derive(Clone, Copy)]
enum Direction {
    // The two lowest bits of epb_flags (draft-ietf-opsawg-pcapng 4.3.1).
    Inbound = 1,
    Outbound = 2,
}

impl<L: Link> Capture<L> {
    /// Captures to a new file at `path`; an old one is overwritten. The interface gets a name, and `epoch` is the time of
    /// day at [`Instant::ZERO`].
    ///
    /// # Errors
    /// When the file cannot be made or written.
    pub fn create(link: L, path: &Path, interface: &str, epoch: SystemTime) -> io::Result<Capture<L>> {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot capture to {}: {error}", path.display()))
        };
        let file = File::create(path).map_err(named)?;
        Capture::new(link, file, interface, epoch).map_err(named)
    }

    /// Captures to `output`, which is buffered here.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(
        link: L,
        output: impl Write + Send + 'static,
        interface: &str,
        epoch: SystemTime,
    ) -> io::Result<Capture<L>> {
        let medium = link.capabilities().medium;
        let mut options = vec![
            InterfaceDescriptionOption::IfName(Cow::Borrowed(interface)),
            InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
        ];
        let linktype = match &medium {
            Medium::Ethernet(mac) => {
                options.push(InterfaceDescriptionOption::IfMacAddr(Cow::Owned(mac.0.to_vec())));
                DataLink::ETHERNET
            }
            Medium::Ip => DataLink::RAW,
        };
        let buffered: Box<dyn Write + Send> = Box::new(BufWriter::with_capacity(BUFFER, output));
        let mut writer = PcapNgWriter::new(buffered).map_err(io::Error::other)?;
        let description = InterfaceDescriptionBlock { linktype, snaplen: 0, options };
        writer.write_pcapng_block(description).map_err(io::Error::other)?;
        writer.get_mut().flush()?;
        Ok(Capture {
            link,
            writer: Some(writer),
            link_header: medium.header_length(),
            epoch: epoch.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
            sending: VecDeque::new(),
            scratch: Vec::new(),
            packets: 0,
            flush_at: None,
        })
    }

    /// Packets written down so far.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Whether the capture has ended because the file could not be written.
    pub fn has_failed(&self) -> bool {
        self.writer.is_none()
    }

    /// The link within.
    pub fn get_ref(&self) -> &L {
        &self.link
    }

    /// The link within.
    pub fn get_mut(&mut self) -> &mut L {
        &mut self.link
    }

    fn record(&mut self, now: Instant, frame: &Frame, direction: Direction) {
        if self.writer.is_none() {
            return;
        }
        if frame.segment_size == 0 && frame.checksum == Checksum::Complete {
            return self.record_packet(now, frame, direction);
        }
        // A copy of the head; the body is shared. Verified: what the sender deferred may never have been filled in.
        let mut copy = frame.clone();
        copy.checksum = Checksum::Deferred;
        for packet in Segments::of(copy, self.link_header) {
            self.record_packet(now, &packet, direction);
        }
    }

    fn record_packet(&mut self, now: Instant, packet: &Frame, direction: Direction) {
        let Some(writer) = &mut self.writer else { return };
        self.scratch.clear();
        packet.copy_to(&mut self.scratch);
        let block = EnhancedPacketBlock {
            interface_id: 0,
            timestamp: self.epoch.saturating_add(now - Instant::ZERO),
            original_len: u32::try_from(self.scratch.len()).unwrap_or(u32::MAX),
            data: Cow::Borrowed(&self.scratch),
            options: vec![EnhancedPacketOption::Flags(direction as u32)],
        };
        match writer.write_pcapng_block(block) {
            Ok(_) => {
                self.packets += 1;
                self.flush_at.get_or_insert(now + FLUSH);
            }
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &dyn std::error::Error) {
        tracing::warn!(%error, packets = self.packets, "the capture has ended: its file cannot be written");
        self.writer = None;
        self.flush_at = None;
    }

    fn flush_if_due(&mut self, now: Instant) {
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush_at = None;
            if let Some(writer) = &mut self.writer
                && let Err(error) = writer.get_mut().flush()
            {
                self.fail(&error);
            }
        }
    }
}

impl<L: Link> Link for Capture<L> {
    fn capabilities(&self) -> Capabilities {
        self.link.capabilities()
    }

    fn receive(&mut self, now: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        let before = arrived.len();
        let outcome = self.link.receive(now, arrived, most);
        for frame in arrived.iter().skip(before) {
            self.record(now, frame, Direction::Inbound);
        }
        self.flush_if_due(now);
        outcome
    }

    fn transmit(&mut self, now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        self.flush_if_due(now);
        loop {
            // First what was written down when the link was full.
            if !self.link.transmit(now, &mut self.sending)? {
                return Ok(false);
            }
            if waiting.is_empty() {
                return Ok(true);
            }
            let count = waiting.len().min(BATCH);
            self.sending.extend(waiting.drain(..count));
            let batch = std::mem::take(&mut self.sending);
            for frame in &batch {
                self.record(now, frame, Direction::Outbound);
            }
            self.sending = batch;
        }
    }

    fn source(&self) -> Option<RawFdSource> {
        self.link.source()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.link.poll_timeout(), self.flush_at].into_iter().flatten().min()
    }
}

impl<L: Link> Drop for Capture<L> {
    fn drop(&mut self) {
        if let Some(writer) = &mut self.writer
            && let Err(error) = writer.get_mut().flush()
        {
            tracing::warn!(%error, "the last packets of the capture are not in its file");
        }
    }
}

#[cfg(test)]
mod tests;
