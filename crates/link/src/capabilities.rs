//! What a link is: the trait that every link implements, and what a link says of itself.

use basis::{Frame, Instant};
use std::collections::VecDeque;
use std::io;
use wire::ethernet::{self, MacAddress};

/// One way for frames to leave and enter the process. Never blocks.
///
/// Whoever drives a link calls both [`receive`](Link::receive) and, if frames wait, [`transmit`](Link::transmit) whenever
/// its [`source`](Link::source) has become readable or writable and whenever its [`poll_timeout`](Link::poll_timeout) has
/// come. Edge-triggered watching is enough: a link that reports "nothing more" or "full" has seen the source run dry.
pub trait Link: Send {
    /// What the link carries; the same for the whole life of the link.
    fn capabilities(&self) -> Capabilities;

    /// Takes in up to `most` frames that have arrived, appending to `arrived`. Returns whether more may be waiting: then
    /// the caller must call again without waiting for readiness.
    ///
    /// # Errors
    /// Only when the link is broken for good.
    fn receive(&mut self, now: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool>;

    /// Sends frames from the front of `waiting` until it is empty or the link is full.
    ///
    /// `Ok(true)`: all gone, be it sent or lost. `Ok(false)`: full; wait for the source to become ready, or for
    /// [`poll_timeout`](Link::poll_timeout), and call again, even if `waiting` is empty by now: part of a super-segment
    /// may be held inside.
    ///
    /// # Errors
    /// Only when the link is broken for good.
    fn transmit(&mut self, now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool>;

    /// What the event loop must watch, if anything. It may have changed after every call to
    /// [`receive`](Link::receive) or [`transmit`](Link::transmit): by a reconnect, of which the generation says so, or for a
    /// while to something else that the link waits for. What is ready when it is named must still show as ready once it is watched:
    /// nothing is presumed.
    fn source(&self) -> Option<RawFdSource>;

    /// When the link wants to be called (receive and transmit) even without readiness: delayed frames, attempts to
    /// reconnect. A time that has passed means at once.
    fn poll_timeout(&self) -> Option<Instant>;
}

impl<L: Link + ?Sized> Link for Box<L> {
    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn receive(&mut self, now: Instant, arrived: &mut VecDeque<Frame>, most: usize) -> io::Result<bool> {
        (**self).receive(now, arrived, most)
    }

    fn transmit(&mut self, now: Instant, waiting: &mut VecDeque<Frame>) -> io::Result<bool> {
        (**self).transmit(now, waiting)
    }

    fn source(&self) -> Option<RawFdSource> {
        (**self).source()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        (**self).poll_timeout()
    }
}

/// What a link carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capabilities {
    /// What a frame starts with.
    pub medium: Medium,
    /// The longest IP packet, in bytes, without any link header.
    pub mtu: usize,
    /// Whether super-segments leave the process whole. A link that says no cuts them itself.
    pub segmentation: bool,
    /// Whether the link takes [`Checksum::Deferred`](basis::Checksum::Deferred) as it is and may give
    /// [`Checksum::Verified`](basis::Checksum::Verified). A link that says no completes deferred checksums itself.
    pub checksums: bool,
}

/// What a frame starts with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Medium {
    /// An Ethernet header; our station has this address.
    Ethernet(MacAddress),
    /// An IP header.
    Ip,
}

impl Medium {
    /// Bytes of header before the IP packet.
    #[inline]
    pub const fn header_length(self) -> usize {
        match self {
            Medium::Ethernet(_) => ethernet::HEADER_LENGTH,
            Medium::Ip => 0,
        }
    }
}

/// What the operating system calls an open file or socket.
#[cfg(unix)]
pub type RawFd = std::os::fd::RawFd;
/// There are no links with descriptors on this system, so there is no value of this type.
#[cfg(not(unix))]
pub type RawFd = std::convert::Infallible;

/// A descriptor to be watched for readability and writability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RawFdSource {
    /// The descriptor. It belongs to the link and stays open until the generation changes or the link is dropped.
    pub fd: RawFd,
    /// Counts the descriptors that the link has had: a new one must be watched even if its number is the same.
    pub generation: u64,
}
