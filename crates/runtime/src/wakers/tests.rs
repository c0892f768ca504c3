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
fn a_task_that_waits_twice_is_woken_once_and_the_entry_goes() {
    let (mut wakers, (count, waker)) = (Wakers::default(), task());
    wakers.add(READ, Place::Shared, &waker);
    wakers.add(READ, Place::Shared, &waker.clone());
    assert_eq!(wakers.len(), 1);
    assert_eq!(wake(&mut wakers, READ), 1);
    assert_eq!(wake(&mut wakers, READ), 0);
    assert_eq!((count.0.load(Ordering::Relaxed), wakers.len()), (1, 0));
}

#[test]
fn directions_and_sockets_do_not_wake_each_other() {
    let (mut wakers, (_, waker)) = (Wakers::default(), task());
    wakers.add(READ, Place::Shared, &waker);
    assert_eq!(wake(&mut wakers, WRITE), 0);
    assert_eq!(wake(&mut wakers, Awaited::Read(ConnectionId::from_bits(4))), 0);
    assert_eq!(wake(&mut wakers, Awaited::Address), 0);
    assert_eq!(wake(&mut wakers, READ), 1);
}

#[test]
fn many_wait_and_each_takes_back_only_its_own() {
    let mut wakers = Wakers::default();
    let tasks: Vec<_> = (0..5).map(|_| task()).collect();
    for (_, waker) in &tasks {
        wakers.add(READ, Place::Shared, waker);
    }
    assert!(wakers.remove(READ, &tasks[1].1).is_some());
    assert!(wakers.remove(READ, &tasks[1].1).is_none());
    assert!(wakers.remove(READ, &task().1).is_none());
    assert_eq!(wake(&mut wakers, READ), 4);
    let counts: Vec<_> = tasks.iter().map(|(count, _)| count.0.load(Ordering::Relaxed)).collect();
    assert_eq!(counts, [1, 0, 1, 1, 1]);
}

#[test]
fn the_last_one_that_gives_up_removes_the_entry() {
    let (mut wakers, (_, first), (_, second)) = (Wakers::default(), task(), task());
    wakers.add(READ, Place::Shared, &first);
    wakers.add(READ, Place::Shared, &second);
    assert!(wakers.remove(READ, &first).is_some());
    assert_eq!(wakers.len(), 1);
    assert!(wakers.remove(READ, &second).is_some());
    assert_eq!(wakers.len(), 0);
    wakers.add(READ, Place::Shared, &first);
    assert!(wakers.remove(READ, &first).is_some());
    assert_eq!(wakers.len(), 0);
}

#[test]
fn polling_from_many_tasks_keeps_the_newest_only() {
    let mut wakers = Wakers::default();
    let tasks: Vec<_> = (0..100).map(|_| task()).collect();
    for (_, waker) in &tasks {
        wakers.add(READ, Place::Polled, waker);
    }
    let (_, shared) = task();
    wakers.add(READ, Place::Shared, &shared);
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
        wakers.add(Awaited::Read(ConnectionId::from_bits(n)), Place::Shared, &waker);
    }
    wakers.add(WRITE, Place::Polled, &waker);
    wakers.add(Awaited::Address, Place::Shared, &waker);
    let mut woken = Vec::new();
    wakers.take_all(&mut woken);
    woken.into_iter().for_each(Waker::wake);
    assert_eq!((count.0.load(Ordering::Relaxed), wakers.len()), (1002, 0));
}
