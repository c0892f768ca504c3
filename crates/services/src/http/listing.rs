//! A directory as a page.

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tokio::task::spawn_blocking;

use crate::tree::{Entry, Tree, relative};

/// Entries of a page at most.
pub(super) const LISTED: usize = 10_000;

/// What a name keeps in a link.
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The page of the directory that a request's path names with a `/` at its end; none if there is no such directory.
pub(super) async fn page(tree: Tree, path: &str) -> Option<String> {
    let shown = percent_decode_str(path.strip_suffix('/')?).decode_utf8().ok()?.into_owned();
    // As for files: no way up, even one that would stay inside.
    let place = relative(&shown).filter(|_| !shown.split('/').any(|part| part == ".."))?;
    let entries = spawn_blocking(move || tree.list(&place, LISTED)).await.ok()?.ok()?;
    Some(render(&shown, &entries))
}

fn render(path: &str, entries: &[Entry]) -> String {
    let title = escaped(&format!("{path}/"));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title>\n<h1>{title}</h1>\n<table>\n"
    );
    // Writing to a string cannot fail.
    if !path.is_empty() {
        page.push_str("<tr><td><a href=\"../\">../</a></td></tr>\n");
    }
    let directories = entries.iter().filter(|entry| entry.is_directory);
    for Entry { name, is_directory, length, modified } in
        directories.chain(entries.iter().filter(|entry| !entry.is_directory))
    {
        let slash = if *is_directory { "/" } else { "" };
        let size = if *is_directory { String::new() } else { length.to_string() };
        // The dot keeps a name such as `a:b` from being read as a scheme.
        let _ = writeln!(
            page,
            "<tr><td><a href=\"./{link}{slash}\">{name}{slash}</a></td><td align=\"right\">{size}</td><td>{date}</td></tr>",
            link = utf8_percent_encode(name, NAME),
            name = escaped(name),
            date = httpdate::fmt_http_date(*modified),
        );
    }
    page.push_str("</table>\n");
    page
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[tokio::test]
    async fn a_page_has_no_more_entries_than_it_may() {
        let directory = tempfile::tempdir().unwrap();
        let files = directory.path().join("files");
        std::fs::create_dir(&files).unwrap();
        for number in 0..=LISTED {
            std::fs::File::create(files.join(number.to_string())).unwrap();
        }
        let page = page(Tree::open(directory.path()).unwrap(), "/files/").await.unwrap();
        assert_eq!(page.matches("<a href=\"./").count(), LISTED);
    }

    #[test]
    fn names_are_text_and_links() {
        let entry = |name: &str, is_directory| Entry {
            name: name.into(),
            is_directory,
            length: 7,
            modified: SystemTime::UNIX_EPOCH,
        };
        let page = render("/a<b", &[entry("x&\"y\".txt", false), entry("目录", true)]);
        assert!(page.contains("<h1>/a&lt;b/</h1>"), "{page}");
        assert!(page.contains("<a href=\"./x%26%22y%22.txt\">x&amp;&quot;y&quot;.txt</a>"), "{page}");
        assert!(page.contains("<a href=\"./%E7%9B%AE%E5%BD%95/\">目录/</a>"), "{page}");
        assert!(page.find("目录").unwrap() < page.find("x&amp;").unwrap(), "directories come first: {page}");
        assert!(page.contains("<td>Thu, 01 Jan 1970 00:00:00 GMT</td>"), "{page}");
    }
}
