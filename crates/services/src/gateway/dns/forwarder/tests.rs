#![allow(clippy::disallowed_methods, reason = "sockets live in real time")]

use super::*;
use crate::gateway::{HostLoopback, Rules, Subject};
use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::{A, CNAME, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::net::TcpListener;

const GUEST: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 7, 0, 2));

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn question(text: &str, kind: RecordType) -> Vec<u8> {
    let mut message = Message::new(0x1234, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name(text), kind));
    message.to_vec().unwrap()
}

/// Answers like a name server that knows a few names.
fn known(asked: &[u8], datagram: bool) -> Vec<u8> {
    let asked = Message::from_vec(asked).unwrap();
    let mut answer = Message::response(asked.metadata.id, OpCode::Query);
    let query = asked.queries[0].clone();
    let own = query.name().clone();
    answer.add_query(query);
    match own.to_lowercase().to_ascii().as_str() {
        "www.example.org." => {
            answer.add_answer(Record::from_rdata(own, 300, RData::CNAME(CNAME(name("host.example.net.")))));
            answer.add_answer(Record::from_rdata(
                name("HOST.example.net."),
                300,
                RData::A(A([203, 0, 113, 1].into())),
            ));
            // Nobody asked for this.
            answer.add_answer(Record::from_rdata(
                name("other.example.org."),
                300,
                RData::A(A([203, 0, 113, 2].into())),
            ));
        }
        "long.example.org." if datagram => answer.metadata.truncation = true,
        "long.example.org." | "huge.example.org." => {
            for _ in 0..30 {
                let text = RData::TXT(TXT::new(vec!["x".repeat(200)]));
                answer.add_answer(Record::from_rdata(own.clone(), 300, text));
            }
        }
        "middling.example.org." => {
            for _ in 0..4 {
                let text = RData::TXT(TXT::new(vec!["x".repeat(200)]));
                answer.add_answer(Record::from_rdata(own.clone(), 300, text));
            }
        }
        _ => answer.metadata.response_code = ResponseCode::NXDomain,
    }
    answer.to_vec().unwrap()
}

/// A name server on the loopback that first says what nobody asked.
async fn server() -> SocketAddr {
    let (datagrams, listener) = loop {
        let datagrams = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(listener) = TcpListener::bind(datagrams.local_addr().unwrap()).await {
            break (datagrams, listener);
        }
    };
    let at = datagrams.local_addr().unwrap();
    tokio::spawn(async move {
        let mut bytes = [0; 4096];
        while let Ok((length, from)) = datagrams.recv_from(&mut bytes).await {
            let answer = known(&bytes[..length], true);
            let mut forged = answer.clone();
            forged[1] ^= 1;
            for answer in [&b"nonsense"[..], &forged, &bytes[..length], &answer] {
                datagrams.send_to(answer, from).await.unwrap();
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = vec![0; stream.read_u16().await.unwrap().into()];
            stream.read_exact(&mut bytes).await.unwrap();
            let answer = known(&bytes, false);
            stream.write_u16(answer.len() as u16).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    });
    at
}

/// Closed: it refuses at once.
fn nobody() -> SocketAddr {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap()
}

fn forwarder(servers: Vec<SocketAddr>, allowed: &[&str], denied: &[&str]) -> (Forwarder, Arc<Policy>) {
    let subjects = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Subject>>();
    let rules = Rules::new(&subjects(allowed), &subjects(denied));
    let policy = Arc::new(Policy::new(vec!["10.7.0.1/24".parse().unwrap()], HostLoopback::Closed, rules));
    (Forwarder::new(servers, Arc::clone(&policy), Arc::default()), policy)
}

async fn asked(forwarder: &Forwarder, question: &[u8], transport: Transport) -> Message {
    let answer = forwarder.answer(GUEST, question, transport).await.unwrap();
    let message = Message::from_vec(&answer).unwrap();
    assert_eq!((message.metadata.id, message.metadata.message_type), (0x1234, MessageType::Response));
    message
}

#[tokio::test]
async fn questions_are_answered_and_what_answers_say_of_names_with_rules_is_remembered() {
    let servers = vec![nobody(), server().await];
    let (forwarder, policy) = forwarder(servers, &["www.example.org", "other.example.org"], &["all"]);
    let may = |last: u8| {
        policy.target(([203, 0, 113, last], 80).into(), |_| false, std::time::Instant::now()).is_ok()
    };
    assert!(!may(1));
    let answer = asked(&forwarder, &question("WWW.example.org.", RecordType::A), Transport::Datagram).await;
    assert_eq!((answer.answers.len(), answer.metadata.response_code), (3, ResponseCode::NoError));
    // The alias has no rule of its own; what nobody asked for is not believed.
    assert!(may(1) && !may(2));
    // Where all is denied, nothing is asked of a name that no rule allows.
    for (name, told) in
        [("other.example.org.", ResponseCode::NXDomain), ("nowhere.example.", ResponseCode::Refused)]
    {
        let answer = asked(&forwarder, &question(name, RecordType::A), Transport::Stream).await;
        assert_eq!(answer.metadata.response_code, told, "{name}");
    }
}

#[tokio::test]
async fn a_name_that_is_denied_is_refused_as_an_alias_too_and_closes_no_address() {
    let rules: [&[&str]; 2] = [&["www.example.org"], &["host.example.net", "*.example.com"]];
    let (forwarder, policy) = forwarder(vec![server().await], rules[0], rules[1]);
    for (name, kind) in [("www.example.org.", RecordType::A), ("a.Example.com.", RecordType::AAAA)] {
        let answer = asked(&forwarder, &question(name, kind), Transport::Datagram).await;
        assert_eq!((answer.metadata.response_code, answer.answers.len()), (ResponseCode::Refused, 0));
    }
    let (to, now) = (SocketAddr::from(([203, 0, 113, 1], 80)), std::time::Instant::now());
    assert_eq!(policy.target(to, |_| false, now), Ok(to));
    assert_eq!(forwarder.counters.of(Cause::NameDenied), 2);
}

#[tokio::test]
async fn an_answer_longer_than_is_welcome_is_read_whole() {
    let (forwarder, _) = forwarder(vec![server().await], &[], &[]);
    let question = question("huge.example.org.", RecordType::TXT);
    let cut = asked(&forwarder, &question, Transport::Datagram).await;
    assert!(cut.metadata.truncation && cut.metadata.response_code == ResponseCode::NoError);
    let whole = asked(&forwarder, &question, Transport::Stream).await;
    assert_eq!((whole.metadata.truncation, whole.answers.len()), (false, 30));
}

#[tokio::test]
async fn long_answers_come_whole_by_a_stream_and_say_so_in_a_datagram() {
    let (forwarder, _) = forwarder(vec![server().await], &[], &[]);
    for name in ["long.example.org.", "middling.example.org."] {
        let question = question(name, RecordType::TXT);
        let short = asked(&forwarder, &question, Transport::Datagram).await;
        assert!(short.metadata.truncation && short.answers.is_empty(), "{name}");
        let whole = asked(&forwarder, &question, Transport::Stream).await;
        assert!(!whole.metadata.truncation && whole.answers.len() >= 4, "{name}");
    }
}

#[tokio::test]
async fn without_a_server_the_answer_says_so_and_garbage_gets_none() {
    let (forwarder, _) = forwarder(vec![nobody()], &[], &[]);
    let good = question("example.org.", RecordType::A);
    let answer = asked(&forwarder, &good, Transport::Datagram).await;
    assert_eq!((answer.metadata.response_code, answer.queries.len()), (ResponseCode::ServFail, 1));
    assert_eq!(forwarder.counters.of(Cause::NoNameServer), 1);
    let mut response = good.clone();
    response[2] |= 0x80;
    let mut two = good.clone();
    two[5] = 2;
    let long = [good.clone(), vec![0; LONGEST_QUESTION]].concat();
    for garbage in [&b""[..], b"x", &good[..good.len() - 1], &response, &two, &long] {
        assert_eq!(forwarder.answer(GUEST, garbage, Transport::Datagram).await, None);
    }
    assert_eq!(forwarder.counters.of(Cause::Garbage), 6);
}
