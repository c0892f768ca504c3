//! Where the socket of a LAN lies.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Bytes that a path in a socket address can have; one byte of `sun_path` ends it.
const LONGEST_PATH: usize = SUN_PATH - 1;
#[cfg(any(target_os = "linux", target_os = "android"))]
const SUN_PATH: usize = 108;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SUN_PATH: usize = 104;

/// The address of a virtual Ethernet segment: the path of its Unix socket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LanAddress {
    /// The socket's path.
    pub path: PathBuf,
}

impl LanAddress {
    /// The LAN at this path.
    pub fn new(path: impl Into<PathBuf>) -> LanAddress {
        LanAddress { path: path.into() }
    }

    /// The user's own LAN: `$XDG_RUNTIME_DIR/netstrata/lan.sock`, else `$TMPDIR/netstrata-UID/lan.sock` or
    /// `/tmp/netstrata-UID/lan.sock`.
    ///
    /// # Errors
    /// When the directory cannot be made, or belongs to somebody else, or is open to others.
    pub fn from_environment() -> io::Result<LanAddress> {
        let address = LanAddress::new(default_directory().join("lan.sock"));
        address.prepare()?;
        Ok(address)
    }

    /// The file whose lock decides who may listen at the path.
    pub(super) fn lock_path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(".lock");
        path.into()
    }

    /// Checks that the path can be a socket's, and makes its directory (mode 0700) if there is none.
    pub(super) fn prepare(&self) -> io::Result<()> {
        let length = self.path.as_os_str().as_bytes().len();
        if length > LONGEST_PATH {
            let text = format!(
                "the path of a socket has at most {LONGEST_PATH} bytes, this one has {length}: choose a shorter one for {self}"
            );
            return Err(io::Error::new(ErrorKind::InvalidInput, text));
        }
        let Some(directory) = self.path.parent().filter(|directory| !directory.as_os_str().is_empty()) else {
            return Ok(());
        };
        make_directory(directory)?;
        if directory == default_directory() { check_directory(directory) } else { Ok(()) }
    }
}

impl fmt::Display for LanAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

fn default_directory() -> PathBuf {
    directory_in(|name| std::env::var_os(name), nix::unistd::geteuid().as_raw())
}

fn directory_in(environment: impl Fn(&str) -> Option<OsString>, user: u32) -> PathBuf {
    let set = |name| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(runtime) = set("XDG_RUNTIME_DIR") {
        return runtime.join("netstrata");
    }
    set("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp")).join(format!("netstrata-{user}"))
}

fn make_directory(directory: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            let text = format!("cannot make the directory {}: {error}", directory.display());
            Err(io::Error::new(error.kind(), text))
        }
        _ => Ok(()),
    }
}

/// Refuses a directory in which others could lay a socket for us to find.
fn check_directory(directory: &Path) -> io::Result<()> {
    let refuse = |why: String| {
        let text = format!("{} {why}", directory.display());
        Err(io::Error::new(ErrorKind::PermissionDenied, text))
    };
    // Of a link, not of where it leads: whoever made the link can change it.
    let metadata = fs::symlink_metadata(directory)?;
    let us = nix::unistd::geteuid().as_raw();
    if !metadata.is_dir() {
        return refuse("is not a directory: remove it".into());
    }
    if metadata.uid() != us {
        return refuse(format!("belongs to user {}, not to {us}: give another path", metadata.uid()));
    }
    if metadata.mode() & 0o077 != 0 {
        let mode = metadata.mode() & 0o777;
        return refuse(format!("is open to others (mode {mode:o}): chmod 700 it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Directory;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_path_that_no_socket_can_have_is_refused_in_one_line() {
        let directory = Directory::new();
        let base = directory.path().as_os_str().len() + 1;
        let fits = LanAddress::new(directory.path().join("x".repeat(LONGEST_PATH - base)));
        fits.prepare().unwrap();
        let long = LanAddress::new(directory.path().join("x".repeat(LONGEST_PATH - base + 1)));
        let error = long.prepare().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let text = error.to_string();
        assert!(text.contains(&LONGEST_PATH.to_string()) && !text.contains('\n'), "{text}");
    }

    #[test]
    fn the_default_directory_is_the_users_own() {
        let directory = |set: &[(&str, &str)]| {
            let find = |name: &str| Some(set.iter().find(|(key, _)| *key == name)?.1.into());
            directory_in(find, 1000)
        };
        let both = [("XDG_RUNTIME_DIR", "/run/user/1000"), ("TMPDIR", "/var/tmp")];
        assert_eq!(directory(&both), Path::new("/run/user/1000/netstrata"));
        assert_eq!(directory(&both[1..]), Path::new("/var/tmp/netstrata-1000"));
        assert_eq!(directory(&[("XDG_RUNTIME_DIR", "")]), Path::new("/tmp/netstrata-1000"));
    }

    #[test]
    fn the_directory_is_made_for_us_alone() {
        let directory = Directory::new();
        let inner = directory.path().join("made");
        LanAddress::new(inner.join("lan.sock")).prepare().unwrap();
        assert_eq!(fs::metadata(&inner).unwrap().mode() & 0o777, 0o700);
        check_directory(&inner).unwrap();
    }

    #[test]
    fn a_directory_open_to_others_or_behind_a_link_is_refused() {
        let directory = Directory::new();
        let (open, link) = (directory.path().join("open"), directory.path().join("link"));
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        let error = check_directory(&open).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("chmod 700"), "{error}");
        symlink(directory.path(), &link).unwrap();
        assert!(check_directory(&link).unwrap_err().to_string().contains("not a directory"));
    }

    #[test]
    fn a_directory_of_somebody_else_is_refused() {
        let (directory, us) = (Directory::new(), nix::unistd::geteuid());
        // Only root can give a directory away; whoever is not finds the root directory to be somebody else's.
        let theirs = match us.is_root() {
            true => {
                std::os::unix::fs::chown(directory.path(), Some(12345), None).unwrap();
                directory.path()
            }
            false => Path::new("/"),
        };
        let error = check_directory(theirs).unwrap_err();
        assert!(error.to_string().contains("belongs to user"), "{error}");
    }
}
