//! What is recorded of a run.

pub(crate) mod causes;
mod journal;
pub(crate) mod model;
pub(crate) mod recorder;
pub(crate) mod summary;
pub(crate) mod variables;
mod watch;
