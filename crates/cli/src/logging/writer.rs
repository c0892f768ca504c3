//! Writes lines in a thread of its own, so that whoever has something to say never waits for who reads.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Lines that may wait to be written; further ones are lost, and counted.
const WAITING: usize = 1024;

/// How often room for the last question is looked for.
const PAUSE: Duration = Duration::from_millis(10);

enum Entry {
    Line(Vec<u8>),
    /// All before it is written once this is answered.
    Finish(SyncSender<()>),
}

/// Takes a line with each write, and drops it if too many wait.
#[derive(Clone)]
pub(super) struct LogWriter {
    entries: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
}

impl LogWriter {
    /// Where lines go, and what writes them to `output` in a thread of its own once it is started; until then they wait.
    pub(super) fn new(output: impl Write + Send + 'static) -> (LogWriter, Start) {
        let (entries, waiting) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&lost);
        let start = Start(Box::new(move || write_all(output, &waiting, &counter)));
        (LogWriter { entries, lost }, start)
    }

    /// Waits until everything is written, for up to `patience`.
    pub(super) fn finish(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let (answer, answered) = sync_channel(1);
        let mut question = Entry::Finish(answer);
        while let Err(TrySendError::Full(back)) = self.entries.try_send(question) {
            if Instant::now() >= deadline {
                return;
            }
            question = back;
            thread::sleep(PAUSE);
        }
        // Whoever does not read by then has lost the rest.
        let _ = answered.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    }
}

/// What is to run in the log's thread.
pub(super) struct Start(Box<dyn FnOnce() + Send>);

impl Start {
    /// Starts the thread.
    pub(super) fn run(self) -> io::Result<()> {
        thread::Builder::new().name("log".to_owned()).spawn(self.0).map(drop)
    }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.entries.try_send(Entry::Line(line.to_vec())).is_err() {
            self.lost.fetch_add(1, Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_all(mut output: impl Write, waiting: &Receiver<Entry>, lost: &AtomicU64) {
    while let Ok(entry) = waiting.recv() {
        match entry {
            // What cannot be written is lost: there is nowhere to tell it.
            Entry::Line(line) => drop(output.write_all(&line)),
            Entry::Finish(answer) => drop(answer.try_send(())),
        }
        match lost.swap(0, Relaxed) {
            0 => {}
            count => drop(writeln!(
                output,
                "netstrata: {count} lines of the log were lost: they were not read in time"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets nothing be written until it is opened.
    fn halted() -> (impl Write + Send + 'static, SyncSender<()>, Receiver<String>) {
        struct Halted(Receiver<()>, SyncSender<String>);
        impl Write for Halted {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                // An error means that it was opened for good.
                let _ = self.0.recv();
                self.1.send(String::from_utf8_lossy(bytes).into_owned()).unwrap();
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (open, opened) = sync_channel(0);
        let (sender, written) = sync_channel(10 * WAITING);
        (Halted(opened, sender), open, written)
    }

    #[test]
    fn nobody_waits_for_a_reader_and_what_is_lost_is_counted() {
        let (output, open, written) = halted();
        let (mut log, start) = LogWriter::new(output);
        start.run().unwrap();
        let beyond = 100;
        // One is being written, so many wait, and the rest is lost.
        for number in 0..=WAITING + beyond {
            log.write_all(format!("{number}\n").as_bytes()).unwrap();
            if number == 0 {
                thread::sleep(Duration::from_millis(100));
            }
        }
        log.finish(Duration::from_millis(50));
        let lost = log.lost.load(Relaxed);
        assert!((beyond as u64..=beyond as u64 + 1).contains(&lost), "{lost}");
        drop(open);
        log.finish(Duration::from_secs(60));
        let all: String = written.try_iter().collect();
        assert!(
            all.starts_with("0\n") && all.contains(&format!("{lost} lines of the log were lost")),
            "{all}"
        );
    }

    #[test]
    fn the_end_waits_for_the_last_line() {
        let (output, open, written) = halted();
        drop(open);
        let (mut log, start) = LogWriter::new(output);
        log.write_all(b"the last\n").unwrap();
        assert!(written.try_recv().is_err(), "no thread yet");
        start.run().unwrap();
        log.finish(Duration::from_secs(60));
        assert_eq!(written.try_recv().unwrap(), "the last\n");
    }
}
