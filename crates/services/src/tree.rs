//! A directory whose files are given to callers: what lies outside of it cannot be reached through it.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata};

/// A directory, open once and for all. Paths are relative to it; `..` and symbolic links are followed as long as they stay inside,
/// which the operating system checks on every step (`openat2` with `RESOLVE_BENEATH`, where there is one).
///
/// All calls block.
#[derive(Clone, Debug)]
pub struct Tree(Arc<Dir>);

/// What there is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The last part of the path.
    pub name: String,
    /// Whether it is a directory; otherwise it is a regular file.
    pub is_directory: bool,
    /// Bytes of the file.
    pub length: u64,
    /// When it was last changed.
    pub modified: SystemTime,
}

impl Tree {
    /// Opens a directory.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn open(path: &Path) -> io::Result<Tree> {
        Ok(Tree(Arc::new(Dir::open_ambient_dir(path, ambient_authority())?)))
    }

    /// What there is at `path`.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) also for what is neither a file nor a directory; [`PermissionDenied`](ErrorKind::PermissionDenied)
    /// for a way out.
    pub fn entry(&self, path: &Path) -> io::Result<Entry> {
        entry(name(path), &self.0.metadata(inside(path))?)
    }

    /// Opens a regular file to read.
    ///
    /// # Errors
    /// Those of [`Tree::entry`]; [`IsADirectory`](ErrorKind::IsADirectory).
    pub fn read(&self, path: &Path) -> io::Result<(File, Entry)> {
        // Looked at first: opening a pipe would wait for its writer.
        if self.entry(path)?.is_directory {
            return Err(ErrorKind::IsADirectory.into());
        }
        let file = self.0.open(inside(path))?;
        let entry = entry(name(path), &file.metadata()?)?;
        Ok((file.into_std(), entry))
    }

    /// What a directory holds, by name, at most `most` entries. Left out is what callers could not open: names that are not UTF-8,
    /// links that lead nowhere or outside, devices.
    ///
    /// # Errors
    /// Those of [`Tree::entry`]; [`NotADirectory`](ErrorKind::NotADirectory).
    pub fn list(&self, path: &Path, most: usize) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        for row in self.0.read_dir(inside(path))?.take(most) {
            let Ok(name) = row?.file_name().into_string() else { continue };
            found.extend(self.entry(&path.join(name)).ok());
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }
}

/// The directory itself has no empty name.
fn inside(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn entry(name: String, found: &Metadata) -> io::Result<Entry> {
    if !found.is_dir() && !found.is_file() {
        return Err(ErrorKind::NotFound.into());
    }
    let modified = found.modified().map_or(SystemTime::UNIX_EPOCH, cap_std::time::SystemTime::into_std);
    Ok(Entry { name, is_directory: found.is_dir(), length: found.len(), modified })
}

/// The path that a caller's text with `/` means, relative to the root. None: it names no place (a NUL).
pub(crate) fn relative(text: &str) -> Option<PathBuf> {
    if text.contains('\0') {
        return None;
    }
    let mut path = PathBuf::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            // Above the root is the root, as `cd ..` has it there.
            ".." => _ = path.pop(),
            part => path.push(part),
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_lies_outside_is_not_reached() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        fs::create_dir_all(root.join("sub/deep")).unwrap();
        fs::write(directory.path().join("secret"), "s").unwrap();
        fs::write(root.join("open"), "file").unwrap();
        symlink("../secret", root.join("relative")).unwrap();
        symlink(directory.path().join("secret"), root.join("absolute")).unwrap();
        symlink("/etc", root.join("etc")).unwrap();
        symlink("../open", root.join("sub/within")).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        nix_fifo(&root.join("pipe"));
        let tree = Tree::open(&root).unwrap();
        for path in
            ["../secret", "relative", "absolute", "etc/passwd", "etc", "sub/../../secret", "/etc/passwd"]
        {
            assert!(tree.read(Path::new(path)).is_err(), "{path}");
            assert!(tree.entry(Path::new(path)).is_err(), "{path}");
        }
        assert_eq!(tree.read(Path::new("sub/within")).unwrap().1.length, 4);
        assert_eq!(tree.read(Path::new("sub")).unwrap_err().kind(), ErrorKind::IsADirectory);
        assert_eq!(tree.read(Path::new("pipe")).unwrap_err().kind(), ErrorKind::NotFound);
        let names = |path: &str, most| {
            tree.list(Path::new(path), most).unwrap().into_iter().map(|entry| entry.name).collect::<Vec<_>>()
        };
        assert_eq!(names("", 100), ["open", "sub"]);
        assert_eq!(names("sub", 100), ["deep", "within"]);
        assert!(names("", 1).len() <= 1);
    }

    fn nix_fifo(path: &Path) {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[test]
    fn texts_become_paths_inside() {
        for (text, path) in
            [("/", ""), ("a//b/", "a/b"), ("/../../x", "x"), ("a/../../b", "b"), ("./a/.", "a"), ("…", "…")]
        {
            assert_eq!(relative(text), Some(PathBuf::from(path)), "{text}");
        }
        assert_eq!(relative("a\0b"), None);
    }
}
