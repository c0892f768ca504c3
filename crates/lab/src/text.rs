//! Words for people, in both languages.

use serde::Serialize;

/// A fixed text in English and Chinese, equally good.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Text {
    /// English.
    pub en: &'static str,
    /// Chinese (simplified).
    pub zh: &'static str,
}

/// A text that was put together, in English and Chinese.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Words {
    /// English.
    pub en: String,
    /// Chinese (simplified).
    pub zh: String,
}

/// A fixed text.
pub(crate) const fn text(en: &'static str, zh: &'static str) -> Text {
    Text { en, zh }
}

/// A text that was put together.
pub(crate) fn words(en: impl Into<String>, zh: impl Into<String>) -> Words {
    Words { en: en.into(), zh: zh.into() }
}

impl From<Text> for Words {
    fn from(text: Text) -> Words {
        words(text.en, text.zh)
    }
}
