//! What is left of root's rights: nothing but what opens a device, a port below 1024 or somebody else's directory, and that only where
//! one of them is asked for.
//!
//! A thread can give up its own rights alone, so this is done before there are others. What is kept for the beginning is of no use
//! afterwards: the system calls that it stands for are denied by then.

use std::io;

use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

/// Gives up all but `kept`.
pub(super) fn keep(kept: CapabilitySet) -> io::Result<()> {
    let had = capabilities(None)?;
    // Old kernels have none.
    let _ = clear_ambient_capability_set();
    if had.effective.contains(CapabilitySet::SETPCAP) {
        for capability in CapabilitySet::all().iter() {
            // Those that this kernel does not know are not there.
            let _ = remove_capability_from_bounding_set(capability);
        }
    }
    if (had.permitted | had.inheritable).is_empty() {
        // Whoever keeps others from having any may also keep this from being said.
        return Ok(());
    }
    set_capabilities(
        None,
        CapabilitySets {
            effective: had.effective & kept,
            permitted: had.permitted & kept,
            inheritable: CapabilitySet::empty(),
        },
    )?;
    Ok(())
}
