//! Why things happen: what the stack's counters tell of one event, in words and with the rule.

use crate::text::{Text, text};
use tcp::Counters;

/// One reason.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cause {
    pub(crate) code: &'static str,
    pub(crate) text: Text,
    pub(crate) source: &'static str,
}

const fn cause(code: &'static str, en: &'static str, zh: &'static str, source: &'static str) -> Cause {
    Cause { code, text: text(en, zh), source }
}

/// A counter, and what it means when it has moved.
type Row = (fn(&Counters) -> u64, Cause);

#[rustfmt::skip]
const ROWS: [Row; 20] = [
    (|c| c.timeouts, cause("time-out", "retransmission time-out: SND.NXT goes back to SND.UNA, cwnd to one segment, RTO doubles", "重传超时:SND.NXT 退回 SND.UNA,cwnd 降为一个报文段,RTO 加倍", "RFC 6298 5.4-5.6, RFC 5681 3.1")),
    (|c| c.fast_retransmits, cause("fast-retransmit", "fast retransmit: third duplicate ACK", "快速重传:第三个重复 ACK", "RFC 5681 3.2")),
    (|c| c.congestion_marks, cause("congestion-mark", "a packet came with a congestion mark", "收到带拥塞标记的包", "RFC 3168 6.1.3")),
    (|c| c.congestion_echoes, cause("congestion-echo", "the peer echoes a congestion mark: cwnd is reduced", "对方回显拥塞标记:cwnd 减小", "RFC 3168 6.1.2")),
    (|c| c.challenge_acks, cause("challenge-ack", "challenge ACK: the segment does not prove its sender", "挑战 ACK:报文段无法证明其发送者", "RFC 5961 3.2, 4.2, 5.2")),
    (|c| c.keepalive_probes, cause("keepalive-probe", "keepalive probe: the peer has been silent", "保活探测:对方一直沉默", "RFC 9293 3.8.4")),
    (|c| c.window_probes, cause("window-probe", "zero-window probe: the peer's window is closed", "零窗口探测:对方窗口已关闭", "RFC 9293 3.8.6.1")),
    (|c| c.resets_sent, cause("reset-sent", "RST: no such connection, or it is aborted", "RST:没有这个连接,或连接被中止", "RFC 9293 3.5.2")),
    (|c| c.resets_received, cause("reset-received", "the peer's RST ends the connection", "对方的 RST 结束了连接", "RFC 9293 3.5.3")),
    (|c| c.backlog_full, cause("backlog-full", "dropped: the listener's queue is full", "丢弃:监听队列已满", "RFC 9293 3.10.7.2")),
    (|c| c.table_full, cause("table-full", "dropped: the host's table is full", "丢弃:主机的表已满", "")),
    (|c| c.outside_window, cause("outside-window", "dropped: outside the receive window", "丢弃:不在接收窗口内", "RFC 9293 3.10.7.4, first")),
    (|c| c.old_timestamp, cause("old-timestamp", "dropped: old timestamp (PAWS)", "丢弃:时间戳过旧(PAWS)", "RFC 7323 5.3")),
    (|c| c.bad_acknowledgment, cause("bad-acknowledgment", "dropped: it acknowledges what was never sent, or too old", "丢弃:确认了从未发送的数据,或确认过旧", "RFC 9293 3.10.7.4, fifth; RFC 5961 5.2")),
    (|c| c.blind_attacks, cause("blind", "dropped: a RST or SYN that does not prove its sender", "丢弃:无法证明发送者的 RST 或 SYN", "RFC 5961 3.2, 4.2")),
    (|c| c.no_socket, cause("no-socket", "dropped: nobody listens and no connection has this four-tuple", "丢弃:没有监听者,也没有此四元组的连接", "RFC 9293 3.10.7.1")),
    (|c| c.malformed, cause("malformed", "dropped: malformed, or its checksum is wrong", "丢弃:格式错误或校验和错误", "RFC 9293 3.1")),
    (|c| c.unusable, cause("unusable", "dropped: flags or source cannot be used", "丢弃:标志或来源不可用", "RFC 9293 3.10.7")),
    (|c| c.active_opens, cause("active-open", "active open: a SYN with a fresh initial sequence number", "主动打开:带新初始序列号的 SYN", "RFC 9293 3.10.1, RFC 6528")),
    (|c| c.passive_opens, cause("passive-open", "the handshake is done: the connection waits to be accepted", "握手完成:连接等待 accept", "RFC 9293 3.10.7.4")),
];

/// What happened between two looks at a host's counters.
pub(crate) fn between(before: &Counters, after: &Counters) -> impl Iterator<Item = Cause> {
    ROWS.iter().filter(move |(counter, _)| counter(after) != counter(before)).map(|(_, cause)| *cause)
}

/// What the expiry of a timer means. `opening` tells that the handshake is not done.
pub(crate) fn of_timer(timer: &str, opening: bool) -> Option<Cause> {
    Some(match (timer, opening) {
        ("retransmit", true) => cause(
            "syn-again",
            "no answer: SYN or SYN-ACK is sent again, and the wait doubles",
            "没有回应:重发 SYN 或 SYN-ACK,等待时间加倍",
            "RFC 6298 2.1, 5.5",
        ),
        ("delayed-ack", _) => cause(
            "delayed-ack",
            "the ACK was delayed for company, and goes now alone",
            "ACK 曾等待搭载数据,现在单独发出",
            "RFC 9293 3.8.6.3",
        ),
        ("time-wait", _) => cause(
            "time-wait-over",
            "2 MSL are over: the four-tuple is free",
            "2 MSL 已过:四元组可再次使用",
            "RFC 9293 3.4.2",
        ),
        ("fin-wait-2", _) => cause(
            "fin-wait-2-over",
            "the peer's FIN never came, and the application is gone",
            "对方的 FIN 一直没来,而应用已离开",
            "RFC 9293 3.6",
        ),
        _ => return None,
    })
}
