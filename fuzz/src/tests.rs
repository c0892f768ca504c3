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

/// What was found once: both sides short of memory at the same time, a router whose word is good for longer than a wheel
/// turns, two windows that shrink while full ones are on their way to them, and a super-segment that waited for its neighbour.
#[test]
fn what_was_found_is_not_found_again() {
    let squeezed = *b"ni\x00\x00\x00\x03\x03\x84\x03\x03\x03n\xff|\xff\x0f\x00=\xef\xef\x02\xe8\x17\x02";
    crate::connection::run(&squeezed);
    let crossed = *b"\xf4\xff\xff\x2f\x04\x00\xfe\xff\xee\x02\x32\xf1\x4e\x79\xff\xff\xff\xff\xff";
    crate::connection::run(&crossed);
    let for_ages = [
        0x28, 0xdf, 0x28, 0x1c, 0x00, 0x04, 0x01, 0x01, 0x00, 0x00, 0x01, 0x00, 0xc9, 0xc9, 0x1d, 0x00, 0x00,
        0x18, 0x3f, 0xc9, 0xc9, 0x2f, 0xc9, 0xc9, 0xc9, 0xc9, 0xc9, 0xc9, 0xc8, 0xc9, 0xc9, 0x1d, 0x00, 0x05,
        0x01, 0x6a, 0x53, 0x6c, 0x46, 0x03, 0x19, 0xfd, 0x00, 0x00, 0x02, 0x04,
    ];
    crate::frames::run(&for_ages);
    let waited = *b"\x4d\x53\x41\x41\x00\x00\x00\xd4\x41\x00\x00\x21\x91\x53\x41\x41\x41\x56\x41\x00\x00\x91\x12\x00\x41\x00\x00\x00\x41\x41\x41\x41\x41\x91\x53\x41\x41";
    crate::frames::run(&waited);
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
