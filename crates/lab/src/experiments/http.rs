//! HTTP: requests and answers as text on one connection, with ranges and conditions.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, seconds};
use crate::text::{Words, text, words};

use tcp::{Readiness, SocketOptions};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "http",
    claims: &[14],
    title: text("HTTP over a connection", "连接之上的 HTTP"),
    says: text("http is a protocol of the application layer.", "http 是应用层的协议。"),
    precise: text(
        "TCP gives a stream without marks. HTTP says where a message ends: a head of lines, an empty line, and as many bytes as \
         Content-Length says. So one connection carries one request after the other, a broken download goes on with a range, and \
         a page that has not changed need not come again. This server is a short program; the service `http` of `serve` answers the same.",
        "TCP 给出的是没有标记的字节流。HTTP 规定消息在哪里结束：若干行首部、一个空行，然后是 Content-Length 所说的字节数。因此一条连接可以依次承载多个请求，\
         中断的下载可以用范围请求继续，没有变化的页面不必再取。这里的服务端是一段短程序；`serve` 的 `http` 服务给出同样的回答。",
    ),
    look: &[
        text("The second request needs no handshake.", "第二个请求不需要握手。"),
        text(
            "206 brings the missing part only, 304 nothing but a head.",
            "206 只带来缺少的部分，304 只有首部。",
        ),
    ],
    sources: &["RFC 9110 13.1.2, 14", "RFC 9112 6, 9.3"],
    parameters: &[
        Parameter::number(
            "delay",
            text("one-way delay of the cable", "电缆的单程时延"),
            "ms",
            (0, 10, 1_000),
        ),
        Parameter::number("size", text("bytes of the file", "文件大小"), "bytes", (100, 50_000, 500_000)),
    ],
    rules: &[],
    run,
};

const TAG: &str = "\"1\"";

/// What a client gets.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    status: u32,
    body: Vec<u8>,
}

fn run(lab: &mut Lab) {
    let file = scenes::pattern(lab.number("size") as usize);
    let cable = scenes::cable(lab.millis("delay"));
    let options = SocketOptions { no_delay: true, ..SocketOptions::default() };
    let Some(call) = scenes::call(lab, cable, options) else { return };
    let mut rows = Vec::new();
    let whole = ask(lab, call, &file, "GET /file", "", &mut rows);
    let head = ask(lab, call, &file, "HEAD /file", "", &mut rows);
    let known = ask(lab, call, &file, "GET /file", &format!("If-None-Match: {TAG}\r\n"), &mut rows);
    let missing = ask(lab, call, &file, "GET /other", "", &mut rows);
    let handshakes = lab.segments("client SYN ").filter(|frame| !frame.retransmission).count();
    lab.check(
        words("each answer says where it ends", "每个回答都说明自己在哪里结束"),
        (whole.status, head.status, known.status, missing.status) == (200, 200, 304, 404)
            && whole.body == file
            && head.body.is_empty()
            && known.body.is_empty(),
        words(
            format!("{}, {}, {}, {}", whole.status, head.status, known.status, missing.status),
            format!("{}、{}、{}、{}", whole.status, head.status, known.status, missing.status),
        ),
    );
    lab.check_undisturbed(
        words("one handshake carries all requests", "一次握手承载所有请求"),
        handshakes == 1,
        words(format!("{handshakes} SYN for 4 requests"), format!("4 个请求，{handshakes} 个 SYN")),
    );
    resume(lab, call, &file, &mut rows);
    let columns = [
        text("request", "请求"),
        text("status", "状态码"),
        text("bytes of the answer's body", "回答正文的字节数"),
    ];
    lab.table(text("What was asked, and what came", "问了什么，得到什么"), &columns, rows);
}

/// The download breaks off in the middle; another connection brings the rest.
fn resume(lab: &mut Lab, call: scenes::Call, file: &[u8], rows: &mut Vec<Vec<Words>>) {
    lab.close(call.pair.client, call.client);
    lab.run_for(seconds(1));
    let Some((client, server)) = scenes::open(lab, call.pair, call.listener, SocketOptions::default()) else {
        return;
    };
    let call = scenes::Call { client, server, ..call };
    let (kept, _) = file.split_at(file.len() / 3);
    let range = format!("Range: bytes={}-\r\n", kept.len());
    let rest = ask(lab, call, file, "GET /file", &range, rows);
    let together = [kept, &rest.body].concat();
    lab.check(
        words("what was kept and the rest are the file", "已有的部分加上其余部分就是整个文件"),
        rest.status == 206 && together == file,
        words(
            format!("{} bytes kept, status {}, {} more came", kept.len(), rest.status, rest.body.len()),
            format!("已有 {} 字节，状态码 {}，又到 {} 字节", kept.len(), rest.status, rest.body.len()),
        ),
    );
}

/// The client asks, the server reads the request from its stream and answers, and the client reads as much as the head says.
fn ask(
    lab: &mut Lab,
    call: scenes::Call,
    file: &[u8],
    what: &str,
    fields: &str,
    rows: &mut Vec<Vec<Words>>,
) -> Answer {
    let scenes::Pair { client, server } = call.pair;
    lab.write(client, call.client, format!("{what} HTTP/1.1\r\nHost: 10.0.0.2\r\n{fields}\r\n").as_bytes());
    let request = read_head(lab, server, call.server);
    let reply = answer(&request, file);
    let mut sent = 0;
    let mut got = Vec::new();
    let mut length = None;
    lab.run_until(seconds(300), |lab| {
        if sent < reply.len() && lab.readiness(server, call.server).contains(Readiness::WRITABLE) {
            sent += lab.write(server, call.server, &reply[sent..]);
        }
        if lab.readiness(client, call.client).contains(Readiness::READABLE) {
            got.extend(lab.read(client, call.client, 65_536).unwrap_or_default());
        }
        length = length.or_else(|| expected(&got, what.starts_with("HEAD")));
        length.is_some_and(|length| got.len() >= length)
    });
    let heard = parse(&got);
    rows.push(vec![
        format!("{what} {}", fields.trim_end()).trim_end().to_owned().into(),
        heard.status.to_string().into(),
        heard.body.len().to_string().into(),
    ]);
    heard
}

/// Reads up to the empty line.
fn read_head(lab: &mut Lab, host: sim::network::NodeId, id: tcp::ConnectionId) -> String {
    let mut got = Vec::new();
    lab.run_until(seconds(60), |lab| {
        if lab.readiness(host, id).contains(Readiness::READABLE) {
            got.extend(lab.read(host, id, 65_536).unwrap_or_default());
        }
        got.ends_with(b"\r\n\r\n")
    });
    String::from_utf8_lossy(&got).into_owned()
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The server's program.
fn answer(request: &str, file: &[u8]) -> Vec<u8> {
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let start = field(request, "Range")
        .and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    let (status, body) = match (path, start) {
        ("/file", _) if field(request, "If-None-Match") == Some(TAG) => ("304 Not Modified", &[][..]),
        ("/file", Some(start)) => ("206 Partial Content", file.get(start..).unwrap_or_default()),
        ("/file", None) => ("200 OK", file),
        _ => ("404 Not Found", &b"there is no such file\n"[..]),
    };
    let mut reply = format!("HTTP/1.1 {status}\r\nETag: {TAG}\r\n");
    if !status.starts_with("304") {
        reply += &format!("Content-Length: {}\r\n", body.len());
    }
    if status.starts_with("206") {
        let last = file.len().saturating_sub(1);
        reply += &format!("Content-Range: bytes {}-{last}/{}\r\n", file.len() - body.len(), file.len());
    }
    let body = if method == "HEAD" { &[] } else { body };
    [reply.as_bytes(), b"\r\n", body].concat()
}

/// How long the whole answer is, once its head has come.
fn expected(got: &[u8], head_alone: bool) -> Option<usize> {
    let end = got.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&got[..end]).into_owned();
    let body = field(&head, "Content-Length").and_then(|length| length.parse().ok()).unwrap_or(0);
    Some(end + if head_alone { 0 } else { body })
}

fn parse(got: &[u8]) -> Answer {
    let Some(end) = got.windows(4).position(|four| four == b"\r\n\r\n") else { return Answer::default() };
    let head = String::from_utf8_lossy(&got[..end]);
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, body: got[end + 4..].to_vec() }
}
