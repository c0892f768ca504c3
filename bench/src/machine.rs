//! What the figures were measured on.

use serde::Serialize;

/// The machine, the system and how the program was built.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) system: String,
    /// Of those that matter to checksums and copies, the processor features that the program was built for.
    pub(crate) target_features: Vec<&'static str>,
    pub(crate) optimized: bool,
}

impl Machine {
    pub(crate) fn this() -> Machine {
        Machine {
            processor: processor().unwrap_or_else(|| std::env::consts::ARCH.into()),
            cores: std::thread::available_parallelism().map_or(1, |cores| cores.get()),
            system: system(),
            target_features: target_features(),
            optimized: !cfg!(debug_assertions),
        }
    }

    pub(crate) fn features(&self) -> String {
        if self.target_features.is_empty() {
            return "those that every such processor has".into();
        }
        self.target_features.join(" ")
    }
}

fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn system() -> String {
    let read = |name| std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok();
    match (read("ostype"), read("osrelease")) {
        (Some(kind), Some(release)) => format!("{} {}", kind.trim(), release.trim()),
        _ => std::env::consts::OS.into(),
    }
}

fn target_features() -> Vec<&'static str> {
    [
        ("sse4.2", cfg!(target_feature = "sse4.2")),
        ("avx", cfg!(target_feature = "avx")),
        ("avx2", cfg!(target_feature = "avx2")),
        ("bmi2", cfg!(target_feature = "bmi2")),
        ("avx512f", cfg!(target_feature = "avx512f")),
        ("avx512bw", cfg!(target_feature = "avx512bw")),
        ("neon", cfg!(target_feature = "neon")),
    ]
    .into_iter()
    .filter_map(|(name, on)| on.then_some(name))
    .collect()
}
