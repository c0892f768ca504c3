//! Who holds a port of the operating system.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;

/// A program that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The program's name.
    pub(crate) program: String,
    /// Its process.
    pub(crate) pid: u32,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.program, self.pid)
    }
}

/// Who listened where before this process was confined: after that the system says nothing of others.
static KNOWN: OnceLock<Vec<(SocketAddr, Holder)>> = OnceLock::new();

/// Remembers who listens on these addresses.
pub(crate) fn look_ahead(addresses: &[SocketAddr]) {
    KNOWN.get_or_init(|| addresses.iter().filter_map(|address| Some((*address, of(*address)?))).collect());
}

/// The command that shows who listens on a port.
pub(crate) fn command(port: u16) -> String {
    if cfg!(target_os = "linux") {
        format!("sudo ss -ltnp 'sport = :{port}'")
    } else {
        format!("sudo lsof -nP -iTCP:{port} -sTCP:LISTEN")
    }
}

/// Who listens on `address`, where the system tells.
pub(crate) fn of(address: SocketAddr) -> Option<Holder> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let inodes: Vec<u64> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .flat_map(|table| listeners(&table))
        .filter(|(local, _)| overlaps(*local, address))
        .map(|(_, inode)| inode)
        .collect();
    if inodes.is_empty() {
        return None;
    }
    let remembered = || {
        let mut known = KNOWN.get()?.iter();
        known.find(|(place, _)| *place == address).map(|(_, holder)| holder.clone())
    };
    owner(&inodes).or_else(remembered)
}

/// The listening sockets of a table in the format of `/proc/net/tcp`, each with its inode.
fn listeners(table: &str) -> Vec<(SocketAddr, u64)> {
    const LISTEN: &str = "0A";
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
            (*state == LISTEN).then_some(())?;
            Some((socket_address(local)?, inode.parse().ok()?))
        })
        .collect()
}

/// An address as the kernel prints it: 32-bit words in the machine's byte order, then the port.
fn socket_address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let octets: Vec<u8> = address
        .as_bytes()
        .chunks(8)
        .map(|word| u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok().map(u32::to_ne_bytes))
        .collect::<Option<Vec<_>>>()?
        .concat();
    let ip = match octets.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(octets).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(octets).ok()?),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// Whether a listener on `held` is in the way of one on `wanted`.
fn overlaps(held: SocketAddr, wanted: SocketAddr) -> bool {
    let (held_ip, wanted_ip) = (held.ip().to_canonical(), wanted.ip().to_canonical());
    held.port() == wanted.port()
        && (held_ip == wanted_ip || held_ip.is_unspecified() || wanted_ip.is_unspecified())
}

/// The process that has one of these sockets open, as far as this user may look.
fn owner(inodes: &[u64]) -> Option<Holder> {
    let names: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let is_one = |entry: &std::fs::DirEntry| {
        std::fs::read_link(entry.path())
            .is_ok_and(|target| names.iter().any(|name| target.as_os_str() == name.as_str()))
    };
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let pid: u32 = process.file_name().to_str()?.parse().ok()?;
        std::fs::read_dir(process.path().join("fd")).ok()?.flatten().find(is_one)?;
        let program = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        Some(Holder { program: program.trim().to_owned(), pid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_kernels_table_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0200007F:2538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12345 1 0 100 0 0 10 0\n   \
            1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 777 1 0 100 0 0 10 0\n   \
            2: 00000000000000000000000001000000:0016 0:0 0A 0:0 0:0 0 0 0 99 1\n\
            nonsense\n";
        let expected = vec![("127.0.0.2:9528".parse().unwrap(), 12345), ("[::1]:22".parse().unwrap(), 99)];
        assert_eq!(listeners(table), expected);
    }

    #[test]
    fn a_wildcard_is_in_the_way_of_every_address() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert!(overlaps(address("0.0.0.0:80"), address("127.0.0.2:80")));
        assert!(overlaps(address("[::]:80"), address("127.0.0.2:80")));
        assert!(overlaps(address("[::ffff:127.0.0.2]:80"), address("127.0.0.2:80")));
        assert!(!overlaps(address("127.0.0.1:80"), address("127.0.0.2:80")));
        assert!(!overlaps(address("127.0.0.2:81"), address("127.0.0.2:80")));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn our_own_listener_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(of(address).map(|holder| holder.pid), Some(std::process::id()));
        drop(listener);
        assert_eq!(of(address), None);
    }
}
