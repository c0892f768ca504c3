//! What is recorded of a run.

pub(crate) mod causes;
pub mod model;
pub(crate) mod recorder;
pub(crate) mod summary;
pub(crate) mod variables;
