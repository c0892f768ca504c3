use super::*;
use proptest::prelude::*;

/// A hash for a place: many share a bucket, and some a tag, too.
fn hash(place: u32) -> u32 {
    (place % 7) << 29 | (place % 3)
}

/// As a keyed hash spreads them.
fn spread(place: u32) -> u32 {
    place.wrapping_mul(0x9e37_79b9).rotate_left(15).wrapping_mul(0x85eb_ca6b)
}

#[test]
fn a_group_and_a_line_lie_each_in_one_line_of_the_cache() {
    assert_eq!((size_of::<Group>(), align_of::<Group>()), (16, 16));
    assert_eq!((size_of::<Line>(), align_of::<Line>()), (64, 64));
}

#[test]
fn what_came_and_went_leaves_no_trace() {
    let mut table = Places::new();
    (0..1_600).for_each(|place| table.insert(spread(place), place, &spread));
    let passed = |table: &Places| table.groups.iter().any(|group| group.is_passed());
    let buckets = table.groups.len();
    assert!(passed(&table));
    for place in 1_600..100_000 {
        assert!(table.remove(spread(place - 1_600), place - 1_600));
        table.insert(spread(place), place, &spread);
    }
    assert_eq!(table.groups.len(), buckets);
    assert!((98_400..100_000).all(|place| table.remove(spread(place), place)));
    assert!(table.groups.iter().all(|group| group.0 == Group::EMPTY.0));
}

#[test]
fn a_look_at_another_place_is_rare() {
    let (mut table, mut looked) = (Places::new(), core::cell::Cell::new(0));
    (0..10_000).for_each(|place| table.insert(spread(place), place, &spread));
    for place in 0..10_000 {
        let same = |other: u32| {
            looked.set(looked.get() + u32::from(other != place));
            other == place
        };
        assert_eq!(table.find(spread(place), same), Some(place));
    }
    // One in 128 of those in the bucket has the same tag by chance, and it holds thirteen at most.
    assert!(*looked.get_mut() < 2_000, "{looked:?}");
}

/// All belong to one of two buckets, and have the same tag.
fn half(place: u32) -> u32 {
    place << 31
}

#[test]
fn a_search_ends_where_something_has_passed_every_bucket() {
    let mut table = Places::new();
    // The even ones belong to the first bucket of two, the odd ones to the second; each in turn has one too many.
    (0..32).step_by(2).for_each(|place| table.insert(half(place), place, &half));
    assert!((0..20).step_by(2).all(|place| table.remove(half(place), place)));
    (1..31).step_by(2).for_each(|place| table.insert(half(place), place, &half));
    assert!(table.groups.len() == 2 && table.groups.iter().all(|group| group.is_passed()));
    assert_eq!([0, 1].map(|other| table.find(half(other), |place| place == 100)), [None, None]);
}

#[test]
fn what_more_have_passed_than_can_be_counted_counts_as_passed_for_ever() {
    let mut table = Places::new();
    (0..400).for_each(|place| table.insert(0, place, &|_| 0));
    assert_eq!(table.groups[0].0[PASSED], u8::MAX);
    assert!((0..399).all(|place| table.remove(0, place)));
    assert!(table.groups[0].is_passed());
    assert_eq!(table.find(0, |place| place == 399), Some(399));
}

#[test]
fn what_moves_to_another_table_is_there_and_nothing_else() {
    let (mut table, mut other) = (Places::new(), Places::new());
    (0..1_600).for_each(|place| table.insert(spread(place), place, &spread));
    table.move_to(&mut other, |place| place % 3 == 0, &spread);
    for place in 0..1_600 {
        let [here, there] = [&table, &other].map(|table| table.find(spread(place), |found| found == place));
        assert_eq!((here.is_some(), there.is_some()), (place % 3 != 0, place % 3 == 0));
    }
    assert_eq!((table.len(), other.len()), (1_066, 534));
    assert!((0..1_600).filter(|place| place % 3 != 0).all(|place| table.remove(spread(place), place)));
    assert!(table.groups.iter().all(|group| group.0 == Group::EMPTY.0));
}

proptest! {
    #[test]
    fn it_holds_what_was_put_in_and_not_taken_out(steps in prop::collection::vec((0..4u8, 0..200u32), 1..400)) {
        let (mut table, mut plain) = (Places::new(), Vec::<u32>::new());
        for (step, place) in steps {
            let known = plain.iter().position(|other| *other == place);
            match (step, known) {
                (0, Some(known)) => {
                    prop_assert!(table.remove(hash(place), place));
                    plain.swap_remove(known);
                }
                // Another number of the same hash.
                (1, Some(known)) if !plain.contains(&(place + 210)) => {
                    prop_assert!(table.replace(hash(place), place, place + 210));
                    plain[known] = place + 210;
                }
                (_, None) => {
                    table.insert(hash(place), place, &hash);
                    plain.push(place);
                }
                _ => prop_assert!(!table.remove(hash(place), place + 1_000_000)),
            }
            prop_assert_eq!(table.len, plain.len());
        }
        for place in 0..500 {
            let found = table.find(hash(place), |other| other == place);
            prop_assert_eq!(found, plain.contains(&place).then_some(place));
        }
    }
}
