//! A network namespace with a TUN interface in it, of which the kernel has one end.

use crate::case::Device;
use anyhow::{Context, bail};
use std::process::Command;

/// The interface.
pub const INTERFACE: &str = "tun0";
/// The kernel's address and the stack's.
pub const KERNEL: [u8; 4] = [10, 9, 0, 1];
pub const STACK: [u8; 4] = [10, 9, 0, 2];

/// Moves this process, which must still have one thread, to a namespace of its own.
pub fn enter(device: Device) -> anyhow::Result<()> {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).context("a network namespace needs root")?;
    ip("link set lo up")?;
    // The interface stays when its opener goes, so it can be set up before.
    ip(&format!("tuntap add dev {INTERFACE} mode tun"))?;
    let [a, b, c, d] = KERNEL;
    ip(&format!("address add {a}.{b}.{c}.{d}/24 dev {INTERFACE}"))?;
    // A window of a sender must fit the queue, or the device drops what does not.
    ip(&format!("link set {INTERFACE} mtu {} txqueuelen 10000 up", device.mtu()))
}

fn ip(arguments: &str) -> anyhow::Result<()> {
    let status =
        Command::new("ip").args(arguments.split(' ')).status().context("ip of iproute2 is needed")?;
    if !status.success() {
        bail!("`ip {arguments}` failed");
    }
    Ok(())
}
