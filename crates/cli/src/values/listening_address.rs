//! Where something listens on this system: `127.0.0.1:8001`.

use std::net::SocketAddr;

/// Reads an address with its port; port 0 stands for any that is free.
pub(crate) fn parse(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        format!(
            "{text:?} is not an address with a port; give ADDRESS:PORT, such as 127.0.0.1:8001 or [::1]:8001"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_and_no_name() {
        for good in ["127.0.0.1:8001", "[::1]:0"] {
            assert_eq!(parse(good).unwrap().to_string(), good);
        }
        for bad in ["", "8001", "127.0.0.1", "localhost:8001", "::1:8001", "127.0.0.1:65536"] {
            let error = parse(bad).unwrap_err();
            assert!(error.contains("; give ADDRESS:PORT") && !error.contains('\n'), "{bad}: {error}");
        }
    }
}
