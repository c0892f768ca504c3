use super::*;
use basis::Random;

fn host() -> Host {
    Host::new(UdpConfig::default(), Random::new([1; 32]).hash_key())
}

fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn the_narrower_binding_wins_and_broadcast_goes_to_the_wider() {
    let mut host = host();
    let exact = host.bind(at("10.0.0.1:7"), false).unwrap();
    let other = host.bind(at("10.0.0.2:7"), false).unwrap();
    let any = host.bind(at("0.0.0.0:8"), false).unwrap();
    let source = at("10.0.0.9:1");
    assert_eq!(host.find(source, at("10.0.0.1:7"), false), Some(exact));
    assert_eq!(host.find(source, at("10.0.0.2:7"), false), Some(other));
    assert_eq!(host.find(source, at("10.0.0.3:7"), false), None);
    assert_eq!(host.find(source, at("10.0.0.1:8"), false), Some(any));
    assert_eq!(host.find(source, at("10.0.0.255:8"), true), Some(any));
    assert_eq!(host.find(source, at("10.0.0.1:7"), true), None);
}

#[test]
fn an_event_is_told_once_and_not_after_the_socket_is_closed() {
    let mut host = host();
    let socket = host.bind(at("0.0.0.0:7"), false).unwrap();
    for _ in 0..3 {
        host.deliver(socket, at("10.0.0.9:1"), at("10.0.0.2:7"), &mut Frame::copy_of(b"x")).unwrap();
    }
    assert_eq!(host.poll_event(), Some((socket, UdpReadiness::READABLE)));
    assert_eq!(host.poll_event(), None);
    host.deliver(socket, at("10.0.0.9:1"), at("10.0.0.2:7"), &mut Frame::copy_of(b"x")).unwrap();
    host.close(socket);
    assert_eq!(host.poll_event(), None);
    assert!(host.ports.is_empty() && host.by_address.is_empty() && host.untold.is_empty());
    assert_eq!(
        host.deliver(socket, at("10.0.0.9:1"), at("10.0.0.2:7"), &mut Frame::new()),
        Err(Dropped::UdpNoSocket)
    );
}
