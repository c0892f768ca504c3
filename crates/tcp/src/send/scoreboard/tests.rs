use super::*;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use proptest::prelude::*;

const MS: Duration = Duration::from_millis(1);

fn nothing() -> Delivered {
    Delivered::new(Instant::ZERO, None, 0, Duration::ZERO)
}

/// What a plain vector would know of each number.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Plain {
    fate: Fate,
    sent_at: u64,
}

/// One thing that happens: kind, place, length, time.
type Step = (u8, u32, u32, u64);

struct Model {
    base: Seq,
    oldest: u32,
    numbers: Vec<Plain>,
    board: Scoreboard,
    now: u64,
    delivered: u32,
}

impl Model {
    fn seq(&self, number: u32) -> Seq {
        self.base + number
    }

    fn next(&self) -> u32 {
        self.numbers.len() as u32
    }

    /// A range of what is under way, chosen by two arbitrary numbers.
    fn range(&self, place: u32, length: u32) -> (u32, u32) {
        let outstanding = self.next() - self.oldest;
        let left = self.oldest + place % outstanding.max(1);
        (left, (left + 1 + length % 5_000).min(self.next()))
    }

    fn step(&mut self, (kind, place, length, pause): Step) {
        self.now += pause;
        let now = Instant::from_millis(self.now);
        let base = self.base;
        let (left, right) = self.range(place, length);
        let oldest = self.seq(self.oldest);
        if kind < 3 || left >= right {
            let count = 1 + length % 3_000;
            self.numbers.extend(vec![Plain { fate: Fate::UnderWay, sent_at: self.now }; count as usize]);
            self.board.sent(base + self.next(), true, now);
            return;
        }
        let numbers = &mut self.numbers[left as usize..right as usize];
        match kind {
            3 => {
                let mut delivered = nothing();
                self.board.acknowledge(oldest, base + right, &mut delivered);
                let fresh = self.numbers[self.oldest as usize..right as usize]
                    .iter()
                    .filter(|plain| plain.fate != Fate::Selected)
                    .count() as u32;
                assert_eq!(delivered.bytes, fresh);
                self.delivered += delivered.bytes;
                self.oldest = right;
            }
            4 | 5 => {
                let mut delivered = nothing();
                self.board.select(oldest, base + left, base + right, &mut delivered);
                let fresh = numbers.iter().filter(|plain| plain.fate != Fate::Selected).count() as u32;
                assert_eq!((delivered.bytes, delivered.selected), (fresh, fresh));
                self.delivered += fresh;
                numbers.iter_mut().for_each(|plain| plain.fate = Fate::Selected);
            }
            6 => {
                self.board.lose(oldest, base + left, base + right);
                let under_way = numbers.iter_mut().filter(|plain| plain.fate == Fate::UnderWay);
                under_way.for_each(|plain| plain.fate = Fate::Lost);
            }
            7 => {
                if let Some((first, run)) = self.board.first_lost(oldest) {
                    let count = run.min(1 + length % 1_500);
                    self.board.repeat(oldest, first, first + count, now);
                    let first = first.since(base);
                    for plain in &mut self.numbers[first as usize..(first + count) as usize] {
                        assert_eq!(plain.fate, Fate::Lost);
                        *plain = Plain { fate: Fate::UnderWay, sent_at: self.now };
                    }
                }
            }
            8 => {
                self.board.forget_losses();
                let lost = self.numbers.iter_mut().filter(|plain| plain.fate == Fate::Lost);
                lost.for_each(|plain| plain.fate = Fate::UnderWay);
            }
            _ => {
                let latest = self.now.saturating_sub(length as u64 % 50);
                self.board.lose_sent_until(oldest, Instant::from_millis(latest));
                // Which neighbours count as the oldest is the board's business.
                self.copy_losses();
            }
        }
    }

    fn copy_losses(&mut self) {
        let mut left = self.oldest;
        for stretch in &self.board.stretches {
            let end = stretch.end.since(self.base);
            for plain in &mut self.numbers[left as usize..end as usize] {
                if stretch.fate == Fate::Lost {
                    assert_ne!(plain.fate, Fate::Selected);
                    plain.fate = Fate::Lost;
                }
            }
            left = end;
        }
    }

    fn check(&self) {
        let (mut left, mut lost, mut selected) = (self.oldest, 0, 0);
        let mut before: Option<&Stretch> = None;
        for stretch in &self.board.stretches {
            let end = stretch.end.since(self.base);
            assert!(end > left, "an empty stretch");
            for plain in &self.numbers[left as usize..end as usize] {
                assert_eq!(plain.fate, stretch.fate);
                if plain.fate == Fate::UnderWay {
                    assert!(stretch.sent_at >= Instant::from_millis(plain.sent_at), "sent later than noted");
                }
            }
            lost += if stretch.fate == Fate::Lost { end - left } else { 0 };
            selected += if stretch.fate == Fate::Selected { end - left } else { 0 };
            if stretch.fate == Fate::Selected {
                assert!(before.is_none_or(|before| before.fate != Fate::Selected), "neighbours not joined");
            }
            (left, before) = (end, Some(stretch));
        }
        assert_eq!(left, self.next(), "all that is under way is on the board");
        assert_eq!((self.board.lost(), self.board.selected()), (lost, selected));
    }
}

proptest! {
    /// Whatever is sent, acknowledged, selected, lost and repeated: the board says of each number what a plain vector says, no
    /// number is reported as delivered twice, and the sums that make the pipe are right.
    #[test]
    fn no_number_is_lost_or_invented(
        base: u32,
        steps in prop::collection::vec((0..10u8, any::<u32>(), any::<u32>(), 0..20u64), 1..120),
    ) {
        let mut model = Model {
            base: Seq(base), oldest: 0, numbers: Vec::new(), board: Scoreboard::default(), now: 0, delivered: 0,
        };
        for step in steps {
            model.step(step);
            model.check();
        }
        let mut rest = nothing();
        model.board.acknowledge(model.seq(model.oldest), model.seq(model.next()), &mut rest);
        prop_assert_eq!(model.delivered + rest.bytes, model.next());
        prop_assert!(model.board.stretches.is_empty());
    }
}

fn board(segments: u32) -> Scoreboard {
    let mut board = Scoreboard::default();
    for n in 1..=segments {
        board.sent(Seq(n * 1_000), true, Instant::from_millis(n as u64));
    }
    board
}

#[test]
fn what_was_sent_before_what_arrived_is_lost_when_its_time_is_over() {
    let mut board = board(5);
    let latest = (Instant::from_millis(3), Seq(3_000));
    board.select(Seq(0), Seq(2_000), Seq(3_000), &mut nothing());
    let now = Instant::from_millis(12);
    assert_eq!(board.lose_overtaken(Seq(0), latest, 11 * MS, now), Some(Instant::from_millis(13)));
    assert_eq!((board.first_lost(Seq(0)), board.lost()), (Some((Seq(0), 1_000)), 1_000));
    assert_eq!(board.lose_overtaken(Seq(0), latest, 11 * MS, Instant::from_millis(13)), None);
    assert_eq!(board.first_lost(Seq(0)), Some((Seq(0), 2_000)));
}

#[test]
fn a_repetition_is_lost_again_when_something_sent_after_it_has_arrived() {
    let mut board = board(5);
    board.select(Seq(0), Seq(1_000), Seq(3_000), &mut nothing());
    board.lose(Seq(0), Seq(0), Seq(1_000));
    board.repeat(Seq(0), Seq(0), Seq(1_000), Instant::from_millis(20));
    let earlier = (Instant::from_millis(5), Seq(5_000));
    assert_eq!(board.lose_overtaken(Seq(0), earlier, MS, Instant::from_millis(90)), None);
    assert_eq!(board.first_lost(Seq(0)), Some((Seq(3_000), 1_000)), "the repetition is not");
    let later = (Instant::from_millis(21), Seq(6_000));
    assert_eq!(board.lose_overtaken(Seq(0), later, MS, Instant::from_millis(90)), None);
    assert_eq!(board.first_lost(Seq(0)), Some((Seq(0), 1_000)));
}

#[test]
fn a_clock_that_stands_still_leaves_the_order_of_numbers() {
    let mut board = Scoreboard::default();
    board.sent(Seq(9_000), true, Instant::ZERO);
    board.select(Seq(0), Seq(4_000), Seq(5_000), &mut nothing());
    board.lose_overtaken(Seq(0), (Instant::ZERO, Seq(5_000)), Duration::ZERO, Instant::ZERO);
    assert_eq!((board.first_lost(Seq(0)), board.lost()), (Some((Seq(0), 4_000)), 4_000));
}

#[test]
fn its_bound_holds_at_its_edge() {
    let mut board = board(MAX_STRETCHES as u32 + 100);
    assert_eq!(board.stretches.len(), MAX_STRETCHES);
    let mut delivered = nothing();
    board.select(Seq(0), Seq(500), Seq(700), &mut delivered);
    assert_eq!((delivered.bytes, board.selected(), board.stretches.len()), (0, 0, MAX_STRETCHES));
    let end = Seq((MAX_STRETCHES as u32 + 100) * 1_000);
    board.select(Seq(0), Seq(1_000), end, &mut delivered);
    assert_eq!((board.selected(), board.stretches.len()), (end.0 - 1_000, 2));
    let mut full = super::tests::board(MAX_STRETCHES as u32);
    let end = Seq(MAX_STRETCHES as u32 * 1_000);
    full.select(Seq(0), end - 1_000, end, &mut nothing());
    full.sent(end + 1_000, true, Instant::from_millis(1 << 20));
    assert_eq!(
        (full.selected(), full.stretches.len()),
        (0, MAX_STRETCHES),
        "what was selected is taken back"
    );
}
