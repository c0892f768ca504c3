//! What a guest says, and what it is answered (RFC 2131 4.3).

use super::leases::{Client, Leases, Offer};
use crate::gateway::{Cause, Station, Stations};
use dhcp::{CLIENT_PORT, Kind, Message, option};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What guests are told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The gateway: server, router and, unless `name_server` is empty, name server.
    pub server: Ipv4Addr,
    /// The length of the network's prefix, in bits.
    pub prefix: u8,
    /// The addresses to give.
    pub pool: RangeInclusive<Ipv4Addr>,
    /// The name server.
    pub name_server: Option<Ipv4Addr>,
    /// The link's MTU, in bytes.
    pub mtu: u16,
    /// For how long an address is given.
    pub lease: Duration,
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// This is to be sent.
    Answer(Answer),
    /// Whoever had this address is to be asked whether it is still there: anything that makes it speak will do. The guest repeats its
    /// question meanwhile (RFC 2131 4.1).
    Ask(Ipv4Addr),
}

/// What is to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The message.
    pub bytes: Vec<u8>,
    /// To whom: all on the link, or the guest's address.
    pub to: Ipv4Addr,
    /// To which port.
    pub port: u16,
    /// Which address is whose from now on, if that is what it says.
    pub bound: Option<(Ipv4Addr, Station)>,
}

/// The server.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    leases: Leases,
    stations: Arc<Stations>,
}

impl Server {
    /// A server that has given nothing yet. `stations` must see what is sent on the link, and keeps out messages whose hardware address
    /// is not their sender's; it learns what was given to whom.
    pub fn new(settings: Settings, stations: Arc<Stations>) -> Server {
        let leases = Leases::new(settings.pool.clone());
        Server { settings, leases, stations }
    }

    /// A message from a guest has come.
    ///
    /// # Errors
    /// [`Cause::Garbage`] for what is none, [`Cause::Leases`] when there is no address left.
    pub fn answer(&mut self, bytes: &[u8], now: Instant) -> Result<Option<Action>, Cause> {
        let message = read(bytes)?;
        let client = client(&message);
        let kind = message.kind().ok_or(Cause::Garbage)?;
        let wanted = message.address(option::REQUESTED_ADDRESS);
        let chosen = message.address(option::SERVER_IDENTIFIER);
        if chosen.is_some_and(|server| server != self.settings.server) {
            // It takes another server's offer.
            if kind == Kind::Request {
                self.release(&client);
            }
            return Ok(None);
        }
        match kind {
            Kind::Discover => {
                let stations = &self.stations;
                let is_used = |address| is_used(stations, &client, address, now);
                match self.leases.offer(&client, wanted, is_used, now).ok_or(Cause::Leases)? {
                    Offer::Address(offered) => self.reply(&message, Kind::Offer, Some(offered)),
                    Offer::Ask(holder) => Ok(Action::Ask(holder)),
                }
                .map(Some)
            }
            Kind::Request => self.on_request(&message, &client, wanted, chosen.is_some(), now),
            Kind::Decline => {
                if let Some(own) = self.leases.of(&client) {
                    self.stations.release(own.into(), station(&client));
                }
                self.leases.decline(&client, now);
                Ok(None)
            }
            Kind::Release => {
                if self.leases.of(&client) == Some(message.client) {
                    self.release(&client);
                }
                Ok(None)
            }
            Kind::Inform if self.is_on_link(message.client) => {
                self.reply(&message, Kind::Ack, None).map(Some)
            }
            Kind::Inform => Ok(None),
            _ => Err(Cause::Garbage),
        }
    }

    /// RFC 2131 4.3.2: it takes our offer, wants an address again after a start, or wants to keep its own.
    fn on_request(
        &mut self,
        message: &Message,
        client: &Client,
        wanted: Option<Ipv4Addr>,
        takes_offer: bool,
        now: Instant,
    ) -> Result<Option<Action>, Cause> {
        let own = message.client;
        let address = wanted.unwrap_or(own);
        let good = match takes_offer {
            true => self.leases.of(client) == Some(address),
            // What is free is given though we do not remember it: we may have been started anew, and there is no other server.
            false => self.leases.of(client).is_none_or(|known| known == address),
        };
        let used = self.leases.of(client) != Some(address) && is_used(&self.stations, client, address, now);
        if !good || used || !self.leases.is_free_for(client, address, now) {
            return self.reply(message, Kind::Nak, None).map(Some);
        }
        self.leases.bind(client, address, self.settings.lease, now);
        self.stations.lease(address.into(), station(client), now, now + self.settings.lease);
        self.reply(message, Kind::Ack, Some(address)).map(Some)
    }

    fn release(&mut self, client: &Client) {
        if let Some(own) = self.leases.of(client) {
            self.stations.release(own.into(), station(client));
        }
        self.leases.release(client);
    }

    fn is_on_link(&self, address: Ipv4Addr) -> bool {
        let mask = u32::from(self.mask());
        u32::from(address) & mask == u32::from(self.settings.server) & mask
    }

    fn mask(&self) -> Ipv4Addr {
        let host_bits = 32 - u32::from(self.settings.prefix.min(32));
        Ipv4Addr::from(u32::MAX.checked_shl(host_bits).unwrap_or(0))
    }

    fn reply(&self, asked: &Message, kind: Kind, given: Option<Ipv4Addr>) -> Result<Action, Cause> {
        let Settings { server, name_server, mtu, lease, .. } = self.settings;
        let mut reply = Message::new(kind, true, asked.hardware_kind, &asked.hardware, asked.transaction);
        reply.wants_broadcast = asked.wants_broadcast;
        reply.set(option::SERVER_IDENTIFIER, &server.octets());
        if kind != Kind::Nak {
            let broadcast = Ipv4Addr::from(u32::from(server) | !u32::from(self.mask()));
            reply.set(option::SUBNET_MASK, &self.mask().octets());
            reply.set(option::BROADCAST_ADDRESS, &broadcast.octets());
            reply.set(option::ROUTER, &server.octets());
            reply.set(option::INTERFACE_MTU, &mtu.to_be_bytes());
            if let Some(name_server) = name_server {
                reply.set(option::NAME_SERVER, &name_server.octets());
            }
        }
        if given.is_some() {
            let seconds = u32::try_from(lease.as_secs()).unwrap_or(u32::MAX);
            reply.set(option::LEASE_TIME, &seconds.to_be_bytes());
            // RFC 2131 4.4.5: half of it, and seven eighths.
            reply.set(option::RENEWAL_TIME, &(seconds / 2).to_be_bytes());
            reply.set(option::REBINDING_TIME, &(seconds - seconds / 8).to_be_bytes());
        }
        reply.given = given.unwrap_or(Ipv4Addr::UNSPECIFIED);
        let own = asked.client;
        let knows_own = kind != Kind::Nak && !own.is_unspecified() && self.is_on_link(own);
        if knows_own {
            reply.client = own;
        } else {
            // It goes to all: RFC 2131 4.1 allows that for who has no address yet.
            reply.wants_broadcast = true;
        }
        let to = if knows_own { own } else { Ipv4Addr::BROADCAST };
        let bound = given.filter(|_| kind == Kind::Ack).map(|given| (given, station(&client(asked))));
        Ok(Action::Answer(Answer { bytes: reply.write(), to, port: CLIENT_PORT, bound }))
    }
}

/// A guest's message. What came by another relay is for another server.
fn read(bytes: &[u8]) -> Result<Message, Cause> {
    let message = Message::read(bytes).ok_or(Cause::Garbage)?;
    let ours = !message.is_reply && message.relay.is_unspecified();
    if ours { Ok(message) } else { Err(Cause::Garbage) }
}

/// RFC 2131 4.2: its identifier, or else its hardware address. An identifier is anybody's to say: it counts beside the station alone.
fn client(message: &Message) -> Client {
    let name = match message.option(option::CLIENT_IDENTIFIER) {
        Some(identifier) if !identifier.is_empty() => identifier.to_vec(),
        // As most identifiers are made (RFC 2132 9.14), so that a guest stays the same if it begins to give one.
        _ => [&[message.hardware_kind], &message.hardware[..]].concat(),
    };
    Client { station: message.hardware.clone(), name }
}

/// The client's station; none has this one that is no Ethernet's.
fn station(client: &Client) -> Station {
    client.station.first_chunk().copied().unwrap_or_default()
}

/// Whether another station than the client's speaks from `address`.
fn is_used(stations: &Stations, client: &Client, address: Ipv4Addr, now: Instant) -> bool {
    stations.is_used_by_another(address.into(), station(client), now)
}

#[cfg(test)]
mod tests;
