use super::*;

/// An Ethernet frame with IPv4 and TCP, from port 4000 to port 9528, that says "secret".
fn segment() -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend([0x08, 0x00, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 6, 0, 0, 10, 7, 0, 1, 10, 7, 0, 2]);
    frame.extend([0x0f, 0xa0, 0x25, 0x38]);
    frame.extend([0; 8]);
    frame.extend([0x50, 0x18, 0, 0, 0, 0, 0, 0]);
    frame.extend(b"secret");
    frame
}

async fn next(page: &mut mpsc::Receiver<Bytes>) -> String {
    loop {
        let bytes = tokio::time::timeout(Duration::from_secs(5), page.recv()).await.unwrap().unwrap();
        if !bytes.starts_with(b":") {
            return String::from_utf8(bytes.to_vec()).unwrap();
        }
    }
}

#[tokio::test]
async fn what_a_call_says_is_shown_to_its_own_page_alone() {
    let feed = Feed::new();
    let eye = feed.watch(1);
    assert!(!eye.is_watching());
    let (mut own, mut other) = (feed.subscribe("own".into(), ()), feed.subscribe("other".into(), ()));
    assert!(eye.is_watching());
    let revealed = feed.reveal(4000, "own");
    eye.packet(Direction::Outbound, &segment());
    let secret = "736563726574";
    let (seen, hidden) = (next(&mut own).await, next(&mut other).await);
    assert!(seen.starts_with("event: frame\ndata: {\"host\":1,\"out\":true,\"at\":"), "{seen}");
    assert!(seen.contains(secret) && seen.contains("\"length\":60"), "{seen}");
    assert!(!hidden.contains(secret) && hidden.contains("\"length\":60"), "{hidden}");
    assert!(hidden.contains("0fa02538"), "headers are shown to all: {hidden}");
    drop(revealed);
    eye.packet(Direction::Inbound, &segment());
    assert!(!next(&mut own).await.contains(secret));
}

#[tokio::test]
async fn a_page_that_is_too_slow_loses_frames_and_is_told() {
    let feed = Feed::new();
    let eye = feed.watch(0);
    let mut page = feed.subscribe("page".into(), ());
    // No await in between: the page's task cannot run, and the ring goes round.
    for _ in 0..RING + 300 {
        eye.packet(Direction::Outbound, &segment());
    }
    let event = next(&mut page).await;
    assert!(event.starts_with("event: lost\ndata: 300\n\nevent: frame\n"), "{event}");
}

#[tokio::test(start_paused = true)]
async fn a_page_gets_no_more_than_its_pace() {
    let feed = Feed::new();
    let eye = feed.watch(0);
    let mut page = feed.subscribe("page".into(), ());
    for _ in 0..PACE + 100 {
        eye.packet(Direction::Outbound, &segment());
    }
    for _ in 0..PACE {
        assert!(next(&mut page).await.starts_with("event: frame"));
    }
    let more = tokio::time::timeout(Duration::from_millis(100), page.recv()).await;
    assert!(more.is_err(), "{more:?}");
}

#[tokio::test]
async fn a_long_frame_is_cut_and_its_length_told() {
    let feed = Feed::new();
    let eye = feed.watch(0);
    let mut page = feed.subscribe("page".into(), ());
    let _revealed = feed.reveal(4000, "page");
    for longer in [0, 1] {
        let mut frame = segment();
        frame.resize(SHOWN + longer, 0xab);
        eye.packet(Direction::Outbound, &frame);
        let event = next(&mut page).await;
        let (_, bytes) = event.split_once("\"bytes\":\"").unwrap();
        assert_eq!(bytes.trim_end_matches("\"}\n\n").len(), 2 * SHOWN);
        assert!(event.contains(&format!("\"length\":{}", SHOWN + longer)), "{event}");
    }
}

#[tokio::test]
async fn nobody_looks_when_the_page_is_gone() {
    let feed = Feed::new();
    let eye = feed.watch(0);
    drop(feed.subscribe("page".into(), ()));
    for _ in 0..500 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if !eye.is_watching() {
            return;
        }
    }
    panic!("the feed of a page that is gone goes on");
}

#[test]
fn headers_are_found_and_nothing_hostile_is_believed() {
    assert_eq!(headers(&segment()), (54, Some((4000, 9528))));
    for length in 0..segment().len() {
        let cut = segment()[..length].to_vec();
        assert!(headers(&cut).0 <= 134);
    }
    let mut ipv6 = segment();
    ipv6[12..14].copy_from_slice(&[0x86, 0xdd]);
    assert_eq!(headers(&ipv6), (14, None));
    let mut udp = segment();
    udp[23] = 17;
    assert_eq!(headers(&udp), (42, None));
    assert_eq!(headers(&[0xff; 64]), (14, None));
}
