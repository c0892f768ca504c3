//! A learning switch, and a hub, which is one that learns nothing.

use super::occurrence::Outcome;
use basis::Instant;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::time::Duration;
use wire::ethernet::{Header, MacAddress};

/// How a switch learns (IEEE 802.1D 7.9).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SwitchConfig {
    /// Stations remembered; beyond it the one heard longest ago is forgotten.
    pub table: usize,
    /// How long a silent station is remembered.
    pub ageing: Duration,
}

impl Default for SwitchConfig {
    fn default() -> SwitchConfig {
        SwitchConfig { table: 1024, ageing: Duration::from_secs(300) }
    }
}

/// One row of a switch's table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Station {
    /// Its hardware address.
    pub address: MacAddress,
    /// The port behind which it was heard.
    pub port: usize,
    /// When it was heard last.
    pub heard: Instant,
}

#[derive(Clone, Debug)]
pub(crate) struct Switch {
    /// `None` for a hub.
    config: Option<SwitchConfig>,
    table: BTreeMap<[u8; 6], (usize, Instant)>,
}

impl Switch {
    pub(crate) fn new(config: Option<SwitchConfig>) -> Switch {
        Switch { config, table: BTreeMap::new() }
    }

    /// What the switch knows, by address.
    pub(crate) fn table(&self, now: Instant) -> Vec<Station> {
        let ageing = self.config.map_or(Duration::ZERO, |config| config.ageing);
        let rows = self.table.iter().filter(|(_, (_, heard))| now.saturating_since(*heard) <= ageing);
        rows.map(|(address, &(port, heard))| Station { address: MacAddress(*address), port, heard }).collect()
    }

    /// A frame came by `port` of `ports`. `out` gets it for each port by which it leaves.
    pub(crate) fn on_frame(
        &mut self,
        now: Instant,
        port: usize,
        ports: usize,
        bytes: &Bytes,
        out: &mut dyn FnMut(usize, Bytes),
    ) -> Outcome {
        let Ok(header) = Header::parse(bytes) else { return Outcome::Discarded("no Ethernet frame") };
        if let Some(config) = self.config {
            self.learn(now, config, header.source, port);
            if let Some(&(towards, heard)) = self.table.get(&header.destination.0)
                && now.saturating_since(heard) <= config.ageing
            {
                if towards == port {
                    return Outcome::Discarded("the station is behind the port it came from");
                }
                out(towards, bytes.clone());
                return Outcome::PassedOn(1);
            }
        }
        for towards in (0..ports).filter(|towards| *towards != port) {
            out(towards, bytes.clone());
        }
        Outcome::PassedOn(ports.saturating_sub(1))
    }

    fn learn(&mut self, now: Instant, config: SwitchConfig, station: MacAddress, port: usize) {
        if !station.is_unicast() {
            return;
        }
        if self.table.len() >= config.table
            && !self.table.contains_key(&station.0)
            && let Some(oldest) =
                self.table.iter().min_by_key(|(_, (_, heard))| *heard).map(|(address, _)| *address)
        {
            self.table.remove(&oldest);
        }
        if config.table > 0 {
            self.table.insert(station.0, (port, now));
        }
    }
}
