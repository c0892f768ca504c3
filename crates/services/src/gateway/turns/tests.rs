use super::*;
use Standing::{New, Settled};

fn guest(number: u8) -> Holder {
    Holder::Station([2, 0, 0, 0, 0, number])
}

/// One of many that somebody invents.
fn invented(number: usize) -> Holder {
    let [.., a, b, c] = number.to_be_bytes();
    Holder::Station([6, 0, 0, a, b, c])
}

fn takes<T>(turns: &mut Turns<T>, holder: Holder, carries: usize, thing: T) -> bool {
    turns.push(holder, Settled, carries, thing).is_empty()
}

fn is_consistent<T>(turns: &Turns<T>) -> bool {
    let bytes: usize = turns.rows.values().map(|row| row.bytes).sum();
    let ordered = turns.orders.iter().map(BTreeMap::len).sum::<usize>();
    bytes == turns.bytes && ordered == turns.rows.len() && turns.sizes.len() == ordered
}

#[test]
fn each_guest_has_its_turn_whatever_another_sends() {
    let mut turns = Turns::default();
    for number in 0..100 {
        assert!(takes(&mut turns, guest(1), 10, (1, number)));
    }
    assert!(takes(&mut turns, guest(2), 10, (2, 0)) && takes(&mut turns, Holder::Link, 10, (3, 0)));
    assert!(takes(&mut turns, guest(2), 10, (2, 1)));
    let order: Vec<_> = std::iter::from_fn(|| turns.pop()).collect();
    assert_eq!(order[..6], [(1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (1, 2)]);
    assert_eq!(order[6..], (3..100).map(|number| (1, number)).collect::<Vec<_>>());
    assert!(turns.is_empty() && turns.bytes == 0 && is_consistent(&turns));
}

#[test]
fn what_waits_of_one_guest_and_of_all_is_bounded() {
    let mut turns = Turns::default();
    let each = MOST_EACH / COST;
    assert_eq!((0..2 * each).filter(|_| takes(&mut turns, guest(1), 0, ())).count(), each);
    assert!(takes(&mut turns, guest(2), MOST_EACH - COST, ()) && !takes(&mut turns, guest(2), 0, ()));
    assert!(!takes(&mut turns, guest(3), MOST_EACH - COST + 1, ()));
    // What has left makes room.
    turns.pop();
    assert!(takes(&mut turns, guest(1), 0, ()) && !takes(&mut turns, guest(1), 0, ()));
    let filled = (3..=255).filter(|number| takes(&mut turns, guest(*number), MOST_EACH - COST, ())).count();
    assert_eq!(filled, MOST / MOST_EACH - 2);
    assert_eq!(turns.bytes, MOST);
}

#[test]
fn whoever_has_less_takes_the_place_of_who_has_the_most() {
    let mut turns = Turns::default();
    let each = MOST_EACH / COST;
    for number in 0..MOST / MOST_EACH {
        for thing in 0..each {
            assert!(takes(&mut turns, invented(number), 0, (invented(number), thing)));
        }
    }
    // Those who have as much as any lose what is new; who has nothing comes to as much as the others have left, and they lose their youngest.
    assert_eq!(turns.push(invented(0), Settled, 0, (invented(0), each)), [(invented(0), each)]);
    let mut came = 0;
    loop {
        let lost = turns.push(guest(1), Settled, 0, (guest(1), came));
        let [(holder, thing)] = lost[..] else { panic!("{lost:?}") };
        if holder == guest(1) {
            break;
        }
        assert!(thing >= each - 1 - came / 32, "{came}: {thing}");
        came += 1;
    }
    assert_eq!(came, MOST / COST / 33);
    assert!(is_consistent(&turns) && turns.bytes == MOST);
    // One that is long takes the places of several.
    let lost = turns.push(guest(2), Settled, 10 * COST, (guest(2), 0));
    assert_eq!(lost.len(), 11);
    assert!(is_consistent(&turns) && turns.bytes == MOST);
}

#[test]
fn stations_that_were_just_invented_take_neither_room_nor_turns_from_who_has_been_there() {
    let mut turns = Turns::default();
    // As many as there is room for, with the least that there can be.
    let many = MOST / COST;
    for number in 0..many {
        assert!(turns.push(invented(number), New, 0, invented(number)).is_empty());
    }
    assert_eq!(turns.push(invented(many), New, 0, invented(many)), [invented(many)]);
    for _ in 0..9 {
        assert_ne!(turns.push(guest(1), Settled, 0, guest(1)), [guest(1)]);
    }
    // Nobody who is new displaces it, however little that one has.
    assert_eq!(turns.push(invented(many), New, 0, invented(many)), [invented(many)]);
    let order: Vec<_> = std::iter::from_fn(|| turns.pop()).collect();
    let its: Vec<_> = (0..order.len()).filter(|place| order[*place] == guest(1)).collect();
    assert_eq!(its, [0, 2, 4, 6, 8, 10, 12, 14, 16]);
    assert!(turns.is_empty() && is_consistent(&turns));
}

#[test]
fn who_has_settled_keeps_what_waited_before() {
    let mut turns = Turns::default();
    turns.push(guest(1), New, 0, 1);
    turns.push(guest(2), New, 0, 2);
    turns.push(guest(2), Settled, 0, 3);
    turns.push(guest(2), New, 0, 4);
    assert!(is_consistent(&turns));
    let order: Vec<_> = std::iter::from_fn(|| turns.pop()).collect();
    assert_eq!(order, [2, 1, 3, 4]);
}
