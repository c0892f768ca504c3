//! TCP is a stream: two writes may come as one read, and framing mends it.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{listed, text, words};

use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "stream",
    claims: &[15],
    title: text("A stream knows no messages", "流没有消息边界"),
    says: text("TCP is a stream protocol.", "TCP 是一个流式协议。"),
    precise: text(
        "TCP keeps the order of bytes and nothing else: where one write ended is not told to the reader. Two writes may come \
         as one read (in Chinese literature 粘包, though no packets stick together), one write may come as many. Whoever needs \
         messages must frame them, for example by putting the length before each.",
        "TCP 只保证字节的顺序，并不告诉读者每次写入在哪里结束。两次写入可能一次读到（俗称“粘包”，其实没有什么包粘在一起），一次写入也可能分多次读到。\
         需要消息边界就必须自己分帧，例如在每条消息前写上长度。",
    ),
    look: &[text("Two calls of write, one result of read.", "两次 write，一次 read 的结果。")],
    sources: &["RFC 9293 3.8, 3.9.1"],
    parameters: &[
        Parameter::number(
            "delay",
            text("one-way delay of the cable", "线缆的单程时延"),
            "ms",
            (0, 20, 2_000),
        ),
        Parameter::flag("framing", text("put the length before each message", "在每条消息前写上长度"), true),
    ],
    rules: &[],
    run,
};

const MESSAGES: [&str; 2] = ["hello", "world"];

fn run(lab: &mut Lab) {
    let cable = scenes::cable(lab.millis("delay"));
    let Some(call) = scenes::call(lab, cable, SocketOptions { no_delay: true, ..SocketOptions::default() })
    else {
        return;
    };
    let scenes::Pair { client, server } = call.pair;
    for message in MESSAGES {
        lab.write(client, call.client, message.as_bytes());
    }
    lab.run_until(seconds(60), |lab| {
        lab.info(server, call.server).is_some_and(|info| info.receive_queue == 10)
    });
    let got = lab.read(server, call.server, 1_024).unwrap_or_default();
    let shown = String::from_utf8_lossy(&got).into_owned();
    lab.check(
        words("two writes come as one read", "两次写入，一次读到"),
        got == b"helloworld",
        words(format!("read \u{201c}{shown}\u{201d}"), format!("读到“{shown}”")),
    );
    if !lab.flag("framing") {
        return;
    }
    for message in MESSAGES {
        let mut framed = vec![message.len() as u8];
        framed.extend(message.as_bytes());
        lab.write(client, call.client, &framed);
    }
    lab.run_for(2 * cable.delay + millis(5));
    let mut heard = Vec::new();
    for _ in MESSAGES {
        let length = scenes::read(lab, server, call.server, 1, seconds(60));
        let Some(length) = length.first() else { break };
        let message = scenes::read(lab, server, call.server, usize::from(*length), seconds(60));
        heard.push(String::from_utf8_lossy(&message).into_owned());
    }
    lab.check(
        words("with its length before it, each message is found again", "前面有长度，每条消息都能还原"),
        heard == MESSAGES,
        listed(&heard),
    );
}
