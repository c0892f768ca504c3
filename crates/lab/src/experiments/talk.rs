//! The page's conversation: what one read returns is sent back; `q` ends the call, and the server goes on for others.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words};

use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "talk",
    claims: &[1, 24],
    title: text("A server and a client that talk", "会对话的服务端与客户端"),
    says: text(
        "A client and a server must both be built. The client sends what is typed; the server receives up to 1024 bytes, \
         decodes UTF-8 and sends it back; q ends the call.",
        "必须开发一套客户端与服务端。客户端发送输入的内容，服务端一次最多接收 1024 字节，按 UTF-8 解码后发回；输入 q 结束通话。",
    ),
    precise: text(
        "A read may end in the middle of a character: three bytes of 你 can come in two reads. Whoever decodes each read by \
         itself fails; the bytes must be collected first, or passed on undecoded as here. The page's server has two faults \
         that ours must not have: after the peer hangs up it loops on empty reads, and after one call it closes the whole server.",
        "一次读取可能断在一个字符中间：“你”的三个字节可能分两次读到。逐次解码就会出错；应先收齐再解码，或像这里一样原样转发。\
         原文的服务端有两个毛病：对方挂断后对空读取死循环；一次通话结束就关掉整个服务端。",
    ),
    look: &[
        text(
            "Set read to 4: the characters are cut, and still arrive whole.",
            "把 read 设为 4：字符被切断，却仍完整到达。",
        ),
        text("After q the second call is served like the first.", "q 之后，第二个通话照样得到服务。"),
    ],
    sources: &["RFC 9293 3.9.1", "RFC 3629"],
    parameters: &[
        Parameter::number(
            "delay",
            text("one-way delay of the cable", "线缆的单程时延"),
            "ms",
            (0, 20, 2_000),
        ),
        Parameter::number(
            "read",
            text("most bytes that the server reads at once", "服务端一次最多读取的字节数"),
            "bytes",
            (1, 1_024, 1_024),
        ),
    ],
    rules: &[],
    run,
};

const MESSAGE: &str = "你好，网络编程";

fn run(lab: &mut Lab) {
    let cable = scenes::cable(lab.millis("delay"));
    let most = lab.number("read") as usize;
    let Some(call) = scenes::call(lab, cable, SocketOptions { no_delay: true, ..SocketOptions::default() })
    else {
        return;
    };
    let answer = talk(lab, call, most, MESSAGE);
    let shown = String::from_utf8_lossy(&answer).into_owned();
    lab.check(
        words("what was said comes back, every character whole", "说的话原样返回，每个字符完整"),
        answer == MESSAGE.as_bytes(),
        words(format!("\u{201c}{shown}\u{201d}"), format!("“{shown}”")),
    );
    talk(lab, call, most, "q");
    lab.close(call.pair.client, call.client);
    lab.run_for(seconds(1) + 4 * cable.delay);
    let again = scenes::open(lab, call.pair, call.listener, SocketOptions::default());
    let again =
        again.map(|(client, server)| talk(lab, scenes::Call { client, server, ..call }, most, "again"));
    let heard =
        again.as_ref().map_or("nothing".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned());
    lab.check(
        words("q ends one call only: the next caller is served", "q 只结束一次通话：下一位照常得到服务"),
        again.as_deref() == Some(b"again"),
        words(format!("the second call heard \u{201c}{heard}\u{201d}"), format!("第二个通话听到“{heard}”")),
    );
}

/// The client says something; the server reads, and answers each read as the page's does. Returns what the client hears.
fn talk(lab: &mut Lab, call: scenes::Call, most: usize, say: &str) -> Vec<u8> {
    let scenes::Pair { client, server } = call.pair;
    lab.write(client, call.client, say.as_bytes());
    let (mut read, mut heard) = (0, Vec::new());
    while read < say.len() {
        let data = scenes::read(lab, server, call.server, most.min(say.len() - read), seconds(30));
        if data.is_empty() {
            break;
        }
        read += data.len();
        if data == b"q" {
            lab.close(server, call.server);
            return heard;
        }
        lab.write(server, call.server, &data);
        lab.run_for(millis(1));
    }
    heard.extend(scenes::read(lab, client, call.client, read, seconds(30)));
    heard
}
