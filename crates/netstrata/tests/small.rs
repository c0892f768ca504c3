//! A process that is to stay small: 10 000 idle connections and 200 busy relays in less than 50 MB, measured as a process.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test in real time")]

use libtest_mimic::{Arguments, Trial};
use netstrata::stack::StackConfig;
use netstrata::tokio::{TcpListener, TcpStream};
use netstrata::{Host, LinkSpec, Network, SocketOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};

const IDLE: usize = 10_000;
const BUSY: usize = 200;
/// Bytes that each relay carries, each way.
const BYTES: usize = 512 * 1024;
const BOUND: usize = 50_000_000;
/// Tells the test's program that it is the small process, and where the segment is.
const SEGMENT: &str = "NETSTRATA_SMALL_SEGMENT";

fn host(segment: &Path, last: u8, config: StackConfig) -> Host {
    let network = Network::new(LinkSpec::Lan(Some(segment.to_owned()))).config(config);
    network.address([10, 7, 0, last].into(), 24).start().unwrap()
}

fn run(task: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(task);
}

/// Bytes of this process in memory: now, and at most so far.
fn resident() -> (usize, usize) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// The program is one of two: the small process, if the test has started it as that, or the test.
fn main() {
    if let Some(segment) = std::env::var_os(SEGMENT) {
        return the_small_process(Path::new(&segment));
    }
    let name = "ten_thousand_idle_connections_and_two_hundred_relays_fit_into_50_mb";
    let test = Trial::test(name, || {
        ten_thousand_idle_connections_and_two_hundred_relays_fit_into_50_mb();
        Ok(())
    });
    // Elsewhere nothing tells the size of a process by a file.
    let test = test.with_ignored_flag(!cfg!(target_os = "linux"));
    libtest_mimic::run(&Arguments::from_args(), vec![test]).exit();
}

/// It holds what calls 9000, and relays what calls 9001 to the caller's 9002. Asked by a line, it tells its size.
fn the_small_process(segment: &Path) {
    let host = host(segment, 2, StackConfig::small());
    run(async {
        let options = SocketOptions::default();
        let bind = |port: u16| TcpListener::bind_with(&host, ("10.7.0.2", port), 1_024, options);
        let (idle, relay) = (bind(9000).unwrap(), bind(9001).unwrap());
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = idle.accept().await {
                held.push(stream);
            }
        });
        let out = host.clone();
        tokio::spawn(async move {
            while let Ok((mut inside, _)) = relay.accept().await {
                let out = out.clone();
                tokio::spawn(async move {
                    let mut outside = TcpStream::connect(&out, "10.7.0.1:9002").await?;
                    copy_bidirectional(&mut inside, &mut outside).await
                });
            }
        });
        println!("ready");
        let (tell, mut asked) = tokio::sync::mpsc::unbounded_channel();
        std::thread::spawn(move || {
            std::io::stdin().lines().try_for_each(|line| tell.send(line).map_err(drop))
        });
        while asked.recv().await.is_some() {
            let (now, most) = resident();
            println!("resident {now} {most}");
        }
    });
}

/// The small process as its parent sees it.
struct Small {
    child: Child,
    says: BufReader<std::process::ChildStdout>,
}

impl Small {
    fn start(segment: &Path) -> Small {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(SEGMENT, segment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        let mut small = Small { child, says };
        small.line("ready");
        small
    }

    /// The next line that begins so.
    fn line(&mut self, begin: &str) -> String {
        let mut line = String::new();
        while !line.contains(begin) {
            line.clear();
            assert_ne!(self.says.read_line(&mut line).unwrap(), 0, "it ended");
        }
        line
    }

    fn resident(&mut self) -> (usize, usize) {
        self.child.stdin.as_mut().unwrap().write_all(b"size\n").unwrap();
        let line = self.line("resident ");
        let mut numbers = line.split_whitespace().skip(1).map(|number| number.parse().unwrap());
        (numbers.next().unwrap(), numbers.next().unwrap())
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn ten_thousand_idle_connections_and_two_hundred_relays_fit_into_50_mb() {
    let directory = Directory(std::env::temp_dir().join(format!("netstrata-small-{}", std::process::id())));
    std::fs::create_dir_all(&directory.0).unwrap();
    let segment = directory.0.join("lan.sock");
    let host = host(&segment, 1, StackConfig::default());
    let mut small = Small::start(&segment);
    let empty = small.resident().0;
    run(async {
        let sink = TcpListener::bind(&host, "10.7.0.1:9002").await.unwrap();
        let mut idle = Vec::new();
        for _ in 0..IDLE {
            idle.push(TcpStream::connect(&host, "10.7.0.2:9000").await.unwrap());
        }
        let held = small.resident().0;
        // What comes out of a relay goes back into it.
        let echo = tokio::spawn(async move {
            loop {
                let (mut stream, _) = sink.accept().await.unwrap();
                tokio::spawn(async move {
                    let (mut read, mut write) = tokio::io::split(&mut stream);
                    tokio::io::copy(&mut read, &mut write).await?;
                    write.shutdown().await
                });
            }
        });
        let calls: Vec<_> = (0..BUSY).map(|number| tokio::spawn(call(host.clone(), number as u8))).collect();
        tokio::time::sleep(Duration::from_millis(500)).await;
        let busy = small.resident().0;
        for call in calls {
            assert_eq!(call.await.unwrap(), BYTES);
        }
        let most = small.resident().1;
        echo.abort();
        println!(
            "resident: {empty} empty, {held} with {IDLE} idle, {busy} with {BUSY} relays busy, {most} at most"
        );
        assert!(most < BOUND, "{most}");
    });
}

/// Says bytes through a relay and hears them again; returns how many came back as they were.
async fn call(host: Host, number: u8) -> usize {
    let mut stream = TcpStream::connect(&host, "10.7.0.2:9001").await.unwrap();
    let (mut read, mut write) = tokio::io::split(&mut stream);
    let say = async {
        let piece = [number; 8 * 1024];
        for _ in 0..BYTES / piece.len() {
            write.write_all(&piece).await.unwrap();
        }
        write.shutdown().await.unwrap();
    };
    let hear = async {
        let (mut heard, mut piece) = (0, [0; 8 * 1024]);
        loop {
            let count = read.read(&mut piece).await.unwrap();
            assert!(piece[..count].iter().all(|byte| *byte == number));
            heard += count;
            if count == 0 {
                return heard;
            }
        }
    };
    tokio::join!(say, hear).1
}
