//! `netstrata lab --web`: the page by itself, with a network of two hosts in this process behind it.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use netstrata::tokio::TcpListener;
use netstrata::{Host, LinkSpec, Network};
use services::{Calls, Stopper, Talk};

use crate::failure::Failure;
use crate::serve::carried::Listener;
use crate::signals::Signals;
use crate::web::{self, Feed, Live};

const CALLER: [u8; 4] = [10, 7, 0, 1];
const TALK: [u8; 4] = [10, 7, 0, 2];
const PORT: u16 = 9528;
/// Calls at once of the talk service, which only the page can reach.
const CALLS: usize = 64;

/// Serves the page until told to stop.
pub(super) fn run(at: SocketAddr) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(format!("cannot start: {error}"), "");
    let feed = Feed::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    // Before the hosts: they take their time to start, and whoever is tired of waiting leaves in order.
    let mut signals = {
        let _inside = runtime.enter();
        Signals::listen().map_err(failed)?
    };
    let starting = Arc::clone(&feed);
    let outcome = runtime.block_on(async {
        let (caller, services) = tokio::select! {
            started = tokio::task::spawn_blocking(move || hosts(&starting)) => {
                started.map_err(io::Error::other).and_then(|hosts| hosts).map_err(failed)?
            }
            _ = signals.next() => return Ok(()),
        };
        serve(at, feed, (caller, services), signals).await
    });
    runtime.shutdown_background();
    outcome
}

fn hosts(feed: &Arc<Feed>) -> io::Result<(Host, Host)> {
    let host = |name: &str, address: [u8; 4], place| {
        Network::new(LinkSpec::Memory).name(name).address(address.into(), 24).watch(Some(feed.watch(place)))
    };
    host("gateway", CALLER, 0).pair(host("services", TALK, 1))
}

async fn serve(
    at: SocketAddr,
    feed: Arc<Feed>,
    (caller, services): (Host, Host),
    mut signals: Signals,
) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new(format!("cannot start: {error}"), "");
    let page = web::open(at).await?;
    let talk = SocketAddr::from((TALK, PORT));
    let listener = TcpListener::bind(&services, talk).await.map_err(failed)?;
    let (_stopper, stop) = Stopper::new();
    tokio::spawn(services::serve(Listener(listener), Arc::new(Talk), Calls::new(CALLS), stop));

    let at = page.local_addr().map_err(failed)?;
    // Whoever does not want to read it may close our output.
    let mut stdout = io::stdout();
    let _ = writeln!(stdout, "lab:    http://{at}\nstop:   Ctrl-C, or kill {}", std::process::id())
        .and_then(|()| stdout.flush());
    let named = |name: &str, [a, b, c, d]: [u8; 4]| (name.to_owned(), format!("{a}.{b}.{c}.{d}/24"));
    let live = Live { feed, caller, talk, hosts: vec![named("gateway", CALLER), named("services", TALK)] };
    tokio::select! {
        () = web::serve(page, Ok(live), None) => {}
        _ = signals.next() => {}
    }
    Ok(())
}
