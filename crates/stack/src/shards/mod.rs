//! One host on several cores: each shard is a [`Stack`](crate::Stack) of its own with a part of the connections (`shard.rs`).
//! `steering.rs` says which shard a frame is for, `surroundings.rs` what all shards know alike, `handover.rs` what one leaves to another.

mod handover;
mod steering;
mod surroundings;

pub(crate) use handover::Handover;
pub use steering::{Steering, Target};
pub(crate) use surroundings::LinkView;
pub use surroundings::Surroundings;
