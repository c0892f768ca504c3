//! The sending half of a connection.

pub(crate) mod acknowledgment;
pub(crate) mod buffer;
mod delivered;
mod duplicates;
pub(crate) mod expiry;
mod in_flight;
mod losses;
mod lost;
pub(crate) mod marks;
mod pacing;
pub(crate) mod path_mtu;
mod path_probing;
mod probe;
mod rack;
mod rare;
mod rate;
mod recovery;
mod repair;
mod report;
mod sampling;
mod scoreboard;
mod segmenter;
pub(crate) mod sender;
mod spurious;
pub(crate) mod transmit;
mod undoing;
pub(crate) mod window;
