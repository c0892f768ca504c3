//! Carries the calls of a published port over our stack to the service's host.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use netstrata::tokio::TcpStream;
use netstrata::{Host, SocketOptions};
use services::{How, Service, Stream, Tally, relay};
use tokio::time::timeout;

use super::carried::Connection;
use super::carried_for::CarriedFor;

/// How long the service's host may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What carries the calls of one published port.
pub(crate) struct Publisher {
    /// The host that calls are carried from.
    pub(crate) host: Host,
    /// Where calls are carried to.
    pub(crate) to: SocketAddr,
    /// The options of the connections over our stack.
    pub(crate) options: SocketOptions,
    /// Who asks for whom they are.
    pub(crate) carried_for: Arc<CarriedFor>,
}

impl Service for Publisher {
    fn name(&self) -> &'static str {
        "publish"
    }

    fn port(&self) -> u16 {
        self.to.port()
    }

    fn about(&self) -> &'static str {
        "carries calls to a service over our stack"
    }

    async fn run<S: Stream>(&self, stream: &mut S, tally: &Tally) -> How {
        let opening = TcpStream::open(&self.host, None, self.to, Some(self.options));
        let opened = timeout(PATIENCE, opening).await.unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()));
        match opened {
            Ok(called) => {
                let mut called = Connection(called);
                let ends = called.ends().zip(stream.ends());
                // Forgotten before the connection ends: until then no other one has its ends.
                let _known = ends.map(|(carried, own)| self.carried_for.enter(carried, own.peer.ip()));
                relay(stream, &mut called, tally).await
            }
            Err(error) => {
                // The caller learns that there is no service, not that it has ended in peace.
                stream.abort();
                How::Error(io::Error::new(error.kind(), format!("{} was not reached: {error}", self.to)))
            }
        }
    }
}
