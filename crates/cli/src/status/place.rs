//! Where a server's control socket lies: next to the LAN's.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};

use netstrata::LinkSpec;

use crate::failure::Failure;
use crate::network;

/// The control socket of the server on this link.
pub(crate) fn control_path(link: &LinkSpec) -> Result<PathBuf, Failure> {
    match link {
        LinkSpec::Lan(_) => Ok(network::lan_path(link)?.with_extension("control")),
        // One server of each kind and user; others name a path of their own.
        other => {
            let name = format!("{}.control", other.to_string().replace([':', '/'], "-"));
            Ok(network::lan_path(&LinkSpec::default())?.with_file_name(name))
        }
    }
}

/// Why no socket can lie at `path`, if none can: whoever gave it has no NUL in it, so that it is too long.
pub(crate) fn unfit(path: &Path) -> Option<String> {
    let length = path.as_os_str().as_bytes().len();
    let unfit = SocketAddr::from_pathname(path).is_err();
    unfit.then(|| format!("its {length} bytes are more than the path of a socket can have"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::libc::sockaddr_un;

    #[test]
    fn the_longest_path_is_fit_and_a_longer_one_is_not() {
        // One byte ends it.
        let longest = size_of::<sockaddr_un>() - std::mem::offset_of!(sockaddr_un, sun_path) - 1;
        assert_eq!(unfit(Path::new(&"x".repeat(longest))), None);
        let why = unfit(Path::new(&"x".repeat(longest + 1))).unwrap();
        assert!(why.contains(&(longest + 1).to_string()), "{why}");
    }
}
