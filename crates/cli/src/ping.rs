//! `netstrata ping`: whether a host is there, and how far away.

mod summary;

use std::io::ErrorKind;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use netstrata::stack::{PingKind, PingReply};
use netstrata::{Host, LinkSpec, PingSocket};

use crate::arguments::PingArguments;
use crate::failure::Failure;
use crate::invocation::program;
use crate::{network, output, signals};
use summary::Summary;

/// The most requests whose replies are awaited at once; older ones count as lost.
const AWAITED: usize = 1024;

/// Asks a host.
pub(crate) fn run(arguments: PingArguments) -> Result<(), Failure> {
    if arguments.network.link == LinkSpec::Host {
        let cause = "ping asks over a stack of our own, and --link host is the operating system's";
        return Err(Failure::usage(cause, "use the system's own ping, or another --link"));
    }
    network::check(&arguments.network)?;
    let interrupted = interruption()?;
    let host = network::join_as_client(&arguments.network, arguments.host)?;
    let socket = PingSocket::open(&host).map_err(|error| Failure::new(format!("cannot ask: {error}"), ""))?;
    let mut pinger = Pinger::new(&arguments, Host::clone(&host), socket);
    let outcome = pinger.run(&interrupted);
    // The requests that are under way need no answer any more.
    host.shutdown(Duration::ZERO);
    outcome?;
    if pinger.summary.replies == 0 {
        return Err(Failure::new(
            format!("no reply came from {}", arguments.host),
            format!("check the address, or start `{} serve` on the same network", program()),
        ));
    }
    Ok(())
}

/// A flag that SIGINT and SIGTERM raise, so that the summary is still printed.
fn interruption() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    signals::leave_on_first()?.instead(move |_| raised.store(true, SeqCst));
    Ok(flag)
}

struct Pinger<'a> {
    arguments: &'a PingArguments,
    host: Host,
    socket: PingSocket,
    payload: Vec<u8>,
    /// When the request of each sequence number was sent, newest at its place modulo the size; None once answered.
    sent: Vec<Option<(u16, Instant)>>,
    summary: Summary,
}

impl<'a> Pinger<'a> {
    fn new(arguments: &'a PingArguments, host: Host, socket: PingSocket) -> Pinger<'a> {
        let payload = (0..arguments.size).map(|index| index as u8).collect();
        Pinger { arguments, host, socket, payload, sent: vec![None; AWAITED], summary: Summary::default() }
    }

    fn run(&mut self, interrupted: &AtomicBool) -> Result<(), Failure> {
        let (target, size) = (self.arguments.host, self.payload.len());
        print(format_args!("PING {target}: {size} data bytes\n"))?;
        let begun = Instant::now();
        let mut next = begun;
        while !interrupted.load(SeqCst) && self.arguments.count.is_none_or(|count| self.summary.sent < count)
        {
            self.ask(target)?;
            next += self.arguments.interval;
            self.listen(next, interrupted, false)?;
        }
        // The last reply may come until then; no longer than it takes.
        self.listen(Instant::now() + self.arguments.wait, interrupted, true)?;
        print(format_args!("\n--- {target} ping statistics ---\n{}", self.summary.text(begun.elapsed())))
    }

    fn ask(&mut self, target: IpAddr) -> Result<(), Failure> {
        self.summary.sent += 1;
        // Sequence numbers begin at 1 and wrap.
        let sequence = self.summary.sent as u16;
        if let Some(place) = self.sent.get_mut(usize::from(sequence) % AWAITED) {
            *place = Some((sequence, Instant::now()));
        }
        match self.socket.send_to(target, sequence, &self.payload, None) {
            // A full queue loses requests as a network does.
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) if error.kind() == ErrorKind::NetworkUnreachable => Err(Failure::new(
                format!("no route leads to {target}"),
                "check the address, or name a router with --gateway ADDRESS",
            )),
            // The broadcast address of a network of ours.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                Err(Failure::new(format!("{target} is not the address of one host"), "check the address"))
            }
            result => result.map_err(|error| Failure::new(format!("cannot ask {target}: {error}"), "")),
        }
    }

    /// Prints what comes until `deadline`; after the last request only until all are answered.
    fn listen(&mut self, deadline: Instant, interrupted: &AtomicBool, last: bool) -> Result<(), Failure> {
        // Short, so that an interruption is soon noticed.
        const SLICE: Duration = Duration::from_millis(100);
        let no_more = last || self.arguments.count == Some(self.summary.sent);
        while !(interrupted.load(SeqCst) || no_more && self.summary.outcomes() >= self.summary.sent) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            match self.socket.recv_timeout(left.min(SLICE)) {
                Ok(reply) => self.told(&reply)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if let Some(failure) = self.host.link_failures().first() {
                        // It has one link: its number says nothing.
                        let why = failure.split_once(": ").map_or(failure.as_str(), |(_, why)| why);
                        let cause = format!("the link is broken: {why}");
                        return Err(Failure::new(cause, "make the interface again, and ask again"));
                    }
                }
                Err(error) => return Err(Failure::new(format!("cannot listen: {error}"), "")),
            }
        }
        Ok(())
    }

    fn told(&mut self, reply: &PingReply) -> Result<(), Failure> {
        let (sequence, from) = (reply.sequence, reply.from);
        let place = self.sent.get_mut(usize::from(sequence) % AWAITED);
        let sent = place.and_then(|place| place.take_if(|(number, _)| *number == sequence));
        match (reply.kind, sent) {
            (PingKind::Reply, Some((_, sent))) => {
                let time = sent.elapsed();
                self.summary.reply(time);
                let milliseconds = time.as_secs_f64() * 1000.0;
                print(format_args!(
                    "{} bytes from {from}: icmp_seq={sequence} ttl={} time={milliseconds:.3} ms\n",
                    reply.bytes, reply.ttl
                ))
            }
            (PingKind::Reply, None) => {
                self.summary.duplicates += 1;
                print(format_args!(
                    "{} bytes from {from}: icmp_seq={sequence} ttl={} (DUP!)\n",
                    reply.bytes, reply.ttl
                ))
            }
            (PingKind::Unreachable { code }, _) => {
                self.summary.errors += 1;
                print(format_args!("From {from}: icmp_seq={sequence} {}\n", unreachable(from, code)))
            }
            (PingKind::TimeExceeded, _) => {
                self.summary.errors += 1;
                print(format_args!("From {from}: icmp_seq={sequence} Time to live exceeded\n"))
            }
            (PingKind::TooBig { mtu }, _) => {
                self.summary.errors += 1;
                print(format_args!("From {from}: icmp_seq={sequence} Packet too big: mtu={mtu}\n"))
            }
        }
    }
}

/// The meaning of a code of Destination Unreachable: RFC 792 and RFC 1122 3.2.2.1, or RFC 4443 3.1, by who tells it.
fn unreachable(from: IpAddr, code: u8) -> String {
    let text = match (from, code) {
        (IpAddr::V6(_), 0) => "No route to destination",
        (IpAddr::V6(_), 1 | 5 | 6) => "Packet filtered",
        (IpAddr::V6(_), 2) => "Beyond scope of source address",
        (IpAddr::V6(_), 3) => "Destination Host Unreachable",
        (IpAddr::V6(_), 4) => "Destination Port Unreachable",
        _ => return unreachable_v4(code),
    };
    text.to_owned()
}

fn unreachable_v4(code: u8) -> String {
    match code {
        0 => "Destination Net Unreachable".to_owned(),
        1 => "Destination Host Unreachable".to_owned(),
        2 => "Destination Protocol Unreachable".to_owned(),
        3 => "Destination Port Unreachable".to_owned(),
        4 => "Fragmentation needed".to_owned(),
        9 | 10 | 13 => "Packet filtered".to_owned(),
        code => format!("Destination Unreachable, code {code}"),
    }
}

/// Prints at once; whoever closed our output has seen enough.
fn print(text: std::fmt::Arguments<'_>) -> Result<(), Failure> {
    if !output::print(&text.to_string())? {
        std::process::exit(0);
    }
    Ok(())
}
