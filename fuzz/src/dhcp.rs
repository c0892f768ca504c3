//! Messages of DHCP: none panics, what was read is written the same, and a client says little because of one.

use ::dhcp::{Client, Kind, LONGEST, Message, option};
use basis::{Instant, Random};

const STATION: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// One message to a client, in every state of it.
pub fn run(bytes: &[u8]) {
    if let Some(message) = Message::read(bytes) {
        let written = message.write();
        if written.len() <= LONGEST {
            assert_eq!(Message::read(&written), Some(message), "what was read is written the same");
        }
    }
    let mut client = Client::new(Instant::ZERO, STATION, Random::new([1; 32]));
    let mut now = Instant::ZERO;
    for round in 0..6 {
        let mut last = None;
        for sent in 0.. {
            let Some(next) = client.poll_transmit(now) else { break };
            last = Some(Message::read(&next.bytes).expect("it says messages"));
            assert!(sent < 3, "more than is due");
        }
        // As if its number were known.
        if let Some(last) = last {
            let mut meant = bytes.to_vec();
            if let Some(place) = meant.get_mut(4..8) {
                place.copy_from_slice(&last.transaction.to_be_bytes());
            }
            client.on_message(now, &meant);
        }
        client.on_message(now, bytes);
        while client.poll_event().is_some() {}
        match round % 3 {
            0 => client.accept(),
            1 => client.decline(now),
            _ => {}
        }
        let Some(due) = client.poll_timeout() else { break };
        now = now.max(due);
    }
    client.release();
    while client.poll_transmit(now).is_some() {}
    assert_eq!(client.poll_timeout(), None);
}

/// What servers say, and what a client does.
pub fn seeds() -> Vec<Vec<u8>> {
    let said = |kind, is_reply| {
        let mut message = Message::new(kind, is_reply, 1, &STATION, 7);
        message.given = [10, 7, 0, 100].into();
        message.set(option::SERVER_IDENTIFIER, &[10, 7, 0, 1]);
        message.set(option::SUBNET_MASK, &[255, 255, 255, 0]);
        message.set(option::ROUTER, &[10, 7, 0, 1]);
        message.set(option::NAME_SERVER, &[10, 7, 0, 1, 10, 7, 0, 2]);
        message.set(option::LEASE_TIME, &[0, 0, 0, 60]);
        message.write()
    };
    vec![
        said(Kind::Offer, true),
        said(Kind::Ack, true),
        said(Kind::Nak, true),
        said(Kind::Discover, false),
        said(Kind::Request, false),
    ]
}
