//! Where packets go: the longest matching prefix.

use crate::error::RouteError;
use crate::interface::InterfaceId;
use alloc::vec::Vec;
use core::net::IpAddr;
use ipnet::IpNet;

/// One way for packets to leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Route {
    /// The addresses it leads to.
    pub destination: IpNet,
    /// Who forwards them; `None` if they are on the link.
    pub gateway: Option<IpAddr>,
    /// The interface they leave by.
    pub interface: InterfaceId,
}

/// Routes, longest prefix first; of equal ones the first added wins.
///
/// Looked up once per connection, datagram or new destination, not per segment: interfaces remember recent destinations.
#[derive(Clone, Debug)]
pub(crate) struct RouteTable {
    routes: Vec<Route>,
    most: usize,
}

impl RouteTable {
    pub(crate) fn new(most: usize) -> RouteTable {
        RouteTable { routes: Vec::new(), most }
    }

    pub(crate) fn add(&mut self, route: Route) -> Result<(), RouteError> {
        if self.routes.contains(&route) {
            return Err(RouteError::AlreadyThere);
        }
        if self.routes.len() >= self.most {
            return Err(RouteError::TooManyRoutes);
        }
        let length = route.destination.prefix_len();
        let place = self.routes.partition_point(|other| other.destination.prefix_len() >= length);
        self.routes.insert(place, route);
        Ok(())
    }

    pub(crate) fn remove(&mut self, route: Route) -> Result<(), RouteError> {
        let place = self.routes.iter().position(|other| *other == route).ok_or(RouteError::NotThere)?;
        self.routes.remove(place);
        Ok(())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter()
    }

    /// The best route to `destination` over interfaces that `usable` allows.
    pub(crate) fn lookup(&self, destination: IpAddr, usable: impl Fn(InterfaceId) -> bool) -> Option<&Route> {
        self.routes.iter().find(|route| route.destination.contains(&destination) && usable(route.interface))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(destination: &str, gateway: Option<&str>, interface: u8) -> Route {
        Route {
            destination: destination.parse().unwrap(),
            gateway: gateway.map(|gateway| gateway.parse().unwrap()),
            interface: InterfaceId::from_number(interface),
        }
    }

    #[test]
    fn the_longest_prefix_wins_over_usable_interfaces_only() {
        let mut table = RouteTable::new(8);
        for route in [
            route("0.0.0.0/0", Some("10.0.0.1"), 0),
            route("10.0.0.0/8", None, 0),
            route("10.7.0.0/24", None, 1),
            route("10.7.0.9/32", Some("10.0.0.2"), 0),
        ] {
            table.add(route).unwrap();
        }
        let lookup = |address: &str, usable: fn(InterfaceId) -> bool| {
            table.lookup(address.parse().unwrap(), usable).map(|route| route.destination.prefix_len())
        };
        assert_eq!(lookup("10.7.0.9", |_| true), Some(32));
        assert_eq!(lookup("10.7.0.8", |_| true), Some(24));
        assert_eq!(lookup("10.7.0.8", |interface| interface.number() == 0), Some(8));
        assert_eq!(lookup("10.8.0.8", |_| true), Some(8));
        assert_eq!(lookup("11.0.0.1", |_| true), Some(0));
        assert_eq!(lookup("11.0.0.1", |interface| interface.number() == 1), None);
        assert_eq!(lookup("::1", |_| true), None);
    }

    #[test]
    fn the_table_is_bounded_and_knows_its_routes() {
        let mut table = RouteTable::new(2);
        let first = route("10.0.0.0/8", None, 0);
        assert_eq!(table.add(first), Ok(()));
        assert_eq!(table.add(first), Err(RouteError::AlreadyThere));
        assert_eq!(table.add(route("10.0.0.0/8", None, 1)), Ok(()));
        assert_eq!(table.add(route("10.0.0.0/9", None, 1)), Err(RouteError::TooManyRoutes));
        assert_eq!(table.remove(first), Ok(()));
        assert_eq!(table.remove(first), Err(RouteError::NotThere));
        assert_eq!(table.iter().count(), 1);
    }
}
