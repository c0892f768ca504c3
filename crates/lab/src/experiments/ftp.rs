//! FTP: one connection to talk, another one for the data.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, seconds};
use crate::text::{Words, text, words};

use sim::network::NodeId;
use tcp::{ConnectionId, Readiness, SocketOptions};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "ftp",
    claims: &[14],
    title: text("FTP: two connections", "FTP：两条连接"),
    says: text("ftp is a protocol of the application layer.", "ftp 是应用层的协议。"),
    precise: text(
        "Commands and replies go as lines over the control connection. Each file or list comes over a data connection of its own, \
         whose end (FIN) is the end of the file. Passive: the server names a port, and the client calls it; active: the client names \
         one, and is called, which firewalls and NAT prevent. This server is a short program; the service `ftp` of `serve` speaks the same.",
        "命令和应答按行走控制连接。每个文件或列表各走一条数据连接，数据连接的结束（FIN）就是文件的结束。被动模式：服务端给出端口，客户端去连接；\
         主动模式：客户端给出端口，等服务端来连，防火墙和 NAT 会挡住它。这里的服务端是一段短程序；`serve` 的 `ftp` 服务说同样的话。",
    ),
    look: &[
        text("Two handshakes, on two ports.", "两次握手，两个端口。"),
        text(
            "Set mode to active: the SYN of the data comes from the server.",
            "把 mode 设为 active：数据连接的 SYN 由服务端发出。",
        ),
    ],
    sources: &["RFC 959 3.2, 5.4", "RFC 2428 3"],
    parameters: &[
        Parameter::choice(
            "mode",
            text("who opens the data connection", "谁来打开数据连接"),
            &["passive", "active"],
            "passive",
        ),
        Parameter::number(
            "delay",
            text("one-way delay of the cable", "电缆的单程时延"),
            "ms",
            (0, 10, 1_000),
        ),
        Parameter::number("size", text("bytes of the file", "文件大小"), "bytes", (0, 50_000, 500_000)),
    ],
    rules: &[],
    run,
};

/// The port of commands.
const CONTROL: u16 = 21;
/// Where data are sent to: the server's port, or the client's.
const DATA: u16 = 50_021;

/// The control connection's two ends, and what was said.
struct Talk {
    client: (NodeId, ConnectionId),
    server: (NodeId, ConnectionId),
    said: Vec<Vec<Words>>,
}

fn run(lab: &mut Lab) {
    let file = scenes::pattern(lab.number("size") as usize);
    let is_passive = lab.word("mode") == "passive";
    let cable = scenes::cable(lab.millis("delay"));
    let pair = scenes::pair(lab, cable);
    let options = SocketOptions { no_delay: true, ..SocketOptions::default() };
    let opened = lab.listen(pair.server, CONTROL, 10, options).and_then(|listener| {
        let client = lab.connect(pair.client, &format!("10.0.0.2:{CONTROL}"), options)?;
        Some((client, scenes::accept(lab, pair.server, listener, seconds(70))?))
    });
    let Some((client, server)) = opened else { return };
    let mut talk = Talk { client: (pair.client, client), server: (pair.server, server), said: Vec::new() };
    talk.reply(lab, "220 Ready.");
    for (command, reply) in [
        ("USER anonymous", "331 Any password will do."),
        ("PASS guest", "230 Welcome."),
        ("TYPE I", "200 As it is."),
    ] {
        talk.exchange(lab, command, reply);
    }
    let Some((receiver, sender)) = open_data(lab, &mut talk, pair, is_passive) else { return };
    talk.exchange(lab, "RETR file", "150 Here it comes.");
    let got = give(lab, (pair.client, receiver), (pair.server, sender), &file);
    talk.reply(lab, "226 That was all.");
    talk.exchange(lab, "QUIT", "221 Goodbye.");
    lab.close(pair.server, server);
    lab.close(pair.client, client);
    lab.run_for(seconds(2));
    check(lab, &file, &got, &talk);
    let columns = [text("who", "谁"), text("line", "内容")];
    lab.table(text("What was said", "控制连接上的对话"), &columns, talk.said);
}

/// Opens the data connection as it was agreed. The client's end comes first.
fn open_data(
    lab: &mut Lab,
    talk: &mut Talk,
    pair: scenes::Pair,
    is_passive: bool,
) -> Option<(ConnectionId, ConnectionId)> {
    let options = SocketOptions::default();
    let (from, to, address) = match is_passive {
        true => (pair.client, pair.server, "10.0.0.2"),
        false => (pair.server, pair.client, "10.0.0.1"),
    };
    let listener = lab.listen(to, DATA, 1, options)?;
    if is_passive {
        talk.exchange(lab, "EPSV", &format!("229 Extended passive (|||{DATA}|)"));
    } else {
        talk.exchange(lab, &format!("EPRT |1|{address}|{DATA}|"), "200 You will be called.");
    }
    let caller = lab.connect(from, &format!("{address}:{DATA}"), options)?;
    let called = scenes::accept(lab, to, listener, seconds(70))?;
    lab.run_until(seconds(70), |lab| lab.readiness(from, caller).contains(Readiness::CONNECTED));
    Some(if is_passive { (caller, called) } else { (called, caller) })
}

/// Sends the file and the end of it. Returns what had come when the end did; nothing if that did not come.
fn give(
    lab: &mut Lab,
    (client, receiver): (NodeId, ConnectionId),
    (server, sender): (NodeId, ConnectionId),
    file: &[u8],
) -> Option<Vec<u8>> {
    let (mut sent, mut is_closed, mut got) = (0, false, Vec::new());
    let ended = lab.run_until(seconds(300), |lab| {
        if sent < file.len() && lab.readiness(server, sender).contains(Readiness::WRITABLE) {
            sent += lab.write(server, sender, &file[sent..]);
        }
        if sent == file.len() && !is_closed {
            is_closed = true;
            lab.close(server, sender);
        }
        if !lab.readiness(client, receiver).contains(Readiness::READABLE) {
            return false;
        }
        match lab.read(client, receiver, 65_536) {
            Some(bytes) if bytes.is_empty() => true,
            Some(bytes) => {
                got.extend(bytes);
                false
            }
            None => false,
        }
    });
    lab.close(client, receiver);
    ended.then_some(got)
}

fn check(lab: &mut Lab, file: &[u8], got: &Option<Vec<u8>>, talk: &Talk) {
    let came = got.as_ref().map_or(0, Vec::len);
    lab.check(
        words("the end of the data connection is the end of the file", "数据连接的结束就是文件的结束"),
        got.as_deref() == Some(file),
        words(
            format!("{came} of {} bytes, then the end", file.len()),
            format!("{} 字节中到了 {came} 字节，然后结束", file.len()),
        ),
    );
    let on_port = |port: u16| {
        let end = format!(":{port}");
        let frames = lab.frames().iter().filter(|frame| !frame.retransmission);
        let on = frames.filter(|frame| {
            frame.summary.source.ends_with(&end) || frame.summary.destination.ends_with(&end)
        });
        on.map(|frame| frame.summary.payload).sum::<usize>()
    };
    let (control, data) = (on_port(CONTROL), on_port(DATA));
    let lines: usize = talk.said.iter().filter_map(|row| Some(row.get(1)?.en.len() + 2)).sum();
    lab.check_undisturbed(
        words("lines go over one connection, the file over the other", "对话走一条连接，文件走另一条"),
        data == file.len() && control == lines,
        words(
            format!("{control} bytes on port {CONTROL}, {data} on port {DATA}"),
            format!("端口 {CONTROL} 上 {control} 字节，端口 {DATA} 上 {data} 字节"),
        ),
    );
    let from_server = lab.segments("server SYN ").filter(|frame| !frame.retransmission).count();
    let expected = usize::from(lab.word("mode") == "active");
    lab.check_undisturbed(
        words(
            "the client opens both connections, unless the mode is active",
            "除主动模式外，两条连接都由客户端打开",
        ),
        from_server == expected
            && lab.segments("client SYN ").filter(|frame| !frame.retransmission).count() == 2 - expected,
        words(format!("{from_server} SYN came from the server"), format!("服务端发出 {from_server} 个 SYN")),
    );
}

impl Talk {
    /// A command, and its reply.
    fn exchange(&mut self, lab: &mut Lab, command: &str, reply: &str) {
        self.line(lab, self.client, self.server, command, words("client", "客户端"));
        self.reply(lab, reply);
    }

    fn reply(&mut self, lab: &mut Lab, reply: &str) {
        self.line(lab, self.server, self.client, reply, words("server", "服务端"));
    }

    fn line(
        &mut self,
        lab: &mut Lab,
        (from, sender): (NodeId, ConnectionId),
        (to, receiver): (NodeId, ConnectionId),
        line: &str,
        who: Words,
    ) {
        let bytes = format!("{line}\r\n").into_bytes();
        lab.write(from, sender, &bytes);
        let heard = scenes::read(lab, to, receiver, bytes.len(), seconds(120));
        let heard = String::from_utf8_lossy(&heard).trim_end().to_owned();
        self.said.push(vec![who, heard.into()]);
    }
}
