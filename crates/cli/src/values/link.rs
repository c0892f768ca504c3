//! Links: `lan[:PATH]`, `tap:NAME`, `tun:NAME`, `packet:NAME`, `xdp:NAME`, `host`.

use netstrata::LinkSpec;

use crate::nearest::suggestion;

/// Those that serve a command.
const KINDS: &str = "lan[:PATH], tap:NAME, tun:NAME, packet:NAME, xdp:NAME or host";

/// What comes before the colon.
const NAMES: [&str; 6] = ["lan", "tap", "tun", "packet", "xdp", "host"];

/// Reads the value of `--link`.
pub(crate) fn parse(text: &str) -> Result<LinkSpec, String> {
    let (name, _) = text.split_once(':').unwrap_or((text, ""));
    if !NAMES.contains(&name) && name != "memory" {
        return Err(format!("there is no link {name:?}; take {KINDS}{}", suggestion(name, NAMES)));
    }
    match text.parse::<LinkSpec>() {
        Ok(LinkSpec::Memory) => Err(format!("the link \"memory\" joins hosts of one process; take {KINDS}")),
        Ok(link) => Ok(link),
        Err(error) => Err(format!("{error}; take {KINDS}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_serve_no_command_are_refused_in_one_line() {
        for link in ["lan", "lan:/tmp/x", "tap:net0", "tun:net0", "packet:eth0", "xdp:eth0", "host"] {
            assert_eq!(parse(link).unwrap().to_string(), link);
        }
        for link in ["memory", "lam", "", "tap", "tun", "packet", "xdp", "ethernet"] {
            let error = parse(link).unwrap_err();
            assert!(error.contains("tap:NAME") && !error.contains('\n'), "{link}: {error}");
        }
        let told = format!("there is no link \"lam\"; take {KINDS}; did you mean \"lan\"?");
        assert_eq!(parse("lam:/tmp/x").unwrap_err(), told);
    }
}
