use super::*;
use crate::ethernet::MacAddress;
use crate::icmpv6;
use crate::test_support::{mutate, mutations};
use proptest::prelude::*;

const HERE: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);

fn unicast_address() -> impl Strategy<Value = Ipv6Addr> {
    any::<u128>().prop_map(|bits| Ipv6Addr::from_bits(bits >> 1))
}

fn message() -> impl Strategy<Value = Message> {
    let router = (any::<(u8, bool, bool, u16)>(), any::<(u32, u32)>()).prop_map(|(first, second)| {
        let (hop_limit, managed, other, lifetime) = first;
        let (reachable_time, retransmit_time) = second;
        Message::RouterAdvertisement(Router {
            hop_limit,
            managed,
            other,
            lifetime,
            reachable_time,
            retransmit_time,
        })
    });
    let advertisement = (unicast_address(), any::<(bool, bool, bool)>()).prop_map(
        |(target, (router, solicited, overriding))| Message::NeighbourAdvertisement {
            target,
            router,
            solicited,
            overriding,
        },
    );
    prop_oneof![
        Just(Message::RouterSolicitation),
        router,
        unicast_address().prop_map(|target| Message::NeighbourSolicitation { target }),
        advertisement,
        (unicast_address(), unicast_address())
            .prop_map(|(target, destination)| Message::Redirect { target, destination }),
    ]
}

fn options() -> impl Strategy<Value = Options> {
    let prefix =
        (any::<u128>(), 0..=128_u8, any::<(bool, bool, u32, u32)>()).prop_map(|(bits, length, rest)| {
            let (on_link, autonomous, valid, preferred) = rest;
            Prefix { address: Ipv6Addr::from_bits(bits), length, on_link, autonomous, valid, preferred }
        });
    let mac = || prop::option::of(any::<[u8; 6]>().prop_map(MacAddress));
    let servers =
        (any::<u32>(), prop::collection::vec(unicast_address(), 1..=4)).prop_map(|(lifetime, addresses)| {
            NameServers { lifetime, addresses: addresses.into_iter().collect() }
        });
    (
        (mac(), mac(), prop::option::of(any::<u32>()), prop::option::of(any::<[u8; 6]>())),
        prop::collection::vec(prefix, 0..=8),
        prop::option::of(servers),
    )
        .prop_map(|((source, target, mtu, nonce), prefixes, name_servers)| Options {
            source,
            target,
            mtu,
            nonce,
            prefixes: prefixes.into_iter().collect(),
            name_servers,
        })
}

proptest! {
    #[test]
    fn a_message_and_its_options_come_back(message in message(), options in options()) {
        let frame = message.to_frame(&options, HERE, crate::ipv6::ALL_NODES);
        let bytes = frame.to_vec();
        prop_assert_eq!(icmpv6::verify(HERE, crate::ipv6::ALL_NODES, [&bytes, &[]]), Ok(()));
        prop_assert_eq!(Message::parse(&bytes), Ok((message, options)));
    }

    #[test]
    fn no_bytes_panic(message in message(), options in options(), changes in mutations(), keep in 0..400_usize) {
        let mut bytes = message.to_frame(&options, HERE, HERE).to_vec();
        mutate(&mut bytes, &changes, keep);
        let _ = Message::parse(&bytes);
    }
}

#[test]
fn an_option_without_length_costs_the_message() {
    let message = Message::NeighbourSolicitation { target: HERE };
    let mut bytes = message.to_frame(&Options::from_source(MacAddress([2; 6])), HERE, HERE).to_vec();
    assert!(Message::parse(&bytes).is_ok());
    bytes[25] = 0;
    assert_eq!(Message::parse(&bytes), Err(Malformed::NdpOption));
    bytes[25] = 2;
    assert_eq!(Message::parse(&bytes), Err(Malformed::NdpOption));
    bytes[24..26].copy_from_slice(&[200, 1]);
    assert_eq!(Message::parse(&bytes), Ok((message, Options::default())), "skipped");
}

#[test]
fn a_target_that_is_a_group_and_other_codes_make_no_sense() {
    let mut bytes =
        Message::NeighbourSolicitation { target: HERE }.to_frame(&Options::default(), HERE, HERE).to_vec();
    assert_eq!(Message::parse(&bytes[..23]), Err(Malformed::NdpTooShort));
    bytes[8] = 0xff;
    assert_eq!(Message::parse(&bytes), Err(Malformed::NdpFormat));
    bytes[8] = 0xfe;
    bytes[1] = 1;
    assert_eq!(Message::parse(&bytes), Err(Malformed::NdpFormat));
}

#[test]
fn more_prefixes_and_name_servers_than_there_is_room_for_are_skipped() {
    use super::options::{MAXIMUM_NAME_SERVERS, MAXIMUM_PREFIXES, Options};
    for more in [0, 1] {
        let mut bytes = std::vec::Vec::new();
        for n in 0..MAXIMUM_PREFIXES + more {
            let mut option = [0; 32];
            option[..4].copy_from_slice(&[3, 4, 64, 0xc0]);
            option[16..18].copy_from_slice(&[0xfd, n as u8]);
            bytes.extend(option);
        }
        let servers = MAXIMUM_NAME_SERVERS + more;
        bytes.extend([25, 1 + 2 * servers as u8, 0, 0, 0, 0, 0, 9]);
        for n in 0..servers {
            let mut address = [0; 16];
            (address[0], address[15]) = (0xfd, n as u8);
            bytes.extend(address);
        }
        let options = Options::parse(&bytes).unwrap();
        assert_eq!(options.prefixes.len(), MAXIMUM_PREFIXES);
        assert_eq!(
            options.prefixes.last().map(|prefix| prefix.address.octets()[1]),
            Some(7),
            "the first ones stay"
        );
        let servers = options.name_servers.unwrap().addresses;
        assert_eq!(servers.last().map(|address| address.octets()[15]), Some(3), "the first ones stay");
    }
}
