//! A search, breadth first, through all states of the model.

use super::model::{Action, Model, State};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What the search has found.
#[derive(Debug)]
pub(super) struct Found {
    /// Every state that can be reached, in the order in which it was; the first is the start.
    pub(super) states: Vec<State>,
    pub(super) edges: Vec<(usize, Action, usize)>,
    /// States from which the goal cannot be reached any more, whatever happens.
    pub(super) stuck: BTreeSet<usize>,
    /// A shortest way from the start to one of them; to one where data is repeated for ever, if there is one.
    pub(super) path: Vec<usize>,
}

pub(super) fn search(model: Model) -> Found {
    let mut states = vec![State::START];
    let mut numbers: BTreeMap<State, usize> = [(State::START, 0)].into();
    let mut edges = Vec::new();
    let mut parents = vec![0];
    let mut queue: VecDeque<usize> = [0].into();
    while let Some(from) = queue.pop_front() {
        for action in model.actions(&states[from]) {
            let next = model.next(&states[from], action);
            let to = *numbers.entry(next).or_insert_with(|| {
                states.push(next);
                parents.push(from);
                queue.push_back(states.len() - 1);
                states.len() - 1
            });
            edges.push((from, action, to));
        }
    }
    let hopeful =
        reaching(&edges, states.iter().enumerate().filter(|(_, state)| state.is_goal()).map(|(n, _)| n));
    let stuck: BTreeSet<usize> = (0..states.len()).filter(|number| !hopeful.contains(number)).collect();
    // Of all of them the one that is worst: an end believes in the connection, and repeats its data for ever.
    let repeats = |number: &&usize| states[**number].is_repeating();
    let mut path: Vec<usize> = stuck.iter().find(repeats).or(stuck.first()).copied().into_iter().collect();
    while let Some(&last) = path.last().filter(|last| **last != 0) {
        path.push(parents[last]);
    }
    path.reverse();
    Found { states, edges, stuck, path }
}

/// All states from which one of `goals` can be reached.
fn reaching(edges: &[(usize, Action, usize)], goals: impl Iterator<Item = usize>) -> BTreeSet<usize> {
    let mut reaching: BTreeSet<usize> = goals.collect();
    let mut queue: Vec<usize> = reaching.iter().copied().collect();
    while let Some(to) = queue.pop() {
        for (from, _, _) in edges.iter().filter(|(_, _, end)| *end == to) {
            if reaching.insert(*from) {
                queue.push(*from);
            }
        }
    }
    reaching
}
