use super::*;

const SIZES: SegmentSizes = SegmentSizes { floor: 536, base: 1024, most: 1460 };

/// Searches over a path that carries `path` bytes of payload, from `low` on: the sizes tried, and what is found.
fn search(low: u16, path: u16) -> (alloc::vec::Vec<u16>, u16) {
    let (mut search, mut low) = (PathSearch::new(SIZES, SIZES.most, Instant::ZERO), low);
    let mut tried = alloc::vec::Vec::new();
    while let Some(size) = search.candidate(low) {
        tried.push(size);
        if size <= path {
            (low, search.failures) = (size, 0);
        } else {
            search.on_lost(size, low, LEAST_PAUSE, Instant::ZERO);
        }
    }
    (tried, low)
}

#[test]
fn a_search_halves_what_is_left_up_to_the_whole() {
    assert_eq!(search(1024, 1460), ([1242, 1351, 1406, 1433, 1447, 1454, 1460].to_vec(), 1460));
}

#[test]
fn a_size_is_too_long_when_three_probes_were_lost() {
    let (tried, found) = search(1024, 1300);
    assert_eq!(tried[..6], [1242, 1351, 1351, 1351, 1296, 1323]);
    assert_eq!(found, 1296);
}

#[test]
fn when_all_was_tried_it_rests_for_ten_minutes() {
    let mut search = PathSearch::new(SIZES, 1030, Instant::ZERO);
    search.rest(1000, LEAST_PAUSE, Instant::ZERO);
    assert_eq!(search.due, Instant::ZERO + LEAST_PAUSE);
    search.rest(1024, LEAST_PAUSE, Instant::ZERO);
    assert_eq!(search.due, Instant::ZERO + RAISE_AFTER);
}

proptest::proptest! {
    #[test]
    fn whatever_the_path_carries_is_found_but_for_a_few_bytes(path in 1024..=1460u16) {
        let (tried, found) = search(1024, path);
        proptest::prop_assert!(found <= path && path - found < LEAST_GAIN);
        proptest::prop_assert!(tried.len() < 30);
    }
}
