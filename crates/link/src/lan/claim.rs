//! Who may listen at the path of a LAN.

use super::address::LanAddress;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// What an attempt to listen came to.
pub(super) enum Claim {
    /// The path is ours.
    Ours(Claimed),
    /// Somebody listens there, or is about to.
    Taken,
}

/// A listening socket, and the lock that makes it the only one.
///
/// The lock is held as long as the socket lives and goes with its process, however that ends. So whoever holds the lock
/// may remove what lies at the path: nobody alive listens there, except a program that knows nothing of the lock.
pub(super) struct Claimed {
    pub(super) listener: mio::net::UnixListener,
    path: PathBuf,
    inode: Option<u64>,
    /// Dropped last: after the socket is gone from the path.
    _lock: File,
}

/// Takes the path for ourselves, if nobody listens there.
pub(super) fn claim(address: &LanAddress) -> io::Result<Claim> {
    address.prepare()?;
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("cannot open a LAN at {address}: {error}"));
    // Before anything is made beside it: of a path that was mistyped nothing is to be left.
    check_place(&address.path).map_err(named)?;
    let Some(lock) = lock(&address.lock_path()).map_err(named)? else { return Ok(Claim::Taken) };
    let path = address.path.clone();
    if is_listened_to(&path).map_err(named)? {
        return Ok(Claim::Taken);
    }
    remove_stale(&path).map_err(named)?;
    let listener = listen(&path).map_err(named)?;
    let inode = inode(&path);
    Ok(Claim::Ours(Claimed { listener, path, inode, _lock: lock }))
}

fn lock(path: &Path) -> io::Result<Option<File>> {
    // The file stays for ever: whoever removed it would let two processes lock two files of the same name.
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let file = options.open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn is_listened_to(path: &Path) -> io::Result<bool> {
    match mio::net::UnixStream::connect(path) {
        Ok(_) => Ok(true),
        // Too many wait to be accepted.
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(error),
        // What else lies there is looked at by `remove_stale`.
        Err(_) => Ok(false),
    }
}

fn remove_stale(path: &Path) -> io::Result<()> {
    if check_place(path)? { fs::remove_file(path) } else { Ok(()) }
}

/// Whether a socket lies there.
fn check_place(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(metadata) if metadata.file_type().is_socket() => Ok(true),
        Ok(_) => {
            let text = "something that is not a socket lies there, and it is kept";
            Err(io::Error::new(ErrorKind::AlreadyExists, text))
        }
    }
}

fn listen(path: &Path) -> io::Result<mio::net::UnixListener> {
    use socket2::{Domain, SockAddr, Socket, Type};
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    // Before anybody can connect: that takes until `listen`.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    socket.listen(BACKLOG)?;
    Ok(mio::net::UnixListener::from_std(std::os::unix::net::UnixListener::from(std::os::fd::OwnedFd::from(
        socket,
    ))))
}

fn inode(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|metadata| metadata.ino())
}

impl Drop for Claimed {
    fn drop(&mut self) {
        // Not what somebody else may have laid there instead.
        if self.inode.is_some() && inode(&self.path) == self.inode {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Directory;
    use std::os::unix::net::{UnixListener, UnixStream};

    fn ours(address: &LanAddress) -> Option<Claimed> {
        match claim(address).unwrap() {
            Claim::Ours(claimed) => Some(claimed),
            Claim::Taken => None,
        }
    }

    #[test]
    fn only_one_holds_a_path_and_it_is_free_again_after_it() {
        let directory = Directory::new();
        let address = directory.lan();
        let first = ours(&address).unwrap();
        assert!(ours(&address).is_none());
        assert_eq!(fs::metadata(&address.path).unwrap().mode() & 0o777, 0o600);
        drop(first);
        assert!(!address.path.exists());
        assert!(ours(&address).is_some());
    }

    #[test]
    fn a_socket_that_nobody_listens_to_is_taken_over() {
        let directory = Directory::new();
        let address = directory.lan();
        drop(UnixListener::bind(&address.path).unwrap());
        assert!(address.path.exists());
        let claimed = ours(&address).unwrap();
        UnixStream::connect(&address.path).unwrap();
        drop(claimed);
    }

    #[test]
    fn a_listener_that_knows_nothing_of_the_lock_is_left_alone() {
        let directory = Directory::new();
        let address = directory.lan();
        let _theirs = UnixListener::bind(&address.path).unwrap();
        assert!(ours(&address).is_none());
        UnixStream::connect(&address.path).unwrap();
    }

    #[test]
    fn a_file_that_is_no_socket_is_never_removed() {
        let directory = Directory::new();
        let address = directory.lan();
        fs::write(&address.path, "precious").unwrap();
        let Err(error) = claim(&address) else { panic!("claimed a file") };
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&address.path).unwrap(), "precious");
        assert!(!address.lock_path().exists(), "a lock was left beside it");
    }

    #[test]
    fn of_many_that_race_for_a_stale_path_exactly_one_wins() {
        let directory = Directory::new();
        let address = directory.lan();
        for _ in 0..20 {
            let _ = fs::remove_file(&address.path);
            drop(UnixListener::bind(&address.path).unwrap());
            let claims: Vec<_> = std::thread::scope(|scope| {
                let racers: Vec<_> = (0..8).map(|_| scope.spawn(|| ours(&address))).collect();
                racers.into_iter().map(|racer| racer.join().unwrap()).collect()
            });
            assert_eq!(claims.iter().flatten().count(), 1);
            UnixStream::connect(&address.path).unwrap();
        }
    }
}
