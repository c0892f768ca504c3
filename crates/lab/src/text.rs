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

/// "yes" or "no".
pub(crate) fn yes_or_no(yes: bool) -> Words {
    if yes { words("yes", "是") } else { words("no", "否") }
}

/// Things in a row: `1, 2, 3`; "none" if there are none.
pub(crate) fn listed<T: std::fmt::Display>(things: impl IntoIterator<Item = T>) -> Words {
    let things: Vec<String> = things.into_iter().map(|thing| thing.to_string()).collect();
    match things.is_empty() {
        true => words("none", "无"),
        false => words(things.join(", "), things.join("、")),
    }
}

impl From<String> for Words {
    /// The same in both languages: a number, a name.
    fn from(text: String) -> Words {
        Words { en: text.clone(), zh: text }
    }
}

impl From<Text> for Words {
    fn from(text: Text) -> Words {
        words(text.en, text.zh)
    }
}
