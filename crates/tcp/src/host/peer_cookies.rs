//! What this host knows of peers that take in data on SYNs (RFC 7413 4.1.3): their cookies and segment sizes.

use crate::connection::syn_data::{Form, Lesson};
use alloc::collections::{BTreeMap, VecDeque};
use basis::Instant;
use core::net::IpAddr;
use core::time::Duration;
use wire::tcp::FastOpen;

/// Losses in a row after which SYNs to a peer carry nothing for a while, and the while, which doubles with each loss.
const PATIENCE: u8 = 2;
const PAUSE: Duration = Duration::from_secs(60);
const MOST_DOUBLINGS: u8 = 10;

/// A cookie is for one address of this host, from one of a peer.
pub(super) type Pair = (IpAddr, IpAddr);

/// The peers. Beyond a bound the one that was met first is forgotten.
#[derive(Clone, Debug, Default)]
pub(super) struct PeerCookies {
    peers: BTreeMap<Pair, Peer>,
    /// In the order in which they were met.
    order: VecDeque<Pair>,
}

#[derive(Clone, Copy, Debug)]
struct Peer {
    segment_size: Option<u16>,
    cookie: Option<FastOpen>,
    /// The last form in which a cookie was asked for in vain. After both, the usual one is used for good.
    unanswered: Option<Form>,
    losses: u8,
    lost_at: Instant,
}

/// What a SYN to a peer may carry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Terms {
    /// The cookie, or the question for one.
    pub(super) option: FastOpen,
    /// The peer's MSS option.
    pub(super) segment_size: Option<u16>,
}

impl PeerCookies {
    /// What a SYN may carry; `None` if nothing, for such SYNs were lost lately.
    pub(super) fn terms(&self, now: Instant, pair: Pair) -> Option<Terms> {
        let Some(peer) = self.peers.get(&pair) else {
            return Some(Terms { option: FastOpen::REQUEST, segment_size: None });
        };
        let pause = PAUSE.saturating_mul(1 << peer.losses.min(MOST_DOUBLINGS));
        if peer.losses >= PATIENCE && now.saturating_since(peer.lost_at) < pause {
            return None;
        }
        let experimental = peer.unanswered == Some(Form::Usual);
        let question = || {
            let mut question = FastOpen::REQUEST;
            question.experimental = experimental;
            question
        };
        let option = peer.cookie.unwrap_or_else(question);
        Some(Terms { option, segment_size: peer.segment_size })
    }

    /// Takes in what a SYN-ACK taught; at most `most` peers are remembered.
    pub(super) fn learn(&mut self, now: Instant, pair: Pair, lesson: &Lesson, most: usize) {
        if !self.peers.contains_key(&pair) {
            while self.peers.len() >= most.max(1)
                && let Some(first) = self.order.pop_front()
            {
                self.peers.remove(&first);
            }
            self.order.push_back(pair);
        }
        let peer = self.peers.entry(pair).or_insert(Peer {
            segment_size: None,
            cookie: None,
            unanswered: None,
            losses: 0,
            lost_at: now,
        });
        peer.segment_size = lesson.segment_size.or(peer.segment_size);
        peer.cookie = lesson.cookie.or(peer.cookie);
        peer.unanswered = peer.unanswered.max(lesson.unanswered);
        match lesson.lost {
            true => (peer.losses, peer.lost_at) = (peer.losses.saturating_add(1), now),
            false => peer.losses = 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LESSON: Lesson = Lesson { segment_size: Some(1_000), cookie: None, unanswered: None, lost: false };

    fn pair(number: u8) -> Pair {
        (IpAddr::from([192, 0, 2, 1]), IpAddr::from([198, 51, 100, number]))
    }

    #[test]
    fn a_cookie_is_asked_for_in_both_forms_and_then_in_the_usual_one() {
        let (mut peers, now) = (PeerCookies::default(), Instant::ZERO);
        let asks = |peers: &PeerCookies| peers.terms(now, pair(1)).unwrap().option.experimental;
        for (form, next) in [(Form::Usual, true), (Form::Experimental, false), (Form::Usual, false)] {
            peers.learn(now, pair(1), &Lesson { unanswered: Some(form), ..LESSON }, 9);
            assert_eq!(asks(&peers), next);
        }
        let cookie = FastOpen::new(&[1, 2, 3, 4], true);
        peers.learn(now, pair(1), &Lesson { cookie, ..LESSON }, 9);
        peers.learn(now, pair(1), &Lesson { segment_size: None, ..LESSON }, 9);
        let terms = peers.terms(now, pair(1)).unwrap();
        assert_eq!((Some(terms.option), terms.segment_size), (cookie, Some(1_000)));
    }

    #[test]
    fn losses_in_a_row_end_it_for_a_while() {
        let mut peers = PeerCookies::default();
        let lost = Lesson { lost: true, ..LESSON };
        let at = |seconds: u64| Instant::from_millis(1_000 * seconds);
        peers.learn(at(0), pair(1), &lost, 9);
        assert!(peers.terms(at(0), pair(1)).is_some());
        peers.learn(at(1), pair(1), &lost, 9);
        assert!(peers.terms(at(240), pair(1)).is_none());
        assert!(peers.terms(at(241), pair(1)).is_some());
        peers.learn(at(300), pair(1), &LESSON, 9);
        peers.learn(at(301), pair(1), &lost, 9);
        assert!(peers.terms(at(301), pair(1)).is_some());
    }

    #[test]
    fn peers_beyond_the_bound_take_the_place_of_those_met_first() {
        let (mut peers, now) = (PeerCookies::default(), Instant::ZERO);
        for number in 1..=4 {
            peers.learn(now, pair(number), &LESSON, 3);
        }
        assert_eq!((peers.peers.len(), peers.order.len()), (3, 3));
        assert!(!peers.peers.contains_key(&pair(1)) && peers.peers.contains_key(&pair(4)));
    }
}
