//! All services by name. A new one adds a line to the list below.

use crate::echo::Echo;
use crate::service::{How, Service, Tally};
use crate::stream::Stream;
use crate::talk::Talk;

macro_rules! catalogue {
    ($($service:ident),+ $(,)?) => {
        /// One of the services.
        #[derive(Clone, Copy, Debug)]
        pub enum Named {
            $(#[doc = concat!("See [`", stringify!($service), "`].")] $service($service)),+
        }

        impl Named {
            /// Every service.
            pub const ALL: &[Named] = &[$(Named::$service($service)),+];
        }

        impl Service for Named {
            fn name(&self) -> &'static str {
                match self { $(Named::$service(service) => service.name()),+ }
            }

            fn port(&self) -> u16 {
                match self { $(Named::$service(service) => service.port()),+ }
            }

            fn about(&self) -> &'static str {
                match self { $(Named::$service(service) => service.about()),+ }
            }

            async fn run<S: Stream>(&self, stream: &mut S, tally: &Tally) -> How {
                match self { $(Named::$service(service) => service.run(stream, tally).await),+ }
            }
        }
    };
}

catalogue! {
    Talk,
    Echo,
}

impl Named {
    /// The service of that name.
    ///
    /// ```
    /// use netstrata_services::{Named, Service};
    /// assert_eq!(Named::find("talk").map(|talk| talk.port()), Some(9528));
    /// assert!(Named::find("talc").is_none());
    /// ```
    pub fn find(name: &str) -> Option<Named> {
        Named::ALL.iter().copied().find(|service| service.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_is_found_by_its_own_name_and_port() {
        for service in Named::ALL {
            assert_eq!(Named::find(service.name()).map(|found| found.port()), Some(service.port()));
            assert!(service.port() > 1023, "system ports are not for us (RFC 6335)");
            assert!(!service.about().contains('\n'));
        }
        let ports: std::collections::BTreeSet<u16> = Named::ALL.iter().map(Service::port).collect();
        assert_eq!(ports.len(), Named::ALL.len(), "two services share a port");
    }
}
