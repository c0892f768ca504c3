//! What was refused and why: counted always, logged the first time.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! causes {
    ($($(#[$doc:meta])* $variant:ident $name:literal,)*) => {
        /// Why something that a guest wanted was not done, or not to its end.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Cause {
            $($(#[$doc])* $variant,)*
        }

        impl Cause {
            /// Every cause.
            pub const ALL: &'static [Cause] = &[$(Cause::$variant,)*];

            /// In words, for reports and logs.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Cause::$variant => $name,)*
                }
            }
        }
    };
}

causes! {
    /// All guests together have as many flows as may be.
    Flows "flows of all guests",
    /// The guest has as many flows as it may.
    GuestFlows "flows of one guest",
    /// A mapping of the guest's that was silent ended for a new one, for it has as many flows as it may.
    Evicted "idle mappings ended for newer ones of the same guest",
    /// The guest begins flows faster than it may.
    GuestRate "rate of new flows of one guest",
    /// The guest's flows hold as many bytes as they may.
    GuestBytes "bytes of one guest",
    /// The flows of all guests hold as many bytes as they may.
    Bytes "bytes of all guests",
    /// The guest has as many addresses as it may.
    Addresses "addresses of one guest",
    /// A frame speaks for an address that another guest has.
    Stolen "addresses of others",
    /// A frame says that another hardware address has sent it.
    Forged "forged hardware addresses",
    /// There are as many guests as may be.
    Guests "guests",
    /// What came has a source that is in none of the gateway's networks.
    Foreign "sources of no guest",
    /// The rules say no.
    Denied "denied by a rule",
    /// The rules say no to a name that was asked for.
    NameDenied "name denied by a rule",
    /// Nobody listened there.
    Refused "refused outside",
    /// No way led there.
    Unreachable "unreachable outside",
    /// A datagram was longer than its way takes.
    TooLong "datagrams too long for their way",
    /// A packet went over as many hops as it might.
    TimeExceeded "no hop left",
    /// There was no answer in time.
    TimedOut "timed out outside",
    /// The operating system had no more descriptors, ports or memory for sockets.
    Exhausted "out of system resources",
    /// A datagram came from outside for a guest that has not sent there.
    Unasked "datagrams from outside that nobody asked for",
    /// A datagram found a queue full: its guest's, or the operating system's.
    Dropped "datagrams dropped",
    /// This user may not send echo requests.
    EchoForbidden "echo not permitted to this user",
    /// The guest was answered and did not complete its handshake.
    Abandoned "abandoned handshakes",
    /// The gateway ended before it had answered a call.
    Unanswered "not answered before the end of the gateway",
    /// What came makes no sense.
    Garbage "garbage",
    /// All addresses are leased.
    Leases "no address left to lease",
    /// No name server answered.
    NoNameServer "no answer from a name server",
    /// A published call did not reach the guest.
    Unpublished "published calls not delivered",
    /// A guest has reset a call.
    GuestReset "reset by the guest",
    /// The host outside has reset a call, which reset the guest's.
    OutsideReset "reset outside",
    /// A guest did not acknowledge any more, or cannot be reached any more, within a call.
    GuestLost "guest lost",
    /// The host outside did not acknowledge any more, or cannot be reached any more, within a call, which reset the guest's.
    OutsideLost "host outside lost",
    /// A guest's handshake was completed when nobody waited for that any more: it was reset.
    Unawaited "completed too late",
    /// The gateway ended before a call did, which reset both of its sides.
    Cut "cut off at the end of the gateway",
}

impl Cause {
    /// Whether it broke off a call that had been answered; the other causes kept something from being done.
    pub const fn breaks_off(self) -> bool {
        matches!(
            self,
            Cause::GuestReset
                | Cause::OutsideReset
                | Cause::GuestLost
                | Cause::OutsideLost
                | Cause::Unawaited
                | Cause::Cut
        )
    }
}

/// How often what was refused.
#[derive(Debug)]
pub struct Counters {
    counts: [AtomicU64; Cause::ALL.len()],
}

impl Default for Counters {
    fn default() -> Counters {
        Counters { counts: [const { AtomicU64::new(0) }; Cause::ALL.len()] }
    }
}

impl Counters {
    /// Counts `cause`; the first time it is logged too, with the guest that it concerned and `what` it wanted. True then.
    pub fn count(&self, cause: Cause, guest: Option<IpAddr>, what: impl std::fmt::Display) -> bool {
        let Some(count) = self.counts.get(cause as usize) else { return false };
        let first = count.fetch_add(1, Relaxed) == 0;
        if first {
            let guest = guest.map(|guest| guest.to_string()).unwrap_or_else(|| "-".to_owned());
            let cause_name = cause.name();
            match cause {
                // That happens in every network.
                Cause::Refused
                | Cause::Unreachable
                | Cause::TooLong
                | Cause::TimeExceeded
                | Cause::TimedOut
                | Cause::Abandoned
                | Cause::Unanswered
                | Cause::GuestReset
                | Cause::OutsideReset
                | Cause::GuestLost
                | Cause::OutsideLost
                | Cause::Cut => {
                    tracing::info!(cause = cause_name, %guest, %what, "not done; further ones are only counted, see `status`");
                }
                _ => {
                    tracing::warn!(cause = cause_name, %guest, %what, "not done; further ones are only counted, see `status`")
                }
            }
        }
        first
    }

    /// How often `cause` was counted.
    pub fn of(&self, cause: Cause) -> u64 {
        self.counts.get(cause as usize).map_or(0, |count| count.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_counted_always_and_told_once() {
        let counters = Counters::default();
        for (index, cause) in Cause::ALL.iter().enumerate() {
            assert_eq!(*cause as usize, index);
            assert!(counters.count(*cause, None, "x"));
            assert!(!counters.count(*cause, Some([10, 7, 0, 2].into()), "x"));
            assert_eq!(counters.of(*cause), 2);
        }
    }
}
