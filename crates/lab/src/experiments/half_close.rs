//! Who has sent its FIN can still receive.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words};

use tcp::{Shutdown, SocketOptions, State};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "half-close",
    claims: &[18],
    title: text("Data after the FIN", "FIN 之后的数据"),
    says: text(
        "A FIN only means that the peer sends no more; it can still receive, and this side may send the rest before its own FIN.",
        "收到 FIN 仅仅表示对方不再发送数据了但是还能接收数据，己方可以先发送一些数据给对方，再发送 FIN。",
    ),
    precise: text(
        "shutdown(write) sends the FIN and keeps the handle: the peer reads its end of stream, and answers for as long as it \
         likes. Here the client asks, ends its direction, and gets an answer of many segments while it is in FIN-WAIT-2. With \
         close() instead the answer would meet nobody, and be refused by a RST.",
        "shutdown(write) 发出 FIN，但保留句柄：对方读到流的结尾，仍可想发多久就发多久。这里客户端提问后结束自己的方向，在 FIN-WAIT-2 中收完多个\
         报文段的回答。若用 close()，回答就无人接收，会被 RST 拒绝。",
    ),
    look: &[text("Data flows to a client in FIN-WAIT-2.", "数据流向处于 FIN-WAIT-2 的客户端。")],
    sources: &["RFC 9293 3.6"],
    parameters: &[
        Parameter::number(
            "delay",
            text("one-way delay of the cable", "线缆的单程时延"),
            "ms",
            (1, 30, 2_000),
        ),
        Parameter::number(
            "answer",
            text("bytes of the answer", "回答的字节数"),
            "bytes",
            (1, 20_000, 200_000),
        ),
    ],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let delay = lab.millis("delay");
    let size = lab.number("answer") as usize;
    let Some(call) = scenes::call(lab, scenes::cable(delay), SocketOptions::default()) else { return };
    let scenes::Pair { client, server } = call.pair;
    lab.write(client, call.client, b"question");
    lab.shutdown(client, call.client, Shutdown::Write);
    let question = scenes::read(lab, server, call.server, 100, seconds(60));
    lab.run_for(2 * delay + millis(50));
    let state = lab.state(client, call.client);
    let got = scenes::transfer(lab, (server, call.server), (client, call.client), size, seconds(120));
    lab.check(
        words("the question comes, and then the end of the stream", "问题送到，随后读到流的结尾"),
        question == b"question",
        words(format!("{} bytes", question.len()), format!("{} 字节", question.len())),
    );
    scenes::check_arrived(lab, &got, size);
    lab.check_undisturbed(
        words("the answer comes to a client in FIN-WAIT-2", "回答送到处于 FIN-WAIT-2 的客户端"),
        state == State::FinWait2,
        words(state.to_string(), state.to_string()),
    );
    lab.close(server, call.server);
    lab.run_for(4 * delay + seconds(1));
    let end = lab.read(client, call.client, 100);
    lab.check_undisturbed(
        words("then the other direction ends, too", "然后另一个方向也结束"),
        end.as_deref() == Some(&[]),
        match &end {
            Some(bytes) if bytes.is_empty() => words("the end of the stream", "读到流的结尾"),
            Some(bytes) => {
                words(format!("{} bytes more", bytes.len()), format!("又来了 {} 字节", bytes.len()))
            }
            None => words("nothing yet", "还没有结束"),
        },
    );
}
