//! The catalogue of congestion controls. A new one is a file here, and a variant of [`Algorithm`] and of `Control`.
//!
//! | | Slow start | After it | A loss or a mark | A time-out |
//! |---|---|---|---|---|
//! | [`Algorithm::Cubic`] | by every byte acknowledged; by a quarter of it once round trips grow longer or acknowledgments come in one long train (HyStart++) | along a cubic curve around the window of the last loss, or as NewReno if that is more | to 0.7 | to one segment, 0.7 is the threshold |
//! | [`Algorithm::NewReno`] | by every byte acknowledged | by one segment a window | to a half | to one segment, a half is the threshold |
//! | [`Algorithm::Bbr`] | paced; by every byte acknowledged, until three rounds bring no more bandwidth | paced at the bandwidth that was measured, twice the bandwidth-delay product under way; probes for more every 63 round trips or 2 to 3 s | down to what is delivered, by 0.7 a round at most; while it probes, more than 2 % lost bound what may be under way | to one segment more than what is under way, until all is repaired |
//!
//! All begin with ten segments (RFC 6928). Those that answer with windows grow only while the window is what holds the sender back (RFC 7661), halve the
//! window for each time-out that goes by in silence. All take back what they did to a loss that was none.

mod algorithm;
mod bbr;
mod control;
mod controller;
mod cubic;
mod curve;
mod delivery;
mod hystart;
mod modelled;
mod new_reno;
mod pace;
mod state;
mod tally;
mod window;

pub use algorithm::{Algorithm, SlowStartExit};
pub(crate) use bbr::Context;
pub use bbr::Stage;
pub(crate) use controller::{Acknowledged, Setback};
pub(crate) use modelled::{Arrival, Loss};
pub(crate) use state::Congestion;
