//! The handshake as a small machine: who believes what, and what is under way. It is a model, and no part of any stack.

use std::fmt;

/// The rules: two messages or three.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Model {
    pub(super) three: bool,
}

/// What the ends say to each other. Each can be under way at most once: a repetition of what is under way adds nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Message {
    Request,
    Answer,
    Confirmation,
    Data,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Client {
    Begun,
    /// It has sent its request and waits for the answer.
    Waiting,
    Connected,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Server {
    Listening,
    /// It has answered, and waits for the confirmation: three messages only.
    Answered,
    /// It takes the connection for open.
    Connected,
}

/// Everything that matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct State {
    pub(super) client: Client,
    pub(super) server: Server,
    /// The client has taken the server's data.
    pub(super) taken: bool,
    /// Whether each message is under way.
    pub(super) under_way: [bool; 4],
}

/// What can happen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Action {
    Send(Message),
    Lose(Message),
    Deliver(Message),
}

const MESSAGES: [Message; 4] = [Message::Request, Message::Answer, Message::Confirmation, Message::Data];

impl State {
    /// Data is under way, to whoever waits for something else.
    pub(super) fn is_repeating(&self) -> bool {
        self.under_way[Message::Data as usize]
    }

    pub(super) const START: State =
        State { client: Client::Begun, server: Server::Listening, taken: false, under_way: [false; 4] };

    /// Both ends are connected, and the server's data was taken.
    pub(super) fn is_goal(&self) -> bool {
        self.client == Client::Connected && self.server == Server::Connected && self.taken
    }
}

impl Model {
    /// What can happen next. Senders repeat what they wait for; the network loses whatever it likes.
    pub(super) fn actions(self, state: &State) -> Vec<Action> {
        let mut actions = Vec::new();
        let free = |message: Message| !state.under_way[message as usize];
        // The page's client sends its request once and then only waits; in TCP it would repeat it.
        let request = state.client == Client::Begun || self.three && state.client == Client::Waiting;
        if request && free(Message::Request) {
            actions.push(Action::Send(Message::Request));
        }
        if state.server == Server::Answered && free(Message::Answer) {
            actions.push(Action::Send(Message::Answer));
        }
        if state.server == Server::Connected && !state.taken && free(Message::Data) {
            actions.push(Action::Send(Message::Data));
        }
        for message in MESSAGES.into_iter().filter(|message| !free(*message)) {
            actions.extend([Action::Lose(message), Action::Deliver(message)]);
        }
        actions
    }

    /// What comes of it.
    pub(super) fn next(self, state: &State, action: Action) -> State {
        let mut next = *state;
        match action {
            Action::Send(message) => {
                next.under_way[message as usize] = true;
                if message == Message::Request {
                    next.client = Client::Waiting;
                }
            }
            Action::Lose(message) => next.under_way[message as usize] = false,
            Action::Deliver(message) => {
                next.under_way[message as usize] = false;
                self.deliver(&mut next, message);
            }
        }
        next
    }

    fn deliver(self, state: &mut State, message: Message) {
        match message {
            Message::Request if state.server == Server::Listening => {
                state.server = if self.three { Server::Answered } else { Server::Connected };
                state.under_way[Message::Answer as usize] = true;
            }
            Message::Request => {}
            Message::Answer => {
                state.client = Client::Connected;
                state.under_way[Message::Confirmation as usize] |= self.three;
            }
            Message::Confirmation => state.server = Server::Connected,
            // Before the answer has come the client does not know the server's number, and ignores its data.
            Message::Data => state.taken |= state.client == Client::Connected,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Message::Request => "SYN",
            Message::Answer => "SYN-ACK",
            Message::Confirmation => "ACK",
            Message::Data => "data",
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = match self.client {
            Client::Begun => "CLOSED",
            Client::Waiting => "SYN-SENT",
            Client::Connected if self.taken => "ESTABLISHED with data",
            Client::Connected => "ESTABLISHED",
        };
        let server = match self.server {
            Server::Listening => "LISTEN",
            Server::Answered => "SYN-RECEIVED",
            Server::Connected => "ESTABLISHED",
        };
        write!(f, "client {client}, server {server}")?;
        let under_way = MESSAGES.into_iter().filter(|message| self.under_way[*message as usize]);
        let names: Vec<String> = under_way.map(|message| message.to_string()).collect();
        if names.is_empty() { Ok(()) } else { write!(f, ", under way: {}", names.join(" ")) }
    }
}
