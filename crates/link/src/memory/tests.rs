use super::*;
use basis::Checksum;

const NOW: Instant = Instant::ZERO;

fn cable(bound: usize) -> (MemoryLink, MemoryLink) {
    pair(1500, bound, MacAddress([2, 0, 0, 0, 0, 1]), MacAddress([2, 0, 0, 0, 0, 2]))
}

fn frames(count: usize) -> VecDeque<Frame> {
    (0..count).map(|n| Frame::copy_of(&[n as u8; 20])).collect()
}

fn take(link: &mut MemoryLink, most: usize) -> (Vec<Vec<u8>>, bool) {
    let mut arrived = VecDeque::new();
    let more = link.receive(NOW, &mut arrived, most).unwrap();
    (arrived.iter().map(Frame::to_vec).collect(), more)
}

#[test]
fn frames_cross_in_order_both_ways() {
    let (mut a, mut b) = cable(8);
    assert!(a.transmit(NOW, &mut frames(3)).unwrap());
    assert!(b.transmit(NOW, &mut frames(1)).unwrap());
    assert_eq!(take(&mut b, 2), (vec![vec![0; 20], vec![1; 20]], true));
    assert_eq!(take(&mut b, 2), (vec![vec![2; 20]], false));
    assert_eq!(take(&mut a, 2), (vec![vec![0; 20]], false));
}

#[test]
fn a_full_queue_takes_exactly_its_bound() {
    let (mut a, mut b) = cable(4);
    let mut waiting = frames(6);
    assert!(!a.transmit(NOW, &mut waiting).unwrap());
    assert_eq!(waiting.len(), 2);
    assert_eq!(take(&mut b, 9).0.len(), 4);
    assert!(a.transmit(NOW, &mut waiting).unwrap());
    assert_eq!(take(&mut b, 9).0, [vec![4; 20], vec![5; 20]]);
}

#[test]
fn a_frame_longer_than_the_mtu_is_lost() {
    let (mut a, mut b) = cable(4);
    let mut waiting = VecDeque::from([Frame::copy_of(&[1; 1514]), Frame::copy_of(&[2; 1515])]);
    assert!(a.transmit(NOW, &mut waiting).unwrap());
    assert_eq!((take(&mut b, 9).0.len(), a.lost()), (1, 1));
}

#[test]
fn an_unplugged_cable_loses_frames_and_never_fills() {
    let (mut a, b) = cable(2);
    drop(b);
    assert!(a.transmit(NOW, &mut frames(5)).unwrap());
    assert_eq!(a.lost(), 5);
    assert_eq!(take(&mut a, 1), (vec![], false));
}

#[test]
fn offload_hands_super_segments_over_whole_and_vouched_for() {
    let (a, mut b) = cable(4);
    let mut a = a.with_offload(true);
    assert!(a.capabilities().segmentation && a.capabilities().checksums);
    let mut frame = Frame::copy_of(&[7; 9000]);
    (frame.segment_size, frame.checksum) = (1460, Checksum::Deferred);
    let damaged_on_purpose = Frame::copy_of(&[8; 100]);
    a.transmit(NOW, &mut VecDeque::from([frame, damaged_on_purpose])).unwrap();
    let mut arrived = VecDeque::new();
    b.receive(NOW, &mut arrived, 9).unwrap();
    assert_eq!(
        (arrived[0].len(), arrived[0].segment_size, arrived[0].checksum),
        (9000, 1460, Checksum::Verified)
    );
    assert_eq!(arrived[1].checksum, Checksum::Complete);
}

#[cfg(unix)]
mod readiness {
    use super::*;
    use crate::testing::readable;

    #[test]
    fn the_source_is_readable_exactly_while_frames_wait_unseen() {
        let (mut a, mut b) = cable(8);
        a.transmit(NOW, &mut frames(1)).unwrap();
        // Watched only after the frame was sent: it must not be missed.
        let source = b.source().unwrap();
        assert!(readable(source));
        take(&mut b, 9);
        assert!(!readable(source));
        a.transmit(NOW, &mut frames(2)).unwrap();
        a.transmit(NOW, &mut frames(2)).unwrap();
        assert!(readable(source));
        assert_eq!(take(&mut b, 9).0.len(), 4);
        assert!(!readable(source));
        assert_eq!(b.poll_timeout(), None);
    }

    #[test]
    fn a_sender_that_found_the_queue_full_is_woken_when_half_of_it_is_free() {
        let (mut a, mut b) = cable(4);
        let source = a.source().unwrap();
        assert!(!a.transmit(NOW, &mut frames(5)).unwrap());
        assert!(!readable(source));
        take(&mut b, 1);
        assert!(!readable(source));
        take(&mut b, 1);
        assert!(readable(source));
    }

    #[test]
    fn a_sender_that_looks_for_frames_meanwhile_is_woken_all_the_same() {
        for goes in [false, true] {
            let (mut here, mut there) = cable(2);
            let source = here.source().unwrap();
            assert!(!here.transmit(NOW, &mut frames(3)).unwrap());
            take(&mut here, 1);
            assert!(!readable(source));
            if goes {
                drop(there);
            } else {
                take(&mut there, 2);
            }
            take(&mut here, 1);
            take(&mut here, 1);
            assert!(readable(source));
            assert!(here.transmit(NOW, &mut frames(1)).unwrap());
            take(&mut here, 1);
            assert!(!readable(source));
        }
    }

    #[test]
    fn a_sender_that_waits_is_woken_when_the_other_end_goes() {
        let (mut a, b) = cable(1);
        let source = a.source().unwrap();
        assert!(!a.transmit(NOW, &mut frames(2)).unwrap());
        drop(b);
        assert!(readable(source));
    }

    #[test]
    fn two_threads_that_sleep_on_their_sources_lose_no_wake_up() {
        let (mut a, mut b) = cable(16);
        let source = b.source().unwrap();
        let reader = std::thread::spawn(move || {
            let mut count = 0;
            while count < 20_000 {
                crate::testing::wait_readable(source);
                let (got, _) = take(&mut b, usize::MAX);
                count += got.len();
            }
        });
        let source = a.source().unwrap();
        let mut left = 20_000;
        while left > 0 {
            let mut waiting = frames(7.min(left));
            left -= waiting.len();
            while !a.transmit(NOW, &mut waiting).unwrap() {
                crate::testing::wait_readable(source);
                take(&mut a, 1);
            }
        }
        reader.join().unwrap();
    }
}
