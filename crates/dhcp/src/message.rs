//! What clients and servers say (RFC 2131 2, RFC 2132, RFC 3396).

use crate::option;
use std::net::Ipv4Addr;

/// Bytes of the longest message that is read: what an Ethernet carries whole.
pub const LONGEST: usize = 1472;
/// Bytes of the shortest that is written: some servers still take shorter ones for cut off (RFC 1542 2.1).
const SHORTEST: usize = 300;
/// Bytes before the options: the fields of BOOTP and the cookie.
const FIELDS: usize = 240;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// The field of a hardware address, which may be shorter.
const HARDWARE: usize = 28;
const LONGEST_HARDWARE: usize = 16;
/// The server's name and the file to boot from, where options may go on.
const SERVER_NAME: std::ops::Range<usize> = 44..108;
const FILE: std::ops::Range<usize> = 108..236;
const BROADCAST: u16 = 0x8000;

/// What a message is (RFC 2132 9.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A client looks for servers.
    Discover = 1,
    /// A server offers an address.
    Offer,
    /// A client takes an offer, or wants to keep its address.
    Request,
    /// A client has found the address to be somebody else's.
    Decline,
    /// The address is the client's.
    Ack,
    /// It is not.
    Nak,
    /// A client gives its address back.
    Release,
    /// A client has an address, and wants to know the rest.
    Inform,
}

impl Kind {
    const ALL: [Kind; 8] = [
        Kind::Discover,
        Kind::Offer,
        Kind::Request,
        Kind::Decline,
        Kind::Ack,
        Kind::Nak,
        Kind::Release,
        Kind::Inform,
    ];
}

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Whether a server says it.
    pub is_reply: bool,
    /// The kind of hardware, 1 for Ethernet.
    pub hardware_kind: u8,
    /// The client's hardware address, at most 16 bytes: chaddr.
    pub hardware: Vec<u8>,
    /// What tells one conversation from others: xid.
    pub transaction: u32,
    /// Since when the client has been trying, in seconds.
    pub seconds: u16,
    /// Whether the client hears answers to all only.
    pub wants_broadcast: bool,
    /// The address that the client has: ciaddr.
    pub client: Ipv4Addr,
    /// The address that it is given: yiaddr.
    pub given: Ipv4Addr,
    /// The relay that it came by: giaddr.
    pub relay: Ipv4Addr,
    /// Code and value of each option, a repeated one put together (RFC 3396).
    options: Vec<(u8, Vec<u8>)>,
}

impl Message {
    /// A message of one kind, by or to a station.
    pub fn new(kind: Kind, is_reply: bool, hardware_kind: u8, hardware: &[u8], transaction: u32) -> Message {
        let mut message = Message {
            is_reply,
            hardware_kind,
            hardware: hardware.iter().copied().take(LONGEST_HARDWARE).collect(),
            transaction,
            seconds: 0,
            wants_broadcast: false,
            client: Ipv4Addr::UNSPECIFIED,
            given: Ipv4Addr::UNSPECIFIED,
            relay: Ipv4Addr::UNSPECIFIED,
            options: Vec::new(),
        };
        message.set(option::MESSAGE_KIND, &[kind as u8]);
        message
    }

    /// Reads a message; nothing if it is none, or longer than [`LONGEST`].
    pub fn read(bytes: &[u8]) -> Option<Message> {
        if bytes.len() > LONGEST {
            return None;
        }
        let (fields, options) = bytes.split_first_chunk::<FIELDS>()?;
        let [operation, hardware_kind, hardware_length, ..] = *fields;
        let length = usize::from(hardware_length);
        if !matches!(operation, 1 | 2) || length > LONGEST_HARDWARE || fields.last_chunk() != Some(&COOKIE) {
            return None;
        }
        let address = |at: usize| fields.get(at..)?.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets));
        let number = |at: usize| fields.get(at..)?.first_chunk::<2>().map(|bytes| u16::from_be_bytes(*bytes));
        let mut message = Message {
            is_reply: operation == 2,
            hardware_kind,
            hardware: fields.get(HARDWARE..HARDWARE + length)?.to_vec(),
            transaction: u32::from(address(4)?),
            seconds: number(8)?,
            wants_broadcast: number(10)? & BROADCAST != 0,
            client: address(12)?,
            given: address(16)?,
            relay: address(24)?,
            options: Vec::new(),
        };
        message.read_options(options);
        // RFC 2132 9.3, and in this order by RFC 3396 5.
        let overload = message.byte(option::OVERLOAD).unwrap_or(0);
        message.options.retain(|(code, _)| *code != option::OVERLOAD);
        for (bit, place) in [(1, FILE), (2, SERVER_NAME)] {
            if overload & bit != 0 {
                message.read_options(fields.get(place)?);
            }
        }
        message.options.retain(|(code, _)| *code != option::OVERLOAD);
        Some(message)
    }

    /// Takes in options up to their end; what is cut off is not there.
    fn read_options(&mut self, mut rest: &[u8]) {
        while let Some((&code, after)) = rest.split_first() {
            rest = after;
            if code == option::PAD {
                continue;
            }
            let Some((&length, after)) = after.split_first().filter(|_| code != option::END) else { return };
            let Some((value, after)) = after.split_at_checked(length.into()) else { return };
            rest = after;
            match self.options.iter_mut().find(|(other, _)| *other == code) {
                Some((_, whole)) => whole.extend_from_slice(value),
                None => self.options.push((code, value.to_vec())),
            }
        }
    }

    /// The message as bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SHORTEST);
        bytes.extend([1 + u8::from(self.is_reply), self.hardware_kind, self.hardware.len() as u8, 0]);
        bytes.extend(self.transaction.to_be_bytes());
        bytes.extend(self.seconds.to_be_bytes());
        bytes.extend((if self.wants_broadcast { BROADCAST } else { 0 }).to_be_bytes());
        for address in [self.client, self.given, Ipv4Addr::UNSPECIFIED, self.relay] {
            bytes.extend(address.octets());
        }
        bytes.extend(self.hardware.iter().take(LONGEST_HARDWARE));
        bytes.resize(FIELDS - COOKIE.len(), 0);
        bytes.extend(COOKIE);
        for (code, value) in &self.options {
            if value.is_empty() {
                bytes.extend([*code, 0]);
            }
            for part in value.chunks(255) {
                bytes.extend([*code, part.len() as u8]);
                bytes.extend(part);
            }
        }
        bytes.push(option::END);
        bytes.resize(bytes.len().max(SHORTEST), option::PAD);
        bytes
    }

    /// Gives an option its value.
    pub fn set(&mut self, code: u8, value: &[u8]) {
        self.options.retain(|(other, _)| *other != code);
        self.options.push((code, value.to_vec()));
    }

    /// What the message is, if it says so.
    pub fn kind(&self) -> Option<Kind> {
        let number = self.byte(option::MESSAGE_KIND)?;
        Kind::ALL.into_iter().find(|kind| *kind as u8 == number)
    }

    /// An option's value.
    pub fn option(&self, code: u8) -> Option<&[u8]> {
        self.options.iter().find(|(other, _)| *other == code).map(|(_, value)| &value[..])
    }

    /// The value of an option of one byte.
    pub fn byte(&self, code: u8) -> Option<u8> {
        self.array::<1>(code).map(|[byte]| byte)
    }

    /// The value of an option that is an address.
    pub fn address(&self, code: u8) -> Option<Ipv4Addr> {
        self.array::<4>(code).map(Ipv4Addr::from)
    }

    /// The value of an option that is a number of four bytes.
    pub fn number(&self, code: u8) -> Option<u32> {
        self.array(code).map(u32::from_be_bytes)
    }

    /// The addresses in an option of several.
    pub fn addresses(&self, code: u8) -> impl Iterator<Item = Ipv4Addr> {
        let (addresses, _) = self.option(code).unwrap_or_default().as_chunks::<4>();
        addresses.iter().map(|octets| Ipv4Addr::from(*octets))
    }

    fn array<const LENGTH: usize>(&self, code: u8) -> Option<[u8; LENGTH]> {
        self.option(code)?.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(
            fixed in prop::collection::vec(any::<u8>(), FIELDS - 4),
            options in prop::collection::vec((1..255u8, prop::collection::vec(any::<u8>(), 0..40)), 0..20),
        ) {
            let mut bytes = fixed;
            bytes[0] = 1 + bytes[0] % 2;
            bytes[2] %= 17;
            bytes.extend(COOKIE);
            for (code, value) in &options {
                bytes.extend([*code, value.len() as u8]);
                bytes.extend(value);
            }
            let message = Message::read(&bytes).expect("a message");
            prop_assert_eq!(Message::read(&message.write()), Some(message));
        }

        #[test]
        fn nothing_that_comes_is_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let mut framed = bytes.clone();
            if framed.len() >= FIELDS {
                framed[0] = 2;
                framed[2] %= 17;
                framed[FIELDS - 4..FIELDS].copy_from_slice(&COOKIE);
            }
            for bytes in [bytes, framed] {
                if let Some(message) = Message::read(&bytes) {
                    let _ = (message.kind(), message.addresses(option::ROUTER).count());
                }
            }
        }
    }

    #[test]
    fn a_long_option_is_put_together_and_options_go_on_in_the_fields_of_bootp() {
        let mut message = Message::new(Kind::Offer, true, 1, &[2, 0, 0, 0, 0, 1], 7);
        let long: Vec<u8> = (0..600u16).map(|n| n as u8).collect();
        message.set(option::ROUTER, &long);
        let read = Message::read(&message.write()).unwrap();
        assert_eq!(read.option(option::ROUTER), Some(&long[..]));
        let mut bytes = Message::new(Kind::Offer, true, 1, &[2, 0, 0, 0, 0, 1], 7).write();
        bytes[FIELDS + 3..FIELDS + 7].copy_from_slice(&[option::OVERLOAD, 1, 3, option::END]);
        bytes[108..114].copy_from_slice(&[option::ROUTER, 4, 10, 7, 0, 1]);
        bytes[114] = option::END;
        bytes[44..50].copy_from_slice(&[option::NAME_SERVER, 4, 10, 7, 0, 2]);
        let read = Message::read(&bytes).unwrap();
        assert_eq!(read.address(option::ROUTER), Some([10, 7, 0, 1].into()));
        assert_eq!(read.addresses(option::NAME_SERVER).collect::<Vec<_>>(), [Ipv4Addr::from([10, 7, 0, 2])]);
    }

    #[test]
    fn what_is_too_long_or_no_message_is_not_read() {
        let good = Message::new(Kind::Discover, false, 1, &[2, 0, 0, 0, 0, 1], 7).write();
        assert_eq!(good.len(), SHORTEST);
        let mut longest = good.clone();
        longest.resize(LONGEST, 0);
        assert!(Message::read(&longest).is_some());
        longest.push(0);
        assert_eq!(Message::read(&longest), None);
        assert_eq!(Message::read(&good[..FIELDS - 1]), None);
        for (at, byte) in [(0, 0), (0, 3), (2, 17), (236, 0)] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert_eq!(Message::read(&bad), None, "{at}");
        }
    }
}
