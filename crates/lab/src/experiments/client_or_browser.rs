//! The same message by a client of its own and by a browser: what each costs on the wire.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words};

use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "client-or-browser",
    claims: &[4, 5],
    title: text("A client of its own, or the browser", "专用客户端还是浏览器"),
    says: text(
        "C/S: stable and saves network resources, but every program needs its own client, which must be updated. B/S: the browser \
         is the client, nothing to install or update, but it costs more network.",
        "C/S：软件的使用稳定，并且可以节省网络资源；但每个软件都要下载客户端，更新也要重新下载。B/S：浏览器充当客户端，无需下载和更新；但消耗网络资源过大。",
    ),
    precise: text(
        "The browser fetches the program with every visit, unless it has kept it, and speaks HTTP: headers with each request and \
         answer. The client speaks the service's own protocol. How stable either is does not depend on that.",
        "浏览器每次访问都要取回程序（除非有缓存），并且说 HTTP：每个请求和回答都带首部。专用客户端说服务自己的协议。是否稳定与此无关。",
    ),
    look: &[text("The bytes on the cable, side by side.", "线缆上的字节数，并排比较。")],
    sources: &["RFC 9112"],
    parameters: &[
        Parameter::number("messages", text("messages sent", "发送的消息数"), "", (1, 5, 200)),
        Parameter::number(
            "page",
            text("bytes of the page that the browser fetches", "浏览器取回的网页大小"),
            "bytes",
            (0, 30_000, 500_000),
        ),
    ],
    rules: &[],
    run,
};

const MESSAGE: &str = "hello";

fn run(lab: &mut Lab) {
    let (messages, page) = (lab.number("messages"), lab.number("page") as usize);
    let options = SocketOptions { no_delay: true, ..SocketOptions::default() };
    let Some(call) = scenes::call(lab, scenes::cable(millis(5)), options) else { return };
    let mut heard = 0;
    for _ in 0..messages {
        heard += u64::from(exchange(lab, call, MESSAGE.as_bytes(), MESSAGE.as_bytes()));
    }
    lab.close(call.pair.client, call.client);
    lab.close(call.pair.server, call.server);
    lab.run_for(seconds(2));
    let native = bytes(lab, 0);
    let before = lab.frames().len();
    let Some((client, server)) = scenes::open(lab, call.pair, call.listener, options) else { return };
    let call = scenes::Call { client, server, ..call };
    let mut shown = u64::from(exchange(lab, call, &request("/", ""), &answer(&scenes::pattern(page))));
    for _ in 0..messages {
        shown += u64::from(exchange(lab, call, &request("/talk", MESSAGE), &answer(MESSAGE.as_bytes())));
    }
    lab.run_for(seconds(1));
    let browser = bytes(lab, before);
    lab.check(
        words("both get every answer", "两者都得到全部回答"),
        (heard, shown) == (messages, messages + 1),
        words(
            format!("the client got {heard}, the browser {shown}: the page and an answer for each message"),
            format!("客户端收到 {heard} 个，浏览器收到 {shown} 个：页面本身，加上每条消息的回答"),
        ),
    );
    lab.check_undisturbed(
        words("the browser costs more", "浏览器花费更多"),
        browser > native,
        words(
            format!("{native} bytes by the client, {browser} by the browser"),
            format!("客户端 {native} 字节，浏览器 {browser} 字节"),
        ),
    );
    let rows = [(words("client", "客户端"), native), (words("browser", "浏览器"), browser)];
    let rows = rows.iter().map(|(who, count)| {
        vec![who.clone(), count.to_string().into(), (count / messages).to_string().into()]
    });
    let columns =
        [text("who", "谁"), text("bytes on the cable", "线缆上的字节"), text("for each message", "每条消息")];
    lab.table(text("What it costs", "花费"), &columns, rows.collect());
}

/// One end asks, the other answers; whether both came whole.
fn exchange(lab: &mut Lab, call: scenes::Call, question: &[u8], reply: &[u8]) -> bool {
    let scenes::Pair { client, server } = call.pair;
    lab.write(client, call.client, question);
    let asked = scenes::read(lab, server, call.server, question.len(), seconds(60));
    let (mut sent, mut got) = (0, Vec::new());
    lab.run_until(seconds(120), |lab| {
        if sent < reply.len() && lab.readiness(server, call.server).contains(tcp::Readiness::WRITABLE) {
            sent += lab.write(server, call.server, &reply[sent..]);
        }
        if lab.readiness(client, call.client).contains(tcp::Readiness::READABLE) {
            got.extend(lab.read(client, call.client, 65_536).unwrap_or_default());
        }
        got.len() >= reply.len()
    });
    asked == question && got == reply
}

/// A request as a browser of today sends it.
fn request(path: &str, body: &str) -> Vec<u8> {
    let (method, entity) = match body.len() {
        0 => ("GET", String::new()),
        length => ("POST", format!("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {length}\r\n")),
    };
    format!(
        "{method} {path} HTTP/1.1\r\nHost: 10.0.0.2:8000\r\nConnection: keep-alive\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) \
         AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\nAccept: text/html,application/xhtml+xml,\
         application/xml;q=0.9,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: zh-CN,zh;q=0.9,en;q=0.8\r\n{entity}\r\n{body}"
    )
    .into_bytes()
}

fn answer(body: &[u8]) -> Vec<u8> {
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend(body);
    answer
}

/// Bytes on the cable since a frame.
fn bytes(lab: &Lab, since: usize) -> u64 {
    lab.frames()[since..].iter().map(|frame| frame.length as u64).sum()
}
