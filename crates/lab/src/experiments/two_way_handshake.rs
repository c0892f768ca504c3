//! With two messages both ends can wait for ever; a search through all losses finds it. With three it ends without one.

mod model;
mod search;

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::text::{text, words};
use crate::trace::model::{Exhibit, GraphEdge, GraphState};
use model::{Action, Message, Model, State};
use search::{Found, search};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "two-way-handshake",
    claims: &[17],
    title: text("Two messages are not enough", "两次握手不够"),
    says: text(
        "With only two messages a deadlock is possible: C sends a request, S answers and takes the connection for open and \
         sends data. If the answer is lost, C does not know whether S is ready nor which number it chose, ignores the data and \
         waits for the answer; S, after its time-out, sends the same data again and again.",
        "把三次握手改成仅需要两次握手，死锁是可能发生的：C 给 S 发送连接请求，S 发送确认应答，认为连接已建立，开始发送数据。若应答在传输中丢失，\
         C 不知道 S 是否已准备好，不知道 S 的序列号，将忽略 S 发来的任何数据，只等待应答；而 S 在超时后重复发送同样的分组。这样就形成了死锁。",
    ),
    precise: text(
        "A search through every way in which messages can be sent, lost or delivered finds it: with two messages, where the \
         client waits for the answer and the server repeats only data, there are states from which the goal can never be \
         reached again. (A client that repeated its request to a server that answered it again would find the way out.) With three messages the server has not finished until its answer was acknowledged, so it repeats the \
         answer: from every state the goal can still be reached. The reason that RFC 9293 3.5 gives for the third message is \
         another: an old duplicate of a request must not open a connection that nobody wants.",
        "对消息发送、丢失、送达的所有可能进行搜索就能找到它：两次握手中，客户端只等待应答，服务端只重发数据，存在再也到不了目标的状态\
         （如果客户端会重发请求，而服务端会再次应答，就还有出路）。\
         三次握手中，服务端在应答被确认之前不算完成，因此会重发应答：从每个状态都还能到达目标。RFC 9293 3.5 给出的主要理由则是另一个：\
         网络中滞留的旧请求不能打开没人想要的连接。",
    ),
    look: &[text(
        "The way from the start to the deadlock: the answer is lost, and data is repeated for ever.",
        "从起点到死锁的路：应答丢失，数据永远重发。",
    )],
    sources: &["RFC 9293 3.5"],
    parameters: &[Parameter::choice(
        "messages",
        text("messages of the handshake", "握手的报文数"),
        &["two", "three", "both"],
        "both",
    )],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let which = lab.word("messages").to_owned();
    for three in [false, true] {
        if which == "both" || (which == "three") == three {
            judge(lab, three);
        }
    }
}

fn judge(lab: &mut Lab, three: bool) {
    let found = search(Model { three });
    let (count, stuck) = (found.states.len(), found.stuck.len());
    let (claim, held) = match three {
        false => (words("with two messages there is a deadlock", "两次握手存在死锁"), stuck > 0),
        true => (words("with three messages there is none", "三次握手没有死锁"), stuck == 0),
    };
    lab.check(
        claim,
        held,
        words(
            format!("{count} states, {stuck} of them without a way out"),
            format!("{count} 个状态，其中 {stuck} 个没有出路"),
        ),
    );
    let title = match three {
        false => text("Two messages", "两次握手"),
        true => text("Three messages", "三次握手"),
    };
    let exhibit = graph(title, &found);
    lab.exhibits.push(exhibit);
}

fn graph(title: crate::text::Text, found: &Found) -> Exhibit {
    let states = found.states.iter().enumerate().map(|(number, state)| GraphState {
        label: words(state.to_string(), state.in_chinese()),
        mark: match number {
            0 => "start",
            _ if state.is_goal() => "good",
            _ if found.stuck.contains(&number) => "bad",
            _ => "",
        },
    });
    let edges = found.edges.iter().map(|(from, action, to)| GraphEdge {
        from: *from,
        to: *to,
        label: label(*action),
    });
    Exhibit::Graph { title, states: states.collect(), edges: edges.collect(), path: found.path.clone() }
}

fn label(action: Action) -> crate::text::Words {
    match action {
        Action::Send(message) => words(format!("sends {message}"), format!("发送 {}", message.in_chinese())),
        Action::Lose(message) => {
            words(format!("{message} is lost"), format!("{} 丢失", message.in_chinese()))
        }
        Action::Deliver(message) => {
            words(format!("{message} arrives"), format!("{} 到达", message.in_chinese()))
        }
    }
}

impl Message {
    fn in_chinese(self) -> String {
        self.to_string().replace("data", "数据")
    }
}

impl State {
    fn in_chinese(&self) -> String {
        [("client", "客户端"), ("server", "服务端"), ("under way: ", "路上：")]
            .into_iter()
            .chain([("with data", "已收数据"), ("data", "数据"), (", ", "，")])
            .fold(self.to_string(), |text, (english, chinese)| text.replace(english, chinese))
    }
}

#[cfg(test)]
mod tests;
