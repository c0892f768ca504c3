//! Stopping in order: no new calls, then time for those that go on, then the end.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Ends what listens to its [`Stop`]s. Dropped unused it ends nothing.
#[derive(Debug)]
pub struct Stopper(watch::Sender<Phase>);

/// Tells one task when to stop.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Phase>);

#[derive(Clone, Copy, Debug)]
enum Phase {
    Running,
    Draining { until: Instant },
    Cut,
}

impl Stopper {
    /// A stopper, and what listens to it.
    pub fn new() -> (Stopper, Stop) {
        let (sender, receiver) = watch::channel(Phase::Running);
        (Stopper(sender), Stop(receiver))
    }

    /// No new calls from now on; those that go on may finish within `grace`.
    pub fn drain(&self, grace: Duration) {
        // A grace beyond what the clock can name is a year: nobody waits longer.
        let now = Instant::now();
        let until = now.checked_add(grace).unwrap_or(now + Duration::from_secs(365 * 86_400));
        self.0.send_replace(Phase::Draining { until });
    }

    /// Everything ends now.
    pub fn cut(&self) {
        self.0.send_replace(Phase::Cut);
    }
}

impl Stop {
    /// Whether no new call may be taken.
    pub fn is_draining(&self) -> bool {
        !matches!(*self.0.borrow(), Phase::Running)
    }

    /// Returns when no new call may be taken.
    pub async fn draining(&mut self) {
        let stopping = self.0.wait_for(|phase| !matches!(phase, Phase::Running)).await.is_ok();
        if !stopping {
            std::future::pending::<()>().await;
        }
    }

    /// Returns when calls that still go on must end.
    pub async fn cut(&mut self) {
        self.draining().await;
        loop {
            let until = match *self.0.borrow_and_update() {
                Phase::Running | Phase::Cut => return,
                Phase::Draining { until } => until,
            };
            tokio::select! {
                () = sleep_until(until) => return,
                Ok(()) = self.0.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn draining_comes_first_and_the_cut_after_the_grace() {
        let (stopper, mut stop) = Stopper::new();
        let begun = Instant::now();
        assert!(timeout(Duration::from_secs(60), stop.draining()).await.is_err());
        assert!(!stop.is_draining());
        stopper.drain(Duration::from_secs(10));
        assert!(stop.is_draining());
        stop.draining().await;
        assert_eq!(begun.elapsed().as_secs(), 60);
        stop.cut().await;
        assert_eq!(begun.elapsed().as_secs(), 70);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_does_not_wait_for_the_grace() {
        let (stopper, mut stop) = Stopper::new();
        stopper.drain(Duration::MAX);
        let waiting = tokio::spawn(async move { stop.cut().await });
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!waiting.is_finished());
        stopper.cut();
        waiting.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_stopper_stops_nothing() {
        let (stopper, mut stop) = Stopper::new();
        drop(stopper);
        assert!(timeout(Duration::from_secs(60), stop.draining()).await.is_err());
        assert!(timeout(Duration::from_secs(60), stop.cut()).await.is_err());
    }
}
