use super::*;
use stateright::{Checker, Model as Checked, Property};

impl Checked for Model {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::START]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend(Model::actions(*self, state));
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(self.next(state, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        // The client only waits, nothing but data can come to it, and it ignores that.
        let stuck = |_: &Model, state: &State| {
            state.client == super::model::Client::Waiting
                && state.server == super::model::Server::Connected
                && !state.under_way[super::model::Message::Answer as usize]
        };
        vec![
            Property::sometimes("the goal is reached", |_, state| State::is_goal(state)),
            Property::sometimes("both wait for ever", stuck),
        ]
    }
}

/// An independent model checker visits as many states, finds the deadlock with two messages and none with three.
#[test]
fn stateright_agrees() {
    for three in [false, true] {
        let found = search(Model { three });
        let checker = Model { three }.checker().spawn_bfs().join();
        assert_eq!(checker.unique_state_count(), found.states.len());
        assert!(checker.discovery("the goal is reached").is_some());
        assert_eq!(checker.discovery("both wait for ever").is_some(), !three);
        assert_eq!(found.stuck.is_empty(), three);
    }
}

#[test]
fn the_way_to_the_deadlock_is_a_way() {
    let found = search(Model { three: false });
    assert_eq!(found.path.first(), Some(&0));
    assert!(found.stuck.contains(found.path.last().unwrap()));
    for step in found.path.windows(2) {
        assert!(found.edges.iter().any(|(from, _, to)| (*from, *to) == (step[0], step[1])));
    }
}
