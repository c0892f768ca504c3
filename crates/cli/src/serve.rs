//! `netstrata serve`: the services, around the clock.
//!
//! On a LAN the services live on one host of our own stack, and published ports are carried to it by a second one. With
//! `--link host` they listen on the operating system's sockets instead.

mod activation;
mod banner;
pub(crate) mod carried;
pub(crate) mod carried_for;
mod confinement;
mod contest;
pub(crate) mod control;
mod equipment;
mod holder;
pub(crate) mod host_report;
mod metrics;
mod ours;
pub(crate) mod publish;
mod site;
pub(crate) mod system;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use netstrata::LinkSpec;
use services::{Calls, Equipment, Stopper};
use tokio::task::{JoinHandle, JoinSet};

use crate::arguments::ServeArguments;
use crate::failure::{Failure, tell};
use crate::logging;
use crate::naming::DEFAULT_NAME;
use crate::network;
use crate::signals::Signals;
use crate::status::report::{Program, Report};
use crate::web::{self, Absent, Watched};
use banner::Status;
use control::{Control, Reporter};
use site::Site;

/// How long the last bytes of ended calls may take to be delivered.
const DELIVERY: Duration = Duration::from_secs(3);

/// Serves until told to stop.
pub(crate) fn run(arguments: ServeArguments) -> Result<(), Failure> {
    network::check(&arguments.network)?;
    if arguments.network.link == LinkSpec::Host && arguments.shards > 1 {
        let cause = "--shards needs a stack of our own, and --link host is the operating system's".to_owned();
        return Err(Failure::usage(cause, "leave --shards away, or choose another --link"));
    }
    if arguments.network.link == LinkSpec::Host && arguments.name != DEFAULT_NAME {
        let cause = "--name is told over a stack of our own, and --link host is the operating system's";
        return Err(Failure::usage(cause, "leave --name away, or choose another --link"));
    }
    let (stopper, stop) = Stopper::new();
    let equipment = equipment::gather(&arguments, stop)?;
    holder::look_ahead(&ours::wanted(&arguments));
    // Before there are threads: each would have to be bound by itself.
    confinement::confine(&arguments);
    logging::write_on();
    let no_runtime =
        |error| Failure::new(format!("cannot start: {error}"), "see this user's limits on threads and files");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(no_runtime)?;
    let outcome = runtime.block_on(serve(arguments, equipment, stopper));
    runtime.shutdown_background();
    outcome
}

async fn serve(arguments: ServeArguments, equipment: Equipment, stopper: Stopper) -> Result<(), Failure> {
    let no_signals = |error| Failure::new(format!("cannot listen to signals: {error}"), "");
    let mut signals = Signals::listen().map_err(no_signals)?;
    let running = tokio::select! {
        running = start(&arguments, equipment) => running?,
        signal = signals.next() => {
            tracing::info!(signal = signal.name, "stopped before it was up");
            return Ok(());
        }
    };
    running.tell(&arguments);
    let (signal, broken) = running.until_stopped(&mut signals).await;
    let outcome = broken.map_or(Ok(()), |error| {
        tracing::error!(%error, "no link is left, so nobody can call any more");
        Err(Failure::new(error.to_string(), "make the interface again, and start the server again"))
    });
    activation::notify("STOPPING=1");
    running.wind_up(arguments.grace, signal, stopper, signals).await;
    outcome
}

/// A server that is up.
struct Running {
    site: Site,
    page: Option<Page>,
    /// Where `status` is answered.
    control: Option<(PathBuf, JoinHandle<()>)>,
}

/// Makes all that was asked for, or nothing of it.
async fn start(arguments: &ServeArguments, equipment: Equipment) -> Result<Running, Failure> {
    let most = usize::try_from(arguments.max_calls).unwrap_or(usize::MAX);
    let mut site = Site::new(Calls::new(most), Calls::new(most), equipment);
    let open_control = || control::open_for(&arguments.network.link, arguments.control.as_ref());
    // One that was asked for must be had, which is known before anything is joined.
    let asked_for = if arguments.control.is_some() { open_control()? } else { None };
    if arguments.network.link == LinkSpec::Host {
        system::start(arguments, &mut site)?;
    } else {
        ours::start(arguments, &mut site).await?;
    }
    for host in &site.hosts {
        tokio::spawn(contest::watch(host.clone()));
    }
    let control = match asked_for {
        None => open_control()?,
        some => some,
    };
    let page = start_page(arguments, &mut site).await?;
    let answer = |(control, path): (Control, PathBuf)| {
        (path, tokio::spawn(control.answer(reporter(arguments, &site))))
    };
    let control = control.map(answer);
    confinement::seal(arguments);
    Ok(Running { site, page, control })
}

impl Running {
    /// Says that it is up: to its user, and to a service manager.
    fn tell(&self, arguments: &ServeArguments) {
        let path = self.control.as_ref().map(|(path, _)| path.display().to_string());
        let status = path.as_deref().map(|path| match arguments.control {
            Some(_) => Status::At(path),
            None => Status::OfTheLink,
        });
        let page = self.page.as_ref().map(|page| page.at);
        let text = banner::banner(&arguments.network.link, &self.site.reach, page, status);
        // Whoever does not want to read it may close our output.
        let mut stdout = std::io::stdout();
        let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        activation::notify("READY=1");
        for at in activation::left_over() {
            tracing::warn!(%at, "a socket was handed over that nothing is published on; see --publish");
        }
    }

    /// Waits for a signal, which is named, or for the end of the last link.
    async fn until_stopped(&self, signals: &mut Signals) -> (&'static str, Option<std::io::Error>) {
        let mut severed: JoinSet<std::io::Error> = JoinSet::new();
        for host in self.site.hosts.clone() {
            severed.spawn(async move { host.severed().await });
        }
        tokio::select! {
            signal = signals.next() => (signal.name, None),
            Some(Ok(error)) = severed.join_next() => ("none", Some(error)),
        }
    }

    /// Takes no more calls, lets those that go on come to their end, and ends everything.
    async fn wind_up(
        mut self,
        grace: Duration,
        signal: &'static str,
        stopper: Stopper,
        mut signals: Signals,
    ) {
        let going_on = self.site.calls.count();
        tracing::info!(signal, going_on, ?grace, "stopping: no more calls are taken");
        if going_on > 0 {
            let calls = if going_on == 1 { "1 call".to_owned() } else { format!("{going_on} calls") };
            let text = format!(
                "netstrata: stopping; {calls} may go on for {grace:?}, or stop again to end them now"
            );
            // Whoever has stopped reading must not keep the calls from their end.
            tokio::task::spawn_blocking(move || tell(text));
        }
        stopper.drain(grace);
        let summary = loop {
            tokio::select! {
                summary = self.site.finish() => break summary,
                _ = signals.next() => stopper.cut(),
            }
        };
        tracing::info!(held = summary.held, refused = summary.refused, stopped = summary.stopped, "stopped");
        if let Some(page) = self.page {
            // It holds a host: what it shows must end before the hosts do.
            page.answering.abort();
            let _ = page.answering.await;
        }
        self.site.shut_down(DELIVERY).await;
        if let Some((_, answering)) = self.control {
            // Its end removes the socket.
            answering.abort();
            let _ = answering.await;
        }
    }
}

/// The page, being served.
struct Page {
    at: SocketAddr,
    answering: JoinHandle<()>,
}

/// Serves the page. Where it was not asked for, its absence keeps nobody from being served.
async fn start_page(arguments: &ServeArguments, site: &mut Site) -> Result<Option<Page>, Failure> {
    let live = std::mem::replace(&mut site.live, Err(Absent::Unpublished));
    if arguments.no_web {
        return Ok(None);
    }
    let listener = match web::open(arguments.web.unwrap_or(web::DEFAULT_ADDRESS)).await {
        Ok(listener) => listener,
        Err(failure) if arguments.web.is_none() => {
            tracing::warn!(%failure, "the page is not served");
            return Ok(None);
        }
        Err(failure) => return Err(failure),
    };
    let at = system::local(&listener)?;
    let watched = Watched { metrics: metrics::exposition(arguments, site), stop: site.stop.clone() };
    Ok(Some(Page { at, answering: tokio::spawn(web::serve(listener, live, Some(watched))) }))
}

/// What answers `netstrata status`.
fn reporter(arguments: &ServeArguments, site: &Site) -> Arc<Reporter> {
    let started = Instant::now();
    let link = arguments.network.link.to_string();
    let (reach, hosts) = (site.reach.clone(), site.hosts.clone());
    let (calls, carried) = (Arc::clone(&site.calls), Arc::clone(&site.carried));
    Arc::new(move || Report {
        program: Program {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            link: link.clone(),
            uptime_seconds: started.elapsed().as_secs_f64(),
            kept_out: confinement::is_kept_out(),
            sealed: confinement::is_sealed(),
        },
        services: reach.clone(),
        hosts: hosts.iter().map(host_report::report).collect(),
        calls: calls.list().into_iter().map(Into::into).collect(),
        carried: carried.list().into_iter().map(Into::into).collect(),
        refused: calls.refused() + carried.refused(),
        ..Report::default()
    })
}
