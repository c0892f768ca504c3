//! The first shard speaks for the host; what it learns reaches all.

use super::*;

#[test]
fn the_first_shard_speaks_for_the_host_and_the_others_only_listen() {
    let now = Instant::from_millis(1000);
    let mut site = Site::new(now, 2, SEED, OUR_HARDWARE, Probing::Skip);
    let _ = site.sent(now);
    site.on_frame(now, &arp_frame(Packet::request(PEER_HARDWARE, PEER, OURS)));
    let answers: Vec<usize> = site.sent(now).into_iter().map(|(shard, _)| shard).collect();
    assert_eq!(answers, [0]);
    // Somebody claims the address: one of them defends it.
    let rival = MacAddress([2, 0, 0, 0, 0, 77]);
    site.on_frame(now, &arp_frame(Packet::request(rival, OURS, PEER)));
    let defences: Vec<usize> = site.sent(now).into_iter().map(|(shard, _)| shard).collect();
    assert_eq!(defences, [0]);
    // Nothing ever becomes due at the other for addresses, routers or groups; it may ask for the neighbour that it has learnt.
    for seconds in 1..200 {
        let now = now + Duration::from_secs(seconds);
        site.shards[1].on_timeout(now);
        let spoken = site.shards[1].poll_transmit(now, site.id);
        assert!(spoken.is_none_or(|frame| is_question(&frame)));
    }
}

/// Whether a frame asks for the peer, and nothing else.
fn is_question(frame: &Frame) -> bool {
    open_arp(&frame.to_vec()).is_some_and(|(_, packet)| packet.target_protocol == PEER)
}

#[test]
fn a_neighbour_s_answer_reaches_every_shard_that_asked() {
    let now = Instant::from_millis(1000);
    let mut site = Site::new(now, 3, SEED, OUR_HARDWARE, Probing::Skip);
    let _ = site.sent(now);
    for shard in &mut site.shards {
        shard.tcp_connect(now, None, (PEER, 80).into(), SocketOptions::default()).unwrap();
    }
    let questions = site.sent(now);
    assert_eq!(questions.iter().map(|(shard, _)| *shard).collect::<Vec<_>>(), [0, 1, 2]);
    let answer = Packet::request(OUR_HARDWARE, OURS, PEER).reply(PEER_HARDWARE);
    site.on_frame(now, &arp_frame(answer));
    let segments = site.sent(now);
    assert_eq!(segments.iter().map(|(shard, _)| *shard).collect::<Vec<_>>(), [0, 1, 2]);
    for (shard, frame) in segments {
        assert_eq!(target(&site.steering, &frame), Target::Shard(shard));
    }
}

#[test]
fn an_address_is_used_by_all_shards_once_the_first_has_probed_for_it() {
    let mut now = Instant::from_millis(1000);
    let probing = Probing::Probe(ProbeTimes::RFC5227);
    let mut site = Site::new(now, 2, SEED, OUR_HARDWARE, probing);
    let begin = |site: &mut Site, now| {
        site.shards[1].tcp_connect(now, None, (PEER, 80).into(), SocketOptions::default())
    };
    assert_eq!(begin(&mut site, now), Err(ConnectError::AddressNotAvailable));
    let before = site.shards[0].surroundings_revision();
    while let Some(deadline) = site.shards[0].poll_timeout() {
        now = now.max(deadline);
        site.shards[0].on_timeout(now);
        let mut told = core::iter::from_fn(|| site.shards[0].poll_event());
        if told.any(|event| matches!(event, Event::Address { address: IpAddr::V4(_), .. }))
            && now.as_millis() > 3000
        {
            break;
        }
    }
    assert!(site.shards[0].surroundings_revision() > before);
    let stale = site.shards[1].surroundings();
    site.share(now);
    assert!(begin(&mut site, now).is_ok());
    // What is older changes nothing any more.
    site.shards[1].adopt(now, &stale);
    assert!(begin(&mut site, now).is_ok());
    let listens = |site: &mut Site| {
        site.shards[1].tcp_listen((OURS, 80).into(), 1, SocketOptions::default()).map(|_| ())
    };
    assert_eq!(listens(&mut site), Ok(()));
    // It goes as it came, and with the link what waits goes too.
    site.shards[0].set_link_state(now, site.id, false);
    site.share(now);
    assert!(!site.shards[1].interfaces().next().unwrap().up);
    site.shards[0].remove_address(OURS.into()).unwrap();
    site.share(now);
    let refused = site.shards[1].tcp_listen((OURS, 81).into(), 1, SocketOptions::default());
    assert_eq!(refused.map(|_| ()), Err(BindError::AddressNotAvailable));
}
