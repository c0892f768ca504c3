//! What the kernel hands to us at all: a program of classic BPF (packet(7), `SO_ATTACH_FILTER`).

use libc::{
    BPF_ABS, BPF_B, BPF_H, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W,
    sock_filter as Instruction,
};
use wire::ethernet::MacAddress;

/// Lets frames for `station` and for groups pass, so that the machine's own traffic does not fill our ring.
pub(super) fn frames_for(station: MacAddress) -> [Instruction; 8] {
    let [a, b, c, d, e, f] = station.0;
    let load = |size, at| instruction(BPF_LD | size | BPF_ABS, 0, 0, at);
    let jump = |test, value, yes, no| instruction(BPF_JMP | test | BPF_K, yes, no, value);
    [
        load(BPF_W, 0),
        jump(BPF_JEQ, u32::from_be_bytes([a, b, c, d]), 0, 2),
        load(BPF_H, 4),
        jump(BPF_JEQ, u32::from(u16::from_be_bytes([e, f])), 2, 0),
        // The lowest bit of the first byte marks groups.
        load(BPF_B, 0),
        jump(BPF_JSET, 1, 0, 1),
        instruction(BPF_RET | BPF_K, 0, 0, u32::MAX),
        instruction(BPF_RET | BPF_K, 0, 0, 0),
    ]
}

/// A jump counts instructions from the next one on.
fn instruction(code: u32, yes: u8, no: u8, value: u32) -> Instruction {
    Instruction { code: code as u16, jt: yes, jf: no, k: value }
}
