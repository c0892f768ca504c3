//! A host on several cores: each shard has a stack, a lock, a driver and its end of every link. `family.rs` and
//! `siblings.rs` make them one host, `link.rs` how frames find their shard, `inbox.rs` and `outbox.rs` what one driver leaves to another, `bell.rs` what wakes that.

pub(crate) mod bell;
pub(crate) mod family;
mod inbox;
mod link;
mod outbox;
mod siblings;
#[cfg(test)]
mod tests;

pub(crate) use inbox::Inbox;
pub(crate) use link::Ends;
