//! The control socket: answers `netstrata status`. A question and an answer are one line of JSON each.

use std::fmt::Display;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use netstrata::LinkSpec;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::failure::Failure;
use crate::status::place;
use crate::status::report::{Answer, Report, Request};

/// The longest question.
const LONGEST: u64 = 4096;

/// How long one who asks may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most who ask at once.
const MOST: usize = 8;

/// The most who wait to be let in.
const BACKLOG: i32 = 128;

/// Opens the control socket of the server on this link, or the one that was named. Where it was not asked for, its absence keeps nobody
/// from being served.
pub(crate) fn open_for(
    link: &LinkSpec,
    named: Option<&PathBuf>,
) -> Result<Option<(Control, PathBuf)>, Failure> {
    let path = match named {
        Some(path) => Ok(path.clone()),
        None => place::control_path(link),
    };
    let opened = path.and_then(|path| {
        let failure = |cause: &dyn Display| {
            let cause = format!("{} cannot be this server's control socket: {cause}", path.display());
            Failure::usage(cause, "give it another --control PATH")
        };
        // Before anything is made there.
        if let Some(why) = place::unfit(&path) {
            return Err(failure(&why));
        }
        match Control::open(&path) {
            Ok(Some(control)) => Ok((control, path)),
            Ok(None) => Err(failure(&"another server answers there")),
            Err(error) => Err(failure(&error)),
        }
    });
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(failure) if named.is_some() => Err(failure),
        Err(failure) => {
            tracing::warn!(%failure, "this server cannot be asked for its status");
            Ok(None)
        }
    }
}

/// Makes a report of the present.
pub(crate) type Reporter = dyn Fn() -> Report + Send + Sync;

/// A control socket that is listened to. Dropped, it is gone from the file system.
pub(crate) struct Control {
    listener: UnixListener,
    path: PathBuf,
    /// Held as long as the socket is ours; goes with the process, however that ends.
    _lock: File,
}

impl Control {
    /// Opens the socket, in place of one that a dead server left. None: another server answers there.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Control>> {
        if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
            // Ours alone; one that is there stays as it is.
            fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        // Before a lock is made beside it: of a path that was mistyped nothing is to be left.
        is_left_over(path)?;
        let mut lock_path = path.as_os_str().to_owned();
        lock_path.push(".lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(nix::libc::O_NOFOLLOW)
            .open(PathBuf::from(lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        if is_left_over(path)? {
            fs::remove_file(path)?;
        }
        let listener = listen(path)?;
        Ok(Some(Control { listener, path: path.to_owned(), _lock: lock }))
    }

    /// Answers until dropped.
    pub(crate) async fn answer(self, reporter: Arc<Reporter>) {
        let places = Arc::new(Semaphore::new(MOST));
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let reporter = Arc::clone(&reporter);
                    tokio::spawn(async move {
                        let _ = timeout(PATIENCE, answer_one(stream, &*reporter)).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the control socket takes nobody");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Nobody else may have laid anything here while we hold the lock.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether a socket lies at `path`; what else lies there is not ours to take away.
fn is_left_over(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => Ok(true),
        Ok(_) => Err(io::Error::new(ErrorKind::AlreadyExists, "something that is not a socket lies there")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    use socket2::{Domain, SockAddr, Socket, Type};
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    // Before anybody can connect: that takes until `listen`.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    socket.listen(BACKLOG)?;
    UnixListener::from_std(std::os::unix::net::UnixListener::from(std::os::fd::OwnedFd::from(socket)))
}

async fn answer_one(mut stream: UnixStream, reporter: &Reporter) -> io::Result<()> {
    let mut question = String::new();
    let (reader, mut writer) = stream.split();
    BufReader::new(reader.take(LONGEST)).read_line(&mut question).await?;
    let answer = match serde_json::from_str(&question) {
        Ok(Request::Status) => Answer::Status(Box::new(reporter())),
        Err(error) => Answer::Error { message: format!("not a question that is understood here: {error}") },
    };
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    writer.write_all(&line).await?;
    writer.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(path: &Path, question: &[u8]) -> String {
        let mut stream = UnixStream::connect(path).await.unwrap();
        stream.write_all(question).await.unwrap();
        let mut answer = String::new();
        timeout(PATIENCE * 2, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    }

    #[tokio::test]
    async fn questions_are_answered_and_nonsense_is_told_so() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("made/x.control");
        let control = Control::open(&path).unwrap().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(Control::open(&path).unwrap().is_none(), "two servers at one socket");
        let report = || Report { refused: 42, ..Report::default() };
        let answering = tokio::spawn(control.answer(Arc::new(report)));
        let answer = ask(&path, b"{\"request\":\"status\"}\n").await;
        assert!(
            matches!(serde_json::from_str(&answer), Ok(Answer::Status(report)) if report.refused == 42),
            "{answer}"
        );
        for nonsense in
            [b"\n".as_slice(), b"{}\n", b"{\"request\":\"shutdown\"}\n", &[b'['; LONGEST as usize]]
        {
            let answer = ask(&path, nonsense).await;
            assert!(matches!(serde_json::from_str(&answer), Ok(Answer::Error { .. })), "{answer}");
        }
        answering.abort();
        assert!(answering.await.unwrap_err().is_cancelled());
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn the_longest_question_is_answered_and_of_a_longer_one_only_its_beginning_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.control");
        let control = Control::open(&path).unwrap().unwrap();
        let answering = tokio::spawn(control.answer(Arc::new(Report::default)));
        // The end of the line alone is not missed.
        for (longer, understood) in [(0, true), (1, true), (2, false)] {
            let question = format!("{:>1$}\n", "{\"request\":\"status\"}", LONGEST as usize - 1 + longer);
            let mut stream = UnixStream::connect(&path).await.unwrap();
            stream.write_all(question.as_bytes()).await.unwrap();
            let mut answer = String::new();
            BufReader::new(stream).read_line(&mut answer).await.unwrap();
            let answer: Answer = serde_json::from_str(&answer).unwrap();
            assert_eq!(matches!(answer, Answer::Status(_)), understood);
        }
        answering.abort();
    }

    #[tokio::test]
    async fn one_more_than_may_ask_at_once_waits_until_another_is_done() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.control");
        let control = Control::open(&path).unwrap().unwrap();
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let answering = tokio::spawn(control.answer(Arc::new(move || {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Report::default()
        })));
        // They begin to ask, and take their time.
        let mut slow = Vec::new();
        for _ in 0..MOST {
            let mut stream = UnixStream::connect(&path).await.unwrap();
            stream.write_all(b"{").await.unwrap();
            slow.push(stream);
        }
        let mut next = tokio::spawn({
            let path = path.clone();
            async move { ask(&path, b"{\"request\":\"status\"}\n").await }
        });
        assert!(timeout(Duration::from_millis(200), &mut next).await.is_err());
        assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 0);
        slow.pop();
        let answer = next.await.unwrap();
        assert!(matches!(serde_json::from_str(&answer), Ok(Answer::Status(_))), "{answer}");
        answering.abort();
    }

    #[tokio::test]
    async fn a_socket_left_by_a_dead_server_is_taken_over_and_a_file_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.control");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        drop(Control::open(&path).unwrap().unwrap());
        fs::write(&path, "precious").unwrap();
        assert!(Control::open(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[tokio::test]
    async fn a_lock_that_leads_elsewhere_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (directory.path().join("x.control"), directory.path().join("elsewhere"));
        std::os::unix::fs::symlink(&elsewhere, directory.path().join("x.control.lock")).unwrap();
        assert!(Control::open(&path).is_err());
        assert!(!elsewhere.exists() && !path.exists());
    }
}
