//! The text that names a link: `lan[:PATH]`, `tap:NAME`, `tun:NAME`, `packet:NAME`, `xdp:NAME`, `memory`,
//! `host`.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Which link a host is to be plugged into.
///
/// ```
/// use netstrata::LinkSpec;
/// assert_eq!("tap:net0".parse(), Ok(LinkSpec::Tap("net0".to_owned())));
/// let error = "lam".parse::<LinkSpec>().unwrap_err().to_string();
/// assert!(error.contains("did you mean \"lan\"?"), "{error}");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkSpec {
    /// `lan[:PATH]`: a virtual Ethernet segment on the Unix socket at the path, or on the user's own.
    Lan(Option<PathBuf>),
    /// `tap:NAME`: an Ethernet cable to the kernel of this machine (Linux).
    Tap(String),
    /// `tun:NAME`: an IP cable to the kernel of this machine (Linux), over which super-segments pass whole.
    Tun(String),
    /// `packet:NAME`: a station of our own on the network of an interface of this machine, beside the kernel's own (Linux). The
    /// two do not hear each other, so an address is one's or the other's.
    Packet(String),
    /// `xdp:NAME`: the same by an XDP socket: frames for our station reach us before the kernel makes anything of them (Linux).
    Xdp(String),
    /// `memory`: a cable inside this process.
    Memory,
    /// `host`: not our stack but the operating system's sockets, for comparison.
    Host,
}

/// The links that there are, as one writes them.
const KINDS: &str = "lan[:PATH], tap:NAME, tun:NAME, packet:NAME, xdp:NAME, memory and host";
const NAMES: [&str; 7] = ["lan", "tap", "tun", "packet", "xdp", "memory", "host"];
/// The longest name of an interface that the kernel takes, in bytes (IFNAMSIZ without its end).
const LONGEST_INTERFACE: usize = 15;

impl LinkSpec {
    /// Whether the link is a place on a network that the kernel is on as well, under addresses of its own.
    pub(super) fn is_beside_kernel(&self) -> bool {
        matches!(self, LinkSpec::Packet(_) | LinkSpec::Xdp(_))
    }
}

impl FromStr for LinkSpec {
    type Err = InvalidLinkSpec;

    fn from_str(text: &str) -> Result<LinkSpec, InvalidLinkSpec> {
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind, Some(rest)),
            None => (text, None),
        };
        match (kind, rest) {
            ("lan", None) => Ok(LinkSpec::Lan(None)),
            ("lan", Some("")) => {
                Err(InvalidLinkSpec::new("\"lan:\" needs the path of a socket after the colon"))
            }
            ("lan", Some(path)) => Ok(LinkSpec::Lan(Some(PathBuf::from(path)))),
            ("tap", Some(name)) if is_interface_name(name) => Ok(LinkSpec::Tap(name.to_owned())),
            ("tun", Some(name)) if is_interface_name(name) => Ok(LinkSpec::Tun(name.to_owned())),
            ("packet", Some(name)) if is_interface_name(name) => Ok(LinkSpec::Packet(name.to_owned())),
            ("xdp", Some(name)) if is_interface_name(name) => Ok(LinkSpec::Xdp(name.to_owned())),
            ("tap" | "tun" | "packet" | "xdp", Some(name)) => Err(InvalidLinkSpec(format!(
                "{name:?} cannot name an interface: 1 to {LONGEST_INTERFACE} characters without blanks, '/' and ':'"
            ))),
            ("tap" | "tun" | "packet" | "xdp", None) => Err(InvalidLinkSpec(format!(
                "{kind:?} needs the name of an interface, as in \"{kind}:net0\""
            ))),
            ("memory", None) => Ok(LinkSpec::Memory),
            ("host", None) => Ok(LinkSpec::Host),
            ("memory" | "host", Some(_)) => {
                Err(InvalidLinkSpec(format!("{kind:?} takes nothing after a colon")))
            }
            _ => Err(InvalidLinkSpec::unknown(kind)),
        }
    }
}

fn is_interface_name(name: &str) -> bool {
    let fits = (1..=LONGEST_INTERFACE).contains(&name.len()) && name != "." && name != "..";
    fits && !name.contains(|c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control())
}

impl fmt::Display for LinkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkSpec::Lan(None) => f.write_str("lan"),
            LinkSpec::Lan(Some(path)) => write!(f, "lan:{}", path.display()),
            LinkSpec::Tap(name) => write!(f, "tap:{name}"),
            LinkSpec::Tun(name) => write!(f, "tun:{name}"),
            LinkSpec::Packet(name) => write!(f, "packet:{name}"),
            LinkSpec::Xdp(name) => write!(f, "xdp:{name}"),
            LinkSpec::Memory => f.write_str("memory"),
            LinkSpec::Host => f.write_str("host"),
        }
    }
}

impl Default for LinkSpec {
    /// The user's own LAN.
    fn default() -> LinkSpec {
        LinkSpec::Lan(None)
    }
}

/// The text names no link; why, in one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InvalidLinkSpec(String);

impl InvalidLinkSpec {
    fn new(message: &str) -> InvalidLinkSpec {
        InvalidLinkSpec(message.to_owned())
    }

    fn unknown(kind: &str) -> InvalidLinkSpec {
        let nearest = NAMES.into_iter().map(|name| (distance(kind, name), name)).min();
        let hint = match nearest {
            Some((1..=2, name)) => format!("; did you mean {name:?}?"),
            _ => String::new(),
        };
        InvalidLinkSpec(format!("there is no link {kind:?}: the links are {KINDS}{hint}"))
    }
}

impl fmt::Display for InvalidLinkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for InvalidLinkSpec {}

/// How many characters must be changed, added or removed to make `b` of `a` (Levenshtein), for `a` of reasonable length.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().take(64).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_and_written_the_same() {
        for text in [
            "lan",
            "lan:/run/user/1000/x.sock",
            "lan:a:b",
            "tap:net0",
            "tun:net0",
            "packet:eth0",
            "xdp:eth0",
            "memory",
            "host",
        ] {
            let spec: LinkSpec = text.parse().unwrap();
            assert_eq!(spec.to_string(), text);
        }
        assert_eq!(LinkSpec::default(), LinkSpec::Lan(None));
    }

    #[test]
    fn errors_are_one_line_that_names_what_is_valid() {
        let table = [
            ("", "lan[:PATH], tap:NAME, tun:NAME, packet:NAME, xdp:NAME, memory and host"),
            ("lann", "did you mean \"lan\"?"),
            ("hots:", "did you mean \"host\"?"),
            ("ethernet", "the links are lan[:PATH]"),
            ("LAN", "there is no link \"LAN\""),
            ("lan:", "needs the path"),
            ("tap", "tap:net0"),
            ("tap:", "1 to 15 characters"),
            ("tap:sixteen-letters0", "1 to 15 characters"),
            ("tap:a b", "without blanks"),
            ("tun", "as in \"tun:net0\""),
            ("packet", "as in \"packet:net0\""),
            ("packet:", "1 to 15 characters"),
            ("pocket:eth0", "did you mean \"packet\"?"),
            ("xdp", "as in \"xdp:net0\""),
            ("xpd:eth0", "did you mean \"xdp\"?"),
            ("tun:a/b", "cannot name an interface"),
            ("tap:../x", "cannot name an interface"),
            ("memory:1", "takes nothing after a colon"),
            ("host:80", "takes nothing after a colon"),
        ];
        for (text, expected) in table {
            let error = text.parse::<LinkSpec>().unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains('\n'), "{text:?}: {error}");
        }
    }

    #[test]
    fn the_longest_interface_name_is_taken() {
        assert!("tap:fifteen-letters".parse::<LinkSpec>().is_ok());
        assert!("tap:.".parse::<LinkSpec>().is_err());
    }

    #[test]
    fn distances_are_counted_in_single_changes() {
        assert_eq!((distance("lan", "lan"), distance("lam", "lan"), distance("", "tap")), (0, 1, 3));
        assert_eq!((distance("an", "lan"), distance("lann", "lan"), distance("ln", "lan")), (1, 1, 1));
    }
}
