//! The page's files, inside of this program.

use std::borrow::Cow;
use std::fmt::Write;

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../web/dist"]
struct Bundle;

/// A file of the page.
pub(super) struct File {
    pub(super) bytes: Cow<'static, [u8]>,
    pub(super) media_type: &'static str,
    /// Names these very bytes, for `If-None-Match`.
    pub(super) tag: String,
}

/// The file at a path such as `/index.js`; `/` is the page itself.
pub(super) fn file(path: &str) -> Option<File> {
    let name = match path.strip_prefix('/')? {
        "" => "index.html",
        name => name,
    };
    let found = Bundle::get(name)?;
    let mut tag = String::from("\"");
    for byte in found.metadata.sha256_hash().iter().take(12) {
        // Writing to a string cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    Some(File { bytes: found.data, media_type: media_type(name), tag })
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_page_is_inside() {
        for (path, media_type) in [
            ("/", "text/html; charset=utf-8"),
            ("/index.js", "text/javascript; charset=utf-8"),
            ("/worker.js", "text/javascript; charset=utf-8"),
            ("/style.css", "text/css; charset=utf-8"),
            ("/lab.wasm", "application/wasm"),
        ] {
            let file = file(path).unwrap();
            assert_eq!(file.media_type, media_type);
            assert!(!file.bytes.is_empty() && file.tag.len() == 26, "{path}: {}", file.tag);
        }
        for path in ["", "index.html", "/../Cargo.toml", "/nothing", "//index.html", "/%2e%2e/Cargo.toml"] {
            assert!(file(path).is_none(), "{path}");
        }
    }
}
