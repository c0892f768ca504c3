//! All services by name. A new one adds a line to each of the two lists below.

use std::io::{self, ErrorKind};
use std::ops::RangeInclusive;
use std::sync::Arc;

use tokio_rustls::rustls::ServerConfig;

use crate::echo::Echo;
use crate::ftp::Ftp;
use crate::http::Http;
use crate::service::{Card, How, Service, Tally};
use crate::sockets::Sockets;
use crate::stop::Stop;
use crate::stream::Stream;
use crate::talk::Talk;
use crate::tree::Tree;

/// The name of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// See [`Talk`].
    Talk,
    /// See [`Echo`].
    Echo,
    /// See [`Http`].
    Http,
    /// See [`Ftp`].
    Ftp,
}

/// What services are made with.
#[derive(Clone, Debug)]
pub struct Equipment {
    /// The files to give.
    pub tree: Option<Tree>,
    /// The ports at which callers of `ftp` open data connections.
    pub data_ports: RangeInclusive<u16>,
    /// The server's certificate and key, for what speaks TLS.
    pub tls: Option<Arc<ServerConfig>>,
    /// Tells when the server stops.
    pub stop: Stop,
}

impl Named {
    /// Every service.
    pub const ALL: &[Named] = &[Named::Talk, Named::Echo, Named::Http, Named::Ftp];

    /// The service of that name.
    ///
    /// ```
    /// use netstrata_services::Named;
    /// assert_eq!(Named::find("talk").map(|talk| talk.card().port), Some(9528));
    /// assert!(Named::find("talc").is_none());
    /// ```
    pub fn find(name: &str) -> Option<Named> {
        Named::ALL.iter().copied().find(|service| service.card().name == name)
    }

    /// What is told of it.
    pub fn card(self) -> &'static Card {
        match self {
            Named::Talk => &Talk::CARD,
            Named::Echo => &Echo::CARD,
            Named::Http => &Http::CARD,
            Named::Ftp => &Ftp::CARD,
        }
    }

    /// Whether it gives files.
    pub fn gives_files(self) -> bool {
        matches!(self, Named::Http | Named::Ftp)
    }

    /// The service itself, with `sockets` for what needs more of them than the one of a call.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput): it gives files, and there are none.
    pub fn ready<N: Sockets>(self, equipment: &Equipment, sockets: N) -> io::Result<Ready<N>> {
        let tree = || equipment.tree.clone().ok_or(ErrorKind::InvalidInput);
        Ok(match self {
            Named::Talk => Ready::Talk(Talk),
            Named::Echo => Ready::Echo(Echo),
            Named::Http => Ready::Http(Http::new(tree()?, equipment.stop.clone())),
            Named::Ftp => {
                let (ports, tls) = (equipment.data_ports.clone(), equipment.tls.clone());
                Ready::Ftp(Ftp::new(tree()?, sockets, ports, tls, equipment.stop.clone()))
            }
        })
    }
}

macro_rules! ready {
    ($($service:ident($kind:ty)),+ $(,)?) => {
        /// One of the services, with sockets of the kind `N`.
        #[derive(Clone, Debug)]
        pub enum Ready<N> {
            $(#[doc = concat!("See [`", stringify!($service), "`].")] $service($kind)),+
        }

        impl<N: Sockets> Service for Ready<N> {
            fn name(&self) -> &'static str {
                match self { $(Ready::$service(service) => service.name()),+ }
            }

            fn port(&self) -> u16 {
                match self { $(Ready::$service(service) => service.port()),+ }
            }

            fn about(&self) -> &'static str {
                match self { $(Ready::$service(service) => service.about()),+ }
            }

            async fn run<S: Stream>(&self, stream: &mut S, tally: &Tally) -> How {
                match self { $(Ready::$service(service) => service.run(stream, tally).await),+ }
            }
        }
    };
}

ready! {
    Talk(Talk),
    Echo(Echo),
    Http(Http),
    Ftp(Ftp<N>),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sockets::SystemSockets;
    use crate::stop::Stopper;

    fn equipment(tree: Option<Tree>) -> Equipment {
        Equipment { tree, data_ports: 8100..=8131, tls: None, stop: Stopper::new().1 }
    }

    #[test]
    fn every_service_is_found_by_its_own_name_and_port() {
        let directory = tempfile::tempdir().unwrap();
        let equipment = equipment(Some(Tree::open(directory.path()).unwrap()));
        for service in Named::ALL {
            let card = service.card();
            assert_eq!(Named::find(card.name), Some(*service));
            assert!(card.port > 1023, "system ports are not for us (RFC 6335)");
            assert!(!card.about.contains('\n'));
            let ready = service.ready(&equipment, SystemSockets).unwrap();
            assert_eq!((ready.name(), ready.port(), ready.about()), (card.name, card.port, card.about));
        }
        let ports: std::collections::BTreeSet<u16> =
            Named::ALL.iter().map(|named| named.card().port).collect();
        assert_eq!(ports.len(), Named::ALL.len(), "two services share a port");
    }

    #[test]
    fn who_gives_files_needs_some() {
        let equipment = equipment(None);
        for service in Named::ALL {
            assert_eq!(service.ready(&equipment, SystemSockets).is_err(), service.gives_files());
        }
    }
}
