//! Ports: who listens, who is refused, and which port a client gets.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{Words, listed, text, words};

use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "ports",
    claims: &[11],
    title: text("Ports", "端口"),
    says: text(
        "TCP and UDP work by ports; a port marks a program on a computer; they range from 0 to 65535. Leave 0 to 1024 alone and \
         use 8000 and up. MySQL 3306, MongoDB 27017, Django 8000, Tomcat 8080, Flask 5000, Redis 6379.",
        "TCP/UDP 协议都是基于端口工作的。端口号标识电脑上某一个软件，范围 0-65535。0-1024 不要动，尽量使用 8000 之后的端口号。\
         MySQL 3306，MongoDB 27017，Django 8000，Tomcat 8080，Flask 5000，Redis 6379。",
    ),
    precise: text(
        "0 to 1023 are the system ports, 1024 to 49151 the user ports, 49152 to 65535 the dynamic ones (RFC 6335); 0 means \
         \"choose one\". One address and port has one listener. A call to a port where nobody listens is refused by a RST. \
         A client's port is chosen for it, beginning at a place that outsiders cannot guess (RFC 6056), here as on Linux from \
         32768 on rather than from 49152. Django and Flask only suggest their ports; of the \
         others IANA knows mysql and redis, mongodb and 8080 as http-alt.",
        "0 到 1023 是系统端口，1024 到 49151 是用户端口，49152 到 65535 是动态端口（RFC 6335）；0 的意思是“替我选一个”。一个地址加端口只有一个监听者。\
         连接没有人监听的端口会被 RST 拒绝。客户端的端口由系统选择，起点外人无法猜中（RFC 6056）；这里和 Linux 一样从 32768 起选，而不是从 49152 起。Django 和 Flask 的端口只是它们的习惯；\
         IANA 登记了 mysql、redis、mongodb，8080 登记为 http-alt。",
    ),
    look: &[text("The RST that answers a call to an empty port.", "连接无人监听的端口时回来的 RST。")],
    sources: &["RFC 6335 6", "RFC 6056 3.2", "RFC 9293 3.10.7.1"],
    parameters: &[Parameter::number(
        "port",
        text("where the server listens", "服务端监听的端口"),
        "",
        (1, 8_001, 65_535),
    )],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let port = lab.number("port") as u16;
    let scenes::Pair { client, server } = scenes::pair(lab, scenes::cable(millis(10)));
    let options = SocketOptions::default();
    let first = lab.listen(server, port, 10, options).is_some();
    let second = lab.listen(server, port, 10, options).is_some();
    lab.check(
        words("a port has one listener", "一个端口只有一个监听者"),
        first && !second,
        words(
            format!("the first listen: {}, the second: {}", allowed(first).en, allowed(second).en),
            format!("第一次 listen：{}，第二次：{}", allowed(first).zh, allowed(second).zh),
        ),
    );
    let empty = if port == 9 { 10 } else { 9 };
    let call = lab.connect(client, &format!("10.0.0.2:{empty}"), options);
    // A SYN that is lost goes again after a second.
    lab.run_for(seconds(5));
    let refused = call.and_then(|call| lab.network.stack(client).tcp_mut().take_failure(call));
    lab.check(
        words("a call to a port where nobody listens is refused", "连接无人监听的端口会被拒绝"),
        refused == Some(tcp::Failure::Refused),
        match refused {
            Some(failure) => words(failure.to_string(), refusal(failure)),
            None => words("no answer", "没有回应"),
        },
    );
    let mut chosen = Vec::new();
    for _ in 0..8 {
        let call = lab.connect(client, &format!("10.0.0.2:{port}"), options);
        chosen.extend(call.and_then(|call| lab.tuple(client, call)).map(|tuple| tuple.local_port));
    }
    lab.run_for(millis(100));
    let mut distinct = chosen.clone();
    distinct.sort_unstable();
    distinct.dedup();
    lab.check(
        words("each call gets a port of its own, from 32768 on", "每次连接得到各自的端口，从 32768 起"),
        distinct.len() == 8 && distinct[0] >= 32_768,
        listed(&chosen),
    );
    known(lab);
}

fn allowed(yes: bool) -> Words {
    if yes { words("allowed", "允许") } else { words("refused", "拒绝") }
}

fn refusal(failure: tcp::Failure) -> String {
    match failure {
        tcp::Failure::Refused => "连接被拒绝".to_owned(),
        other => other.to_string(),
    }
}

fn known(lab: &mut Lab) {
    let rows = [
        ("80", "http", false),
        ("443", "https", false),
        ("3306", "mysql", true),
        ("5000", "Flask (commplex-main)", true),
        ("6379", "redis", true),
        ("8000", "Django (irdmi)", true),
        ("8080", "Tomcat (http-alt)", true),
        ("27017", "mongodb", true),
    ];
    let rows = rows.iter().map(|(port, name, user)| {
        let range = if *user { words("user", "用户端口") } else { words("system", "系统端口") };
        vec![(*port).to_owned().into(), (*name).to_owned().into(), range]
    });
    let columns =
        [text("port", "端口"), text("service (IANA's name)", "服务（IANA 名称）"), text("range", "范围")];
    lab.table(text("Ports that are often met", "常见端口"), &columns, rows.collect());
}
