//! The flags of `netstrata gateway`.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use services::gateway::{Limits, Subject};

use super::network::NetworkArguments;
use crate::values::address;
use crate::values::duration;
use crate::values::exposure::Exposure;
use crate::values::number;

/// `netstrata gateway`.
#[derive(Debug, Args)]
pub(crate) struct GatewayArguments {
    #[command(flatten)]
    pub(crate) network: NetworkArguments,

    #[arg(
        long,
        value_name = "PID|PATH",
        help = "Open the tap or tun in the network namespace of this process, or in the one at this path; the gateway itself stays outside"
    )]
    pub(crate) netns: Option<String>,

    #[arg(
        long,
        requires = "netns",
        help = "Give the interface in the namespace an address and the gateway as its router, by the `ip` command"
    )]
    pub(crate) configure: bool,

    /// The longest packet on a LAN, in bytes; an interface has an MTU of its own
    #[arg(long, value_name = "BYTES", default_value_t = 1500, value_parser = number::within(1280_u16..=65535), allow_negative_numbers = true)]
    pub(crate) mtu: u16,

    /// Carry calls to an address of this system to a guest, such as 127.0.0.1:8080=10.7.0.9:80, or datagrams with /udp behind it; may be given several times
    #[arg(long = "publish", value_name = "[ADDRESS:]PORT=GUEST:PORT[/udp]")]
    pub(crate) exposures: Vec<Exposure>,

    #[arg(
        long,
        value_name = "WHERE",
        help = "Let guests go there: all, a network such as 192.0.2.0/24, an address, or a name such as example.org or *.example.org, which opens what `all` closes and no network's denial"
    )]
    pub(crate) allow: Vec<Subject>,

    #[arg(
        long,
        value_name = "WHERE",
        help = "Keep guests from there; the narrowest rule decides; `all` also keeps them from asking for names that no rule allows"
    )]
    pub(crate) deny: Vec<Subject>,

    /// Let guests reach what listens on this host's loopback at the gateway's own address
    #[arg(long)]
    pub(crate) host_loopback: bool,

    /// Let guests reach what listens on this host's other addresses; else each needs an --allow of its own
    #[arg(long)]
    pub(crate) host_addresses: bool,

    #[arg(
        long,
        value_name = "ADDRESS[:PORT]",
        value_parser = name_server,
        help = "A name server to ask what guests ask [default: those of /etc/resolv.conf]"
    )]
    pub(crate) dns: Vec<SocketAddr>,

    /// Forward no questions for names
    #[arg(long, conflicts_with = "dns")]
    pub(crate) no_dns: bool,

    /// Give no addresses to guests
    #[arg(long)]
    pub(crate) no_dhcp: bool,

    /// Do not tell guests of IPv6 their network and their router
    #[arg(long)]
    pub(crate) no_advertise: bool,

    /// For how long an address is given
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = lease, allow_negative_numbers = true)]
    pub(crate) lease: Duration,

    /// How long the port that stands for a guest's UDP port outside is kept when the guest is silent; two and a half times as long once it was answered
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = idle, allow_negative_numbers = true)]
    pub(crate) udp_idle: Duration,

    /// The most flows of all guests
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().flows as u32, value_parser = number::within(1_u32..=65535), allow_negative_numbers = true)]
    pub(crate) max_flows: u32,

    /// The most flows of one guest; beyond that a new UDP mapping takes the place of a silent one of its own
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().guest_flows as u32, value_parser = number::within(1_u32..=65535), allow_negative_numbers = true)]
    pub(crate) guest_flows: u32,

    /// The most flows that one guest may begin in a second; twice as many after a silence
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().guest_rate, value_parser = number::within(1_u32..=1_000_000), allow_negative_numbers = true)]
    pub(crate) guest_rate: u32,

    #[arg(
        long,
        value_name = "MIB",
        value_parser = number::within(1_u32..=65535),
        allow_negative_numbers = true,
        help = "The most memory for the buffers of one guest's flows, in MiB [default: 256, or --max-memory where that is less]"
    )]
    pub(crate) guest_memory: Option<u32>,

    /// The most memory for the buffers of all guests' flows, in MiB
    #[arg(long, value_name = "MIB", default_value_t = (Limits::default().bytes >> 20) as u32, value_parser = number::within(1_u32..=1_048_576), allow_negative_numbers = true)]
    pub(crate) max_memory: u32,

    /// How long flows may go on after a request to stop
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse, allow_negative_numbers = true)]
    pub(crate) grace: Duration,

    /// The socket that answers `netstrata status`; by default next to the LAN's
    #[arg(long, value_name = "PATH")]
    pub(crate) control: Option<PathBuf>,

    /// Open the interface and hand it to who asked, by standard input
    #[arg(long, hide = true, requires = "netns")]
    pub(crate) hand_over: bool,
}

fn name_server(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(server) if server.port() == 0 => {
            return Err("port 0 cannot be asked; ports go from 1 to 65535".to_owned());
        }
        Ok(server) => return Ok(server),
        Err(_) => {}
    }
    address::ip(text).map(|address: IpAddr| SocketAddr::new(address, 53))
}

/// A guest that must renew all the time helps nobody, and a lease counts whole seconds.
fn lease(text: &str) -> Result<Duration, String> {
    let lease = duration::parse(text)?;
    if (60..=365 * 86_400).contains(&lease.as_secs()) {
        Ok(lease)
    } else {
        Err(format!("{text} is no time for a lease; give from 1m to 8760h"))
    }
}

fn idle(text: &str) -> Result<Duration, String> {
    let idle = duration::parse(text)?;
    if (1..=86_400).contains(&idle.as_secs()) {
        Ok(idle)
    } else {
        Err(format!("{text} is out of range; give from 1s to 24h"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_refused_in_one_line() {
        assert_eq!(name_server("192.0.2.53"), Ok("192.0.2.53:53".parse().unwrap()));
        assert_eq!(name_server("[2001:db8::53]:5353"), Ok("[2001:db8::53]:5353".parse().unwrap()));
        assert_eq!(name_server("2001:db8::53"), Ok("[2001:db8::53]:53".parse().unwrap()));
        assert_eq!(lease("1h"), Ok(Duration::from_secs(3600)));
        for error in [
            name_server("x").unwrap_err(),
            name_server("192.0.2.53:0").unwrap_err(),
            lease("59s").unwrap_err(),
            idle("0").unwrap_err(),
            idle("25h").unwrap_err(),
        ] {
            assert!(error.contains("; ") && !error.contains('\n'), "{error}");
        }
    }
}
