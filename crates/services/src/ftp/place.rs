//! Where a caller is in the tree of files, and what it sees from there.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tokio::task::spawn_blocking;

use super::command::{Command, Kind};
use super::data::Load;
use super::facts::{self, Facts};
use crate::tree::{Entry, Tree, relative};

/// Entries of a list at most.
const LISTED: usize = 10_000;
/// What an entry that no line can hold has in its name.
pub(super) const LINE_ENDS: [char; 2] = ['\r', '\n'];

/// A directory of a tree.
pub(super) struct Place {
    tree: Tree,
    /// From the root on.
    path: PathBuf,
}

impl Place {
    pub(super) fn root(tree: Tree) -> Place {
        Place { tree, path: PathBuf::new() }
    }

    /// As the caller sees it.
    pub(super) fn shown(&self) -> String {
        shown(&self.path)
    }

    /// The path from the root that a caller's text means.
    pub(super) fn resolve(&self, text: &str) -> io::Result<PathBuf> {
        let absolute = match text.starts_with('/') {
            true => text.to_owned(),
            false => format!("{}/{text}", self.shown()),
        };
        relative(&absolute).ok_or_else(|| ErrorKind::InvalidInput.into())
    }

    /// Goes to another directory.
    pub(super) async fn enter(&mut self, text: &str) -> io::Result<()> {
        if !self.entry(text).await?.is_directory {
            return Err(ErrorKind::NotADirectory.into());
        }
        self.path = self.resolve(text)?;
        Ok(())
    }

    /// What there is.
    pub(super) async fn entry(&self, text: &str) -> io::Result<Entry> {
        let path = self.resolve(text)?;
        self.with_tree(move |tree| tree.entry(&path)).await
    }

    /// What a command of a transfer asks for. [`ErrorKind::UnexpectedEof`]: it would begin beyond the end.
    pub(super) async fn load(
        &self,
        command: Command,
        offset: u64,
        kind: Kind,
        facts: Facts,
    ) -> io::Result<Load> {
        match command {
            Command::Retr(path) => {
                let path = self.resolve(&path)?;
                let (file, entry) = self.with_tree(move |tree| tree.read(&path)).await?;
                if offset > entry.length {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                Ok(Load::File { file, offset, kind })
            }
            Command::List(path) => {
                let now = SystemTime::now();
                self.listed(path, move |entry| facts::long(entry, now)).await
            }
            Command::Nlst(path) => self.listed(path, |entry| entry.name.clone()).await,
            Command::Mlsd(path) => {
                if !self.entry(path.as_deref().unwrap_or_default()).await?.is_directory {
                    return Err(ErrorKind::NotADirectory.into());
                }
                self.listed(path, move |entry| facts.line(entry, &entry.name)).await
            }
            _ => Err(ErrorKind::Unsupported.into()),
        }
    }

    /// The entries of a directory, or a file alone, each as a line.
    async fn listed(&self, path: Option<String>, line: impl Fn(&Entry) -> String) -> io::Result<Load> {
        let path = self.resolve(path.as_deref().unwrap_or_default())?;
        let entries = self
            .with_tree(move |tree| match tree.entry(&path)? {
                entry if entry.is_directory => tree.list(&path, LISTED),
                entry => Ok(vec![entry]),
            })
            .await?;
        let lines = entries.iter().filter(|entry| !entry.name.contains(LINE_ENDS));
        Ok(Load::Text(lines.map(|entry| line(entry) + "\r\n").collect()))
    }

    async fn with_tree<T: Send + 'static>(
        &self,
        act: impl FnOnce(&Tree) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let tree = self.tree.clone();
        spawn_blocking(move || act(&tree)).await.map_err(io::Error::other)?
    }
}

/// A path from the root as the caller sees it.
pub(super) fn shown(path: &Path) -> String {
    format!("/{}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_list_has_no_more_entries_than_it_may() {
        let directory = tempfile::tempdir().unwrap();
        for number in 0..=LISTED {
            std::fs::File::create(directory.path().join(number.to_string())).unwrap();
        }
        let place = Place::root(Tree::open(directory.path()).unwrap());
        let Load::Text(list) = place.listed(None, |entry| entry.name.clone()).await.unwrap() else {
            panic!("a list is text")
        };
        assert_eq!(list.lines().count(), LISTED);
    }
}
