//! Every way that a short conversation can go when the network loses, repeats, reorders and delays up to so many segments, on
//! the production code: both hosts are cloned at each fork. From each moment the end is reached, without a circle on any way; at
//! the end both sides have read all that was written, and no connection, timer or memory is left.

mod world;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use basis::{HashKey, Random};
use core::hash::BuildHasher;
use std::println;
use world::{Action, Scene, Step, World};

extern crate std;

const SCENES: [Scene; 6] = [
    Scene {
        name: "the caller closes first",
        both_call: false,
        scripts: [
            &[Step::Write(5), Step::Finish, Step::AwaitEnd, Step::Close],
            &[Step::AwaitEnd, Step::Write(3), Step::Close],
        ],
    },
    Scene {
        name: "the called closes first",
        both_call: false,
        scripts: [
            &[Step::AwaitEnd, Step::Close],
            &[Step::Write(5), Step::Finish, Step::AwaitEnd, Step::Close],
        ],
    },
    Scene {
        name: "both close when they like",
        both_call: false,
        scripts: [&[Step::Finish, Step::AwaitEnd, Step::Close], &[Step::Finish, Step::AwaitEnd, Step::Close]],
    },
    Scene {
        name: "both call",
        both_call: true,
        scripts: [
            &[Step::Write(4), Step::Finish, Step::AwaitEnd, Step::Close],
            &[Step::Finish, Step::AwaitEnd, Step::Close],
        ],
    },
    Scene {
        name: "data after the peer's end",
        both_call: false,
        scripts: [
            &[Step::Finish, Step::AwaitEnd, Step::Close],
            &[Step::AwaitEnd, Step::Write(2_000), Step::Finish, Step::Close],
        ],
    },
    Scene {
        name: "both close, and one has data",
        both_call: false,
        scripts: [
            &[Step::Write(1_500), Step::Finish, Step::AwaitEnd, Step::Close],
            &[Step::Finish, Step::AwaitEnd, Step::Close],
        ],
    },
];

/// What is known of a moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// The search has come through it and is still behind it.
    OnTheWay,
    Done,
}

struct Search {
    keys: [HashKey; 2],
    known: BTreeMap<u128, Known>,
    transitions: usize,
    deepest: usize,
    ends: usize,
    text: String,
}

impl Search {
    fn digest(&mut self, world: &World) -> u128 {
        world.describe(&mut self.text);
        let [first, second] = self.keys.map(|key| key.hash_one(self.text.as_str()));
        u128::from(first) << 64 | u128::from(second)
    }

    /// Goes every way from `start`, depth first.
    fn explore(&mut self, start: World) {
        let digest = self.digest(&start);
        self.known.insert(digest, Known::OnTheWay);
        let actions = start.actions();
        let mut way: Vec<(World, Vec<Action>, u128)> = [(start, actions, digest)].into();
        let mut told = Told(Vec::new());
        while let Some((world, actions, digest)) = way.last_mut() {
            let Some(action) = actions.pop() else {
                self.known.insert(*digest, Known::Done);
                way.pop();
                told.0.pop();
                continue;
            };
            let mut next = world.clone();
            told.0.push(action);
            next.happen(action);
            self.transitions += 1;
            let digest = self.digest(&next);
            match self.known.get(&digest) {
                Some(Known::Done) => drop(told.0.pop()),
                Some(Known::OnTheWay) => panic!("a circle without end"),
                None => {
                    self.known.insert(digest, Known::OnTheWay);
                    let actions = next.actions();
                    if actions.is_empty() {
                        next.check_end();
                        self.ends += 1;
                    }
                    way.push((next, actions, digest));
                    self.deepest = self.deepest.max(way.len());
                }
            }
        }
    }
}

/// What has happened on the way to here, told when something is wrong.
struct Told(Vec<Action>);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::eprintln!("after {:?}", self.0);
        }
    }
}

fn explore(scenes: &[Scene], faults: u8) {
    let mut states = 0;
    for &scene in scenes {
        let mut random = Random::new([1; 32]);
        let mut search = Search {
            keys: [random.hash_key(), random.hash_key()],
            known: BTreeMap::new(),
            transitions: 0,
            deepest: 0,
            ends: 0,
            text: String::new(),
        };
        search.explore(World::new(scene, faults));
        states += search.known.len();
        println!(
            "{}, {faults} faults: {} states, {} transitions, {} ends, longest way {}",
            scene.name,
            search.known.len(),
            search.transitions,
            search.ends,
            search.deepest
        );
        assert!(search.ends > 0 && search.known.len() > 20);
    }
    println!("{states} states in all");
}

/// Of all conversations with one fault there are so many; of the simpler ones with two.
#[test]
fn every_conversation_ends_well_whatever_fault_befalls_it() {
    explore(&SCENES, 1);
}

#[test]
#[ignore = "needs a minute"]
fn every_simple_conversation_ends_well_whatever_two_faults_befall_it() {
    explore(&SCENES[..2], 2);
}
