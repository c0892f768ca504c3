//! What a gateway tells about itself.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use services::gateway::{Cause, Counters, Flows};

/// The most flows that a report names.
const MOST: usize = 1000;

/// A gateway as it stands.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct GatewayReport {
    /// The guests.
    pub(crate) guests: Vec<GuestReport>,
    /// The flows, oldest first; of very many the first thousand.
    pub(crate) flows: Vec<FlowReport>,
    /// How many flows there are.
    pub(crate) flows_count: usize,
    /// How many flows there have been.
    pub(crate) flows_begun: u64,
    /// How often what was not done, by its cause; those that are zero are left out.
    pub(crate) not_done: BTreeMap<String, u64>,
    /// How often answered calls were broken off, by the cause; those that are zero are left out.
    #[serde(default)]
    pub(crate) broken_off: BTreeMap<String, u64>,
    /// Published ports, each with the guest's.
    pub(crate) published: Vec<(String, String)>,
    /// The name servers that are asked.
    pub(crate) name_servers: Vec<String>,
}

/// A guest.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct GuestReport {
    /// Its hardware address, or that it is all that is behind the link.
    pub(crate) station: String,
    /// The address from where it began its last flow.
    pub(crate) address: String,
    /// How many flows it has.
    pub(crate) flows: usize,
    /// Bytes of buffers that its flows may take.
    pub(crate) bytes: u64,
    /// How many flows it has begun.
    pub(crate) begun: u64,
    /// How many flows a limit refused it.
    pub(crate) refused: u64,
}

/// A flow.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct FlowReport {
    /// tcp, udp, echo or dns.
    pub(crate) protocol: String,
    /// The guest's address and port.
    pub(crate) guest: String,
    /// Whom it meant.
    pub(crate) to: String,
    /// How long it has been going on.
    pub(crate) seconds: f64,
    /// Bytes from the guest.
    pub(crate) received: u64,
    /// Bytes to the guest.
    pub(crate) sent: u64,
}

impl GatewayReport {
    /// A report of the present, without what does not change.
    pub(crate) fn of(flows: &Flows, counters: &Counters) -> GatewayReport {
        let (now, list) = (Instant::now(), flows.list());
        let counted = |breaks_off: bool| {
            let causes = Cause::ALL.iter().filter(move |cause| cause.breaks_off() == breaks_off);
            let counted = causes.map(|cause| (cause.name().to_owned(), counters.of(*cause)));
            counted.filter(|(_, count)| *count > 0).collect()
        };
        GatewayReport {
            guests: flows
                .guests()
                .into_iter()
                .map(|guest| GuestReport {
                    station: guest.holder.to_string(),
                    address: guest.address.to_string(),
                    flows: guest.flows,
                    bytes: guest.bytes,
                    begun: guest.begun,
                    refused: guest.refused,
                })
                .collect(),
            flows_count: list.len(),
            flows: list
                .into_iter()
                .take(MOST)
                .map(|flow| FlowReport {
                    protocol: flow.protocol.to_string(),
                    guest: flow.guest.to_string(),
                    to: flow.to.to_string(),
                    seconds: now.saturating_duration_since(flow.since).as_secs_f64(),
                    received: flow.received,
                    sent: flow.sent,
                })
                .collect(),
            flows_begun: flows.begun(),
            not_done: counted(false),
            broken_off: counted(true),
            ..GatewayReport::default()
        }
    }
}

impl Display for GatewayReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (outside, inside) in &self.published {
            writeln!(f, "published {outside} to {inside}")?;
        }
        if !self.name_servers.is_empty() {
            writeln!(f, "name servers  {}", self.name_servers.join(" "))?;
        }
        writeln!(f, "\nguests: {}", self.guests.len())?;
        for GuestReport { station, address, flows, bytes, begun, refused } in &self.guests {
            writeln!(
                f,
                "  {address:<21} {station:<17} flows:{flows} begun:{begun} refused:{refused} buffers:{}K",
                bytes >> 10
            )?;
        }
        writeln!(f, "\nflows: {} of {} so far", self.flows_count, self.flows_begun)?;
        for FlowReport { protocol, guest, to, seconds, received, sent } in &self.flows {
            writeln!(
                f,
                "  {protocol:<4} {guest:<21} {to:<21} {seconds:>8.1} s  received:{received} sent:{sent}"
            )?;
        }
        if self.flows_count > self.flows.len() {
            writeln!(f, "  and {} more", self.flows_count - self.flows.len())?;
        }
        for (name, counts) in [("not done  ", &self.not_done), ("broken off", &self.broken_off)] {
            let counted: Vec<String> =
                counts.iter().map(|(cause, count)| format!("{cause}:{count}")).collect();
            if !counted.is_empty() {
                writeln!(f, "{name} {}", counted.join(" · "))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use services::gateway::{Holder, Limits, Protocol};
    use std::sync::Arc;

    #[test]
    fn a_report_names_guests_flows_and_what_was_not_done() {
        let counters = Arc::new(Counters::default());
        let flows = Flows::new(Limits { guest_flows: 1, ..Limits::default() }, Arc::clone(&counters));
        let holder = Holder::Station([2, 0, 0, 0, 0, 9]);
        let (guest, to) = ("10.7.0.100:4000".parse().unwrap(), "192.0.2.1:80".parse().unwrap());
        let held = flows.enter(Protocol::Udp, holder, guest, to, Instant::now()).unwrap();
        assert!(flows.enter(Protocol::Udp, holder, guest, to, Instant::now()).is_err());
        held.tally().count_sent(7);
        counters.count(Cause::OutsideReset, None, "x");
        let text = GatewayReport::of(&flows, &counters).to_string();
        for part in [
            "guests: 1\n  10.7.0.100            02:00:00:00:00:09 flows:1 begun:1 refused:1 buffers:32K",
            "flows: 1 of 1 so far\n  udp  10.7.0.100:4000       192.0.2.1:80",
            "received:0 sent:7",
            "not done   flows of one guest:1\nbroken off reset outside:1",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
