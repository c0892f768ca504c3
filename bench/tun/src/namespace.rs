//! A network namespace with an interface in it, of which the kernel has one end: a TUN device, or one half of a veth pair.

use crate::case::Device;
use anyhow::{Context, bail};
use nix::mount::{MsFlags, mount};
use nix::unistd::Pid;
use std::process::Command;

/// The TUN device.
pub const INTERFACE: &str = "tun0";
/// The kernel's address and the stack's.
pub const KERNEL: [u8; 4] = [10, 9, 0, 1];
pub const STACK: [u8; 4] = [10, 9, 0, 2];

/// Moves this process, which must still have one thread, to a namespace of its own, whose interfaces are those of /sys.
pub fn enter() -> anyhow::Result<()> {
    leave()?;
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).context("a mount namespace needs root")?;
    let nothing: Option<&str> = None;
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)?;
    mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), nothing).context("cannot mount /sys")?;
    // The kernel's end would need seconds to find out how large its buffers should be.
    for file in ["tcp_rmem", "tcp_wmem"] {
        std::fs::write(format!("/proc/sys/net/ipv4/{file}"), "4096 4194304 33554432")?;
    }
    // BBR, where it is the system's choice, would pace by what it has estimated: its estimate would be measured. Reno is there on every
    // system, and without loss it is no bound.
    std::fs::write("/proc/sys/net/ipv4/tcp_congestion_control", "reno")?;
    ip("link set lo up")
}

/// Moves this thread, and those that it starts, to a namespace of its own.
pub fn leave() -> anyhow::Result<()> {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).context("a network namespace needs root")
}

/// Makes the TUN device, with several queues or with one.
pub fn make_tun(device: Device, queues: bool) -> anyhow::Result<()> {
    // The interface stays when its opener goes, so it can be set up before.
    let queues = if queues { " multi_queue" } else { "" };
    ip(&format!("tuntap add dev {INTERFACE} mode tun{queues}"))?;
    set_up(INTERFACE, KERNEL, device)
}

/// Makes a veth pair: one half here, the other in the namespace of `thread`.
pub fn pair(thread: Pid, device: Device) -> anyhow::Result<()> {
    ip(&format!("link add near type veth peer name far netns {thread}"))?;
    set_up("near", KERNEL, device)
}

/// Sets up the half of the pair that is in this thread's namespace.
pub fn set_up_peer(device: Device) -> anyhow::Result<()> {
    set_up("far", STACK, device)
}

fn set_up(interface: &str, [a, b, c, d]: [u8; 4], device: Device) -> anyhow::Result<()> {
    ip(&format!("address add {a}.{b}.{c}.{d}/24 dev {interface}"))?;
    // A window of a sender must fit the queue, or the device drops what does not.
    ip(&format!("link set {interface} mtu {} txqueuelen 10000 up", device.mtu()))
}

/// Has what is written to the TUN device's queue (`IFF_NAPI`) taken in by a thread of the kernel's.
pub fn thread_napi() -> anyhow::Result<()> {
    let file = format!("/sys/class/net/{INTERFACE}/threaded");
    std::fs::write(&file, "1").with_context(|| format!("cannot write {file}"))
}

fn ip(arguments: &str) -> anyhow::Result<()> {
    let status =
        Command::new("ip").args(arguments.split(' ')).status().context("ip of iproute2 is needed")?;
    if !status.success() {
        bail!("`ip {arguments}` failed");
    }
    Ok(())
}
