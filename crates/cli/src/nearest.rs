//! "Did you mean": the nearest valid word.

/// The word of `valid` that `given` was most likely meant to be, if any is near enough.
pub(crate) fn nearest<'a>(given: &str, valid: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    valid
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&given, word), word))
        .filter(|&(distance, word)| distance <= word.len().div_ceil(3).max(1))
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, word)| word)
}

/// The same as a part of an error line: `; did you mean "talk"?`, or nothing.
pub(crate) fn suggestion<'a>(given: &str, valid: impl IntoIterator<Item = &'a str>) -> String {
    nearest(given, valid).map(|word| format!("; did you mean \"{word}\"?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_nonsense_is_not() {
        let valid = ["talk", "echo"];
        for given in ["talc", "tlak", "Talk", "talkk", "tal"] {
            assert_eq!(nearest(given, valid), Some("talk"), "{given}");
        }
        assert_eq!(nearest("http", valid), None);
        assert_eq!(suggestion("ecko", valid), "; did you mean \"echo\"?");
        assert_eq!(suggestion("", valid), "");
    }
}
