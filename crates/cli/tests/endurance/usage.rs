//! What a process uses, as Linux tells it.

use std::collections::HashMap;
use std::fs;

/// Processor time and wake-ups since the process began.
#[derive(Clone, Debug)]
pub struct Usage {
    ticks: u64,
    /// How often each thread was switched away from: of its own will, and against it.
    threads: HashMap<String, [u64; 2]>,
}

/// What was used in some time.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// Processor time in user and in system mode, in ticks of 10 ms.
    pub ticks: u64,
    /// How often threads went to sleep of their own will: as often as they had been woken.
    pub voluntary: u64,
    /// How often threads were put to sleep.
    pub involuntary: u64,
}

impl Usage {
    pub fn of(pid: u32) -> Usage {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        // The name may contain anything, and ends at the last parenthesis; then comes the third field.
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = [14, 15].iter().map(|number| fields[number - 3].parse::<u64>().unwrap()).sum();
        let mut threads = HashMap::new();
        for thread in fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(Result::unwrap) {
            // It may end just now.
            let Ok(status) = fs::read_to_string(thread.path().join("status")) else { continue };
            let switches = ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"];
            let id = thread.file_name().into_string().unwrap();
            threads.insert(id, switches.map(|name| field(&status, name)));
        }
        Usage { ticks, threads }
    }

    /// What was used since then. Threads that have ended take with them what they did.
    pub fn since(&self, earlier: &Usage) -> Used {
        let mut used = Used { ticks: self.ticks - earlier.ticks, voluntary: 0, involuntary: 0 };
        for (id, [voluntary, involuntary]) in &self.threads {
            let before = earlier.threads.get(id).copied().unwrap_or_default();
            used.voluntary += voluntary - before[0];
            used.involuntary += involuntary - before[1];
        }
        used
    }
}

/// Memory in use, in KiB.
pub fn resident(pid: u32) -> u64 {
    field(&fs::read_to_string(format!("/proc/{pid}/status")).unwrap(), "VmRSS:")
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}
