//! What all sessions of the service share.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::shares::Shares;
use crate::service::Card;
use crate::sockets::Sockets;
use crate::stop::Stop;
use crate::tree::Tree;

/// Sessions at once: the next one is told to come later.
pub(super) const SESSIONS: usize = 256;
/// Sessions of one address, or of one network of 64 bits.
pub(super) const SESSIONS_EACH: usize = 64;
/// How long a caller may say nothing.
pub(super) const IDLE_PATIENCE: Duration = Duration::from_secs(300);
/// How long a write may stand still.
pub(super) const READ_PATIENCE: Duration = Duration::from_secs(60);

/// Gives the files of a [`Tree`] to anybody, and takes none. Data connections are opened by the caller at one of a few ports, or to
/// the caller's own address; TLS is there for who asks for it, if the server has a certificate.
#[derive(Clone)]
pub struct Ftp<N> {
    pub(super) tree: Tree,
    pub(super) sockets: N,
    ports: RangeInclusive<u16>,
    /// Counts up, so that ports take turns.
    turn: Arc<AtomicU16>,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) sessions: Arc<Semaphore>,
    pub(super) session_shares: Arc<Shares>,
    /// One address may hold half of the ports.
    pub(super) data_shares: Arc<Shares>,
    pub(super) stop: Stop,
}

impl Ftp<()> {
    /// What the command line and logs say of it.
    pub const CARD: Card = Card {
        name: "ftp",
        kind: "_ftp._tcp",
        port: 8021,
        about: "gives files over FTP (RFC 959), to anybody",
    };
}

impl<N: Sockets> Ftp<N> {
    /// A service of these files. Callers open data connections to `ports` of the address that they called, made by `sockets`.
    pub fn new(
        tree: Tree,
        sockets: N,
        ports: RangeInclusive<u16>,
        tls: Option<Arc<ServerConfig>>,
        stop: Stop,
    ) -> Ftp<N> {
        Ftp {
            tree,
            sockets,
            turn: Arc::default(),
            tls: tls.map(TlsAcceptor::from),
            sessions: Arc::new(Semaphore::new(SESSIONS)),
            session_shares: Shares::new(SESSIONS_EACH),
            data_shares: Shares::new(ports.len().div_ceil(2)),
            ports,
            stop,
        }
    }

    /// Every port for data, beginning at another one each time.
    pub(super) fn ports_in_turn(&self) -> impl Iterator<Item = u16> + use<N> {
        let (first, last) = (u32::from(*self.ports.start()), u32::from(*self.ports.end()));
        let count = (last + 1).saturating_sub(first);
        let turn = u32::from(self.turn.fetch_add(1, Relaxed));
        (0..count).filter_map(move |index| u16::try_from(first + (turn + index) % count).ok())
    }
}

impl<N> fmt::Debug for Ftp<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ftp")
            .field("ports", &self.ports)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}
