//! What the tests of the command share: servers, calls and deadlines. Each test has a LAN and ports of its own.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "every test file uses its own part")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests of real processes live in real time"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longer than anything here takes on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Longer than a whole script of commands takes there, each with deadlines of its own.
pub const SCRIPT: Duration = Duration::from_secs(600);

/// The program under test: `$NETSTRATA_BIN`, such as a release build, or else the one built with these tests.
pub fn program() -> PathBuf {
    std::env::var_os("NETSTRATA_BIN").map_or_else(|| env!("CARGO_BIN_EXE_netstrata").into(), PathBuf::from)
}

/// The command under test.
pub fn netstrata() -> Command {
    let mut command = Command::new(program());
    command.env_remove("RUST_LOG");
    command
}

/// A directory with a LAN of its own.
pub struct Lan {
    directory: tempfile::TempDir,
}

impl Lan {
    pub fn new() -> Lan {
        // Not below a long $TMPDIR: the path of a socket has at most a hundred bytes.
        Lan { directory: tempfile::Builder::new().prefix("ns").tempdir_in("/tmp").unwrap() }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("lan.sock")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The value of `--link`.
    pub fn link(&self) -> String {
        format!("lan:{}", self.path().display())
    }

    /// A server on this LAN, with one published port that the system chose.
    pub fn serve(&self, arguments: &[&str]) -> Server {
        let mut all = vec!["--publish", "127.0.0.1:0=9528"];
        if arguments.contains(&"--publish") || arguments.contains(&"--no-publish") {
            all.clear();
        }
        // The page's usual port is there once; tests run side by side.
        if !arguments.contains(&"--web") {
            all.push("--no-web");
        }
        all.extend(arguments);
        Server::start(&[&["serve", "--link", &self.link()], all.as_slice()].concat())
    }

    /// A host of our own stack in this process, at 10.7.0.LAST.
    pub fn host(&self, last: u8) -> netstrata::Host {
        let link = netstrata::LinkSpec::Lan(Some(self.path()));
        netstrata::Network::new(link).address([10, 7, 0, last].into(), 24).start().unwrap()
    }
}

/// A process that is ended with the test.
pub struct Process {
    pub child: Child,
    stderr: Arc<Mutex<String>>,
    /// Reads it to its end.
    collector: thread::JoinHandle<()>,
}

impl Process {
    pub fn spawn(command: &mut Command) -> Process {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let stderr = Arc::new(Mutex::new(String::new()));
        let (lines, collected) = (BufReader::new(child.stderr.take().unwrap()), Arc::clone(&stderr));
        let collector = thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut text = collected.lock().unwrap();
                text.push_str(&line);
                text.push('\n');
            }
        });
        Process { child, stderr, collector }
    }

    /// What it has logged so far.
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Waits until its log contains `text`.
    pub fn logs(&self, text: &str) {
        until(&format!("{text:?} in the log"), || self.stderr().contains(text));
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Its exit, which must come.
    pub fn wait(&mut self) -> ExitStatus {
        self.wait_for(DEADLINE)
    }

    /// Stops all of it, as the kernel does with one thread after the other.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
        if !cfg!(target_os = "linux") {
            return;
        }
        let tasks = format!("/proc/{}/task", self.child.id());
        until("the halt of all threads", || {
            std::fs::read_dir(&tasks).unwrap().all(|task| {
                let state = std::fs::read_to_string(task.unwrap().path().join("stat"));
                // Who has gone meanwhile does nothing, either.
                state.map_or(true, |state| state.contains(") T "))
            })
        });
    }

    /// Its exit, which must come within this time.
    pub fn wait_for(&mut self, time: Duration) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // The log's last lines are read after the end, unless somebody else still has it open.
                let ended = Instant::now();
                while !self.collector.is_finished() && ended.elapsed() < Duration::from_secs(2) {
                    thread::sleep(Duration::from_millis(1));
                }
                return status;
            }
            assert!(begun.elapsed() < time, "the process does not end; it said: {}", self.stderr());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.is_running() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- a process said:\n{}", self.stderr());
        }
    }
}

/// A server that is up.
pub struct Server {
    pub process: Process,
    /// What it printed when it was up.
    pub banner: String,
}

impl Server {
    pub fn start(arguments: &[&str]) -> Server {
        let mut process =
            Process::spawn(netstrata().args(arguments).stdout(Stdio::piped()).stdin(Stdio::null()));
        let lines = lines(process.child.stdout.take().unwrap());
        let mut banner = String::new();
        loop {
            match lines.recv_timeout(DEADLINE) {
                Ok(line) => {
                    banner.push_str(&line);
                    banner.push('\n');
                    if line.starts_with("stop:") {
                        break;
                    }
                }
                Err(error) => panic!("{error}: the server did not come up: {banner} {}", process.stderr()),
            }
        }
        Server { process, banner }
    }

    /// A service of the operating system's sockets, at a port that the system chose.
    pub fn on_system(service: &str, directory: &Lan, arguments: &[&str]) -> Server {
        let control = directory.file("system.control").display().to_string();
        let fixed = [
            "serve",
            "--no-web",
            "--link",
            "host",
            "--address",
            "127.0.0.1",
            "--service",
            service,
            "--control",
            &control,
        ];
        Server::start(&[&fixed, arguments].concat())
    }

    /// Where the operating system reaches its first service.
    pub fn published(&self) -> SocketAddr {
        self.published_all()[0]
    }

    /// Where the operating system reaches its services.
    pub fn published_all(&self) -> Vec<SocketAddr> {
        let commands = self.banner.lines().filter_map(|line| line.trim().strip_prefix("nc "));
        let place = |text: &str| {
            let (address, port) = text.split_once(' ').unwrap();
            SocketAddr::new(address.parse().unwrap(), port.parse().unwrap())
        };
        commands.map(place).collect()
    }

    /// Where its first service listens.
    pub fn address(&self) -> String {
        let command = self.banner.lines().find(|line| line.contains(" connect ")).unwrap();
        command.rsplit(' ').next().unwrap().to_owned()
    }

    /// A call from the operating system's side.
    pub fn call(&self) -> TcpStream {
        let stream = TcpStream::connect(self.published()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// Asks it to stop, and waits for the end.
    pub fn stop(mut self) -> ExitStatus {
        self.process.signal(Signal::SIGTERM);
        self.process.wait()
    }
}

/// What a command that has ended did.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Outcome {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// Everything went well, and nothing was to be said about it.
    pub fn is_quiet_success(&self) -> bool {
        self.code == Some(0) && self.stderr.is_empty()
    }
}

/// Runs the command to its end with this input.
pub fn run(arguments: &[&str], input: &[u8]) -> Outcome {
    run_command(netstrata().args(arguments), input)
}

/// Runs a command to its end with this input.
pub fn run_command(command: &mut Command, input: &[u8]) -> Outcome {
    run_within(DEADLINE, command, input)
}

/// Runs a command with this input to its end, which must come within this time.
pub fn run_within(time: Duration, command: &mut Command, input: &[u8]) -> Outcome {
    let mut process = Process::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
    let (mut stdin, mut stdout) = (process.child.stdin.take().unwrap(), process.child.stdout.take().unwrap());
    let input = input.to_vec();
    // It may end without having read everything.
    thread::spawn(move || stdin.write_all(&input));
    let reading = thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).map(|_| bytes)
    });
    let code = process.wait_for(time).code();
    let stdout = reading.join().unwrap().unwrap();
    Outcome { code, stdout, stderr: process.stderr() }
}

/// Lines as they come.
pub fn lines(source: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The next line that contains `text`.
pub fn next_line(lines: &Receiver<String>, text: &str) -> String {
    let mut seen = String::new();
    loop {
        match lines.recv_timeout(DEADLINE) {
            Ok(line) if line.contains(text) => return line,
            Ok(line) => seen.push_str(&(line + "\n")),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                panic!("no {text:?} in:\n{seen}")
            }
        }
    }
}

/// Waits for something that must come about.
pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < DEADLINE, "{what} did not come about");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a message and expects the same back.
pub fn exchange(stream: &mut TcpStream, message: &[u8]) {
    stream.write_all(message).unwrap();
    let mut answer = vec![0; message.len()];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, message);
}

/// A server's report.
pub fn status(control: &Path) -> serde_json::Value {
    let outcome = run(&["status", "--json", "--control", control.to_str().unwrap()], b"");
    assert!(outcome.is_quiet_success(), "{outcome:?}");
    serde_json::from_slice(&outcome.stdout).unwrap()
}

/// Bytes that do not repeat with any power of two.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8 ^ (i / 251 % 241) as u8 ^ (i / 60491 % 239) as u8).collect()
}
