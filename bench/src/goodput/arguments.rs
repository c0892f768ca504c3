//! What can be asked of the matrix.

use super::matrix::Pairing;
use std::path::PathBuf;

/// Measure goodput over an emulated path: this stack and Linux send to themselves and to each other, in turn (Linux, root).
///
/// Every list may be cut down to measure a slice of the matrix. Run it as `chrt -r 10 bench goodput ...`, so that neither the path nor a stack waits for a processor that others use.
#[derive(clap::Args, Clone, Debug)]
pub struct Arguments {
    /// Frames lost in each direction, in percent
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', default_values_t = [0.0, 0.1, 1.0, 3.0], value_parser = percent)]
    pub loss: Vec<f64>,
    /// Round-trip times of the empty path, in milliseconds
    #[arg(long, value_name = "MS", value_delimiter = ',', default_values_t = [2, 20, 100], value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rtt: Vec<u32>,
    /// Frames held back in each direction, in percent, by up to half the round-trip time
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', default_values_t = [0.0, 5.0], value_parser = percent)]
    pub reordering: Vec<f64>,
    /// Who sends to whom
    #[arg(long, value_name = "PAIRING", value_delimiter = ',', default_values_t = Pairing::ALL)]
    pub pairing: Vec<Pairing>,
    /// Rate of the path, in Mbit/s
    #[arg(long, value_name = "MBIT/S", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub rate: u32,
    /// Seconds for which each transfer is watched
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub seconds: u32,
    /// Rounds, in each of which every pairing has its turn in every cell, with the same seed
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// Number of the first round's seed
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Transfers at once, each over a path of its own
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub jobs: u32,
    /// Begin with what this JSON file holds of an earlier run; what is measured again replaces it
    #[arg(long, value_name = "FILE")]
    pub keep: Option<PathBuf>,
    /// Write the figures as JSON, after each round
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draw the figures as SVG
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Write the figures as Markdown
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

fn percent(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("a number from 0 to 100 is wanted".into()),
    }
}
