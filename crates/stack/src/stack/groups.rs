//! Listening to groups: what queriers ask, and what they are told (RFC 2236, RFC 3376, RFC 2710, RFC 3810).

use super::state::Stack;
use super::v6::Arrival;
use crate::dropped::Dropped;
use crate::interface::InterfaceId;
use crate::interface::groups::{News, Report, station_of};
use basis::{Frame, Instant};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use wire::igmp;
use wire::ipv6::{self, is_link_local};
use wire::mld::{self, Record};
use wire::protocol;

impl Stack {
    /// IGMP: only queries matter to a host.
    #[cold]
    pub(crate) fn on_igmp(&mut self, now: Instant, id: InterfaceId, message: &[u8]) -> Result<(), Dropped> {
        if message.first() != Some(&igmp::QUERY) {
            return Err(Dropped::IcmpIgnored);
        }
        let query = igmp::Query::parse(message).map_err(Dropped::Malformed)?;
        let interface = self.interfaces.get_mut(id.index()).ok_or(Dropped::NoSuchInterface)?;
        let older = (query.version < 3).then_some(query.version);
        interface.groups.on_query(now, IpAddr::V4(query.group), query.most, older, &mut self.random);
        self.plan_upkeep(id);
        Ok(())
    }

    /// MLD: a query. RFC 3810 5.1.14 and 6.2: from a router of the link, and only there.
    pub(crate) fn on_mld_query(&mut self, arrival: Arrival, message: &[u8]) -> Result<(), Dropped> {
        if !is_link_local(arrival.header.source) || arrival.header.hop_limit != 1 {
            return Err(Dropped::Malformed(wire::Malformed::GroupQuery));
        }
        let query = mld::Query::parse(message).map_err(Dropped::Malformed)?;
        let id = arrival.interface;
        let interface = self.interfaces.get_mut(id.index()).ok_or(Dropped::NoSuchInterface)?;
        let older = query.version_1.then_some(1);
        interface.groups.on_query(arrival.now, IpAddr::V6(query.group), query.most, older, &mut self.random);
        self.plan_upkeep(id);
        Ok(())
    }

    /// Sends the reports that are due.
    pub(crate) fn report_groups(&mut self, now: Instant, id: InterfaceId) {
        while let Some(interface) = self.interfaces.get_mut(id.index()) {
            let Some(report) = interface.groups.pop_due(now, &mut self.random) else { return };
            let Some((to, packet)) = (match report.group {
                IpAddr::V4(group) => {
                    let source = interface.addresses.source_for(group).unwrap_or(Ipv4Addr::UNSPECIFIED);
                    report_v4(group, source, report)
                }
                IpAddr::V6(group) => {
                    // RFC 3590 4: before there is an address, the unspecified one.
                    let source = interface.v6.link_local().unwrap_or(Ipv6Addr::UNSPECIFIED);
                    report_v6(group, source, report)
                }
            }) else {
                continue;
            };
            if interface.hardware().is_some() {
                self.counters.discovery.sent_group_reports += 1;
                interface.push_packet(&mut self.counters, packet, station_of(to));
            }
        }
    }
}

fn record(news: News) -> Record {
    match news {
        News::Listening => Record::Listening,
        News::Joined => Record::Joined,
        News::Left => Record::Left,
    }
}

/// The packet that tells it, and where it goes.
fn report_v4(group: Ipv4Addr, source: Ipv4Addr, report: Report) -> Option<(IpAddr, Frame)> {
    let (to, mut message) = match (report.version, report.news) {
        (None, news) => (igmp::ALL_V3_ROUTERS, igmp::version_3(record(news), group)),
        // Version 1 has no word for leaving.
        (Some(1), News::Left) => return None,
        (Some(1), _) => (group, igmp::version_2(igmp::REPORT_V1, group)),
        (Some(_), News::Left) => (igmp::ALL_ROUTERS, igmp::version_2(igmp::LEAVE_V2, group)),
        (Some(_), _) => (group, igmp::version_2(igmp::REPORT_V2, group)),
    };
    igmp::prepend_header(&mut message, source, to);
    Some((IpAddr::V4(to), message))
}

/// The packet that tells it, and where it goes.
fn report_v6(group: Ipv6Addr, source: Ipv6Addr, report: Report) -> Option<(IpAddr, Frame)> {
    let (to, mut message) = match (report.version, report.news) {
        (None, news) => (mld::ALL_V2_ROUTERS, mld::version_2(record(news), group, source)),
        (Some(_), News::Left) => {
            let to = ipv6::ALL_ROUTERS;
            (to, mld::version_1(mld::DONE_V1, group, source, to))
        }
        (Some(_), _) => (group, mld::version_1(mld::REPORT_V1, group, source, group)),
    };
    ipv6::extension::prepend_router_alert(&mut message, protocol::ICMPV6);
    ipv6::Header { hop_limit: 1, ..ipv6::Header::new(source, to, protocol::HOP_BY_HOP) }
        .prepend_to(&mut message);
    Some((IpAddr::V6(to), message))
}
