//! The options of neighbour discovery (RFC 4861 4.6, RFC 8106 5.1, RFC 7527 4.1).

use crate::ethernet::MacAddress;
use crate::malformed::Malformed;
use arrayvec::ArrayVec;
use basis::Frame;
use bytes::Bytes;
use core::net::Ipv6Addr;

/// Prefixes of one message that are read; more are skipped.
pub const MAXIMUM_PREFIXES: usize = 8;
/// Name servers of one message that are read; more are skipped.
pub const MAXIMUM_NAME_SERVERS: usize = 4;

const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;
const PREFIX: u8 = 3;
const MTU: u8 = 5;
const NONCE: u8 = 14;
const NAME_SERVERS: u8 = 25;

const ON_LINK: u8 = 0x80;
const AUTONOMOUS: u8 = 0x40;

/// A prefix that a router advertises (RFC 4861 4.6.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prefix {
    /// The addresses it stands for; the bits behind the prefix are of no meaning.
    pub address: Ipv6Addr,
    /// Bits of the prefix.
    pub length: u8,
    /// Whether its addresses are on the link.
    pub on_link: bool,
    /// Whether hosts may form addresses of it.
    pub autonomous: bool,
    /// Seconds for which it is valid; `u32::MAX`: for ever.
    pub valid: u32,
    /// Seconds for which addresses of it are preferred; `u32::MAX`: for ever.
    pub preferred: u32,
}

/// Name servers that a router advertises (RFC 8106 5.1).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NameServers {
    /// Seconds for which they may be asked; `u32::MAX`: for ever.
    pub lifetime: u32,
    /// Their addresses.
    pub addresses: ArrayVec<Ipv6Addr, MAXIMUM_NAME_SERVERS>,
}

/// What a message's options say. Those that are not known are skipped.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// The sender's hardware address.
    pub source: Option<MacAddress>,
    /// The target's hardware address.
    pub target: Option<MacAddress>,
    /// Bytes of the longest packet on this link.
    pub mtu: Option<u32>,
    /// By which a host knows its own solicitation when it comes back (RFC 7527).
    pub nonce: Option<[u8; 6]>,
    /// Prefixes of the link.
    pub prefixes: ArrayVec<Prefix, MAXIMUM_PREFIXES>,
    /// Name servers.
    pub name_servers: Option<NameServers>,
}

impl Options {
    /// The options of a message by which the sender tells its own hardware address.
    #[must_use]
    pub fn from_source(hardware: MacAddress) -> Options {
        Options { source: Some(hardware), ..Options::default() }
    }

    /// The options of a message that tells the target's hardware address.
    #[must_use]
    pub fn to_target(hardware: MacAddress) -> Options {
        Options { target: Some(hardware), ..Options::default() }
    }

    /// Reads all options.
    ///
    /// # Errors
    /// [`Malformed::NdpOption`] if one has no length or ends beyond the message: RFC 4861 6.1 wants the message discarded.
    pub(super) fn parse(mut bytes: &[u8]) -> Result<Options, Malformed> {
        let mut options = Options::default();
        while let Some((&kind, rest)) = bytes.split_first() {
            let length = usize::from(*rest.first().ok_or(Malformed::NdpOption)?) * 8;
            if length == 0 || length > bytes.len() {
                return Err(Malformed::NdpOption);
            }
            let (option, behind) = bytes.split_at(length);
            options.take(kind, option);
            bytes = behind;
        }
        Ok(options)
    }

    fn take(&mut self, kind: u8, option: &[u8]) {
        match kind {
            SOURCE_LINK_LAYER => self.source = array(option, 2).map(MacAddress),
            TARGET_LINK_LAYER => self.target = array(option, 2).map(MacAddress),
            MTU => self.mtu = array(option, 4).map(u32::from_be_bytes),
            NONCE if option.len() == 8 => self.nonce = array(option, 2),
            PREFIX => {
                if let Some(prefix) = prefix(option) {
                    // More than there is room for are skipped.
                    let _ = self.prefixes.try_push(prefix);
                }
            }
            NAME_SERVERS => {
                let lifetime = array(option, 4).map_or(0, u32::from_be_bytes);
                let addresses = option.get(8..).unwrap_or_default().as_chunks::<16>().0;
                let addresses = addresses
                    .iter()
                    .take(MAXIMUM_NAME_SERVERS)
                    .map(|octets| Ipv6Addr::from(*octets))
                    .collect();
                self.name_servers = Some(NameServers { lifetime, addresses });
            }
            _ => {}
        }
    }

    /// A frame with the options, each written once.
    pub(super) fn to_frame(&self) -> Frame {
        let mut bytes: ArrayVec<u8, 512> = ArrayVec::new();
        // The longest list has 8 + 8 + 8 + 8 + 8 * 32 + 8 + 4 * 16 bytes, which fits.
        let mut put = |part: &[u8]| {
            let _ = bytes.try_extend_from_slice(part);
        };
        for (kind, address) in [(SOURCE_LINK_LAYER, self.source), (TARGET_LINK_LAYER, self.target)] {
            if let Some(MacAddress(address)) = address {
                put(&[kind, 1]);
                put(&address);
            }
        }
        if let Some(mtu) = self.mtu {
            put(&[MTU, 1, 0, 0]);
            put(&mtu.to_be_bytes());
        }
        if let Some(nonce) = self.nonce {
            put(&[NONCE, 1]);
            put(&nonce);
        }
        for prefix in &self.prefixes {
            let on_link = if prefix.on_link { ON_LINK } else { 0 };
            let autonomous = if prefix.autonomous { AUTONOMOUS } else { 0 };
            put(&[PREFIX, 4, prefix.length, on_link | autonomous]);
            put(&prefix.valid.to_be_bytes());
            put(&prefix.preferred.to_be_bytes());
            put(&[0; 4]);
            put(&prefix.address.octets());
        }
        if let Some(servers) = &self.name_servers {
            put(&[NAME_SERVERS, 1 + 2 * servers.addresses.len() as u8, 0, 0]);
            put(&servers.lifetime.to_be_bytes());
            for address in &servers.addresses {
                put(&address.octets());
            }
        }
        let mut frame = Frame::new();
        if bytes.len() <= basis::frame::INLINE_PAYLOAD {
            frame.append(&bytes);
        } else {
            let length = bytes.len();
            frame.set_body(Bytes::copy_from_slice(&bytes), length);
        }
        frame
    }
}

fn prefix(option: &[u8]) -> Option<Prefix> {
    let &[_, _, length, flags] = option.first_chunk::<4>()?;
    (option.len() == 32 && length <= 128).then_some(())?;
    Some(Prefix {
        address: Ipv6Addr::from(array::<16>(option, 16)?),
        length,
        on_link: flags & ON_LINK != 0,
        autonomous: flags & AUTONOMOUS != 0,
        valid: array(option, 4).map(u32::from_be_bytes)?,
        preferred: array(option, 8).map(u32::from_be_bytes)?,
    })
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
