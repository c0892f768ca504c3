//! What a guest says, and what it is answered (RFC 2131 4.3).

use super::leases::{Client, Leases};
use crate::gateway::Cause;
use dhcproto::v4::{DhcpOption, Flags, Message, MessageType, Opcode, OptionCode};
use dhcproto::{Decodable, Decoder, Encodable};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// Where guests listen (RFC 2131 4.1).
const CLIENT_PORT: u16 = 68;
/// Bytes of the longest hardware address, which is where the field ends.
const LONGEST_HARDWARE: u8 = 16;
/// Bytes of the longest message that is read: what an Ethernet carries whole.
const LONGEST: usize = 1472;
/// Bytes before the options: the fields of BOOTP and the magic cookie (RFC 2131 2).
const FIELDS: usize = 240;
/// Options without a length (RFC 2132 3.1, 3.2).
const PAD: u8 = 0;
const END: u8 = 255;

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

/// What is to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The message.
    pub bytes: Vec<u8>,
    /// To whom: all on the link, or the guest's address.
    pub to: Ipv4Addr,
    /// To which port.
    pub port: u16,
}

/// The server.
#[derive(Debug)]
pub struct Server {
    settings: Settings,
    leases: Leases,
}

impl Server {
    /// A server that has given nothing yet.
    pub fn new(settings: Settings) -> Server {
        let leases = Leases::new(settings.pool.clone());
        Server { settings, leases }
    }

    /// A message from a guest has come.
    ///
    /// # Errors
    /// [`Cause::Garbage`] for what is none, [`Cause::Leases`] when there is no address left.
    pub fn answer(&mut self, bytes: &[u8], now: Instant) -> Result<Option<Answer>, Cause> {
        let message = read(bytes)?;
        let client = client(&message);
        let kind = message.opts().msg_type().ok_or(Cause::Garbage)?;
        let wanted = match message.opts().get(OptionCode::RequestedIpAddress) {
            Some(DhcpOption::RequestedIpAddress(wanted)) => Some(*wanted),
            _ => None,
        };
        let chosen = match message.opts().get(OptionCode::ServerIdentifier) {
            Some(DhcpOption::ServerIdentifier(server)) => Some(*server),
            _ => None,
        };
        if chosen.is_some_and(|server| server != self.settings.server) {
            // It takes another server's offer.
            if kind == MessageType::Request {
                self.leases.release(&client);
            }
            return Ok(None);
        }
        match kind {
            MessageType::Discover => {
                let offered = self.leases.offer(&client, wanted, now).ok_or(Cause::Leases)?;
                self.reply(&message, MessageType::Offer, Some(offered)).map(Some)
            }
            MessageType::Request => self.on_request(&message, &client, wanted, chosen.is_some(), now),
            MessageType::Decline => {
                self.leases.decline(&client, now);
                Ok(None)
            }
            MessageType::Release => {
                if self.leases.of(&client) == Some(message.ciaddr()) {
                    self.leases.release(&client);
                }
                Ok(None)
            }
            MessageType::Inform if self.is_on_link(message.ciaddr()) => {
                self.reply(&message, MessageType::Ack, None).map(Some)
            }
            MessageType::Inform => Ok(None),
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
    ) -> Result<Option<Answer>, Cause> {
        let own = message.ciaddr();
        let address = wanted.unwrap_or(own);
        let good = match takes_offer {
            true => self.leases.of(client) == Some(address),
            // What is free is given though we do not remember it: we may have been started anew, and there is no other server.
            false => self.leases.of(client).is_none_or(|known| known == address),
        };
        if !good || !self.leases.is_free_for(client, address, now) {
            return self.reply(message, MessageType::Nak, None).map(Some);
        }
        self.leases.bind(client, address, self.settings.lease, now);
        self.reply(message, MessageType::Ack, Some(address)).map(Some)
    }

    fn is_on_link(&self, address: Ipv4Addr) -> bool {
        let mask = u32::from(self.mask());
        u32::from(address) & mask == u32::from(self.settings.server) & mask
    }

    fn mask(&self) -> Ipv4Addr {
        let host_bits = 32 - u32::from(self.settings.prefix.min(32));
        Ipv4Addr::from(u32::MAX.checked_shl(host_bits).unwrap_or(0))
    }

    fn reply(&self, asked: &Message, kind: MessageType, given: Option<Ipv4Addr>) -> Result<Answer, Cause> {
        let Settings { server, name_server, mtu, lease, .. } = self.settings;
        let mut reply = Message::default();
        reply
            .set_opcode(Opcode::BootReply)
            .set_htype(asked.htype())
            .set_xid(asked.xid())
            .set_flags(asked.flags())
            .set_chaddr(asked.chaddr());
        let options = reply.opts_mut();
        options.insert(DhcpOption::MessageType(kind));
        options.insert(DhcpOption::ServerIdentifier(server));
        if kind != MessageType::Nak {
            options.insert(DhcpOption::SubnetMask(self.mask()));
            options.insert(DhcpOption::BroadcastAddr(Ipv4Addr::from(
                u32::from(server) | !u32::from(self.mask()),
            )));
            options.insert(DhcpOption::Router(vec![server]));
            options.insert(DhcpOption::InterfaceMtu(mtu));
            if let Some(name_server) = name_server {
                options.insert(DhcpOption::DomainNameServer(vec![name_server]));
            }
        }
        if given.is_some() {
            let seconds = u32::try_from(lease.as_secs()).unwrap_or(u32::MAX);
            options.insert(DhcpOption::AddressLeaseTime(seconds));
            // RFC 2131 4.4.5: half of it, and seven eighths.
            options.insert(DhcpOption::Renewal(seconds / 2));
            options.insert(DhcpOption::Rebinding(seconds - seconds / 8));
        }
        reply.set_yiaddr(given.unwrap_or(Ipv4Addr::UNSPECIFIED));
        let own = asked.ciaddr();
        let knows_own = kind != MessageType::Nak && !own.is_unspecified() && self.is_on_link(own);
        if knows_own {
            reply.set_ciaddr(own);
        } else {
            // It goes to all: RFC 2131 4.1 allows that for who has no address yet.
            reply.set_flags(Flags::default().set_broadcast());
        }
        let to = if knows_own { own } else { Ipv4Addr::BROADCAST };
        let bytes = reply.to_vec().map_err(|_| Cause::Garbage)?;
        Ok(Answer { bytes, to, port: CLIENT_PORT })
    }
}

/// A guest's message. What came by another relay is for another server.
fn read(bytes: &[u8]) -> Result<Message, Cause> {
    // The third byte is the length of the hardware address, which must fit into its field before anybody asks for it.
    let fits = bytes.len() <= LONGEST && bytes.get(2).is_some_and(|length| *length <= LONGEST_HARDWARE);
    if !fits {
        return Err(Cause::Garbage);
    }
    let needed = with_needed_options(bytes).ok_or(Cause::Garbage)?;
    let message = Message::decode(&mut Decoder::new(&needed)).map_err(|_| Cause::Garbage)?;
    let ours = message.opcode() == Opcode::BootRequest && message.giaddr().is_unspecified();
    if ours { Ok(message) } else { Err(Cause::Garbage) }
}

/// The message with those options alone that are asked for here, each once and as long as it must be: a decoder of all options would
/// take the guest's word for their lengths.
fn with_needed_options(bytes: &[u8]) -> Option<Vec<u8>> {
    let (fields, mut rest) = bytes.split_at_checked(FIELDS)?;
    let (mut needed, mut seen) = (fields.to_vec(), Vec::new());
    while let Some((&code, after)) = rest.split_first() {
        if code == PAD {
            rest = after;
            continue;
        }
        let Some((&length, after)) = after.split_first().filter(|_| code != END) else { break };
        let Some((value, after)) = after.split_at_checked(length.into()) else { break };
        rest = after;
        let is_whole = match OptionCode::from(code) {
            OptionCode::MessageType => length == 1,
            OptionCode::RequestedIpAddress | OptionCode::ServerIdentifier => length == 4,
            OptionCode::ClientIdentifier => length > 0,
            _ => false,
        };
        if is_whole && !seen.contains(&code) {
            seen.push(code);
            needed.extend([code, length]);
            needed.extend_from_slice(value);
        }
    }
    needed.push(END);
    Some(needed)
}

/// RFC 2131 4.2: its identifier, or else its hardware address.
fn client(message: &Message) -> Client {
    match message.opts().get(OptionCode::ClientIdentifier) {
        Some(DhcpOption::ClientIdentifier(identifier)) if !identifier.is_empty() => identifier.clone(),
        // As most identifiers are made (RFC 2132 9.14), so that a guest stays the same if it begins to give one.
        _ => [&[u8::from(message.htype())], message.chaddr()].concat(),
    }
}

#[cfg(test)]
mod tests;
