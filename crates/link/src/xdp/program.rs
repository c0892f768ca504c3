//! What the kernel does with each frame that arrives: a program of eBPF (RFC 9669), which runs in the interface's driver.

use crate::bpf::{Instruction, map_to_register};
use std::os::fd::AsFd;
use wire::ethernet::MacAddress;

/// What becomes of a frame that is not ours (`enum xdp_action`): the kernel goes on with it.
const PASS: i32 = 2;
/// `bpf_redirect_map`.
const REDIRECT_MAP: i32 = 51;
/// Where the frame begins and ends, and its queue's number, in what the program is told (`struct xdp_md`).
const DATA: i16 = 0;
const DATA_END: i16 = 4;
const QUEUE: i16 = 16;

const LOAD_32: u8 = 0x61; // BPF_LDX | BPF_MEM | BPF_W
const LOAD_16: u8 = 0x69; // BPF_LDX | BPF_MEM | BPF_H
const MOVE: u8 = 0xbf; // BPF_ALU64 | BPF_MOV | BPF_X
const MOVE_VALUE: u8 = 0xb7; // BPF_ALU64 | BPF_MOV | BPF_K
const ADD_VALUE: u8 = 0x07; // BPF_ALU64 | BPF_ADD | BPF_K
const JUMP_GREATER: u8 = 0x2d; // BPF_JMP | BPF_JGT | BPF_X
const JUMP_UNEQUAL_VALUE: u8 = 0x56; // BPF_JMP32 | BPF_JNE | BPF_K
const CALL: u8 = 0x85; // BPF_JMP | BPF_CALL
const EXIT: u8 = 0x95; // BPF_JMP | BPF_EXIT

/// Gives the frames for `station` to the socket that the map has for their queue. All others, those for groups among them, are the
/// kernel's, and so are ours if there is no socket for their queue.
pub(super) fn frames_for(station: MacAddress, map: &impl AsFd) -> Vec<Instruction> {
    let [a, b, c, d, e, f] = station.0;
    let [name, name_rest] = map_to_register(1, map);
    vec![
        instruction(LOAD_32, 2, 1, DATA_END, 0),
        instruction(LOAD_32, 3, 1, DATA, 0),
        instruction(MOVE, 4, 3, 0, 0),
        instruction(ADD_VALUE, 4, 0, 0, 14),
        // The end is 11 instructions behind this one; a jump counts from the next.
        instruction(JUMP_GREATER, 4, 2, 10, 0),
        instruction(LOAD_32, 5, 3, 0, 0),
        instruction(JUMP_UNEQUAL_VALUE, 5, 0, 8, i32::from_ne_bytes([a, b, c, d])),
        instruction(LOAD_16, 5, 3, 4, 0),
        instruction(JUMP_UNEQUAL_VALUE, 5, 0, 6, i32::from(u16::from_ne_bytes([e, f]))),
        instruction(LOAD_32, 2, 1, QUEUE, 0),
        name,
        name_rest,
        instruction(MOVE_VALUE, 3, 0, 0, PASS),
        instruction(CALL, 0, 0, 0, REDIRECT_MAP),
        instruction(EXIT, 0, 0, 0, 0),
        instruction(MOVE_VALUE, 0, 0, 0, PASS),
        instruction(EXIT, 0, 0, 0, 0),
    ]
}

fn instruction(code: u8, to: u8, from: u8, offset: i16, immediate: i32) -> Instruction {
    Instruction { code, registers: to | from << 4, offset, immediate }
}
