//! Finding out that a repair was for nothing, and undoing what it did. What counts as a proof is in `spurious.rs`.

use super::delivered::Delivered;
use super::losses::Told;
use super::recovery::{Episode, Phase, TailProbe};
use super::sender::Sender;
use super::spurious::{Forward, Sign};
use crate::congestion::Setback;
use crate::environment::Environment;
use wire::tcp::Seq;

impl Sender {
    /// RFC 8985 7.4: what became of the tail loss probe.
    pub(super) fn judge_probe(
        &mut self,
        episode: &mut Episode,
        acknowledgment: Seq,
        told: Told,
        environment: &mut Environment<'_>,
    ) {
        let TailProbe::Sent { end, repeated } = episode.probe else { return };
        if acknowledgment.before(end) {
            return;
        }
        let unneeded = !repeated || told.probe_twice || told.duplicate && told.twice.is_none();
        if unneeded {
            episode.probe = TailProbe::None;
        } else if acknowledgment.after(end) {
            // The probe has repaired a loss that nobody saw. The path was congested all the same.
            episode.probe = TailProbe::None;
            environment.counters.tail_repairs += 1;
            if episode.phase == Phase::Watch {
                let (in_flight, segment_size) = (self.congestion.window(), self.segment_size as u32);
                self.congestion.on_congestion_event(Setback { in_flight, segment_size });
                self.congestion.on_recovered(in_flight, segment_size);
            }
        }
    }

    /// Undoes what was done for nothing.
    pub(super) fn look_for_spurious(
        &mut self,
        episode: &mut Episode,
        delivered: &Delivered,
        told: Told,
        environment: &mut Environment<'_>,
    ) {
        if let Some(block) = told.twice
            && !told.probe_twice
        {
            // RFC 8985 6.2 step 4: once a round trip.
            if episode.widened_until.is_none() {
                self.recovery.reordering.widen();
                episode.widened_until = Some(self.flight.next);
            }
            if episode.undo.as_mut().is_some_and(|undo| undo.on_duplicate(block.left, block.right)) {
                environment.counters.undone_by_duplicate += 1;
                self.undo(episode, environment);
                return;
            }
        }
        let oldest_echo =
            told.progress && episode.undo.as_mut().is_some_and(|undo| undo.on_progress(delivered));
        // In fast recovery, what is still on its way may yet prove to have been needed.
        let settled = episode.phase == Phase::Resend
            || self
                .buffer
                .as_ref()
                .is_none_or(|buffer| buffer.board.lost() == 0 && !buffer.board.has_repeated());
        let over = self.flight.oldest.at_or_after(episode.point);
        let outstanding = self.flight.outstanding();
        let sign = Sign {
            progress: told.progress,
            duplicate: told.duplicate || delivered.selected > 0,
            original: delivered.lowest_original.is_some_and(|(_, end)| end.at_or_before(episode.point)),
            new_data: self.queued() as u32 > outstanding && self.window.size > outstanding,
            selective: self.recovery.selective,
        };
        let waited = episode.forward == Forward::Second;
        let by_order = !over && episode.forward.on_acknowledged(sign);
        // RFC 5682 2.1 step 3a: the rest goes again, though the new data may seem to fill the window.
        environment.counters.forward_probes += u64::from(!waited && episode.forward == Forward::Second);
        episode.forced |= waited && !by_order && episode.forward == Forward::Off;
        if oldest_echo && settled || by_order {
            *if by_order {
                &mut environment.counters.undone_by_forward
            } else {
                &mut environment.counters.undone_by_timestamp
            } += 1;
            self.undo(episode, environment);
        }
    }

    /// The windows are what they were, and what was taken for lost is under way.
    fn undo(&mut self, episode: &mut Episode, environment: &mut Environment<'_>) {
        environment.counters.spurious_repairs += 1;
        let timed_out = episode.undo.take().is_some_and(|undo| undo.has_timed_out());
        environment.counters.spurious_timeouts += u64::from(timed_out);
        self.congestion.on_spurious();
        // Fast recovery for nothing has one reason: the path reorders.
        if episode.phase == Phase::Repair {
            self.recovery.reordering.note(0);
        }
        if episode.phase != Phase::Watch {
            episode.settle();
            if let Some(buffer) = &mut self.buffer {
                buffer.board.forget_losses();
            }
        }
    }
}
