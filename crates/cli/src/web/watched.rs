//! What is told to those who watch a server: load balancers, and collectors of metrics.

use services::Stop;

/// A server that is watched.
pub(crate) struct Watched {
    /// Writes the present figures in the format of OpenMetrics 1.0.
    pub(crate) metrics: Box<dyn Fn() -> String + Send + Sync>,
    /// Says when the server no longer takes calls.
    pub(crate) stop: Stop,
}
