//! Why things happen: what the stack's counters tell of one event, in words and with the rule.

use super::model::What;
use super::variables::{CONSERVATIVE, RECOVERING, SLOW_START_THRESHOLD, Values};
use crate::text::{Text, text};
use tcp::Counters;

/// One reason.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause {
    pub(crate) code: &'static str,
    pub(crate) text: Text,
    pub(crate) source: &'static str,
}

impl Cause {
    /// As an event of the trace.
    pub(crate) fn note(self, endpoint: Option<usize>, frame: Option<usize>) -> What {
        let Cause { code, text, source } = self;
        What::Note { endpoint, frame, code, text, source }
    }
}

const fn cause(code: &'static str, en: &'static str, zh: &'static str, source: &'static str) -> Cause {
    Cause { code, text: text(en, zh), source }
}

/// A counter, and what it means when it has moved.
type Row = (fn(&Counters) -> u64, Cause);

#[rustfmt::skip]
const ROWS: [Row; 30] = [
    (|c| c.timeouts, cause("time-out", "retransmission time-out: SND.NXT goes back to SND.UNA, cwnd to one segment, RTO doubles", "重传超时：SND.NXT 退回 SND.UNA，cwnd 降为一个报文段，RTO 加倍", "RFC 6298 5.4-5.6, RFC 5681 3.1, RFC 8985 6.3")),
    (|c| c.reordering_timeouts, cause("reordering-time-out", "RACK's reordering timer: what was overtaken has had its time, and is lost", "RACK 乱序定时器：被超过的报文段已等够时间，判定丢失", "RFC 8985 6.3")),
    (|c| c.rack_recoveries, cause("rack", "RACK: a segment sent later has arrived, so this one is lost; fast recovery begins, cwnd falls at PRR's pace", "RACK：更晚发出的报文段已到达，故此段丢失；进入快速恢复，cwnd 按 PRR 的步调下降", "RFC 8985 6.2, RFC 9937 6")),
    (|c| c.tail_probes, cause("tail-loss-probe", "tail loss probe: no ACK for two round trips, so the last segment goes once more (or new data), before the time-out", "尾部丢失探测：两个往返没有 ACK，在超时之前再发一次最后的报文段（或新数据）", "RFC 8985 7.3")),
    (|c| c.tail_repairs, cause("tail-repaired", "the tail loss probe has repaired a loss that nobody saw: cwnd is reduced once", "尾部丢失探测修复了无人察觉的丢失：cwnd 减小一次", "RFC 8985 7.4.2")),
    (|c| c.forward_probes, cause("f-rto", "F-RTO: new data goes first, to see whether the time-out came too early", "F-RTO：先发新数据，看超时是否来得太早", "RFC 5682 2.1")),
    (|c| c.undone_by_duplicate, cause("undo-dsack", "undone: D-SACK says that all that was sent again had arrived before; cwnd and ssthresh are what they were", "撤销：D-SACK 说明重发的都早已到达；cwnd 与 ssthresh 恢复原值", "RFC 3708 4, RFC 2883 4")),
    (|c| c.undone_by_timestamp, cause("undo-timestamp", "undone: the timestamp echoed is older than what was sent again (Eifel); cwnd and ssthresh are what they were", "撤销：回显的时间戳早于重发（Eifel）；cwnd 与 ssthresh 恢复原值", "RFC 3522 3.2, RFC 4015 3.2")),
    (|c| c.undone_by_forward, cause("undo-f-rto", "undone: F-RTO shows that the time-out came too early; cwnd and ssthresh are what they were", "撤销：F-RTO 表明超时来得太早；cwnd 与 ssthresh 恢复原值", "RFC 5682 3, RFC 4015 3.2")),
    (|c| c.fast_retransmits - c.rack_recoveries, cause("fast-retransmit", "fast retransmit: third duplicate ACK, without SACK", "快速重传：第三个重复 ACK（未用 SACK）", "RFC 5681 3.2, RFC 6582 3.2")),
    (|c| c.congestion_marks, cause("congestion-mark", "a packet came with a congestion mark", "收到带拥塞标记的包", "RFC 3168 6.1.3")),
    (|c| c.congestion_echoes, cause("congestion-echo", "the peer echoes a congestion mark: cwnd is reduced", "对方回显拥塞标记：cwnd 减小", "RFC 3168 6.1.2")),
    (|c| c.challenge_acks, cause("challenge-ack", "challenge ACK: the segment does not prove its sender", "挑战 ACK：报文段无法证明其发送者", "RFC 5961 3.2, 4.2, 5.2")),
    (|c| c.keepalive_probes, cause("keepalive-probe", "keepalive probe: the peer has been silent", "保活探测：对方一直沉默", "RFC 9293 3.8.4")),
    (|c| c.window_probes, cause("window-probe", "zero-window probe: the peer's window is closed", "零窗口探测：对方窗口已关闭", "RFC 9293 3.8.6.1")),
    (|c| c.resets_sent, cause("reset-sent", "RST: no such connection, or it is aborted", "RST：没有这个连接，或连接被中止", "RFC 9293 3.5.2")),
    (|c| c.resets_received, cause("reset-received", "the peer's RST ends the connection", "对方的 RST 结束了连接", "RFC 9293 3.5.3")),
    (|c| c.backlog_full, cause("backlog-full", "dropped: the listener's queue is full", "丢弃：监听队列已满", "RFC 9293 3.10.7.2")),
    (|c| c.syn_cookies_sent, cause("syn-cookie", "SYN cookie: the SYN is answered, and nothing is remembered", "SYN cookie：回应这个 SYN，但什么也不记", "RFC 4987 3.6")),
    (|c| c.syn_cookies_accepted, cause("syn-cookie-back", "a SYN cookie came back: the connection is made of it", "SYN cookie 回来了：由它建立连接", "RFC 4987 3.6")),
    (|c| c.table_full, cause("table-full", "dropped: the host's table is full", "丢弃：主机的表已满", "")),
    (|c| c.outside_window, cause("outside-window", "dropped: outside the receive window", "丢弃：不在接收窗口内", "RFC 9293 3.10.7.4, first")),
    (|c| c.old_timestamp, cause("old-timestamp", "dropped: old timestamp (PAWS)", "丢弃：时间戳过旧（PAWS）", "RFC 7323 5.3")),
    (|c| c.bad_acknowledgment, cause("bad-acknowledgment", "dropped: it acknowledges what was never sent, or too old", "丢弃：确认了从未发送的数据，或确认过旧", "RFC 9293 3.10.7.4, fifth; RFC 5961 5.2")),
    (|c| c.blind_attacks, cause("blind", "dropped: a RST or SYN that does not prove its sender", "丢弃：无法证明发送者的 RST 或 SYN", "RFC 5961 3.2, 4.2")),
    (|c| c.no_socket, cause("no-socket", "dropped: nobody listens and no connection has this four-tuple", "丢弃：没有监听者，也没有此四元组的连接", "RFC 9293 3.10.7.1")),
    (|c| c.malformed, cause("malformed", "dropped: malformed, or its checksum is wrong", "丢弃：格式错误或校验和错误", "RFC 9293 3.1")),
    (|c| c.unusable, cause("unusable", "dropped: flags or source cannot be used", "丢弃：标志或来源不可用", "RFC 9293 3.10.7")),
    (|c| c.active_opens, cause("active-open", "active open: a SYN with a fresh initial sequence number", "主动打开：带新初始序列号的 SYN", "RFC 9293 3.10.1, RFC 6528")),
    (|c| c.passive_opens, cause("passive-open", "the handshake is done: the connection waits to be accepted", "握手完成：连接等待 accept", "RFC 9293 3.10.7.4")),
];

/// What happened between two looks at a host's counters.
pub(crate) fn between(before: &Counters, after: &Counters) -> impl Iterator<Item = Cause> {
    ROWS.iter().filter(move |(counter, _)| counter(after) != counter(before)).map(|(_, cause)| *cause)
}

/// An acknowledgment tells of what came twice.
pub(crate) const REPEAT_TOLD: Cause = cause(
    "dsack",
    "D-SACK: the first block tells that this had come before",
    "D-SACK：第一个块说明这些数据先前已经收到",
    "RFC 2883 4",
);

/// What it means that these variables of a connection have become others.
pub(crate) fn of_change(before: &Values, after: &Values) -> impl Iterator<Item = Cause> {
    let went = |place: usize| (before[place].unwrap_or(0), after[place].unwrap_or(0));
    let recovered = (went(RECOVERING) == (1, 0)).then_some(cause(
        "recovered",
        "fast recovery is over: all that was under way when it began is acknowledged; cwnd is ssthresh",
        "快速恢复结束：开始时在途的数据都已确认；cwnd 等于 ssthresh",
        "RFC 6675 5, RFC 9937 6",
    ));
    let slow_start = match went(CONSERVATIVE) {
        (0, 1) => Some(cause(
            "hystart",
            "HyStart++: round trips grow longer, a queue builds up: slow start goes on at a quarter of its pace",
            "HyStart++：往返时间变长，队列在积累：慢启动放慢到四分之一",
            "RFC 9406 4.2",
        )),
        (1, 0) if before[SLOW_START_THRESHOLD] == after[SLOW_START_THRESHOLD] => Some(cause(
            "hystart-back",
            "HyStart++: round trips are as short as before: slow start goes on in full",
            "HyStart++：往返时间又变短：慢启动恢复全速",
            "RFC 9406 4.2",
        )),
        (1, 0) if after[RECOVERING] != Some(1) => Some(cause(
            "hystart-over",
            "slow start is over before anything was lost: congestion avoidance begins",
            "在丢失发生之前慢启动已结束：进入拥塞避免",
            "RFC 9406 4.2, RFC 9438 4.10",
        )),
        _ => None,
    };
    recovered.into_iter().chain(slow_start)
}

/// What the expiry of a timer means. `opening` tells that the handshake is not done.
pub(crate) fn of_timer(timer: &str, opening: bool) -> Option<Cause> {
    Some(match (timer, opening) {
        ("retransmit", true) => cause(
            "syn-again",
            "no answer: SYN or SYN-ACK is sent again, and the wait doubles",
            "没有回应：重发 SYN 或 SYN-ACK，等待时间加倍",
            "RFC 6298 2.1, 5.5",
        ),
        ("delayed-ack", _) => cause(
            "delayed-ack",
            "the ACK was delayed for company, and goes now alone",
            "ACK 曾等待搭载数据，现在单独发出",
            "RFC 9293 3.8.6.3",
        ),
        ("time-wait", _) => cause(
            "time-wait-over",
            "2 MSL are over: the four-tuple is free",
            "2 MSL 已过：四元组可再次使用",
            "RFC 9293 3.4.2",
        ),
        ("fin-wait-2", _) => cause(
            "fin-wait-2-over",
            "the peer's FIN never came, and the application is gone",
            "对方的 FIN 一直没来，而应用已离开",
            "RFC 9293 3.6",
        ),
        _ => return None,
    })
}
