//! What tshark says of a capture, and what is right and wrong there.

use std::path::Path;
use std::process::Command;

use crate::common::run_command;

/// Runs a program to its end, which must be a good one.
pub(crate) fn program(name: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let outcome = run_command(Command::new(name).args(arguments), input);
    assert_eq!(outcome.code, Some(0), "{name}: {}", outcome.stderr);
    outcome.stdout
}

/// What tshark finds in a capture by a display filter, with every checksum checked: one line for each frame.
pub(crate) fn find(capture: &Path, filter: &str) -> Vec<String> {
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(capture).args(["-Y", filter]);
    for protocol in ["ip", "tcp", "udp"] {
        command.args(["-o", &format!("{protocol}.check_checksum:TRUE")]);
    }
    let outcome = run_command(&mut command, b"");
    assert_eq!(outcome.code, Some(0), "tshark: {}", outcome.stderr);
    outcome.text().lines().map(str::to_owned).collect()
}

/// Frames that no sound stack sends. The kernel writes the sum 0 of some segments as 0xffff, which is as good (RFC 1624 3).
pub(crate) const UNSOUND: &str = "_ws.malformed || ip.checksum.status == 0 || udp.checksum.status == 0 || \
    (tcp.checksum.status == 0 && !(tcp.checksum == 0xffff && (ip.src == 10.7.0.1 || ipv6.src == fd07::1))) || \
    icmp.checksum.status == 0 || icmpv6.checksum.status == 0 || _ws.expert.severity == error";
/// What a clean link gives no reason for.
pub(crate) const LOSSES: &str = "tcp.analysis.fast_retransmission || tcp.analysis.lost_segment || \
    tcp.analysis.out_of_order || tcp.analysis.ack_lost_segment";
/// What was sent twice, tail loss probes (RFC 8985 7) among it.
pub(crate) const REPEATS: &str = "tcp.analysis.retransmission || tcp.analysis.spurious_retransmission";
/// The shortest that our timers wait for an acknowledgment, in seconds: a tail loss probe's least time (`MIN_PROBE_TIMEOUT`,
/// tcp/src/rtt.rs). RFC 8985 7.2 itself has none.
const LEAST_WAIT: f64 = 0.004;
/// What the kernel's clock in its timestamps (RFC 7323) counts by, in seconds.
const TICK: f64 = 0.001;

/// Every frame of the capture is sound, nothing was lost, nothing was sent twice without need, and there are `least` TCP segments whose sums were checked.
pub(crate) fn judge(capture: &Path, least: usize) {
    let unsound = find(capture, UNSOUND);
    assert!(unsound.is_empty(), "{} unsound frames:\n{}", unsound.len(), unsound.join("\n"));
    let losses = find(capture, LOSSES);
    assert!(losses.is_empty(), "{} signs of loss:\n{}", losses.len(), losses.join("\n"));
    let good = find(capture, "tcp.checksum.status == 1").len();
    let repeats = find(capture, REPEATS);
    if !repeats.is_empty() {
        judge_repeats(&segments(capture), &repeats.join("\n"));
    }
    assert!(good >= least, "only {good} segments were checked, of {least} at least");
    println!("{}: {good} segments, {} repeated", capture.display(), repeats.len());
}

/// A segment of a capture.
struct Segment {
    time: f64,
    kernels: bool,
    stream: u32,
    start: u64,
    end: u64,
    acknowledges: u64,
    /// When its sender sent it, by its sender's clock: of use for the kernel's alone, whose clock is the same for all streams.
    stamp: Option<f64>,
    repeated: bool,
}

fn segments(capture: &Path) -> Vec<Segment> {
    let fields = ["frame.time_epoch", "_ws.col.Source", "tcp.stream", "tcp.seq", "tcp.len", "tcp.ack"];
    let more = ["tcp.options.timestamp.tsval", "tcp.analysis.retransmission"];
    let mut command = Command::new("tshark");
    command.arg("-n").arg("-r").arg(capture).args(["-Y", "tcp", "-T", "fields", "-E", "separator=/t"]);
    for field in fields.iter().chain(&more) {
        command.args(["-e", field]);
    }
    let outcome = run_command(&mut command, b"");
    assert_eq!(outcome.code, Some(0), "tshark: {}", outcome.stderr);
    let segment = |line: &str| {
        let row: Vec<&str> = line.split('\t').collect();
        let number = |index: usize| row[index].parse::<u64>().unwrap_or(0);
        Segment {
            time: row[0].parse().unwrap(),
            kernels: ["10.7.0.1", "fd07::1"].contains(&row[1]),
            stream: row[2].parse().unwrap(),
            start: number(3),
            end: number(3) + number(4),
            acknowledges: number(5),
            stamp: row[6].parse().ok().map(|ticks: f64| ticks * TICK),
            repeated: !row[7].is_empty(),
        }
    };
    outcome.text().lines().map(segment).collect()
}

/// Whoever has to wait for an acknowledgment may send again; RFC 8985 7 wants it. On a busy machine the kernel holds an
/// acknowledgment back while its program waits for the processor. So what was sent twice is no fault if, by the kernel's own clock, the
/// acknowledgment was not sent before our timer's least wait was over. One that lay in the link meanwhile is no excuse.
fn judge_repeats(segments: &[Segment], told: &str) {
    let of_kernel = || segments.iter().filter(|segment| segment.kernels);
    // No segment is read before it is sent, and one is read at once.
    let lags = of_kernel().filter_map(|segment| Some(segment.time - segment.stamp?));
    let clock = lags.fold(f64::INFINITY, f64::min);
    for (index, repeat) in segments.iter().enumerate().filter(|(_, segment)| segment.repeated) {
        assert!(!repeat.kernels, "the kernel sent again:\n{told}");
        let same = |other: &&Segment| other.stream == repeat.stream && !other.kernels;
        let mut before = segments[..index].iter().rev().filter(same);
        let last = before.find(|other| (other.start..other.end).contains(&repeat.start));
        let sent = last.expect("what is repeated was sent before").time;
        let answers = of_kernel().filter(|other| other.stream == repeat.stream);
        let answer = answers.filter(|other| other.acknowledges >= repeat.end).find_map(|other| other.stamp);
        let answered = answer.expect("what arrived was acknowledged") + clock + TICK;
        let took = answered - sent;
        assert!(took >= LEAST_WAIT, "sent again, though acknowledged after {took:.6} s:\n{told}");
        println!("sent again for want of an acknowledgment, which took {took:.6} s");
    }
}

fn call_that_repeats(answered_after: f64) -> [Segment; 4] {
    let ours = |time, repeated| Segment {
        time,
        kernels: false,
        stream: 0,
        start: 1,
        end: 11,
        acknowledges: 1,
        stamp: None,
        repeated,
    };
    let kernels = |time, acknowledges, sent: f64| Segment {
        time,
        kernels: true,
        stream: 0,
        start: 1,
        end: 1,
        acknowledges,
        stamp: Some((sent * 1000.0).floor() / 1000.0 - 70.0),
        repeated: false,
    };
    [
        kernels(100.0, 1, 100.0),
        ours(100.001, false),
        ours(100.021, true),
        kernels(100.022, 11, 100.001 + answered_after),
    ]
}

#[test]
fn a_repeat_is_right_when_the_kernel_was_late() {
    judge_repeats(&call_that_repeats(0.0045), "");
}

#[test]
#[should_panic(expected = "sent again, though acknowledged after")]
fn a_repeat_is_wrong_when_the_acknowledgment_lay_in_the_link() {
    judge_repeats(&call_that_repeats(0.002), "");
}
