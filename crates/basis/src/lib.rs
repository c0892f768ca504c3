//! What the outside gives to Netstrata's core: time, randomness, deadlines and packet memory.
//!
//! Everything here is plain data. Nothing reads a clock or an entropy source: the caller passes an
//! [`Instant`] and a [`Seed`], so a whole stack can be cloned, simulated and replayed bit for bit.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod frame;
pub mod limit;
pub mod pool;
pub mod random;
pub mod slab;
pub mod time;
pub mod wheel;

pub use frame::{Checksum, Ecn, Frame};
pub use limit::RateLimit;
pub use pool::ChunkPool;
pub use random::{HashKey, KeyedHasher, Random, Seed, siphash_2_4};
pub use slab::{Key, Slab, Vacancy};
pub use time::Instant;
pub use wheel::{TimerId, TimerWheel};
