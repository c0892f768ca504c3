//! What people type: packet scripts and impairments. No text panics, and each fault is told in words.

use link::Impairment;
use sim::script::Script;

/// A packet script, or an impairment.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Err(failure) = Script::parse(&text) {
        assert!(!failure.to_string().is_empty());
    }
    match text.parse::<Impairment>() {
        Ok(impairment) => assert!(impairment.to_string().parse::<Impairment>().is_ok(), "{impairment}"),
        Err(error) => assert!(!error.to_string().is_empty() && !error.to_string().contains('\n'), "{error}"),
    }
}

/// A script with a little of everything, and an impairment.
pub fn seeds() -> Vec<Vec<u8>> {
    let script = "// A comment\n--mtu=1500\n\
        0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n\
        +0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0\n\
        +0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n\
        +0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>\n\
        +0 > S. 0:0(0) ack 1 <...>\n+.1 < . 1:1(0) ack 1 win 257\n\
        +0 accept(3, ..., ...) = 4\n+0 write(4, ..., 1000) = 1000\n\
        +0 > P. 1:1001(1000) ack 1\n+0~+.3 < . 1:1(0) ack 1001 win 257 <sack 1:2>\n\
        +0 %{ assert tcpi_cwnd == 10 }%\n+0 read(4, ..., 10) = -1 EAGAIN (Resource temporarily unavailable)\n";
    let impairment = "loss=1%,dup=2%,reorder=5%,corrupt=0.1%,delay=10ms,rate=1mbit,queue=100,seed=7";
    [script, impairment].map(|text| text.as_bytes().to_vec()).to_vec()
}
