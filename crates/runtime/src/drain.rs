//! The end of a host: what was written is delivered first.

use crate::state::{Core, Shared};
use stack::Stack;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tcp::State;

/// How long a host without handles goes on delivering.
pub(crate) const LINGER: Duration = Duration::from_secs(60);
/// Time that peers get to close their side once everything of ours has been delivered, so that they do not send their FINs to
/// a host that is no more.
const PEERS: Duration = Duration::from_millis(500);
/// How often the connections are looked at. They are walked, which is fine at the end and nowhere else.
const CHECK: Duration = Duration::from_millis(5);

/// Whether everything is delivered, and nobody's FIN is waited for.
pub(crate) fn is_over(stack: &Stack) -> bool {
    let waits = |state| matches!(state, State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck);
    is_delivered(stack) && !stack.tcp().connections().any(|connection| waits(connection.state))
}

/// Whether all that was written has been acknowledged, and every FIN that was sent.
fn is_delivered(stack: &Stack) -> bool {
    stack.tcp().undelivered() == 0
}

fn look(core: &Core) -> (bool, bool, bool) {
    // Without a link nothing more is delivered.
    (is_over(&core.stack), is_delivered(&core.stack), core.stopped || core.severed.is_some())
}

/// Waits until everything of all shards is delivered, for up to `patience`; whether it is.
pub(crate) fn wait(shards: &[Arc<Shared>], patience: Duration) -> bool {
    let start = Instant::now();
    let mut delivered_at = None;
    loop {
        let (over, delivered, stopped) = shards
            .iter()
            .map(|shard| look(&shard.lock()))
            .fold((true, true, false), |all, one| (all.0 && one.0, all.1 && one.1, all.2 || one.2));
        let now = Instant::now();
        if delivered {
            delivered_at.get_or_insert(now);
        } else {
            delivered_at = None;
        }
        let peers_are_late = delivered_at.is_some_and(|at| now.duration_since(at) >= PEERS);
        if over || stopped || peers_are_late || now.duration_since(start) >= patience {
            return delivered;
        }
        thread::sleep(CHECK);
    }
}
