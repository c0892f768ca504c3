//! The flags by which a command joins a network.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use netstrata::LinkSpec;
use netstrata::link::Impairment;

use crate::values::address::{self, HostAddress};
use crate::values::link;
use crate::values::own_address::OwnAddress;

/// Which network to be on, and how.
#[derive(Clone, Debug, Args)]
pub(crate) struct NetworkArguments {
    #[arg(long, value_name = "LINK", default_value = "lan", value_parser = link::parse, help = LINK_HELP)]
    pub(crate) link: LinkSpec,

    /// An address of one's own, with its network's prefix length, such as 10.7.0.2/24 or fd07::2/64; or dhcp
    #[arg(long, value_name = "ADDRESS[/PREFIX]")]
    pub(crate) address: Option<OwnAddress>,

    /// The router to other networks
    #[arg(long, value_name = "ADDRESS", value_parser = address::ip)]
    pub(crate) gateway: Option<IpAddr>,

    /// Record every frame in this file, for Wireshark
    #[arg(long, value_name = "FILE")]
    pub(crate) pcapng: Option<PathBuf>,

    /// Make the link bad, such as loss=1%,dup=1%,reorder=2%,corrupt=0.1%,delay=20ms±5ms,seed=7
    #[arg(long, value_name = "SPEC")]
    pub(crate) impair: Option<Impairment>,
}

/// Not a doc comment, where brackets would be links.
const LINK_HELP: &str = "The network: lan[:PATH], tap:NAME, tun:NAME, packet:NAME, xdp:NAME, or host for the operating system's own sockets";

impl NetworkArguments {
    /// The address that was given.
    pub(crate) fn own(&self) -> Option<HostAddress> {
        self.address.and_then(OwnAddress::given)
    }

    /// Whether a DHCP server is to give one.
    pub(crate) fn is_leased(&self) -> bool {
        self.address == Some(OwnAddress::Leased)
    }
}
