//! Goodput over an emulated path, beside the kernel's: this stack and Linux send to each other and to themselves, in turn.
//!
//! Each end is a network namespace with a TAP. A thread carries frames from one TAP to the other and does to them what a long
//! and poor path does: a rate, a bounded queue, a delay, losses, frames that are overtaken. The kernel's stack sits right on its
//! TAP; this one sits on a TAP of its own, which a bridge joins with the path's.
#![allow(clippy::disallowed_methods, reason = "goodput is measured in the machine's time")]

mod arguments;
mod emulator;
mod endpoint;
mod matrix;
mod path;
mod picture;
mod report;
mod run;
mod site;
mod transfer;

pub use arguments::Arguments;
pub use run::run;
