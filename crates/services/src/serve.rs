//! Answers every call of a listening socket, until told to stop.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use crate::accept::{Accept, Accepted};
use crate::calls::{Calls, Ticket};
use crate::service::{Ended, How, Service};
use crate::stop::Stop;
use crate::stream::{LINGER, Stream};

/// What became of the calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Calls that were held.
    pub held: u64,
    /// Calls that found no room and were reset.
    pub refused: u64,
    /// Calls that had to be ended when the grace was over.
    pub stopped: u64,
}

/// Holds every call that `acceptor` takes with `service`, all of them at once, each entered in `calls`.
///
/// When `calls` is full a new call is reset. An error of accepting is logged and waited out: it never ends the others.
/// When `stop` says so the listener is dropped, the calls may finish within the grace, and the rest is ended.
/// Must run inside a tokio runtime with its timer on.
pub async fn serve<A: Accept, S: Service>(
    acceptor: A,
    service: Arc<S>,
    calls: Arc<Calls>,
    mut stop: Stop,
) -> Summary {
    let mut summary = Summary::default();
    let mut running: JoinSet<bool> = JoinSet::new();
    let mut pause = Pause::default();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.draining() => break,
            Some(ended) = running.join_next() => {
                summary.count(ended);
                continue;
            }
            accepted = acceptor.accept() => accepted,
        };
        match accepted {
            Ok(call) => {
                pause = Pause::default();
                begin(call, &service, &calls, &stop, &mut running, &mut summary);
            }
            Err(error) if concerns_one_call(&error) => {
                tracing::debug!(service = service.name(), %error, "a call ended before it was taken");
            }
            Err(error) => {
                let wait = pause.next();
                tracing::warn!(service = service.name(), %error, ?wait, "no call can be taken; trying again");
                tokio::select! {
                    () = sleep(wait) => {}
                    () = stop.draining() => break,
                }
            }
        }
    }
    drop(acceptor);
    tracing::debug!(service = service.name(), going_on = running.len(), "no more calls are taken");
    // Every call listens to the cut itself, so this ends at the latest when the grace does.
    while let Some(ended) = running.join_next().await {
        summary.count(ended);
    }
    summary
}

impl Summary {
    fn count(&mut self, ended: Result<bool, JoinError>) {
        match ended {
            Ok(stopped) => self.stopped += u64::from(stopped),
            Err(error) => tracing::error!(%error, "a call failed by a fault of this program"),
        }
    }
}

/// Starts the task of a call, or resets the call if there is no room.
fn begin<S: Service, T: Stream + 'static>(
    call: Accepted<T>,
    service: &Arc<S>,
    calls: &Arc<Calls>,
    stop: &Stop,
    running: &mut JoinSet<bool>,
    summary: &mut Summary,
) {
    let Accepted { mut stream, local, peer } = call;
    match calls.enter(service.name(), local, peer) {
        Some(ticket) => {
            summary.held += 1;
            running.spawn(hold(Arc::clone(service), stream, ticket, stop.clone()));
        }
        None => {
            stream.abort();
            summary.refused += 1;
            // The first and then ever fewer: a flood of callers must not become a flood of lines.
            if calls.refused().is_power_of_two() {
                let (most, refused) = (calls.most(), calls.refused());
                tracing::warn!(service = service.name(), %local, %peer, most, refused, "call refused: all places taken");
            }
        }
    }
}

/// Holds one call and logs it. True if it had to be ended.
async fn hold<S: Service, T: Stream>(
    service: Arc<S>,
    mut stream: T,
    mut ticket: Ticket,
    mut stop: Stop,
) -> bool {
    let name = service.name();
    let call = ticket.report();
    tracing::debug!(service = name, local = %call.local, peer = %call.peer, "call begun");
    let how = tokio::select! {
        how = service.run(&mut stream, ticket.tally()) => how,
        () = stop.cut() => How::Stopped,
    };
    ticket.ended(&how);
    let stopped = matches!(how, How::Stopped);
    let quit = matches!(how, How::Quit);
    let call = ticket.report();
    let Ended { received, sent, how } = Ended::new(ticket.tally(), how);
    tracing::info!(
        service = name, local = %call.local, peer = %call.peer, received, sent,
        milliseconds = call.lasted.as_millis() as u64, %how, "call ended"
    );
    if quit {
        tokio::select! {
            () = listen_out(&mut stream) => {}
            () = stop.cut() => {}
        }
    }
    stopped
}

/// Reads and forgets what the peer still sends after a farewell, until it ends or the linger is over.
async fn listen_out<T: Stream>(stream: &mut T) {
    let _ = timeout(LINGER, async {
        let mut forgotten = [0; 512];
        while matches!(stream.read(&mut forgotten).await, Ok(1..)) {}
    })
    .await;
}

/// Whether an error of accepting says something about one caller only, so that the next may follow at once.
fn concerns_one_call(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

/// The pauses after errors in a row: from 10 ms, doubling, to 1 s.
#[derive(Default)]
struct Pause(Option<Duration>);

impl Pause {
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_secs(1);

    fn next(&mut self) -> Duration {
        let pause = self.0.map_or(Self::FIRST, |last| (last * 2).min(Self::LONGEST));
        self.0 = Some(pause);
        pause
    }
}

#[cfg(test)]
mod tests;
