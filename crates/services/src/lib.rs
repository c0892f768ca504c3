//! Talk, echo, HTTP and FTP over any byte stream, ours or the operating system's.
//!
//! A [`Service`] holds one call over one [`Stream`]. [`serve`] runs it for every caller of an [`Accept`]:
//! many calls at once, bounded by [`Calls`], ended in order by a [`Stopper`]. [`relay`] carries a call from one
//! stream to another. Nothing here knows which stack the bytes come from. An idle call holds no buffer.
//!
//! Adding a service takes one file with a type that implements [`Service`] and a line in each list of
//! `catalogue.rs`. Services that give files read them from a [`Tree`], which nothing outside of it can be reached through.
#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods, reason = "services live in real time, outside of the core")]

mod accept;
mod buffer;
mod calls;
mod catalogue;
mod echo;
mod ftp;
pub mod gateway;
mod http;
mod linger;
mod metered;
mod pump;
mod relay;
mod serve;
mod service;
mod sockets;
mod stop;
mod stream;
mod talk;
mod tree;

pub use accept::{Accept, Accepted};
pub use calls::{Call, Calls, Totals};
pub use catalogue::{Equipment, Named, Ready};
pub use echo::Echo;
pub use ftp::Ftp;
pub use http::Http;
pub use linger::linger;
pub use relay::{Broken, Side, carry, relay};
pub use serve::{Summary, serve};
pub use service::{Card, Ended, How, Service, Tally};
pub use sockets::{Sockets, SystemSockets};
pub use stop::{Stop, Stopper};
pub use stream::{Ends, Stream};
pub use talk::Talk;
pub use tree::{Entry, Tree};
