#![allow(clippy::disallowed_methods, reason = "any beginning will do")]

use super::{Action, Arc, Cause, Client, Duration, Instant, Ipv4Addr, Server, Settings, Stations, option};
use dhcproto::v4::{DhcpOption, Message, MessageType, OptionCode};
use dhcproto::{Decodable, Decoder, Encodable};

/// Bytes before the options.
const FIELDS: usize = 240;
use option::{END, PAD};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 7, 0, 1);

fn server() -> Server {
    Server::new(
        Settings {
            server: SERVER,
            prefix: 24,
            pool: Ipv4Addr::new(10, 7, 0, 100)..=Ipv4Addr::new(10, 7, 0, 101),
            name_server: Some(SERVER),
            mtu: 1400,
            lease: Duration::from_secs(3600),
        },
        Arc::new(Stations::new(vec!["10.7.0.1/24".parse().unwrap()], Arc::default())),
    )
}

fn said(kind: MessageType, station: u8, own: Ipv4Addr, more: Vec<DhcpOption>) -> Vec<u8> {
    let mut message = Message::new_with_id(
        77,
        own,
        Ipv4Addr::UNSPECIFIED,
        Ipv4Addr::UNSPECIFIED,
        Ipv4Addr::UNSPECIFIED,
        &[2, 0, 0, 0, 0, station],
    );
    message.opts_mut().insert(DhcpOption::MessageType(kind));
    more.into_iter().for_each(|option| drop(message.opts_mut().insert(option)));
    message.to_vec().unwrap()
}

fn told(action: Result<Option<Action>, Cause>) -> (MessageType, Ipv4Addr, Message, Ipv4Addr) {
    let Ok(Some(Action::Answer(answer))) = action else { panic!("no answer: {action:?}") };
    let message = Message::decode(&mut Decoder::new(&answer.bytes)).unwrap();
    (message.opts().msg_type().unwrap(), message.yiaddr(), message, answer.to)
}

const NONE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

#[test]
fn a_guest_gets_an_address_and_what_it_needs_to_use_it() {
    let (mut server, now) = (server(), Instant::now());
    let (kind, offered, _, to) = told(server.answer(&said(MessageType::Discover, 1, NONE, vec![]), now));
    assert_eq!((kind, offered, to), (MessageType::Offer, [10, 7, 0, 100].into(), Ipv4Addr::BROADCAST));
    let takes = vec![DhcpOption::ServerIdentifier(SERVER), DhcpOption::RequestedIpAddress(offered)];
    let (kind, given, message, _) = told(server.answer(&said(MessageType::Request, 1, NONE, takes), now));
    assert_eq!((kind, given, message.xid()), (MessageType::Ack, offered, 77));
    assert_eq!(message.chaddr(), [2, 0, 0, 0, 0, 1]);
    for option in [
        DhcpOption::ServerIdentifier(SERVER),
        DhcpOption::SubnetMask([255, 255, 255, 0].into()),
        DhcpOption::BroadcastAddr([10, 7, 0, 255].into()),
        DhcpOption::Router(vec![SERVER]),
        DhcpOption::DomainNameServer(vec![SERVER]),
        DhcpOption::InterfaceMtu(1400),
        DhcpOption::AddressLeaseTime(3600),
        DhcpOption::Renewal(1800),
        DhcpOption::Rebinding(3150),
    ] {
        assert_eq!(message.opts().get(OptionCode::from(&option)), Some(&option));
    }
    // It renews, and asks for its settings alone: the answers go to it.
    let (kind, given, _, to) = told(server.answer(&said(MessageType::Request, 1, offered, vec![]), now));
    assert_eq!((kind, given, to), (MessageType::Ack, offered, offered));
    let (kind, given, message, to) = told(server.answer(&said(MessageType::Inform, 1, offered, vec![]), now));
    assert_eq!((kind, given, to), (MessageType::Ack, NONE, offered));
    assert_eq!(message.opts().get(OptionCode::AddressLeaseTime), None);
}

#[test]
fn what_cannot_be_given_is_refused_and_others_offers_are_left_alone() {
    let (mut server, now) = (server(), Instant::now());
    told(server.answer(&said(MessageType::Discover, 1, NONE, vec![]), now));
    told(server.answer(&said(MessageType::Discover, 2, NONE, vec![]), now));
    assert_eq!(server.answer(&said(MessageType::Discover, 3, NONE, vec![]), now), Err(Cause::Leases));
    let wants = |last| vec![DhcpOption::RequestedIpAddress([10, 7, 0, last].into())];
    for (station, last) in [(1, 101), (3, 100), (1, 9)] {
        let (kind, _, _, to) =
            told(server.answer(&said(MessageType::Request, station, NONE, wants(last)), now));
        assert_eq!((kind, to), (MessageType::Nak, Ipv4Addr::BROADCAST), "{station} {last}");
    }
    let elsewhere = vec![DhcpOption::ServerIdentifier([10, 7, 0, 9].into())];
    assert_eq!(server.answer(&said(MessageType::Request, 2, NONE, elsewhere), now), Ok(None));
    // That made room, for who remembers an address from an earlier start, too.
    let (kind, ..) = told(server.answer(&said(MessageType::Request, 3, NONE, wants(101)), now));
    assert_eq!(kind, MessageType::Ack);
    // One that is given back or found to be taken.
    assert_eq!(server.answer(&said(MessageType::Release, 3, [10, 7, 0, 101].into(), vec![]), now), Ok(None));
    let (_, offered, ..) = told(server.answer(&said(MessageType::Discover, 4, NONE, vec![]), now));
    assert_eq!(offered, Ipv4Addr::from([10, 7, 0, 101]));
    assert_eq!(server.answer(&said(MessageType::Decline, 4, NONE, vec![]), now), Ok(None));
    assert_eq!(server.answer(&said(MessageType::Discover, 4, NONE, vec![]), now), Err(Cause::Leases));
    // Not from our link.
    assert_eq!(server.answer(&said(MessageType::Inform, 1, [192, 0, 2, 1].into(), vec![]), now), Ok(None));
}

#[test]
fn a_lease_is_its_stations_and_an_address_in_use_is_nobody_elses() {
    let (mut server, now) = (server(), Instant::now());
    let after = |seconds| now + Duration::from_secs(seconds);
    let arp = |from: u8, last: u8| {
        let station = [2, 0, 0, 0, 0, from];
        let packet = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &station, &[10, 7, 0, last], &[0; 10]].concat();
        [&[0xff; 6][..], &station, &[8, 6], &packet].concat()
    };
    let identifier = || vec![DhcpOption::ClientIdentifier(vec![7; 9])];
    let wants = |last| [identifier(), vec![DhcpOption::RequestedIpAddress([10, 7, 0, last].into())]].concat();
    let (kind, ..) = told(server.answer(&said(MessageType::Request, 1, NONE, wants(100)), now));
    assert_eq!(kind, MessageType::Ack);
    assert!(!server.stations.admits(&arp(2, 100), after(3599)), "another speaks as the holder");
    // Its name in another's mouth gives nothing back and gets nothing.
    let its = Ipv4Addr::from([10, 7, 0, 100]);
    assert_eq!(server.answer(&said(MessageType::Release, 2, its, identifier()), now), Ok(None));
    let (kind, ..) = told(server.answer(&said(MessageType::Request, 2, NONE, wants(100)), now));
    assert_eq!(kind, MessageType::Nak);
    // Who uses an address without asking keeps it as well.
    assert!(server.stations.admits(&arp(3, 101), now));
    let (kind, ..) = told(server.answer(&said(MessageType::Request, 2, NONE, wants(101)), after(30)));
    assert_eq!(kind, MessageType::Nak);
    assert_eq!(server.answer(&said(MessageType::Discover, 2, NONE, vec![]), after(30)), Err(Cause::Leases));
    // A lease that is over is given on when its holder does not answer.
    assert!(server.stations.admits(&arp(3, 101), after(3590)));
    let asked = server.answer(&said(MessageType::Discover, 2, NONE, vec![]), after(3600));
    assert_eq!(asked, Ok(Some(Action::Ask(its))));
    let (_, offered, ..) = told(server.answer(&said(MessageType::Discover, 2, NONE, vec![]), after(3603)));
    assert_eq!(offered, its);
}

#[test]
fn garbage_is_told_from_messages_whatever_its_lengths_say() {
    let (mut server, now) = (server(), Instant::now());
    let good = said(MessageType::Discover, 1, NONE, vec![DhcpOption::ClientIdentifier(vec![1; 200])]);
    for length in 0..good.len() {
        let _ = server.answer(&good[..length], now);
    }
    for at in 0..good.len() {
        for byte in [0, 17, 255] {
            let mut bad = good.clone();
            bad[at] = byte;
            let _ = server.answer(&bad, now);
        }
    }
    let mut long_hardware = good.clone();
    long_hardware[2] = 17;
    assert_eq!(server.answer(&long_hardware, now), Err(Cause::Garbage));
    assert_eq!(server.answer(&[1; 1473], now), Err(Cause::Garbage));
    assert_eq!(server.answer(&said(MessageType::Offer, 1, NONE, vec![]), now), Err(Cause::Garbage));
}

#[test]
fn no_option_of_any_code_and_length_stops_the_server() {
    let (mut server, now) = (server(), Instant::now());
    let good = said(MessageType::Discover, 1, NONE, vec![]);
    let fields = &good[..FIELDS];
    for code in 1..END {
        for length in 0..=9 {
            let option = [&[code, length][..], &vec![1; length.into()]].concat();
            // Before and after the one that counts, and cut off by the end of the datagram.
            for options in [
                [&option[..], &[53, 1, 1, END]].concat(),
                [&[53, 1, 1][..], &option, &[PAD, END]].concat(),
                [&[53, 1, 1, code, length + 1][..], &vec![1; length.into()]].concat(),
            ] {
                let _ = server.answer(&[fields, &options].concat(), now);
            }
        }
    }
    // What is not known here, or not as long as it must be, is as if it were not there.
    let odd = [fields, &[154, 1, 0, 54, 3, 10, 7, 0, 50, 5, 1, 1, 1, 1, 1, 53, 1, 1, END]].concat();
    let (kind, ..) = told(server.answer(&odd, now));
    assert_eq!(kind, MessageType::Offer);
}

/// Our own client and this server, message by message.
#[test]
fn our_client_gets_keeps_declines_and_gives_back_an_address() {
    let (mut server, now) = (server(), Instant::now());
    let mut client = dhcp::Client::new(basis::Instant::ZERO, [2, 0, 0, 0, 0, 9], basis::Random::new([1; 32]));
    let mut at = basis::Instant::ZERO;
    let mut exchange = |client: &mut dhcp::Client, at| {
        while let Some(sent) = client.poll_transmit(at) {
            if let Ok(Some(Action::Answer(answer))) = server.answer(&sent.bytes, now) {
                client.on_message(at, &answer.bytes);
            }
        }
        client.poll_event()
    };
    let Some(dhcp::Event::Given(lease)) = exchange(&mut client, at) else { panic!("no address") };
    assert_eq!((lease.address, lease.prefix), ([10, 7, 0, 100].into(), 24));
    assert_eq!((lease.router, &lease.name_servers[..]), (Some(SERVER), &[SERVER][..]));
    client.decline(at);
    assert_eq!(exchange(&mut client, at), None);
    at = client.poll_timeout().unwrap();
    let Some(dhcp::Event::Given(lease)) = exchange(&mut client, at) else { panic!("no other address") };
    assert_eq!(lease.address, Ipv4Addr::from([10, 7, 0, 101]));
    client.accept();
    at = client.poll_timeout().unwrap();
    let Some(dhcp::Event::Extended(longer)) = exchange(&mut client, at) else { panic!("no more time") };
    assert_eq!((longer.address, longer.renew_at), (lease.address, Some(at + Duration::from_secs(1800))));
    client.release();
    assert_eq!(exchange(&mut client, at), None);
    let its = Client { station: vec![2, 0, 0, 0, 0, 9], name: vec![1, 2, 0, 0, 0, 0, 9] };
    assert_eq!(server.leases.of(&its), None);
}
