//! What the server may still do once it has begun: nearly nothing (Linux).
//!
//! The file system is closed by Landlock and root's rights are given up ([`confine`]) before the first thread starts, so that all of them
//! are bound. Files that are only read once, such as certificates, are open by then. When all devices and sockets are open, too, system
//! calls that a running server does not make are denied ([`seal`]).

#[cfg(target_os = "linux")]
mod capabilities;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")
))]
mod system_calls;

#[cfg(target_os = "linux")]
use landlock::RulesetStatus;

use crate::arguments::ServeArguments;

/// Files that no service has any business with. Everybody may read the first, so whoever is kept from it is confined.
#[cfg(target_os = "linux")]
const FOREIGN: [&str; 2] = ["/etc/passwd", "/etc/shadow"];

/// Whether the calling thread is kept from files that are none of its business, found by trying. None: this system says nothing of it.
#[cfg(target_os = "linux")]
pub(crate) fn is_kept_out() -> Option<bool> {
    let [first, second] = FOREIGN.map(|path| std::fs::File::open(path).map_err(|error| error.kind()));
    match (first, second) {
        (Ok(_), _) | (_, Ok(_)) => Some(false),
        (Err(std::io::ErrorKind::PermissionDenied), _) => Some(true),
        _ => None,
    }
}

/// Other systems have no such bounds.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_kept_out() -> Option<bool> {
    None
}

/// Whether the calling thread is kept from starting programs and from raw sockets, found by trying. None: this system says nothing of it.
#[cfg(target_os = "linux")]
pub(crate) fn is_sealed() -> Option<bool> {
    use socket2::{Domain, Protocol, Socket, Type};
    let denied = |result: std::io::Result<()>| {
        result.err().is_some_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    };
    // A program that nobody has: who may start one is told so.
    let started = std::process::Command::new("/proc/self/no such program").spawn().map(drop);
    let opened = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).map(drop);
    Some(denied(started) && denied(opened))
}

/// Other systems have no such bounds.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_sealed() -> Option<bool> {
    None
}

/// Confines this process and all threads that it starts from now on, as far as the kernel knows how to.
pub(crate) fn confine(arguments: &ServeArguments) {
    if arguments.no_confinement {
        tracing::info!("this server may do what its user may: --no-confinement");
        return;
    }
    #[cfg(target_os = "linux")]
    {
        match linux::confine(arguments) {
            Ok(RulesetStatus::NotEnforced) => {
                tracing::warn!(
                    "Landlock is not to be had here (the kernel has none, or something filters it): this server may open what its user may"
                );
            }
            Ok(status) => tracing::debug!(?status, "confined"),
            Err(error) => tracing::warn!(error, "this server is not confined: it may open what its user may"),
        }
        if let Err(error) = capabilities::keep(linux::needed(arguments)) {
            tracing::warn!(%error, "this server keeps the rights of its user");
        }
    }
}

/// The calls of other processors have other numbers.
#[cfg(all(
    target_os = "linux",
    not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))
))]
mod system_calls {
    pub(super) fn restrict() -> Result<(), &'static str> {
        Err("there is no filter for this processor")
    }
}

/// All is open: denies what a running server has no need of to all of its threads, as far as the kernel knows how to.
pub(crate) fn seal(arguments: &ServeArguments) {
    if arguments.no_confinement {
        return;
    }
    #[cfg(target_os = "linux")]
    match system_calls::restrict() {
        Ok(()) => tracing::debug!("sealed"),
        Err(error) => tracing::warn!(%error, "this server may make every system call"),
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, OpenOptions};
    use std::path::{Path, PathBuf};

    use landlock::{
        ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
        RulesetCreatedAttr, RulesetError, RulesetStatus,
    };

    use netstrata::LinkSpec;
    use rustix::thread::CapabilitySet;

    use crate::arguments::ServeArguments;
    use crate::network;
    use crate::status::place;

    /// What the rules are written for; older kernels keep those that they know.
    const KNOWN: ABI = ABI::V5;

    pub(super) fn confine(arguments: &ServeArguments) -> Result<RulesetStatus, String> {
        let places = places(arguments)?;
        restrict(arguments, &places).map_err(|error| error.to_string())
    }

    /// What the beginning needs of root's rights.
    pub(super) fn needed(arguments: &ServeArguments) -> CapabilitySet {
        use std::os::unix::fs::MetadataExt;
        let mut needed = CapabilitySet::empty();
        match arguments.network.link {
            LinkSpec::Tap(_) | LinkSpec::Tun(_) => needed |= CapabilitySet::NET_ADMIN,
            LinkSpec::Packet(_) => needed |= CapabilitySet::NET_RAW,
            // The last one lets it lend more memory to the kernel than other users may.
            LinkSpec::Xdp(_) => {
                needed |= CapabilitySet::NET_RAW
                    | CapabilitySet::NET_ADMIN
                    | CapabilitySet::BPF
                    | CapabilitySet::IPC_LOCK;
            }
            LinkSpec::Lan(_) | LinkSpec::Memory | LinkSpec::Host => {}
        }
        let on_system = arguments.network.link == LinkSpec::Host;
        let own = on_system.then_some(arguments.services.iter().map(|placed| placed.port));
        let published = arguments.publications.iter().map(|publication| publication.outside.port());
        let mut ports = own.into_iter().flatten().chain(published).chain(arguments.web.map(|web| web.port()));
        if ports.any(|port| (1..1024).contains(&port)) {
            needed |= CapabilitySet::NET_BIND_SERVICE;
        }
        // Root that has to do with another user's directory. What it may do there, Landlock says.
        let user = rustix::process::geteuid().as_raw();
        let mut places = places(arguments).unwrap_or_default().into_iter().chain(arguments.root.clone());
        if places.any(|place| fs::metadata(&place).is_ok_and(|found| found.uid() != user)) {
            needed |= CapabilitySet::DAC_OVERRIDE;
        }
        needed
    }

    /// Directories where sockets and their locks come and go with the server.
    fn places(arguments: &ServeArguments) -> Result<Vec<PathBuf>, String> {
        let control = arguments.control.clone().or_else(|| place::control_path(&arguments.network.link).ok());
        let lan = network::lan_path(&arguments.network.link).ok();
        let place = |path: PathBuf| {
            let above = path.ancestors().skip(1).map(|above| match above.as_os_str().is_empty() {
                true => Path::new("."),
                false => above,
            });
            // A directory that is not there yet is made in the one above.
            let mut there = above.filter(|above| above.is_dir());
            match there.next().map(fs::canonicalize) {
                Some(Ok(place)) if place != Path::new("/") => Ok(place),
                _ => Err(format!("{} lies in the root of all files", path.display())),
            }
        };
        // What is no path of a socket is refused when it is to be opened.
        control.into_iter().chain(lan).filter(|path| path.parent().is_some()).map(place).collect()
    }

    fn restrict(arguments: &ServeArguments, places: &[PathBuf]) -> Result<RulesetStatus, RulesetError> {
        let all = AccessFs::from_all(KNOWN);
        let read = AccessFs::ReadFile | AccessFs::ReadDir;
        let keep = AccessFs::from_write(KNOWN) | read;
        let mut rules =
            Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(all)?.create()?;
        // The files to give, and what tells who holds a port or what a device can.
        for path in arguments.root.iter().map(PathBuf::as_path).chain(["/proc", "/sys"].map(Path::new)) {
            rules = allow(rules, path, read)?;
        }
        // A device of TUN or TAP, and the loopback of terminals and logs.
        for path in ["/dev/net", "/dev/null", "/dev/urandom"] {
            rules = allow(rules, Path::new(path), AccessFs::from_file(KNOWN) & (keep | AccessFs::IoctlDev))?;
        }
        for place in places {
            rules = allow(rules, place, keep)?;
        }
        // The record of frames alone, not what lies beside it. A pipe has no place that could be named, and needs no rule.
        if let Some(record) = &arguments.network.pcapng {
            // One that cannot be made is told when it is begun.
            let _ = OpenOptions::new().append(true).create_new(true).open(record);
            if let Ok(record) = fs::canonicalize(record) {
                rules = allow(rules, &record, AccessFs::from_file(KNOWN) & keep)?;
            }
        }
        Ok(rules.restrict_self()?.ruleset)
    }

    /// What is not there needs no rule.
    fn allow(
        rules: landlock::RulesetCreated,
        path: &Path,
        access: landlock::BitFlags<AccessFs>,
    ) -> Result<landlock::RulesetCreated, RulesetError> {
        match PathFd::new(path) {
            Ok(opened) => rules.add_rule(PathBeneath::new(opened, access)),
            Err(_) => Ok(rules),
        }
    }
}
