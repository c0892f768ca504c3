//! A tree of files, as `tower-http` reads it.

use std::future::{Ready, ready};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tokio::task::spawn_blocking;
use tower_http::services::fs as served;

use crate::tree::{Entry, Tree};

/// The files of a tree.
#[derive(Clone, Debug)]
pub(super) struct Files(pub(super) Tree);

type Later<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

impl served::Backend for Files {
    type File = Opened;
    type Metadata = Found;
    type OpenFuture = Later<Opened>;
    type MetadataFuture = Later<Found>;

    fn open(&self, path: PathBuf) -> Later<Opened> {
        let tree = self.0.clone();
        in_background(move || {
            tree.read(&path).map(|(file, entry)| Opened { file: File::from_std(file), entry })
        })
    }

    fn metadata(&self, path: PathBuf) -> Later<Found> {
        let tree = self.0.clone();
        in_background(move || tree.entry(&path).map(Found))
    }
}

/// Whatever cannot be had is not there: why is nobody's business.
fn in_background<T: Send + 'static>(act: impl FnOnce() -> io::Result<T> + Send + 'static) -> Later<T> {
    Box::pin(async move {
        spawn_blocking(act).await.map_err(io::Error::other)?.map_err(|_| ErrorKind::NotFound.into())
    })
}

/// What there is at a path.
pub(super) struct Found(Entry);

impl served::Metadata for Found {
    fn is_dir(&self) -> bool {
        self.0.is_directory
    }

    fn modified(&self) -> io::Result<SystemTime> {
        Ok(self.0.modified)
    }

    fn len(&self) -> u64 {
        self.0.length
    }
}

/// An open file.
pub(super) struct Opened {
    file: File,
    entry: Entry,
}

impl served::File for Opened {
    type Metadata = Found;
    type MetadataFuture<'a> = Ready<io::Result<Found>>;

    fn metadata(&self) -> Ready<io::Result<Found>> {
        ready(Ok(Found(self.entry.clone())))
    }
}

impl AsyncRead for Opened {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.file).poll_read(cx, buf)
    }
}

impl AsyncSeek for Opened {
    fn start_seek(mut self: Pin<&mut Self>, position: io::SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.file).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.file).poll_complete(cx)
    }
}
