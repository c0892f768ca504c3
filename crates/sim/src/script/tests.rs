use super::*;

const OPEN: &str = "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
";

/// Runs the usual handshake and what follows; its first line is the eighth.
fn after_open(rest: &str) -> Result<Report, Failure> {
    run(&Script::parse(&format!("{OPEN}{rest}"))?, Setup::default())
}

#[track_caller]
fn fails(rest: &str, line: u32, words: &str) {
    let failure = after_open(rest).unwrap_err();
    assert!(failure.line == line && failure.message.contains(words), "{failure}");
}

#[test]
fn a_script_that_goes_as_written_passes() {
    assert!(after_open("+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1").is_ok());
}

#[test]
fn what_is_not_as_written_fails_at_its_line() {
    let write = "+0 write(4, ..., 100) = 100\n";
    fails(&format!("{write}+0 > P. 1:102(101) ack 1"), 9, "got > P. 1:101(100) ack 1");
    fails(&format!("{write}+0 > . 1:101(100) ack 1"), 9, "expected > . 1:101(100)");
    fails(&format!("{write}+0 > P. 1:101(100) ack 1 win 7"), 9, "win 65535");
    fails(&format!("{write}+0 > P. 1:101(100) ack 1 <nop,nop>"), 9, "<nop,nop>");
    fails(&format!("{write}+.01 > P. 1:101(100) ack 1"), 9, "expected at 0.11");
    fails(&format!("{write}+0~+.1 > F. 1:1(0) ack 1"), 9, "expected > F. 1:1(0)");
}

#[test]
fn what_leaves_unexpected_or_not_at_all_fails() {
    fails("+0 write(4, ..., 100) = 100\n", 8, "not expected > P. 1:101(100) ack 1");
    fails("+.5 > . 1:1(0) ack 1", 8, "nothing left until 0.601");
    fails("+0 < P. 1:11(10) ack 1 win 9\n+.2 close(4) = 0\n", 9, "not expected > . 1:1(0) ack 11");
}

#[test]
fn calls_that_return_otherwise_fail() {
    fails("+0 read(4, ..., 10) = 10", 8, "`read` blocks");
    fails("+0 shutdown(4, SHUT_WR) = -1 EPIPE", 8, "returned Value(0)");
    fails("+0...0.5 read(4, ..., 10) = 0", 8, "has not returned");
    fails("+0...0.5 write(4, ..., 10) = 10\n", 8, "returned at once");
    fails("+0 read(9, ..., 10) = 0", 8, "EBADF");
    fails("+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0", 8, "SO_ERROR is 0");
    fails("+0 poll([{fd=4, events=POLLOUT, revents=0}], 1, 0) = 1", 8, "POLLOUT");
    fails("+0 %{ assert tcpi_snd_cwnd == 11 }%", 8, "tcpi_snd_cwnd is 10");
}

#[test]
fn a_blocked_call_returns_at_its_time() {
    let rest = |end: &str| {
        format!("+0...{end} read(4, ..., 10) = 10\n+.2 < P. 1:11(10) ack 1 win 9\n+0 > . 1:1(0) ack 11\n")
    };
    assert!(after_open(&rest("0.2")).is_ok());
    let failure = after_open(&rest("0.3")).unwrap_err();
    assert!(failure.message.contains("returned at 0.3000"), "{failure}");
}

#[test]
fn both_ends_numbers_can_begin_anywhere() {
    let script =
        Script::parse(&format!("{OPEN}+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1")).unwrap();
    let usual = run(&script, Setup::default()).unwrap().first_number.unwrap();
    let setup = Setup { remote_offset: u32::MAX, ..Setup::default() }.with_first_number(usual, 77);
    assert_eq!(run(&script, setup).unwrap().first_number, Some(77));
}
