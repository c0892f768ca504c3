//! Address and port of both ends name a connection.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{listed, text, words};

use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "four-tuple",
    claims: &[12],
    title: text("Four numbers name a connection", "四元组标识一个连接"),
    says: text(
        "IP marks one computer, a port one program on it; IP and port together mark one program on one computer in the world.",
        "ip：用于唯一标识某一台计算机的位置；port：计算机上的一个应用软件；ip + port：世界上某一台电脑上的一个应用软件。",
    ),
    precise: text(
        "An address marks an interface, not a computer, and private addresses are used by many networks at once. One port \
         serves any number of connections: what tells them apart is the four-tuple, both addresses and both ports. So two \
         clients may even use the same port of their own.",
        "地址标识的是接口而非整台计算机，私有地址更是许多网络同时在用。一个端口可以服务任意多个连接：区分它们的是四元组，即双方的地址和端口。\
         所以两个客户端甚至可以使用相同的本地端口。",
    ),
    look: &[text("Two connections of the server differ in one number only.", "服务端的两个连接只差一个数。")],
    sources: &["RFC 9293 3.3.1, 3.4.1"],
    parameters: &[Parameter::number(
        "port",
        text("the port that both clients use", "两个客户端共用的端口"),
        "",
        (1_024, 40_000, 65_535),
    )],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let port = lab.number("port") as u16;
    let (one, two, server) = (lab.host("one"), lab.host("two"), lab.host("server"));
    let switch = lab.switch("switch", sim::network::SwitchConfig::default());
    let addresses = ["10.0.0.1/24", "10.0.0.3/24", "10.0.0.2/24"];
    for (host, address) in [one, two, server].into_iter().zip(addresses) {
        lab.cable(scenes::cable(millis(5)), (host, address), (switch, ""));
    }
    scenes::acquaint(
        lab,
        &[(one, "10.0.0.2"), (two, "10.0.0.2"), (server, "10.0.0.1"), (server, "10.0.0.3")],
    );
    lab.begin();
    let options = SocketOptions::default();
    let Some(listener) = lab.listen(server, 8000, 10, options) else { return };
    let from = |last| Some(std::net::SocketAddr::from(([10, 0, 0, last], port)));
    let (first, second) = (
        lab.connect_from(one, from(1), scenes::SERVER, options),
        lab.connect_from(two, from(3), scenes::SERVER, options),
    );
    let (Some(first), Some(second)) = (first, second) else { return };
    lab.run_for(seconds(1));
    lab.write(one, first, b"from one");
    lab.write(two, second, b"from two");
    let mut heard = Vec::new();
    while let Some(id) = scenes::accept(lab, server, listener, seconds(8)) {
        let tuple = lab.tuple(server, id);
        let bytes = scenes::read(lab, server, id, 8, seconds(10));
        let said = String::from_utf8_lossy(&bytes).into_owned();
        heard.push(tuple.map_or((String::new(), said.clone()), |tuple| {
            (format!("{}:{}", tuple.remote, tuple.remote_port), said)
        }));
    }
    heard.sort();
    let wanted = [
        (format!("10.0.0.1:{port}"), "from one".to_owned()),
        (format!("10.0.0.3:{port}"), "from two".to_owned()),
    ];
    let shown = listed(heard.iter().map(|(from, said)| format!("{from} says \u{201c}{said}\u{201d}")));
    let shown = words(shown.en, listed(heard.iter().map(|(from, said)| format!("{from} 说“{said}”"))).zh);
    lab.check(
        words("one server port, two connections, nothing mixed up", "一个服务端口，两个连接，互不混淆"),
        heard == wanted,
        shown,
    );
    let taken = lab.connect_from(one, from(1), scenes::SERVER, options).is_none();
    lab.check(
        words("a four-tuple in use cannot be used again", "使用中的四元组不能再用"),
        taken,
        if taken { words("refused", "被拒绝") } else { words("allowed", "被允许") },
    );
}
