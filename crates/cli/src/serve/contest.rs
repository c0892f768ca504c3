//! Tells the server's owner when another station claims an address of the server's (RFC 5227).

use std::net::IpAddr;
use std::task::Poll;
use std::time::Duration;

use netstrata::Host;
use netstrata::basis::Instant;
use netstrata::runtime::Awaited;
use netstrata::stack::{AddressReport, AddressState, Stack};

/// Least time between two reports: whoever claims an address can do so a thousand times a second.
const PAUSE: Duration = Duration::from_secs(30);

/// Logs conflicts until the host has been stopped.
pub(crate) async fn watch(host: Host) {
    let mut told = Told { until: host.now(), lost: Vec::new() };
    let mut free = tokio::time::Instant::now();
    while let Ok(news) =
        paced(&mut free, host.until(Awaited::Address, |stack, now| told.news(stack, now))).await
    {
        news.iter().for_each(|row| tell(host.name(), row));
    }
}

/// What `next` has, not before `free`; a pause begins with it.
async fn paced<T>(free: &mut tokio::time::Instant, next: impl Future<Output = T>) -> T {
    tokio::time::sleep_until(*free).await;
    let news = next.await;
    *free = tokio::time::Instant::now() + PAUSE;
    news
}

/// What the owner knows.
struct Told {
    /// The claims up to then.
    until: Instant,
    lost: Vec<IpAddr>,
}

impl Told {
    /// The addresses that were claimed or lost meanwhile: one row for each, however often.
    fn news(&mut self, stack: &Stack, now: Instant) -> Poll<std::io::Result<Vec<AddressReport>>> {
        let is_lost = |row: &AddressReport| matches!(row.state, AddressState::Conflict(_));
        let mut news: Vec<AddressReport> = stack.addresses().collect();
        let lost = news.iter().filter(|row| is_lost(row)).map(|row| row.address.addr()).collect();
        news.retain(|row| match is_lost(row) {
            true => !self.lost.contains(&row.address.addr()),
            false => row.claim.is_some_and(|claim| claim.at > self.until),
        });
        *self = Told { until: now, lost };
        if news.is_empty() { Poll::Pending } else { Poll::Ready(Ok(news)) }
    }
}

fn tell(host: &str, row: &AddressReport) {
    let address = row.address.addr();
    if let AddressState::Conflict(station) = row.state {
        tracing::warn!(
            %address, %station, host,
            "this address was lost to another station: its listeners and connections are cut off; give that station \
             another address, then start this server again"
        );
    } else if let Some(claim) = row.claim {
        tracing::warn!(
            %address, station = %claim.station, host,
            "another station claims this address: it is kept and announced again, but callers may reach that station for \
             some seconds; find it and give it another address"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netstrata::basis::Frame;
    use netstrata::stack::{Defence, InterfaceConfig, InterfaceId, Medium, Probing, StackConfig};
    use netstrata::wire::arp::Packet;
    use netstrata::wire::ethernet::{EtherType, Header, MacAddress};

    const STATION: MacAddress = MacAddress([2, 0, 0, 0, 0, 9]);

    fn host(defence: Defence) -> (Stack, InterfaceId) {
        let now = Instant::ZERO;
        let mut stack = Stack::new(now, StackConfig { defence, ..StackConfig::default() }, [7; 32]);
        let medium = Medium::Ethernet(MacAddress([2, 0, 0, 0, 0, 2]));
        let config = InterfaceConfig { name: "lan".into(), medium, mtu: 1500, super_segments: false };
        let lan = stack.add_interface(now, config);
        stack.add_address(now, lan, [10, 7, 0, 2].into(), 24, Probing::Skip).unwrap();
        (stack, lan)
    }

    fn claim(stack: &mut Stack, now: Instant, lan: InterfaceId) {
        let mut frame = Frame::new();
        Packet::announcement(STATION, [10, 7, 0, 2].into()).prepend_to(&mut frame);
        let destination = MacAddress::BROADCAST;
        Header { destination, source: STATION, ether_type: EtherType::ARP }.prepend_to(&mut frame);
        let _ = stack.on_frame(now, lan, Frame::copy_of(&frame.to_vec()));
    }

    #[tokio::test(start_paused = true)]
    async fn claims_without_end_are_told_once_in_a_pause() {
        let began = tokio::time::Instant::now();
        let (mut free, mut told) = (began, Vec::new());
        // There is news whenever it is asked for.
        for _ in 0..3 {
            told.push(paced(&mut free, async { began.elapsed().as_secs() }).await);
        }
        assert_eq!(told, [0, 30, 60]);
        // What comes later is told at once.
        tokio::time::sleep(2 * PAUSE).await;
        assert_eq!(paced(&mut free, async { began.elapsed().as_secs() }).await, 120);
    }

    #[test]
    fn what_was_told_is_no_news() {
        for (defence, is_lost) in [(Defence::Always, false), (Defence::GiveUp, true)] {
            let (mut stack, lan) = host(defence);
            let mut told = Told { until: Instant::ZERO, lost: Vec::new() };
            let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
            assert!(told.news(&stack, at(1)).is_pending());
            claim(&mut stack, at(2), lan);
            claim(&mut stack, at(2), lan);
            let Poll::Ready(Ok(news)) = told.news(&stack, at(2)) else { panic!("nothing is told of it") };
            assert_eq!(news.len(), 1);
            assert_eq!(matches!(news[0].state, AddressState::Conflict(STATION)), is_lost);
            assert!(told.news(&stack, at(3)).is_pending());
            claim(&mut stack, at(4), lan);
            assert_eq!(told.news(&stack, at(5)).is_ready(), !is_lost, "{defence:?}");
            assert!(told.news(&stack, at(99)).is_pending());
        }
    }
}
