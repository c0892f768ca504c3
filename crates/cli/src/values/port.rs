//! TCP ports.

/// Reads a port that something can be sent to.
pub(crate) fn parse(text: &str) -> Result<u16, String> {
    match parse_or_any(text)? {
        0 => Err("port 0 cannot be called; ports go from 1 to 65535".to_owned()),
        port => Ok(port),
    }
}

/// Reads a port to listen on; 0 stands for any that is free.
pub(crate) fn parse_or_any(text: &str) -> Result<u16, String> {
    // `u16::from_str` would take a sign.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(port) if digits => Ok(port),
        _ if digits => Err(format!("port {text} is out of range; ports go from 1 to 65535")),
        _ => Err(format!("{text:?} is not a port; give a number from 1 to 65535")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_at_the_edges() {
        assert_eq!(parse("1"), Ok(1));
        assert_eq!(parse("65535"), Ok(65535));
        assert_eq!(parse_or_any("0"), Ok(0));
        for text in ["0", "65536", "99999999999999999999", "", "-1", "+1", "http", "9528 "] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("65535") && !error.contains('\n'), "{text}: {error}");
        }
    }
}
