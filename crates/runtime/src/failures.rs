//! Why links broke for good, kept for reports.

/// Failures kept.
const KEPT: usize = 64;

/// The first of them, in their order.
#[derive(Debug, Default)]
pub(crate) struct Failures(Vec<String>);

impl Failures {
    /// A link broke. Beyond the bound that is not kept.
    pub(crate) fn note(&mut self, message: &str) {
        if self.0.len() < KEPT {
            self.0.push(message.to_owned());
        }
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failures_are_kept_and_no_more() {
        let mut failures = Failures::default();
        for number in 0..=KEPT {
            failures.note(&number.to_string());
        }
        assert_eq!(failures.all().len(), KEPT);
        assert_eq!(failures.all().last(), Some(&(KEPT - 1).to_string()));
    }
}
