//! What belongs to a running server.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use services::{Accept, Calls, Equipment, Service, Stop, Summary};
use tokio::task::{JoinHandle, JoinSet};

use super::carried_for::CarriedFor;
use crate::failure::Failure;
use crate::status::report::Reach;
use crate::web::{Absent, Live};

/// The parts of a running server.
pub(crate) struct Site {
    /// The calls that services hold.
    pub(crate) calls: Arc<Calls>,
    /// The calls that are carried from published ports.
    pub(crate) carried: Arc<Calls>,
    /// For whom each of those is, for services that ask.
    pub(crate) carried_for: Arc<CarriedFor>,
    /// The services, and where they are reached.
    pub(crate) reach: Vec<Reach>,
    /// The hosts of our own stack.
    pub(crate) hosts: Vec<netstrata::Host>,
    /// What DHCP servers gave them.
    pub(crate) leases: Vec<netstrata::network::Leased>,
    /// The network that the page can show.
    pub(crate) live: Result<Live, Absent>,
    /// Tells when the server stops.
    pub(crate) stop: Stop,
    /// What services are made with.
    pub(crate) equipment: Equipment,
    /// What tells the LAN of the services; it ends by itself when the server stops.
    pub(crate) announcing: Option<JoinHandle<()>>,
    tasks: JoinSet<Summary>,
    summary: Summary,
}

impl Site {
    /// A server with nothing on it.
    pub(crate) fn new(calls: Arc<Calls>, carried: Arc<Calls>, equipment: Equipment) -> Site {
        Site {
            calls,
            carried,
            carried_for: Arc::default(),
            reach: Vec::new(),
            hosts: Vec::new(),
            leases: Vec::new(),
            live: Err(Absent::SystemSockets),
            stop: equipment.stop.clone(),
            equipment,
            announcing: None,
            tasks: JoinSet::new(),
            summary: Summary::default(),
        }
    }

    /// Serves what `acceptor` takes with `service`.
    pub(crate) fn serve(&mut self, acceptor: impl Accept, service: impl Service) {
        let calls = Arc::clone(&self.calls);
        self.tasks.spawn(services::serve(acceptor, Arc::new(service), calls, self.stop.clone()));
    }

    /// Carries what `acceptor` takes by `service`.
    pub(crate) fn carry(&mut self, acceptor: impl Accept, service: impl Service) {
        let carried = Arc::clone(&self.carried);
        self.tasks.spawn(services::serve(acceptor, Arc::new(service), carried, self.stop.clone()));
    }

    /// Waits until all calls have ended. May be begun again if dropped early.
    pub(crate) async fn finish(&mut self) -> Summary {
        while let Some(ended) = self.tasks.join_next().await {
            let Ok(Summary { held, refused, stopped }) = ended else { continue };
            self.summary.held += held;
            self.summary.refused += refused;
            self.summary.stopped += stopped;
        }
        self.summary
    }

    /// Ends the hosts once what they still have to send is delivered, or `patience` is over.
    pub(crate) async fn shut_down(&mut self, patience: Duration) {
        if let Some(announcing) = self.announcing.take() {
            let _ = announcing.await;
        }
        let leases = std::mem::take(&mut self.leases);
        let _ = tokio::task::spawn_blocking(move || {
            leases.into_iter().for_each(|leased| leased.release(patience));
        })
        .await;
        // The last to come first: the earlier ones still answer it, and the first may be the LAN's switch as well.
        while let Some(host) = self.hosts.pop() {
            let _ = tokio::task::spawn_blocking(move || host.shutdown(patience)).await;
        }
    }
}

/// What it means that a service cannot be made.
pub(crate) fn unequipped(error: io::Error) -> Failure {
    Failure::new(format!("a service cannot be started: {error}"), "")
}
