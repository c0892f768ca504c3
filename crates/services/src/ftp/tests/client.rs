//! A server with a directory, and a client that speaks to it by hand.

use crate::calls::Calls;
use crate::ftp::Ftp;
use crate::serve::serve;
use crate::sockets::SystemSockets;
use crate::stop::Stopper;
use crate::tree::Tree;
use std::fs;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

pub(super) struct Site {
    pub(super) directory: tempfile::TempDir,
    pub(super) at: SocketAddr,
    pub(super) stopper: Stopper,
    _ports: Ports,
}

/// Ports for data that nobody else gets while this lives, in whichever process.
pub(super) struct Ports {
    range: RangeInclusive<u16>,
    /// Bound to them, and shared with the server's listeners (SO_REUSEADDR), as long as it does not listen itself.
    _held: Vec<TcpSocket>,
}

/// So many ports in a row, below those that the system gives by itself.
pub(super) fn free_ports(count: u16) -> Ports {
    let hold = |port| {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(false)?;
        // Fails if anybody has it. Then it is shared.
        socket.bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
        socket.set_reuseaddr(true)?;
        Ok::<_, std::io::Error>(socket)
    };
    let begin = 20_000 + (std::process::id() % 100) as u16 * 100;
    let mut rows = (begin..32_000).step_by(count.into());
    let held = |first| (first..first + count).map(hold).collect::<Result<Vec<_>, _>>().ok();
    let (first, held) = rows.find_map(|first| Some((first, held(first)?))).unwrap();
    Ports { range: first..=first + count - 1, _held: held }
}

pub(super) async fn site(ports: Ports) -> Site {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("root");
    fs::create_dir_all(root.join("sub/deep")).unwrap();
    fs::write(directory.path().join("secret"), "secret").unwrap();
    symlink("../secret", root.join("way-out")).unwrap();
    fs::write(root.join("digits"), "0123456789").unwrap();
    fs::write(root.join("lines"), "a\nb\n").unwrap();
    fs::write(root.join("sub/名"), "name").unwrap();
    fs::write(root.join("bad\nname"), "").unwrap();
    let (stopper, stop) = Stopper::new();
    let ftp = Ftp::new(Tree::open(&root).unwrap(), SystemSockets, ports.range.clone(), None, stop.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, Arc::new(ftp), Calls::new(1000), stop));
    Site { directory, at, stopper, _ports: ports }
}

pub(super) struct Client {
    pub(super) control: BufReader<TcpStream>,
}

impl Client {
    /// A call from 127.0.0.`last`, before it was answered.
    pub(super) async fn calling(site: &Site, last: u8) -> Client {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, last], 0))).unwrap();
        Client { control: BufReader::new(socket.connect(site.at).await.unwrap()) }
    }

    pub(super) async fn from(site: &Site, last: u8) -> Client {
        let mut client = Client::calling(site, last).await;
        assert!(client.answer().await.starts_with("220 "));
        client
    }

    pub(super) async fn new(site: &Site) -> Client {
        Client::from(site, 1).await
    }

    pub(super) async fn logged_in(site: &Site) -> Client {
        Client::logged_in_from(site, 1).await
    }

    pub(super) async fn logged_in_from(site: &Site, last: u8) -> Client {
        let mut client = Client::from(site, last).await;
        client.expect("USER anonymous", 331).await;
        client.expect("PASS a@example", 230).await;
        client.expect("TYPE I", 200).await;
        client
    }

    pub(super) async fn say(&mut self, line: &str) {
        self.control.get_mut().write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    }

    /// A reply, all its lines.
    pub(super) async fn answer(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            let read =
                timeout(Duration::from_secs(10), self.control.read_line(&mut line)).await.unwrap().unwrap();
            assert!(read > 0, "the server ended after {reply:?}");
            reply.push_str(&line);
            if line.as_bytes()[..3].iter().all(u8::is_ascii_digit) && line.as_bytes()[3] == b' ' {
                return reply;
            }
        }
    }

    pub(super) async fn expect(&mut self, line: &str, code: u16) -> String {
        self.say(line).await;
        let answer = self.answer().await;
        let last = answer.lines().last().unwrap();
        assert!(last.starts_with(&format!("{code} ")), "{line}: {answer}");
        answer
    }

    pub(super) async fn is_over(&mut self) -> bool {
        let mut rest = String::new();
        timeout(Duration::from_secs(10), self.control.read_to_string(&mut rest)).await.unwrap().is_ok()
            && rest.is_empty()
    }

    pub(super) async fn passive(&mut self) -> SocketAddr {
        let answer = self.expect("EPSV", 229).await;
        let port = answer.split("|||").nth(1).unwrap().split('|').next().unwrap();
        SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()))
    }

    pub(super) async fn fetch(&mut self, command: &str) -> Vec<u8> {
        let at = self.passive().await;
        let mut data = TcpStream::connect(at).await.unwrap();
        self.expect(command, 150).await;
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).await.unwrap();
        assert!(self.answer().await.starts_with("226 "));
        bytes
    }
}
