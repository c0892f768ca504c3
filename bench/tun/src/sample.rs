//! One sample: a subject, a device and the kernel, in a process of their own.

use crate::case::{Case, Work};
use crate::subjects::{Subject, gvisor};
use crate::{kernel, namespace};
use anyhow::{Context, bail};
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What a sample gives.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Figures {
    /// In the unit of the case.
    pub figure: f64,
    /// Processor time of both ends: seconds for each GiB, or microseconds for each round trip.
    pub processor: f64,
}

/// Time before the measurement begins.
const WARM_UP: Duration = Duration::from_millis(700);

/// Takes a sample in this process.
pub fn take(case: Case, subject: Subject, time: Duration, verify: bool) -> anyhow::Result<Figures> {
    namespace::enter()?;
    // What bounds all stacks sends always the same bytes, and gVisor's sinks only count.
    let verify = verify && subject != Subject::Raw;
    let received = Arc::new(AtomicU64::new(0));
    subject.start(case, &received, verify)?;
    match case.work {
        Work::RoundTrip => {
            kernel::exchange(WARM_UP)?;
            let before = processor_time()?;
            let mut times = kernel::exchange(time)?;
            let spent = processor_time()? - before;
            times.sort_unstable();
            let median = times.get(times.len() / 2).context("no message came back")?;
            Ok(Figures {
                figure: median.as_secs_f64() * 1e6,
                processor: spent.as_secs_f64() * 1e6 / times.len() as f64,
            })
        }
        Work::ToUser => {
            kernel::send(case.connections)?;
            watch(&received, time)
        }
        Work::ToKernel => {
            kernel::receive(case.connections, &received, verify)?;
            watch(&received, time)
        }
    }
}

fn watch(received: &AtomicU64, time: Duration) -> anyhow::Result<Figures> {
    thread::sleep(WARM_UP);
    let (before, processor, begin) = (received.load(Ordering::Relaxed), processor_time()?, Instant::now());
    thread::sleep(time);
    let bytes = received.load(Ordering::Relaxed) - before;
    let (elapsed, spent) = (begin.elapsed(), processor_time()? - processor);
    if bytes == 0 {
        bail!("nothing arrived any more");
    }
    Ok(Figures {
        figure: bytes as f64 * 8.0 / elapsed.as_secs_f64() / 1e9,
        processor: spent.as_secs_f64() / (bytes as f64 / f64::from(1 << 30)),
    })
}

fn processor_time() -> anyhow::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let duration =
        |time: nix::sys::time::TimeVal| Duration::new(time.tv_sec() as u64, time.tv_usec() as u32 * 1000);
    Ok(duration(usage.user_time()) + duration(usage.system_time()) + gvisor::processor_time()?)
}

/// Takes a sample in a child, which is ended if it does not end.
pub fn in_child(
    case: Case,
    subject: Subject,
    time: Duration,
    verify: bool,
    programs: &Path,
) -> anyhow::Result<Figures> {
    kernel::wait_for_memory()?;
    let mut command = Command::new(std::env::current_exe()?);
    gvisor::show(&mut command, programs);
    command.args(["--sample", &case.to_string(), &subject.to_string()]);
    command.args(["--seconds", &time.as_secs_f64().to_string()]);
    if verify {
        command.arg("--verify");
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let deadline = Instant::now() + time + WARM_UP + Duration::from_secs(15);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            bail!("it hung");
        }
        thread::sleep(Duration::from_millis(10));
    };
    let (mut text, mut fault) = (String::new(), String::new());
    child.stdout.take().context("piped")?.read_to_string(&mut text)?;
    child.stderr.take().context("piped")?.read_to_string(&mut fault)?;
    if !status.success() {
        bail!("{}", fault.lines().last().unwrap_or("it failed without a word"));
    }
    serde_json::from_str(&text).with_context(|| format!("not a sample: {text}"))
}
