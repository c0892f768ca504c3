use super::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Wake;

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn task() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (Arc::clone(&count), Waker::from(count))
}

fn wake(wakers: &mut Wakers, awaited: Awaited) -> usize {
    let mut woken = Vec::new();
    wakers.take(awaited, &mut woken);
    let number = woken.len();
    woken.into_iter().for_each(Waker::wake);
    number
}

const READ: Awaited = Awaited::Read(ConnectionId::from_bits(3));
const WRITE: Awaited = Awaited::Write(ConnectionId::from_bits(3));

#[test]
fn one_that_waits_again_is_woken_once_and_the_entry_goes() {
    let (mut wakers, (count, waker)) = (Wakers::default(), task());
    let place = Place::Shared(wakers.ticket());
    assert!(wakers.add(READ, place, &waker).is_none());
    assert!(wakers.add(READ, place, &waker.clone()).is_none());
    assert_eq!(wakers.len(), 1);
    assert_eq!(wake(&mut wakers, READ), 1);
    assert_eq!(wake(&mut wakers, READ), 0);
    assert_eq!((count.0.load(Ordering::Relaxed), wakers.len()), (1, 0));
}

#[test]
fn of_two_futures_of_one_task_one_may_give_up_and_the_other_is_still_woken() {
    for first_gives_up in [true, false] {
        let (mut wakers, (_, waker)) = (Wakers::default(), task());
        let tickets = [wakers.ticket(), wakers.ticket()];
        for ticket in tickets {
            wakers.add(READ, Place::Shared(ticket), &waker);
        }
        let [first, second] = tickets;
        let (gone, stays) = if first_gives_up { (first, second) } else { (second, first) };
        assert!(wakers.remove(READ, gone).is_some());
        assert!(wakers.remove(READ, gone).is_none());
        assert_eq!(wake(&mut wakers, READ), 1);
        assert!(wakers.remove(READ, stays).is_none());
        assert_eq!(wakers.len(), 0);
    }
}

#[test]
fn a_future_that_was_moved_to_another_task_wakes_only_that_one() {
    let (mut wakers, (old_count, old), (new_count, new)) = (Wakers::default(), task(), task());
    let (place, other) = (Place::Shared(wakers.ticket()), Place::Shared(wakers.ticket()));
    for beside in [false, true] {
        if beside {
            wakers.add(READ, other, &new);
        }
        wakers.add(READ, place, &old);
        assert!(wakers.add(READ, place, &new).is_some_and(|displaced| displaced.will_wake(&old)));
        assert_eq!(wake(&mut wakers, READ), if beside { 2 } else { 1 });
    }
    assert_eq!((old_count.0.load(Ordering::Relaxed), new_count.0.load(Ordering::Relaxed)), (0, 3));
}

#[test]
fn directions_and_sockets_do_not_wake_each_other() {
    let (mut wakers, (_, waker)) = (Wakers::default(), task());
    let place = Place::Shared(wakers.ticket());
    wakers.add(READ, place, &waker);
    assert_eq!(wake(&mut wakers, WRITE), 0);
    assert_eq!(wake(&mut wakers, Awaited::Read(ConnectionId::from_bits(4))), 0);
    assert_eq!(wake(&mut wakers, Awaited::Address), 0);
    assert_eq!(wake(&mut wakers, READ), 1);
}

#[test]
fn many_wait_and_each_takes_back_only_its_own() {
    let mut wakers = Wakers::default();
    let tasks: Vec<_> = (0..5).map(|_| task()).collect();
    let tickets: Vec<_> = tasks.iter().map(|_| wakers.ticket()).collect();
    for ((_, waker), ticket) in tasks.iter().zip(&tickets) {
        wakers.add(READ, Place::Shared(*ticket), waker);
    }
    assert!(wakers.remove(READ, tickets[1]).is_some_and(|removed| removed.will_wake(&tasks[1].1)));
    assert!(wakers.remove(READ, tickets[1]).is_none());
    let stranger = wakers.ticket();
    assert!(wakers.remove(READ, stranger).is_none());
    assert_eq!(wake(&mut wakers, READ), 4);
    let counts: Vec<_> = tasks.iter().map(|(count, _)| count.0.load(Ordering::Relaxed)).collect();
    assert_eq!(counts, [1, 0, 1, 1, 1]);
}

#[test]
fn the_last_one_that_gives_up_removes_the_entry() {
    let (mut wakers, (_, waker)) = (Wakers::default(), task());
    let (first, second) = (wakers.ticket(), wakers.ticket());
    wakers.add(READ, Place::Shared(first), &waker);
    wakers.add(READ, Place::Shared(second), &waker);
    assert!(wakers.remove(READ, first).is_some());
    assert_eq!(wakers.len(), 1);
    assert!(wakers.remove(READ, second).is_some());
    assert_eq!(wakers.len(), 0);
    wakers.add(READ, Place::Shared(first), &waker);
    assert!(wakers.remove(READ, first).is_some());
    assert_eq!(wakers.len(), 0);
}

#[test]
fn polling_from_many_tasks_keeps_the_newest_only() {
    let mut wakers = Wakers::default();
    let tasks: Vec<_> = (0..100).map(|_| task()).collect();
    for (_, waker) in &tasks {
        wakers.add(READ, Place::Polled, waker);
    }
    let ((_, shared), place) = (task(), Place::Shared(wakers.ticket()));
    wakers.add(READ, place, &shared);
    assert_eq!(wake(&mut wakers, READ), 2);
    assert_eq!(tasks.iter().map(|(count, _)| count.0.load(Ordering::Relaxed)).sum::<usize>(), 1);
    assert_eq!(tasks[99].0.0.load(Ordering::Relaxed), 1);
}

#[test]
fn a_displaced_waker_is_handed_out_not_dropped_inside() {
    let (mut wakers, (_, first), (_, second)) = (Wakers::default(), task(), task());
    assert!(wakers.add(READ, Place::Polled, &first).is_none());
    assert!(wakers.add(READ, Place::Polled, &first).is_none());
    assert!(wakers.add(READ, Place::Polled, &second).is_some_and(|displaced| displaced.will_wake(&first)));
}

#[test]
fn stopping_wakes_everybody() {
    let (mut wakers, (count, waker)) = (Wakers::default(), task());
    for n in 0..1000 {
        let place = Place::Shared(wakers.ticket());
        wakers.add(Awaited::Read(ConnectionId::from_bits(n)), place, &waker);
    }
    wakers.add(WRITE, Place::Polled, &waker);
    let place = Place::Shared(wakers.ticket());
    wakers.add(Awaited::Address, place, &waker);
    let mut woken = Vec::new();
    wakers.take_all(&mut woken);
    woken.into_iter().for_each(Waker::wake);
    assert_eq!((count.0.load(Ordering::Relaxed), wakers.len()), (1002, 0));
}
