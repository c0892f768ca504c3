//! The name of a host: one label.

/// Bytes of a label at most (RFC 1035 2.3.4).
const LONGEST: usize = 63;

/// Reads a name as hosts may have it (RFC 1123 2.1).
pub(crate) fn parse(text: &str) -> Result<String, String> {
    let is_ordinary = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let has_ends = !text.is_empty() && !text.starts_with('-') && !text.ends_with('-');
    if is_ordinary && has_ends && text.len() <= LONGEST {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is no name of a host; give 1 to 63 letters, digits and hyphens, such as lab-2"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_at_the_edges() {
        let longest = "a".repeat(LONGEST);
        for text in ["a", "lab-2", "2", "NetStrata", &longest] {
            assert_eq!(parse(text).as_deref(), Ok(text));
        }
        let longer = "a".repeat(LONGEST + 1);
        for text in ["", "-a", "a-", "a.local", "a b", "a_b", "\u{e4}", "a\n", &longer] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("1 to 63") && !error.contains('\n'), "{text}: {error}");
        }
    }
}
