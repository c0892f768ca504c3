//! The command line: what can be asked for, and the flags that several commands share.

mod gateway;
mod network;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};
use netstrata::LinkSpec;
use services::Named;

use crate::naming::DEFAULT_NAME;
use crate::values::address::{self, HostAddress};
use crate::values::duration;
use crate::values::keepalive::Keepalive;
use crate::values::label;
use crate::values::link;
use crate::values::listening_address;
use crate::values::number;
use crate::values::ports::Ports;
use crate::values::publication::Publication;
use crate::values::service::Placed;
use crate::values::target::Target;
pub(crate) use gateway::GatewayArguments;
pub(crate) use network::NetworkArguments;

/// The whole network as one program: a TCP/IP stack of its own, services on it, and clients that reach them.
#[derive(Debug, Parser)]
#[command(name = "netstrata", version, about, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Log more; twice for even more (RUST_LOG says it in detail)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the services; runs until stopped
    Serve(Box<ServeArguments>),
    /// Call a service, interactively or through a pipe
    Connect(ConnectArguments),
    /// Ask whether a host is there, and how far away
    Ping(PingArguments),
    /// Carry what guests of a namespace or a virtual machine send to the world, by this user's own sockets
    Gateway(Box<GatewayArguments>),
    /// List the services that are on the LAN
    Find(FindArguments),
    /// Run the switch of a virtual LAN by itself
    Lan(LanArguments),
    /// List the connections of a running server
    Status(StatusArguments),
    /// List the lab's experiments, or run one and draw what happens
    Lab(LabArguments),
    /// Measure this stack beside the peers that are present
    Bench(bench::Arguments),
}

/// `netstrata serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    pub(crate) network: NetworkArguments,

    /// A service and its port; may be given several times
    #[arg(long = "service", value_name = "NAME[@PORT]", default_value = "talk@9528")]
    pub(crate) services: Vec<Placed>,

    /// The directory whose files `http` and `ftp` give
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) root: Option<PathBuf>,

    #[arg(
        long,
        value_name = "FIRST-LAST",
        help = "Where callers of `ftp` open data connections; published with it [default: 8100-8131]"
    )]
    pub(crate) data_ports: Option<Ports>,

    /// The certificates of the server, for callers of `ftp` who ask for TLS (PEM, the server's own first)
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,

    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,

    /// Reach a service's port from this system; by default every service, on 127.0.0.2
    #[arg(long = "publish", value_name = "[ADDRESS:]PORT[=PORT]", conflicts_with = "no_publish")]
    pub(crate) publications: Vec<Publication>,

    /// Publish nothing
    #[arg(long)]
    pub(crate) no_publish: bool,

    #[arg(
        long,
        value_name = "ADDRESS[/PREFIX]",
        help = "The address on the LAN from which published ports are carried to the services [default: 10.7.0.1/24 and fd07::1/64]"
    )]
    pub(crate) gateway_address: Option<HostAddress>,

    /// How long calls may go on after a request to stop
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration::parse, allow_negative_numbers = true)]
    pub(crate) grace: Duration,

    /// When to ask silent callers whether they are still there: IDLE/INTERVAL/PROBES, or off
    #[arg(long, value_name = "TIMES", default_value = "2h/75s/10")]
    pub(crate) keepalive: Keepalive,

    /// The most calls that wait to be taken, of each listener
    #[arg(long, value_name = "NUMBER", default_value_t = 1024, value_parser = number::within(1_u32..=65535), allow_negative_numbers = true)]
    pub(crate) backlog: u32,

    /// How many cores work for the services' host, each for a part of the calls; a TAP or a TUN has a queue for each, with --no-web
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = number::within(1_u16..=64), allow_negative_numbers = true)]
    pub(crate) shards: u16,

    /// The most calls at once
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000, value_parser = number::within(1_u32..=u32::MAX), allow_negative_numbers = true)]
    pub(crate) max_calls: u32,

    /// The socket that answers `netstrata status`; by default next to the LAN's
    #[arg(long, value_name = "PATH")]
    pub(crate) control: Option<PathBuf>,

    #[arg(
        long,
        value_name = "ADDRESS",
        conflicts_with = "no_web",
        value_parser = listening_address::parse,
        help = "Where the lab's page is served, for a browser [default: 127.0.0.1:8001]"
    )]
    pub(crate) web: Option<SocketAddr>,

    /// Serve no page
    #[arg(long)]
    pub(crate) no_web: bool,

    /// The name by which the LAN finds this server; it gets a number if another has it
    #[arg(long, value_name = "NAME", default_value = DEFAULT_NAME, value_parser = label::parse, conflicts_with = "no_discovery")]
    pub(crate) name: String,

    /// Let this process open whatever its user may (Linux; otherwise it is kept to what it needs)
    #[arg(long, visible_alias = "no-sandbox")]
    pub(crate) no_confinement: bool,

    /// Tell the LAN neither names nor services
    #[arg(long)]
    pub(crate) no_discovery: bool,
}

impl ServeArguments {
    /// Where callers of `ftp` open data connections, if there can be any.
    pub(crate) fn data_ports(&self) -> Option<Ports> {
        let ftp = self.services.iter().any(|placed| placed.service == Named::Ftp);
        ftp.then(|| self.data_ports.unwrap_or(Ports::DATA))
    }
}

/// `netstrata connect`.
#[derive(Debug, Args)]
pub(crate) struct ConnectArguments {
    #[arg(
        value_name = "HOST[:PORT]",
        help = "Whom to call: 10.7.0.2:9528, [fd07::2]:9528, a service such as talk, or a name [default: 10.7.0.2:9528, with --link host 127.0.0.2:9528]"
    )]
    pub(crate) target: Option<Target>,

    #[command(flatten)]
    pub(crate) network: NetworkArguments,

    /// The name server for names that are not the LAN's; by default the router that --gateway names
    #[arg(long, value_name = "ADDRESS", value_parser = address::ip)]
    pub(crate) dns: Option<IpAddr>,

    /// Only send; forget what arrives, and leave when all is delivered
    #[arg(long, conflicts_with = "recv_only")]
    pub(crate) send_only: bool,

    /// Only receive; leave standard input alone
    #[arg(long)]
    pub(crate) recv_only: bool,

    /// Do not end one's own direction when standard input ends
    #[arg(long)]
    pub(crate) no_shutdown: bool,

    /// How long to wait for the call to be taken and, when standard input has ended, for more to arrive
    #[arg(long, short, value_name = "SECONDS", value_parser = duration::parse, allow_negative_numbers = true)]
    pub(crate) wait: Option<Duration>,
}

/// `netstrata ping`.
#[derive(Debug, Args)]
pub(crate) struct PingArguments {
    /// The address to ask
    #[arg(value_name = "HOST", value_parser = address::ip)]
    pub(crate) host: IpAddr,

    #[command(flatten)]
    pub(crate) network: NetworkArguments,

    /// Stop after so many requests
    #[arg(short, long, value_name = "NUMBER", value_parser = number::within(1_u64..=u64::MAX), allow_negative_numbers = true)]
    pub(crate) count: Option<u64>,

    /// The time between requests
    #[arg(short, long, value_name = "SECONDS", default_value = "1", value_parser = interval, allow_negative_numbers = true)]
    pub(crate) interval: Duration,

    /// How long to wait for the last reply
    #[arg(short = 'W', long, value_name = "SECONDS", default_value = "1", value_parser = duration::parse, allow_negative_numbers = true)]
    pub(crate) wait: Duration,

    /// Bytes of payload
    #[arg(short, long, value_name = "BYTES", default_value_t = 56, value_parser = number::within(0_u16..=65507), allow_negative_numbers = true)]
    pub(crate) size: u16,
}

/// `netstrata find`.
#[derive(Debug, Args)]
pub(crate) struct FindArguments {
    /// The service to look for, such as talk, http or _ssh._tcp; without one, all are listed
    #[arg(value_name = "SERVICE")]
    pub(crate) kind: Option<String>,

    #[command(flatten)]
    pub(crate) network: NetworkArguments,

    /// How long to wait for answers
    #[arg(short, long, value_name = "SECONDS", default_value = "2", value_parser = duration::parse, allow_negative_numbers = true)]
    pub(crate) wait: Duration,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `netstrata lan`.
#[derive(Debug, Args)]
pub(crate) struct LanArguments {
    #[arg(long, value_name = "PATH", help = "The LAN's socket [default: the user's own LAN]")]
    pub(crate) path: Option<PathBuf>,
}

/// `netstrata status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// The server's network, which says where its control socket lies
    #[arg(long, value_name = "LINK", default_value = "lan", value_parser = link::parse)]
    pub(crate) link: LinkSpec,

    /// The server's control socket
    #[arg(long, value_name = "PATH")]
    pub(crate) control: Option<PathBuf>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `netstrata lab`.
#[derive(Debug, Args)]
pub(crate) struct LabArguments {
    /// The experiment to run; without one, all are listed
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Run every experiment, as a test
    #[arg(long, conflicts_with_all = ["name", "set", "rules", "svg", "pcapng"])]
    pub(crate) all: bool,

    /// Set a parameter, such as delay=100; may be given several times
    #[arg(long, value_name = "PARAMETER=VALUE", requires = "name")]
    pub(crate) set: Vec<String>,

    /// Where all randomness grows from
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = seed, allow_negative_numbers = true)]
    pub(crate) seed: u64,

    /// A fault, such as "drop server SYN,ACK #1"; may be given several times; "none" takes away the experiment's own
    #[arg(long = "rule", value_name = "RULE", requires = "name")]
    pub(crate) rules: Vec<String>,

    /// Print the whole trace as JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// Draw the ladder into this file
    #[arg(long, value_name = "FILE", requires = "name")]
    pub(crate) svg: Option<PathBuf>,

    /// Write the frames into this file, for Wireshark
    #[arg(long, value_name = "FILE", requires = "name")]
    pub(crate) pcapng: Option<PathBuf>,

    #[arg(
        long,
        value_name = "ADDRESS",
        num_args = 0..=1,
        default_missing_value = "127.0.0.1:8001",
        conflicts_with_all = ["name", "all", "json"],
        value_parser = listening_address::parse,
        help = "Serve the lab's page for a browser, by itself [default: 127.0.0.1:8001]"
    )]
    pub(crate) web: Option<SocketAddr>,
}

fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("a seed is a whole number from 0 to {}", u64::MAX))
}

/// A flood helps nobody.
fn interval(text: &str) -> Result<Duration, String> {
    let interval = duration::parse(text)?;
    if interval >= Duration::from_millis(1) {
        Ok(interval)
    } else {
        Err(format!("{text} is too short; give at least 1ms"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn ports_for_data_are_taken_where_there_is_ftp_alone() {
        let ports = |flags: &[&str]| {
            let all = ["netstrata", "serve"].iter().chain(flags);
            match Arguments::try_parse_from(all).unwrap().command {
                Command::Serve(serve) => serve.data_ports(),
                _ => None,
            }
        };
        assert_eq!(ports(&["--service", "talk@8100"]), None);
        assert_eq!(ports(&["--service", "ftp"]), Some(Ports::DATA));
        assert_eq!(ports(&["--service", "ftp", "--data-ports", "9000"]), Some("9000".parse().unwrap()));
    }
}
