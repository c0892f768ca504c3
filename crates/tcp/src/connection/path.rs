//! What an open connection makes of its path: what routers say of it (RFC 1191, RFC 8201), and what is found out without their
//! word (RFC 4821).

use super::open::Open;
use crate::config::{HostConfig, MtuProbing};
use crate::environment::Environment;
use crate::segment::{Path, Way};
use crate::send::path_mtu::SegmentSizes;
use crate::settings::Settings;
use core::net::IpAddr;
use wire::tcp::Seq;

impl Open {
    /// Begins with what every path should carry, and searches upwards.
    #[cold]
    #[inline(never)]
    pub(super) fn begin_search(&mut self, way: Way, settings: &Settings, environment: &Environment<'_>) {
        let sizes = self.segment_sizes(way, settings, environment.config);
        self.send.begin_search(sizes, environment.now);
    }

    /// A router says that the packet with `sequence` was too long for `path`, which is what is believed of the path now.
    pub(super) fn on_too_big(
        &mut self,
        sequence: Seq,
        path: Path,
        local: IpAddr,
        settings: &Settings,
        environment: &Environment<'_>,
    ) {
        let size = self.negotiated.payload(path.maximum_segment_size(local));
        if self.send.is_path_probe(sequence) {
            self.send.on_probe_too_big(size, environment.now);
            return;
        }
        let searches = settings.mtu_probing(environment.config) != MtuProbing::Off;
        let sizes = searches.then(|| self.segment_sizes(Way { path, local }, settings, environment.config));
        self.send.on_too_big(size, sizes, environment.now);
    }

    /// The oldest segment was lost again and again.
    #[cold]
    pub(super) fn on_stuck(&mut self, way: Way, settings: &Settings, environment: &mut Environment<'_>) {
        if settings.mtu_probing(environment.config) != MtuProbing::Off {
            let sizes = self.segment_sizes(way, settings, environment.config);
            self.send.on_stuck(sizes, environment);
        }
    }

    fn segment_sizes(&self, way: Way, settings: &Settings, config: &HostConfig) -> SegmentSizes {
        let Way { path, local } = way;
        let most = settings.max_segment_size().unwrap_or(u16::MAX);
        let payload = |size: u16| self.negotiated.payload(size.min(most));
        // RFC 9293 3.7.1: what is taken for granted of every path.
        let floor = if local.is_ipv4() { 536 } else { 1220 };
        SegmentSizes {
            floor: payload(floor),
            base: payload(config.base_segment_size.max(floor)),
            most: payload(path.offered_segment_size(local)),
        }
    }

    /// Bytes of the longest packet that the path is known to carry, if that is being found out.
    pub(crate) fn searched_mtu(&self, local: IpAddr) -> Option<u32> {
        let headers = if local.is_ipv4() { 40 } else { 60 };
        let options = if self.negotiated.timestamps() { 12 } else { 0 };
        self.send.is_searching().then(|| u32::from(self.send.segment_size()) + headers + options)
    }
}
