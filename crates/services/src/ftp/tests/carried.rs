//! Callers whose calls are carried: to the service all of them come from one address.

use crate::accept::Accept;
use crate::ftp::Ftp;
use crate::ftp::data::{ASKED, DATA_PATIENCE, Way};
use crate::ftp::origin::Origin;
use crate::ftp::shares::Shares;
use crate::service::Service;
use crate::sockets::{Sockets, SystemSockets};
use crate::stop::Stopper;
use crate::stream::Ends;
use crate::tree::Tree;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// Long enough for what must come about.
const PATIENCE: Duration = Duration::from_secs(10);
const CALLER: [u8; 4] = [192, 0, 2, 1];
const STRANGER: [u8; 4] = [192, 0, 2, 66];

/// Sockets at which it is told from whom each call is, sooner or later.
#[derive(Clone)]
struct Carrying {
    callers: Arc<watch::Sender<BTreeMap<SocketAddr, Option<IpAddr>>>>,
    /// Of whom it was asked.
    asked: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Carrying {
    fn new() -> Carrying {
        Carrying { callers: Arc::new(watch::Sender::default()), asked: Arc::default() }
    }

    fn tell(&self, call: &TcpStream, caller: [u8; 4]) {
        self.say(call, Some(caller.into()));
    }

    fn say(&self, call: &TcpStream, caller: Option<IpAddr>) {
        let at = call.local_addr().unwrap();
        self.callers.send_modify(|callers| {
            callers.insert(at, caller);
        });
    }
}

impl Sockets for Carrying {
    type Listener = TcpListener;

    fn listen(&self, at: SocketAddr) -> io::Result<TcpListener> {
        SystemSockets.listen(at)
    }

    async fn call(&self, from: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
        SystemSockets.call(from, to).await
    }

    async fn caller(&self, ends: Ends) -> Option<IpAddr> {
        self.asked.lock().unwrap().push(ends.peer);
        let mut callers = self.callers.subscribe();
        let known = callers.wait_for(|callers| callers.contains_key(&ends.peer)).await.unwrap();
        known[&ends.peer]
    }
}

/// A port for data of a session with [`CALLER`].
struct Port {
    sockets: Carrying,
    at: SocketAddr,
    connected: JoinHandle<io::Result<TcpStream>>,
}

impl Port {
    async fn new() -> Port {
        let sockets = Carrying::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let ends = Ends { local: at, peer: SocketAddr::from(([127, 0, 0, 1], 1)) };
        let share = Shares::new(1).take(CALLER.into()).unwrap();
        let way = Way::Passive { listener, until: Instant::now() + DATA_PATIENCE, _share: share };
        let carrying = sockets.clone();
        let connected = tokio::spawn(async move {
            let directory = tempfile::tempdir().unwrap();
            let (_stopper, stop) = Stopper::new();
            let ftp = Ftp::new(Tree::open(directory.path()).unwrap(), carrying, 1..=2, None, stop);
            ftp.connect(way, Origin { ends, caller: CALLER.into() }).await
        });
        Port { sockets, at, connected }
    }

    /// A call that was taken, and of which it was asked from whom it is.
    async fn call(&self) -> TcpStream {
        let call = TcpStream::connect(self.at).await.unwrap();
        let own = call.local_addr().unwrap();
        let asking = async {
            while !self.sockets.asked.lock().unwrap().contains(&own) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, asking).await.expect("it is asked from whom a call is");
        call
    }

    /// The session has this data connection.
    async fn has(self, call: &TcpStream) {
        let data = timeout(PATIENCE, self.connected).await.expect("a data connection").unwrap().unwrap();
        assert_eq!(data.peer_addr().unwrap(), call.local_addr().unwrap());
    }
}

#[tokio::test]
async fn a_stranger_is_waited_past() {
    let port = Port::new().await;
    let stranger = port.call().await;
    port.sockets.tell(&stranger, STRANGER);
    let own = port.call().await;
    port.sockets.tell(&own, CALLER);
    port.has(&own).await;
}

#[tokio::test]
async fn who_is_not_known_yet_keeps_nobody_waiting() {
    for strangers in [1, ASKED, ASKED + 1] {
        let port = Port::new().await;
        let mut unknown = Vec::new();
        for _ in 0..strangers {
            unknown.push(port.call().await);
        }
        let own = port.call().await;
        port.sockets.tell(&own, CALLER);
        port.has(&own).await;
    }
}

#[tokio::test]
async fn of_so_many_calls_it_is_asked_at_once_and_for_one_more_the_first_is_let_go() {
    let port = Port::new().await;
    let own = port.call().await;
    let mut others = Vec::new();
    for _ in 1..ASKED {
        others.push(port.call().await);
    }
    port.sockets.tell(&own, CALLER);
    port.has(&own).await;

    let port = Port::new().await;
    let mut first = port.call().await;
    for _ in 0..ASKED {
        others.push(port.call().await);
    }
    let ended = timeout(PATIENCE, first.read(&mut [0; 1])).await.expect("it is let go");
    assert_eq!(ended.unwrap_or(0), 0);
    port.sockets.tell(&first, CALLER);
    let again = port.call().await;
    port.sockets.tell(&again, CALLER);
    port.has(&again).await;
}

#[tokio::test]
async fn of_whom_it_will_not_be_known_gets_no_data() {
    let port = Port::new().await;
    let unknown = port.call().await;
    port.sockets.say(&unknown, None);
    let own = port.call().await;
    port.sockets.tell(&own, CALLER);
    port.has(&own).await;
}

#[tokio::test]
async fn of_whom_it_will_not_be_known_is_turned_away() {
    let sockets = Carrying::new();
    let directory = tempfile::tempdir().unwrap();
    let (_stopper, stop) = Stopper::new();
    let ftp = Ftp::new(Tree::open(directory.path()).unwrap(), sockets.clone(), 1..=1, None, stop);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut control = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    sockets.say(&control, None);
    // Commands sent ahead are of no use either.
    control.write_all(b"USER anonymous\r\nPASS x\r\nPORT 127,0,0,1,31,144\r\n").await.unwrap();
    control.shutdown().await.unwrap();
    let call = Accept::accept(&listener).await.unwrap();
    let session = tokio::spawn(async move { ftp.call(call.stream).await });
    let mut told = String::new();
    timeout(PATIENCE, control.read_to_string(&mut told)).await.unwrap().unwrap();
    assert!(told.starts_with("421 ") && told.lines().count() == 1, "{told}");
    session.await.unwrap();
}

/// Where its control connection comes from is the carrier, which is another host (RFC 2577 3).
#[tokio::test]
async fn whoever_is_carried_is_not_called() {
    for (caller, code) in [(CALLER, "504"), ([127, 0, 0, 1], "200")] {
        let sockets = Carrying::new();
        let directory = tempfile::tempdir().unwrap();
        let (_stopper, stop) = Stopper::new();
        let ftp = Ftp::new(Tree::open(directory.path()).unwrap(), sockets.clone(), 1..=1, None, stop);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut control = BufReader::new(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
        sockets.tell(control.get_ref(), caller);
        let call = Accept::accept(&listener).await.unwrap();
        let session = tokio::spawn(async move { ftp.call(call.stream).await });
        for (line, code) in [
            ("", "220"),
            ("USER anonymous\r\n", "331"),
            ("PASS x\r\n", "230"),
            ("PORT 127,0,0,1,31,144\r\n", code),
            ("EPRT |1|127.0.0.1|8080|\r\n", code),
            ("PORT 192,0,2,1,31,144\r\n", "504"),
        ] {
            control.get_mut().write_all(line.as_bytes()).await.unwrap();
            let mut answer = String::new();
            timeout(PATIENCE, control.read_line(&mut answer)).await.unwrap().unwrap();
            assert!(answer.starts_with(code), "{line}: {answer}");
        }
        drop(control);
        session.await.unwrap();
        // It was asked once from whom the session is.
        assert_eq!(sockets.asked.lock().unwrap().len(), 1);
    }
}
