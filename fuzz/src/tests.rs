//! Every target with its seeds, and with what becomes of them when bytes are changed, cut and put together.

use crate::TARGETS;
use basis::Random;
use std::path::Path;

/// Broken inputs a target.
const INPUTS: u32 = 1_500;

#[test]
fn targets_hold_what_they_promise_for_their_seeds_and_for_broken_ones() {
    for (number, target) in TARGETS.iter().enumerate() {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty());
        for seed in &seeds {
            (target.run)(seed);
        }
        let mut random = Random::new([number as u8; 32]);
        for _ in 0..INPUTS {
            let mut input = seeds[random.below(seeds.len() as u32) as usize].clone();
            for _ in 0..random.below(8) {
                change(&mut input, &seeds, &mut random);
            }
            (target.run)(&input);
        }
    }
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len().max(1) as u32) as usize;
    match random.below(4) {
        0 => input.truncate(at),
        1 => input.extend_from_slice(&seeds[random.below(seeds.len() as u32) as usize]),
        2 => input.insert(at.min(input.len()), random.next_u32() as u8),
        _ => {
            if let Some(byte) = input.get_mut(at) {
                *byte = random.next_u32() as u8;
            }
        }
    }
}

#[test]
fn every_target_has_its_program_and_every_program_its_target() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for target in TARGETS {
        let program = std::fs::read_to_string(root.join(format!("fuzz_targets/{}.rs", target.name))).unwrap();
        assert!(program.contains("fuzz_target!"), "{}", target.name);
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{}.rs\"", target.name)), "{}", target.name);
    }
    let programs = std::fs::read_dir(root.join("fuzz_targets")).unwrap().count();
    assert_eq!(programs, TARGETS.len());
}
