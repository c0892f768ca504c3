//! `libnetstrata_packetdrill.so`: packetdrill, a program that judges TCP by scripts of packets, loads it and drives a
//! `stack::Stack` with it instead of the kernel's.
//!
//! The library exports one function, `packetdrill_interface_init` (`abi/`, where all unsafe code is). It fills in a
//! table of socket calls, of a clock and of a network device. All of them act on one `Machine` (`machine.rs`): a stack, the
//! descriptors of its sockets, and a clock that stands still until somebody waits or asks for the time.
#![cfg(target_os = "linux")]

mod abi;
mod address;
mod calls;
mod clock;
mod control;
mod datagrams;
mod descriptors;
mod early;
mod epoll;
mod flags;
mod history;
mod machine;
mod notices;
mod option_values;
mod options;
mod patience;
mod readiness;
mod send_memory;
mod settings;
mod socket;
mod streams;
mod sysctl;
mod tcp_info;
mod watch;
mod world;

pub use abi::{Interface, packetdrill_interface_init};
