//! Keeps frames out by which a guest speaks as another.

use std::sync::Arc;

use netstrata::LinkSpec;
use netstrata::link::Admit;
use services::gateway::Stations;

/// What asks about every frame of a link, which must have stations.
#[derive(Debug)]
struct Guard(Arc<Stations>);

impl Admit for Guard {
    fn admits(&self, start: &[u8]) -> bool {
        self.0.admits(start, std::time::Instant::now())
    }
}

/// For a link with stations; the others have one sender.
pub(crate) fn of(link: &LinkSpec, stations: &Arc<Stations>) -> Option<Arc<dyn Admit>> {
    match link {
        LinkSpec::Tun(_) => None,
        _ => Some(Arc::new(Guard(Arc::clone(stations)))),
    }
}
