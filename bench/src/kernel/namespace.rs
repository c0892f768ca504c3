//! Network namespaces of this process's own, so that nothing of the machine's network is touched.

use crate::pair::Failed;
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

/// Numbers the pairs of one process: each has its names and its network.
static NEXT: AtomicU8 = AtomicU8::new(0);

/// Moves this thread, and the threads and programs that it starts, into a network namespace of its own.
///
/// # Errors
/// Why that is not permitted, and what helps.
pub(crate) fn enter() -> Result<(), String> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(|error| {
        format!("no network namespace of its own: {error} (run it as root, or as `unshare -rn bench ...`)")
    })?;
    ip(&["link", "set", "lo", "up"]).map_err(|error| error.to_string())
}

/// A namespace of its own, which lives as long as this.
pub(crate) struct Namespace {
    /// A namespace lives as long as the file that names it is open.
    file: File,
}

impl Namespace {
    pub(crate) fn new() -> Result<Namespace, Failed> {
        let file = elsewhere(|| {
            unshare(CloneFlags::CLONE_NEWNET).map_err(Failed::refused)?;
            Ok(File::open("/proc/thread-self/ns/net")?)
        })?;
        Ok(Namespace { file })
    }

    /// A name for the namespace, for `ip`.
    fn path(&self) -> String {
        use std::os::fd::AsRawFd;
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())
    }

    /// Does something in the namespace.
    pub(crate) fn within<T: Send>(
        &self,
        act: impl FnOnce() -> Result<T, Failed> + Send,
    ) -> Result<T, Failed> {
        elsewhere(|| {
            setns(&self.file, CloneFlags::CLONE_NEWNET).map_err(Failed::refused)?;
            act()
        })
    }
}

/// A veth pair: one end in this thread's namespace, the other in another one.
pub(crate) struct Veth {
    name: String,
    pub(crate) here: Ipv4Addr,
    pub(crate) there: Ipv4Addr,
    other: Namespace,
}

impl Veth {
    pub(crate) fn new(mtu: usize) -> Result<Veth, Failed> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (name, peer, mtu) = (format!("here{number}"), format!("there{number}"), mtu.to_string());
        let (here, there) = (Ipv4Addr::new(10, 99, number, 1), Ipv4Addr::new(10, 99, number, 2));
        let other = Namespace::new()?;
        ip(&["link", "add", &name, "mtu", &mtu, "type", "veth", "peer", "name", &peer, "mtu", &mtu])?;
        let veth = Veth { name, here, there, other };
        ip(&["link", "set", &peer, "netns", &veth.other.path()])?;
        ip(&["address", "add", &format!("{here}/24"), "dev", &veth.name])?;
        ip(&["link", "set", &veth.name, "up"])?;
        veth.there(|| {
            ip(&["address", "add", &format!("{there}/24"), "dev", &peer])?;
            ip(&["link", "set", &peer, "up"])
        })?;
        Ok(veth)
    }

    /// Does something in the other namespace.
    pub(crate) fn there<T: Send>(&self, act: impl FnOnce() -> Result<T, Failed> + Send) -> Result<T, Failed> {
        self.other.within(act)
    }
}

impl Drop for Veth {
    fn drop(&mut self) {
        // The namespace ends with the process in any case.
        let _ = ip(&["link", "delete", &self.name]);
    }
}

/// Does something in another thread, whose namespace may become another one.
fn elsewhere<T: Send>(act: impl FnOnce() -> Result<T, Failed> + Send) -> Result<T, Failed> {
    let thread = std::thread::scope(|scope| scope.spawn(act).join());
    thread.unwrap_or_else(|_| Err(Failed::Refused("a thread panicked".into())))
}

/// Runs the `ip` command in this thread's namespace.
pub(crate) fn ip(arguments: &[&str]) -> Result<(), Failed> {
    let command = || format!("ip {}", arguments.join(" "));
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .map_err(|error| Failed::Refused(format!("{}: {error}", command())))?;
    match output.status.success() {
        true => Ok(()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(Failed::Refused(format!("{}: {said}", command())))
        }
    }
}
