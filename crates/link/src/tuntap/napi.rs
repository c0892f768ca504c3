//! How the kernel takes in what is written to an interface without an offload.
//!
//! By itself it does so in the call that writes: each packet goes through its whole TCP alone, and wakes whoever waits for it. With NAPI
//! (`IFF_NAPI`) a packet is queued, and as soon as that is threaded, a thread of the kernel's takes all that have come meanwhile, merges what
//! follows on (generic receive offload), and hands that on once: twice as much, for half the processor time. Each packet comes later by one
//! more wake-up, and not at all while others have every processor, so it is threaded only while there are many ([`super::pace`]).
//!
//! The switch is a file of sysfs. The one at /sys may belong to another network namespace than this thread, whose interfaces are others: an
//! instance of our own namespace's is opened, which is seen nowhere. That needs root; without it, and in a kernel before 5.12, nothing is
//! different from how it is without NAPI.

use rustix::fs::{Mode, OFlags, openat};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

/// What the network namespace of this thread shows of its interfaces.
pub(super) struct Interfaces(OwnedFd);

impl Interfaces {
    /// None if this thread may not see them, or this kernel's NAPI has no threads.
    pub(super) fn open() -> Option<Interfaces> {
        let context = fsopen("sysfs", FsOpenFlags::FSOPEN_CLOEXEC).ok()?;
        fsconfig_create(&context).ok()?;
        let mounted = fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).ok()?;
        let interfaces = Interfaces(mounted);
        // Each namespace has this one.
        interfaces.switch("lo").map(|_| interfaces)
    }

    /// The switch of an interface.
    pub(super) fn switch(&self, name: &str) -> Option<Switch> {
        let path = format!("class/net/{name}/threaded");
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        openat(&self.0, path, flags, Mode::empty()).ok().map(|file| Switch::new(file.into()))
    }
}

/// Whether an interface's NAPI is threaded; as it was before when this is dropped.
pub(super) struct Switch {
    file: File,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is as it was.
    Off,
    /// It was turned on here.
    On,
    /// It was to be on, and had been turned on by somebody else.
    Theirs,
}

impl Switch {
    pub(super) fn new(file: File) -> Switch {
        Switch { file, state: State::Off }
    }

    /// Whether it was turned on here, or found on.
    pub(super) fn is_on(&self) -> bool {
        self.state != State::Off
    }

    /// What it says itself.
    ///
    /// # Errors
    /// That the interface is gone.
    pub(super) fn says(&self) -> io::Result<bool> {
        let mut state = [0; 1];
        self.file.read_at(&mut state, 0)?;
        Ok(state == *b"1")
    }

    /// Turns it on or off. If somebody else had it on before, it stays, and is not asked again before it is to be off.
    ///
    /// # Errors
    /// Those of the kernel, like that this process has given up its rights meanwhile.
    pub(super) fn turn(&mut self, on: bool) -> io::Result<()> {
        if self.is_on() == on {
            return Ok(());
        }
        if on && self.says()? {
            self.state = State::Theirs;
            return Ok(());
        }
        if self.state != State::Theirs {
            self.file.write_all_at(if on { b"1" } else { b"0" }, 0)?;
        }
        self.state = if on { State::On } else { State::Off };
        Ok(())
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        // The interface may be gone, and the switch with it.
        let _ = self.turn(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_could_not_be_turned_is_as_it_was_and_is_turned_again() {
        let path = std::env::temp_dir().join(format!("netstrata-napi-{}", std::process::id()));
        std::fs::write(&path, "0").unwrap();
        let mut switch = Switch::new(File::open(&path).unwrap());
        assert!(switch.turn(true).is_err() && !switch.is_on());
        switch.state = State::On;
        assert!(switch.turn(false).is_err() && switch.is_on());
        std::fs::write(&path, "1").unwrap();
        switch.file = File::options().read(true).write(true).open(&path).unwrap();
        switch.turn(false).unwrap();
        assert!(!switch.is_on() && !switch.says().unwrap());
        std::fs::remove_file(&path).unwrap();
    }
}
