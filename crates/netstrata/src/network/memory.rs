//! A cable in memory between two hosts of this process.

use link::{Link, memory};
use wire::ethernet::MacAddress;

/// Frames on their way in each direction at most.
const BOUND: usize = 1024;

/// Both ends of a cable; with `whole`, super-segments and checksums stay as they are.
pub(super) fn cable(
    mtu: usize,
    mac: MacAddress,
    other: MacAddress,
    whole: bool,
) -> (Box<dyn Link>, Box<dyn Link>) {
    let (here, there) = memory::pair(mtu, BOUND, mac, other);
    (Box::new(here.with_offload(whole)), Box::new(there.with_offload(whole)))
}
