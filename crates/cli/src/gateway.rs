//! `netstrata gateway`: user-mode networking for a network namespace or a virtual machine. What guests send to anybody is taken in by
//! our own stack and carried on by the operating system's sockets, so that it needs no right that its user does not have.

mod advertise;
mod answers;
mod check;
mod datagrams;
mod dhcp;
mod dns;
mod echo;
mod engine;
mod guard;
mod handing;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(not(target_os = "linux"))]
#[path = "gateway/no_kernel.rs"]
mod kernel;
mod mappings;
#[cfg(target_os = "linux")]
mod namespace;
#[cfg(not(target_os = "linux"))]
#[path = "gateway/no_namespace.rs"]
mod namespace;
mod notice;
mod outcome;
mod outside;
mod own;
mod publish;
mod published;
pub(crate) mod report;
mod settings;
mod start;
mod tcp;

pub(crate) use start::run;
