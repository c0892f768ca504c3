//! listen(10): how many may be half open, and how many may wait to be accepted.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words};

use tcp::{Readiness, SocketOptions, SynCookies};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "backlog",
    claims: &[23],
    title: text("listen(10)", "listen(10)"),
    says: text("server.listen(10): the half-open pool.", "server.listen(10)：半连接池。"),
    precise: text(
        "There are two queues: half-open connections, whose SYN was answered, and established ones that nobody has accepted. The \
         number bounds each. At the bound further SYNs are dropped in silence, not refused: the caller sends again, and by then \
         there may be room. So a slow server delays callers, and loses none that is patient. SYN cookies, which would answer beyond the \
         first bound, are off here: see the SYN flood.",
        "其实有两个队列：SYN 已得到回应的半开连接，和已建立但没人 accept 的连接。这个数分别限制两者。满了以后，新的 SYN 被悄悄丢弃，而不是拒绝：\
         客户端会再发，那时也许就有位置了。所以慢的服务端会让客户端等待，但不会丢下有耐心的。SYN cookie 能在半开队列满时照样回应，\
         这里关掉了它：见“SYN 洪水”。",
    ),
    look: &[text(
        "waiting rises to the bound; SYNs are dropped; after accept() the next SYN is answered.",
        "waiting 升到上限；SYN 被丢弃；accept() 之后，下一个 SYN 得到回应。",
    )],
    sources: &["RFC 9293 3.9.1, 3.10.7.2", "RFC 4987 3.1"],
    parameters: &[
        Parameter::number("backlog", text("the bound", "上限"), "", (1, 10, 100)),
        Parameter::number("callers", text("calls at once", "同时连接的客户端"), "", (1, 15, 200)),
        Parameter::number(
            "pause",
            text("before the server accepts", "服务端开始 accept 之前"),
            "s",
            (0, 2, 20),
        ),
    ],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let (backlog, callers) = (lab.number("backlog"), lab.number("callers"));
    let scenes::Pair { client, server } = scenes::pair(lab, scenes::cable(millis(20)));
    let options = SocketOptions { syn_cookies: Some(SynCookies::Off), ..SocketOptions::default() };
    let Some(listener) = lab.listen(server, 9528, backlog as u32, options) else { return };
    let calls: Vec<_> = (0..callers).filter_map(|_| lab.connect(client, "10.0.0.2:9528", options)).collect();
    lab.run_for(seconds(lab.number("pause")) + millis(500));
    let most = |name: &str| lab.values(server, name).iter().map(|(_, count)| *count).max().unwrap_or(0);
    let (half, waiting) = (most("half_open"), most("waiting"));
    lab.check(
        words("neither queue is ever longer than the backlog", "两个队列都不超过 backlog"),
        half <= backlog && waiting <= backlog,
        words(format!("half-open {half}, waiting {waiting}"), format!("半开 {half}，等待 {waiting}")),
    );
    let dropped = lab.notes("backlog-full").len();
    lab.check_undisturbed(
        words("callers beyond it are dropped in silence", "超出的 SYN 被悄悄丢弃"),
        (dropped > 0) == (callers > backlog),
        words(format!("{dropped} segments dropped"), format!("丢弃 {dropped} 个报文段")),
    );
    let mut served = 0;
    while scenes::accept(lab, server, listener, seconds(70)).is_some() {
        served += 1;
        if served == callers {
            break;
        }
    }
    lab.run_for(millis(100));
    let connected =
        calls.iter().filter(|call| lab.readiness(client, **call).contains(Readiness::CONNECTED)).count();
    // Each SYN is repeated six times: of many more callers than places some give up before their turn comes.
    let patience = callers <= 3 * backlog;
    let claim = match patience {
        true => words(
            "once the server accepts, every caller is served",
            "服务端开始 accept 后，每个客户端都得到服务",
        ),
        false => words("who is accepted is connected", "被接受的都已连接"),
    };
    lab.check(
        claim,
        connected as u64 == served && (served == callers || !patience),
        words(
            format!("{served} accepted, {connected} connected"),
            format!("接受 {served}，已连接 {connected}"),
        ),
    );
}
