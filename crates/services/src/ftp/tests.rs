use super::server::{IDLE_PATIENCE, SESSIONS, SESSIONS_EACH};
use super::*;
use std::fs;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

mod carried;
mod client;

use client::{Client, free_ports, site};

use crate::sockets::SystemSockets;
use crate::stop::Stopper;
use crate::tree::Tree;

#[tokio::test]
async fn files_and_lists_come_over_passive_connections() {
    let site = site(free_ports(4)).await;
    let mut client = Client::logged_in(&site).await;
    assert_eq!(client.fetch("RETR digits").await, b"0123456789");
    client.expect("REST 4", 350).await;
    assert_eq!(client.fetch("RETR digits").await, b"456789");
    assert_eq!(client.fetch("RETR digits").await, b"0123456789", "REST is for one file");
    client.expect("REST 10", 350).await;
    assert_eq!(client.fetch("RETR digits").await, b"", "all was there");
    for beyond in ["REST 11", "REST 18446744073709551615"] {
        client.expect("EPSV", 229).await;
        client.expect(beyond, 350).await;
        client.expect("RETR digits", 554).await;
    }
    assert_eq!(client.expect("SIZE digits", 213).await, "213 10\r\n");
    assert_eq!(client.expect("MDTM digits", 213).await.len(), "213 20260101000000\r\n".len());
    let list = String::from_utf8(client.fetch("MLSD").await).unwrap();
    let rows: Vec<&str> = list.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(rows, ["digits", "lines", "sub"], "a link out and a name in two lines are left out");
    assert!(list.starts_with("type=file;size=10;modify=2"), "{list}");
    client.expect("OPTS MLST type;size;", 200).await;
    assert!(client.expect("MLST digits", 250).await.contains("\r\n type=file;size=10; /digits\r\n"));
    assert!(client.expect("FEAT", 211).await.contains(" MLST type*;size*;modify;perm;\r\n REST STREAM\r\n"));
    client.expect("CWD sub", 250).await;
    assert_eq!(client.expect("PWD", 257).await, "257 \"/sub\" is where you are.\r\n");
    assert_eq!(client.fetch("NLST").await, "deep\r\n名\r\n".as_bytes());
    assert_eq!(client.fetch("RETR 名").await, b"name");
    assert!(String::from_utf8(client.fetch("LIST -la").await).unwrap().ends_with(" 名\r\n"));
    client.expect("CDUP", 250).await;
    client.expect("TYPE A", 200).await;
    assert_eq!(client.fetch("RETR lines").await, b"a\r\nb\r\n");
    client.expect("SIZE digits", 550).await;
    client.expect("QUIT", 221).await;
    assert!(client.is_over().await);
}

#[tokio::test]
async fn ways_out_and_what_writes_are_refused() {
    let site = site(free_ports(2)).await;
    let mut client = Client::logged_in(&site).await;
    for path in ["way-out", "../secret", "/../secret", "sub/../../secret", "nothing", "sub", "a\0b"] {
        let at = client.passive().await;
        let _data = TcpStream::connect(at).await.unwrap();
        client.expect(&format!("RETR {path}"), 550).await;
        client.expect(&format!("SIZE {path}"), 550).await;
    }
    client.expect("CWD ../..", 250).await;
    assert!(client.expect("PWD", 257).await.contains("\"/\""), "above the root is the root");
    client.expect("CWD digits", 550).await;
    for writing in [
        "STOR x",
        "APPE digits",
        "DELE digits",
        "MKD d",
        "RMD sub",
        "RNFR digits",
        "RNTO x",
        "SITE CHMOD 777 x",
        "STOU",
    ] {
        client.expect(writing, 550).await;
    }
    assert_eq!(fs::read(site.directory.path().join("root/digits")).unwrap(), b"0123456789");
}

#[tokio::test]
async fn nobody_else_is_called() {
    let site = site(free_ports(2)).await;
    let mut client = Client::logged_in(&site).await;
    // The caller's own address and no service of it.
    for order in [
        "PORT 10,0,0,1,31,144",
        "PORT 127,0,0,2,31,144",
        "PORT 127,0,0,1,0,25",
        "EPRT |1|192.0.2.1|8080|",
        "EPRT |2|::1|8080|",
    ] {
        client.expect(order, 504).await;
        client.expect("RETR digits", 425).await;
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let orders =
        [format!("EPRT |1|127.0.0.1|{port}|"), format!("PORT 127,0,0,1,{},{}", port >> 8, port & 255)];
    for order in orders {
        client.expect(&order, 200).await;
        client.say("RETR digits").await;
        let (mut data, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).await.unwrap();
        assert_eq!(bytes, b"0123456789");
        assert!(client.answer().await.starts_with("150 "));
        assert!(client.answer().await.starts_with("226 "));
    }
    drop(listener);
    client.expect(&format!("EPRT |1|127.0.0.1|{port}|"), 200).await;
    client.expect("RETR digits", 150).await;
    assert!(client.answer().await.starts_with("425 "));
}

#[tokio::test]
async fn a_stranger_at_a_data_port_gets_nothing() {
    let site = site(free_ports(1)).await;
    let mut client = Client::logged_in(&site).await;
    let at = client.passive().await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.9:0".parse().unwrap()).unwrap();
    let mut stranger = socket.connect(at).await.unwrap();
    client.expect("RETR digits", 150).await;
    let mut data = TcpStream::connect(at).await.unwrap();
    let mut bytes = Vec::new();
    data.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"0123456789");
    let mut stolen = Vec::new();
    let _ = stranger.read_to_end(&mut stolen).await;
    assert!(stolen.is_empty());
}

#[tokio::test]
async fn ports_for_data_are_bounded_and_given_back() {
    let site = site(free_ports(2)).await;
    let mut clients = Vec::new();
    for last in 1..=3 {
        clients.push(Client::logged_in_from(&site, last).await);
    }
    for client in &mut clients[..2] {
        // Asked for twice, it is still one port.
        client.passive().await;
        client.passive().await;
    }
    clients[2].expect("PASV", 425).await;
    clients[0].expect("QUIT", 221).await;
    let begun = tokio::time::Instant::now();
    loop {
        clients[2].say("PASV").await;
        if clients[2].answer().await.starts_with("227 Entering Passive Mode (127,0,0,1,") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
    clients[1].expect("EPSV ALL", 200).await;
    clients[1].expect("PASV", 501).await;
    clients[1].expect("EPSV 2", 522).await;
}

#[tokio::test]
async fn only_anybody_is_let_in_and_mistakes_are_counted() {
    let site = site(free_ports(1)).await;
    let mut client = Client::new(&site).await;
    for early in ["RETR digits", "PASV", "CWD /", "LIST", "SIZE digits", "PORT 127,0,0,1,31,144"] {
        client.expect(early, 530).await;
    }
    client.expect("PASS x", 503).await;
    client.expect("AUTH TLS", 534).await;
    client.expect(&format!("USER {}", "x".repeat(lines::LONGEST)), 500).await;
    for _ in 0..2 {
        client.expect("USER root", 331).await;
        client.expect("PASS toor", 530).await;
    }
    client.expect("USER root", 331).await;
    client.say("PASS toor").await;
    assert!(client.answer().await.starts_with("530 "));
    assert!(client.answer().await.starts_with("421 "));
    assert!(client.is_over().await);
}

#[tokio::test]
async fn a_good_command_ends_a_row_of_mistakes() {
    let site = site(free_ports(1)).await;
    let mut client = Client::logged_in(&site).await;
    for _ in 0..3 {
        for _ in 0..19 {
            client.expect("NONSENSE", 500).await;
        }
        client.expect("NOOP", 200).await;
    }
    for _ in 0..19 {
        client.expect("NONSENSE", 500).await;
    }
    client.say("NONSENSE").await;
    assert!(client.answer().await.starts_with("500 "));
    assert!(client.answer().await.starts_with("421 "));
    assert!(client.is_over().await);
}

#[tokio::test]
async fn a_transfer_is_given_up_when_asked_and_with_its_caller() {
    let site = site(free_ports(2)).await;
    let huge = fs::File::create(site.directory.path().join("root/huge")).unwrap();
    huge.set_len(1 << 33).unwrap();
    let mut client = Client::logged_in(&site).await;
    let at = client.passive().await;
    let mut data = TcpStream::connect(at).await.unwrap();
    client.expect("RETR huge", 150).await;
    data.read_exact(&mut [0; 1000]).await.unwrap();
    client.control.get_mut().write_all(b"\xff\xf4\xff\xf2ABOR\r\n").await.unwrap();
    assert!(client.answer().await.starts_with("426 "));
    assert!(client.answer().await.starts_with("226 "));
    client.expect("NOOP", 200).await;
    // Whoever goes leaves nothing that goes on.
    let at = client.passive().await;
    let mut data = TcpStream::connect(at).await.unwrap();
    client.expect("RETR huge", 150).await;
    drop(client);
    let mut bytes = vec![0; 1 << 16];
    let ended = timeout(Duration::from_secs(20), async {
        while data.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
    });
    ended.await.unwrap();
}

#[tokio::test]
async fn one_command_is_read_ahead_during_a_transfer_and_no_more() {
    let site = site(free_ports(1)).await;
    fs::write(site.directory.path().join("root/large"), vec![7; 16 << 20]).unwrap();
    let mut client = Client::logged_in(&site).await;
    let at = client.passive().await;
    let mut data = TcpStream::connect(at).await.unwrap();
    client.expect("RETR large", 150).await;
    // The wish to give up would be granted at once if it were read: as the second command it waits for the transfer's end.
    client.say("NOOP\r\nABOR").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut bytes = Vec::new();
    data.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes.len(), 16 << 20);
    for code in ["226 ", "200 ", "226 "] {
        let answer = client.answer().await;
        assert!(answer.starts_with(code), "{code}: {answer}");
    }
}

#[tokio::test]
async fn a_stopping_server_says_goodbye() {
    let site = site(free_ports(1)).await;
    let mut client = Client::logged_in(&site).await;
    site.stopper.drain(Duration::from_secs(3600));
    assert!(client.answer().await.starts_with("421 "));
    assert!(client.is_over().await);
}

#[tokio::test]
async fn one_caller_too_many_is_told() {
    let site = site(free_ports(1)).await;
    let mut clients = Vec::new();
    for index in 0..SESSIONS {
        let last = 1 + (index / SESSIONS_EACH) as u8;
        if index % SESSIONS_EACH == 0 && index > 0 {
            // The one before has as many as it may, and others have their places.
            let mut greedy = Client::calling(&site, last - 1).await;
            assert!(greedy.answer().await.starts_with("421 "));
            assert!(greedy.is_over().await);
        }
        clients.push(Client::from(&site, last).await);
    }
    let mut late = Client::calling(&site, 9).await;
    assert!(late.answer().await.starts_with("421 "));
    assert!(late.is_over().await);
}

#[tokio::test]
async fn one_address_holds_half_of_the_ports_for_data() {
    let site = site(free_ports(4)).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(Client::logged_in(&site).await);
    }
    clients[0].passive().await;
    clients[1].passive().await;
    clients[2].expect("EPSV", 425).await;
    let mut other = Client::logged_in_from(&site, 2).await;
    let answer = other.expect("EPSV", 229).await;
    assert!(answer.contains("|||"));
    // What is not used any more is had again.
    clients[0].expect("ABOR", 226).await;
    clients[2].passive().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_caller_is_let_go() {
    struct Still(tokio::io::DuplexStream);
    let directory = tempfile::tempdir().unwrap();
    let (_stopper, stop) = Stopper::new();
    let ftp = Ftp::new(Tree::open(directory.path()).unwrap(), SystemSockets, 1..=1, None, stop);
    let (near, far) = tokio::io::duplex(1024);
    let near = Still(near);
    let begun = tokio::time::Instant::now();
    let ended = ftp.call(far).await;
    assert!(
        matches!(&ended.how, How::Error(error) if error.kind() == std::io::ErrorKind::TimedOut),
        "{ended:?}"
    );
    assert!(begun.elapsed() >= IDLE_PATIENCE);
    drop(near.0);
}
