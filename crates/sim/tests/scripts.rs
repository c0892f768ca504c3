//! Every script under `scripts/`, each as a test of its own name, run twice: with numbers from 0 on, and where they wrap.

use libtest_mimic::{Arguments, Trial};
use netstrata_sim::script::{Setup, run_file};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Added to the peers' numbers: so that they wrap early, or in the middle of a window, or pass the sign bit.
const OFFSETS: [u32; 4] = [0, u32::MAX - 1_500, u32::MAX, (1 << 31) - 3_000];

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    let mut files = Vec::new();
    if let Err(error) = collect(&root, &mut files) {
        eprintln!("{}: {error}", root.display());
        return ExitCode::FAILURE;
    }
    files.sort();
    let trials = files.into_iter().map(|file| {
        let name = file.strip_prefix(&root).unwrap_or(&file).with_extension("").display().to_string();
        Trial::test(name, move || {
            for remote_offset in OFFSETS {
                run_file(&file, Setup { remote_offset })
                    .map_err(|failure| format!("{}:{failure} (numbers + {remote_offset})", file.display()))?;
            }
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "pkt") {
            files.push(path);
        }
    }
    Ok(())
}
