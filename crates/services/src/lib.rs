//! Talk and echo over any byte stream, ours or the operating system's.
//!
//! A [`Service`] holds one call over one [`Stream`]. [`serve`] runs it for every caller of an [`Accept`]:
//! many calls at once, bounded by [`Calls`], ended in order by a [`Stopper`]. [`relay`] carries a call from one
//! stream to another. Nothing here knows which stack the bytes come from. An idle call holds no buffer.
//!
//! Adding a service takes one file with a type that implements [`Service`] and one line in `catalogue.rs`.
#![forbid(unsafe_code)]

mod accept;
mod buffer;
mod calls;
mod catalogue;
mod echo;
mod pump;
mod relay;
mod serve;
mod service;
mod stop;
mod stream;
mod talk;

pub use accept::{Accept, Accepted};
pub use calls::{Call, Calls};
pub use catalogue::Named;
pub use echo::Echo;
pub use relay::relay;
pub use serve::{Summary, serve};
pub use service::{Ended, How, Service, Tally};
pub use stop::{Stop, Stopper};
pub use stream::Stream;
pub use talk::Talk;
