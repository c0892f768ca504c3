//! gVisor's netstack: a program of its own in Go, built when the run begins, if Go and the sources of Debian's
//! golang-gvisor-gvisor-dev are there.

use crate::case::{Case, Work};
use crate::namespace::{INTERFACE, STACK};
use anyhow::{Context, bail};
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{env, fs, thread};

/// The variable that tells a sample's process where the program is.
const PROGRAM: &str = "NETSTRATA_BENCH_GVISOR";
/// Where Debian's packages of Go's libraries are.
const LIBRARIES: &str = "/usr/share/gocode";
/// Runs as long as this process.
static RUNNING: Mutex<Option<Child>> = Mutex::new(None);

/// Builds the program in `directory`: minutes the first time, seconds once it is in Go's cache.
pub fn build(directory: &Path) -> anyhow::Result<()> {
    if !Path::new(LIBRARIES).join("src/gvisor.dev").is_dir() {
        bail!("golang-gvisor-gvisor-dev and golang-go are needed");
    }
    fs::write(directory.join("main.go"), include_str!("../../gvisor/main.go"))?;
    let built = Command::new("go")
        .args(["build", "-o", "gvisor", "main.go"])
        .current_dir(directory)
        .env("GO111MODULE", "off")
        .env("GOPATH", LIBRARIES)
        .output()
        .context("golang-go is needed")?;
    if !built.status.success() {
        bail!("go: {}", String::from_utf8_lossy(&built.stderr).lines().last().unwrap_or("it failed"));
    }
    Ok(())
}

/// Tells a sample's process where [`build`] has put the program.
pub fn show(command: &mut Command, directory: &Path) {
    command.env(PROGRAM, directory.join("gvisor"));
}

pub fn start(case: Case, received: &Arc<AtomicU64>) -> anyhow::Result<()> {
    let program = env::var_os(PROGRAM).context("gVisor was not built")?;
    let device = case.device.to_string();
    let mut child = Command::new(program)
        .args([INTERFACE, &Ipv4Addr::from(STACK).to_string(), &case.device.mtu().to_string(), &device])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(child.stdout.take().context("piped")?).lines();
    // It ends when its input does, which is when this process ends.
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
    let received = Arc::clone(received);
    // Towards the kernel it is the kernel's end that counts.
    let counts = case.work == Work::ToUser;
    thread::spawn(move || {
        for total in lines.map_while(Result::ok).filter_map(|line| line.parse().ok()) {
            if counts {
                received.store(total, Ordering::Relaxed);
            }
        }
    });
    Ok(())
}

/// What the program has used, to a hundredth of a second; nothing when it does not run.
pub fn processor_time() -> anyhow::Result<Duration> {
    let Some(child) = &*RUNNING.lock().unwrap_or_else(PoisonError::into_inner) else {
        return Ok(Duration::ZERO);
    };
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
    // Behind the name, which may have blanks in it: fields 14 and 15, user and system time.
    let fields = stat.rsplit(") ").next().context("no name")?.split(' ').skip(11).take(2);
    let ticks: u64 = fields.map(|field| field.parse::<u64>().unwrap_or(0)).sum();
    Ok(Duration::from_millis(ticks * 10))
}
