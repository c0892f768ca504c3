//! One message down the layers and up again, with the bytes that each adds.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{Words, text, words};

use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "seven-layers",
    claims: &[21, 25],
    title: text("Through seven layers", "穿过七层"),
    says: text(
        "The Internet protocols are called the seven-layer model: application, presentation, session, transport, network, data \
         link, physical. A socket is a template that wraps the work of all layers: the programmer needs only IP and port.",
        "互联网协议又称网络七层协议：应用层、表示层、会话层、传输层、网络层、数据链路层、物理连接层。Socket 套接字会封装好各层协议的工作，程序员只需要 IP 和端口。",
    ),
    precise: text(
        "OSI describes seven layers; the Internet was built in four (RFC 1122 1.1.3), and presentation and session are the \
         application's own affair there: here UTF-8 and one call. Each layer puts its header before what it gets, Ethernet a \
         check sequence behind it, and the other end takes them off in reverse.",
        "OSI 描述了七层；互联网实际按四层建造（RFC 1122 1.1.3），表示层和会话层在那里是应用自己的事：这里是 UTF-8 和一次通话。\
         每一层在得到的数据前加上自己的首部，以太网还在后面加校验序列，另一端按相反顺序取下。",
    ),
    look: &[text("How much is message and how much is header.", "消息占多少，首部占多少。")],
    sources: &["RFC 1122 1.1.3", "ISO/IEC 7498-1"],
    parameters: &[Parameter::number(
        "size",
        text("bytes of the message", "消息的字节数"),
        "bytes",
        (1, 18, 1_400),
    )],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let size = lab.number("size") as usize;
    let Some(call) = scenes::call(lab, scenes::cable(millis(5)), SocketOptions::default()) else { return };
    let scenes::Pair { client, server } = call.pair;
    lab.run_for(millis(100));
    let message: Vec<u8> = "你好，网络！".bytes().cycle().take(size).collect();
    lab.write(client, call.client, &message);
    let got = scenes::read(lab, server, call.server, size, seconds(60));
    lab.check(
        words("the message comes up as it went down", "消息上来时与下去时一样"),
        got == message,
        words(format!("{} bytes", got.len()), format!("{} 字节", got.len())),
    );
    let Some(length) = lab.segments("client data").map(|frame| frame.length).next() else { return };
    // Ethernet 14, IPv4 20, TCP 20 and 12 of timestamps; on the wire the frame is filled up, and 8 + 4 + 12 bytes go around it.
    let (link, network) = (14, 20);
    let transport = length - size - link - network;
    let wire = length.max(60) + 4 + 8 + 12;
    let row = |layer: Words, what: Words, added: usize, total: usize| {
        vec![layer, what, added.to_string().into(), total.to_string().into()]
    };
    let same = |name: &str| Words::from(name.to_owned());
    let rows = vec![
        row(words("7 application", "7 应用层"), words("the message", "消息"), size, size),
        row(words("6 presentation", "6 表示层"), same("UTF-8"), 0, size),
        row(words("5 session", "5 会话层"), words("one call", "一次通话"), 0, size),
        row(words("4 transport", "4 传输层"), same("TCP"), transport, size + transport),
        row(words("3 network", "3 网络层"), same("IPv4"), network, size + transport + network),
        row(words("2 data link", "2 数据链路层"), same("Ethernet II"), link, length),
        row(
            words("1 physical", "1 物理层"),
            words("preamble, check sequence, gap", "前导码、校验序列、帧间隔"),
            wire - length,
            wire,
        ),
    ];
    let columns = [
        text("layer", "层"),
        text("what", "内容"),
        text("bytes added", "增加的字节"),
        text("bytes so far", "累计字节"),
    ];
    lab.table(text("Down the layers", "逐层向下"), &columns, rows);
    lab.check_undisturbed(
        words("each layer adds its header: 32, 20 and 14 bytes", "每层加上首部：32、20、14 字节"),
        (transport, length) == (32, size + 66),
        words(
            format!("{size} bytes become {length}, and {wire} on the wire"),
            format!("{size} 字节变成 {length} 字节，线路上 {wire} 字节"),
        ),
    );
}
