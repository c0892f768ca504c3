//! Where a server's control socket lies: next to the LAN's.

use std::path::PathBuf;

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
