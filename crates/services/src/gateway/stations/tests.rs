#![allow(clippy::disallowed_methods, reason = "any beginning will do")]

use super::*;

fn station(last: u8) -> Station {
    [2, 0, 0, 0, 0, last]
}

fn stations() -> Stations {
    let own = ["10.7.0.1/16", "fd07::1/64"].map(|own| own.parse().unwrap());
    Stations::new(own.to_vec(), Arc::default())
}

fn frame(from: u8, kind: u16, packet: &[u8]) -> Vec<u8> {
    [&[0xff; 6], &station(from)[..], &kind.to_be_bytes(), packet].concat()
}

/// An IPv4 packet from `source` that carries this.
fn v4(from: u8, source: [u8; 4], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let header = [0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0];
    frame(from, 0x0800, &[&header[..], &source, &[192, 0, 2, 1], payload].concat())
}

fn v6(from: u8, source: &str, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let source = source.parse::<std::net::Ipv6Addr>().unwrap().octets();
    frame(from, 0x86dd, &[&[0x60, 0, 0, 0, 0, 0, protocol, 255][..], &source, &[0xfd; 16], payload].concat())
}

fn arp(from: u8, hardware: u8, sender: [u8; 4]) -> Vec<u8> {
    let start = [0, 1, 8, 0, 6, 4, 0, 1];
    frame(from, 0x0806, &[&start[..], &station(hardware), &sender, &[0; 6], &[10, 7, 0, 1]].concat())
}

fn dhcp(from: u8, hardware: u8) -> Vec<u8> {
    let message = [&[1, 1, 6, 0][..], &[0; 24], &station(hardware), &[0; 10]].concat();
    v4(from, [0; 4], 17, &[&[0, 68, 0, 67, 0, 0, 0, 0][..], &message].concat())
}

#[test]
fn nobody_speaks_as_another_while_that_one_is_there() {
    let (stations, now) = (stations(), Instant::now());
    let after = |seconds| now + Duration::from_secs(seconds);
    assert!(stations.admits(&v4(2, [10, 7, 0, 2], 6, &[]), now));
    assert_eq!(stations.holder([10, 7, 0, 2].into()), Holder::Station(station(2)));
    for forged in [v4(3, [10, 7, 0, 2], 17, &[]), arp(3, 3, [10, 7, 0, 2])] {
        assert!(!stations.admits(&forged, after(59)));
    }
    assert_eq!(stations.counters.of(Cause::Stolen), 2);
    // Of what comes from elsewhere, or from nobody, nothing is learnt.
    for other in [v4(3, [192, 0, 2, 9], 1, &[]), arp(3, 3, [0; 4]), v4(3, [10, 7, 0, 1], 6, &[]), vec![1; 13]]
    {
        assert!(stations.admits(&other, now));
    }
    assert_eq!(stations.lock().addresses.len(), 1);
    // One that is silent for a minute is gone.
    assert!(stations.admits(&arp(3, 3, [10, 7, 0, 2]), after(60)));
    assert_eq!(stations.holder("::ffff:10.7.0.2".parse().unwrap()), Holder::Station(station(3)));
    assert_eq!(stations.holder([10, 7, 0, 9].into()), Holder::Link);
}

#[test]
fn what_begins_a_flow_comes_from_a_guests_network() {
    let (stations, now) = (stations(), Instant::now());
    for protocol in [6, 17, 132] {
        assert!(!stations.admits(&v4(2, [192, 0, 2, 9], protocol, &[]), now));
        assert!(!stations.admits(&v6(2, "2001:db8::9", protocol, &[]), now));
    }
    assert_eq!(stations.counters.of(Cause::Foreign), 6);
    // A router behind a guest may say what became of a packet, who has no address asks for one, and neighbours find each other.
    assert!(stations.admits(&v4(2, [192, 0, 2, 9], 1, &[3]), now));
    assert!(stations.admits(&v6(2, "2001:db8::9", 58, &[2]), now));
    assert!(stations.admits(&dhcp(2, 2), now) && stations.admits(&arp(2, 2, [192, 0, 2, 9]), now));
    assert!(stations.admits(&v6(2, "fe80::2", 0, &[]), now) && stations.admits(&v6(2, "::", 0, &[]), now));
    assert_eq!(stations.counters.of(Cause::Foreign), 6);
}

#[test]
fn who_has_a_lease_or_was_heard_for_a_while_has_settled() {
    let (stations, now) = (stations(), Instant::now());
    let after = |milliseconds| now + Duration::from_millis(milliseconds);
    let of = |last, milliseconds| stations.holder_standing([10, 7, 0, last].into(), after(milliseconds));
    assert_eq!(of(2, 0), (Holder::Link, Standing::New));
    assert!(stations.admits(&v4(2, [10, 7, 0, 2], 17, &[]), now));
    assert_eq!(of(2, 9_999), (Holder::Station(station(2)), Standing::New));
    assert_eq!(of(2, 10_000), (Holder::Station(station(2)), Standing::Settled));
    // By its other addresses, too.
    assert!(stations.admits(&v4(2, [10, 7, 0, 3], 17, &[]), after(10_001)));
    assert_eq!(of(3, 10_001).1, Standing::Settled);
    stations.lease([10, 7, 0, 4].into(), station(4), after(0), after(5_000));
    assert_eq!((of(4, 4_999).1, of(4, 5_000).1), (Standing::Settled, Standing::New));
}

#[test]
fn of_ipv6_who_advertises_an_address_speaks_for_it() {
    let (stations, now) = (stations(), Instant::now());
    let target = |last: u8| [&[136, 0, 0, 0, 0x60, 0, 0, 0, 0xfd, 7][..], &[0; 13], &[last]].concat();
    assert!(stations.admits(&v6(2, "fd07::2", 58, &target(2)), now));
    assert!(!stations.admits(&v6(3, "fd07::3", 58, &target(2)), now));
    assert!(!stations.admits(&v6(3, "fe80::3", 58, &target(2)), now));
    assert!(stations.admits(&v6(3, "fe80::3", 58, &target(3)), now));
    assert!(stations.admits(&v6(3, "fd07::3", 6, &[]), now));
    assert_eq!(stations.counters.of(Cause::Stolen), 2);
}

#[test]
fn a_leased_address_is_its_stations_for_as_long() {
    let (stations, now) = (stations(), Instant::now());
    let after = |seconds| now + Duration::from_secs(seconds);
    let address = IpAddr::from([10, 7, 0, 100]);
    // Whoever was there first without a lease has to go.
    assert!(stations.admits(&arp(3, 3, [10, 7, 0, 100]), now));
    stations.lease(address, station(2), now, after(3600));
    assert!(!stations.admits(&arp(3, 3, [10, 7, 0, 100]), after(3599)));
    assert!(stations.admits(&arp(2, 2, [10, 7, 0, 100]), after(100)));
    let used = |last, seconds| stations.is_used_by_another(address, station(last), after(seconds));
    assert!(used(3, 159) && !used(3, 160) && !used(2, 100));
    assert!(stations.admits(&arp(3, 3, [10, 7, 0, 100]), after(3600)));
    stations.lease(address, station(2), after(3600), after(7200));
    stations.release(address, station(3));
    assert!(!stations.admits(&arp(4, 4, [10, 7, 0, 100]), after(3601)));
    stations.release(address, station(2));
    assert!(stations.admits(&arp(4, 4, [10, 7, 0, 100]), after(3601)));
}

#[test]
fn a_hardware_address_that_is_said_is_the_senders() {
    let (stations, now) = (stations(), Instant::now());
    assert!(stations.admits(&dhcp(2, 2), now) && stations.admits(&arp(2, 2, [10, 7, 0, 2]), now));
    assert!(!stations.admits(&dhcp(2, 3), now) && !stations.admits(&arp(2, 3, [10, 7, 0, 4]), now));
    assert_eq!(stations.counters.of(Cause::Forged), 2);
}

#[test]
fn addresses_are_bounded_for_one_and_for_all() {
    let (stations, now) = (stations(), Instant::now());
    let after = |seconds| now + Duration::from_secs(seconds);
    for last in 0..MOST_EACH as u8 {
        assert!(stations.admits(&arp(2, 2, [10, 7, 1, last]), now));
    }
    assert!(!stations.admits(&arp(2, 2, [10, 7, 2, 0]), after(59)));
    assert_eq!(stations.counters.of(Cause::Addresses), 1);
    // Those that it does not use any more make room.
    assert!(stations.admits(&arp(2, 2, [10, 7, 2, 0]), after(60)));
    assert_eq!(stations.lock().addresses.len(), MOST_EACH);
    let mut admitted = 0;
    for number in 0..MOST + 100 {
        let [high, low] = (number as u16).to_be_bytes();
        let from = 10 + (number / MOST_EACH) as u8;
        admitted += usize::from(stations.admits(&arp(from, from, [10, 7, 100 + high, low]), after(60)));
    }
    // The old ones went.
    assert_eq!((admitted, stations.lock().addresses.len()), (MOST + 100, MOST));
    assert!(stations.admits(&arp(9, 9, [10, 7, 3, 0]), after(120)));
    let table = stations.lock();
    assert_eq!(table.addresses.len(), table.stations.values().map(|its| its.addresses.len()).sum::<usize>());
}

#[test]
fn who_invents_stations_displaces_what_it_invented() {
    let (stations, now) = (stations(), Instant::now());
    let after = |seconds| now + Duration::from_secs(seconds);
    // One with a lease, one with a flow, and one that has been there for a while.
    stations.lease([10, 7, 0, 100].into(), station(2), now, after(3600));
    assert!(stations.admits(&arp(3, 3, [10, 7, 0, 3]), after(50)));
    stations.engage([10, 7, 0, 3].into(), after(50));
    assert!(
        stations.admits(&arp(4, 4, [10, 7, 0, 4]), now)
            && stations.admits(&arp(4, 4, [10, 7, 0, 4]), after(50))
    );
    let invent = |number: usize, seconds| {
        let [high, low] = (number as u16).to_be_bytes();
        let mut frame = arp(9, 9, [10, 7, 16 + high, low]);
        for sender in [6, 22] {
            frame[sender + 1..sender + 6].copy_from_slice(&[9, 9, 9, high, low]);
        }
        stations.admits(&frame, after(seconds))
    };
    assert!((0..3 * MOST).all(|number| invent(number, 60)));
    let count = |stations: &Stations| {
        let table = stations.lock();
        (table.addresses.len(), table.stations.len())
    };
    assert_eq!(count(&stations), (MOST, MOST));
    for (address, own) in [([10, 7, 0, 100], 2), ([10, 7, 0, 3], 3), ([10, 7, 0, 4], 4)] {
        assert_eq!(stations.holder(address.into()), Holder::Station(station(own)));
    }
    // A newcomer is heard, and is spared once it has begun a flow.
    assert!(stations.admits(&arp(5, 5, [10, 7, 0, 5]), after(61)));
    stations.engage([10, 7, 0, 5].into(), after(61));
    assert!((0..2 * MOST).all(|number| invent(number, 62)));
    assert_eq!(stations.holder([10, 7, 0, 5].into()), Holder::Station(station(5)));
    // Where all are spared nobody is heard who was not there.
    let addresses: Vec<IpAddr> = stations.lock().addresses.keys().copied().collect();
    addresses.iter().for_each(|address| stations.engage(*address, after(63)));
    assert!(!invent(3 * MOST, 64));
    assert_eq!(stations.counters.of(Cause::Guests), 1);
}

#[test]
fn no_frame_of_any_length_stops_it() {
    let (stations, now) = (stations(), Instant::now());
    for good in [dhcp(2, 2), arp(2, 2, [10, 7, 0, 2]), v6(2, "fd07::2", 58, &[136; 24])] {
        for length in 0..good.len() {
            stations.admits(&good[..length], now);
        }
        for at in 12..good.len() {
            for byte in [0, 0x4f, 0xff] {
                let mut bad = good.clone();
                bad[at] = byte;
                stations.admits(&bad, now);
            }
        }
    }
}
