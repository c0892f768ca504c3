//! A switch learns where stations are; a hub does not.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words, yes_or_no};

use sim::network::{NodeId, SwitchConfig};
use stack::PingId;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "switch",
    claims: &[8],
    title: text("A switch learns", "会学习的交换机"),
    says: text(
        "A switch joins many computers by broadcast and unicast; its weaknesses: broadcast storms, and it cannot cross LANs.",
        "交换机可以让多台电脑连接到一起，特点：广播、单播；弊端：广播风暴，不能跨局域网通信。",
    ),
    precise: text(
        "It looks at the source of every frame and remembers behind which port that station is, for five minutes. Frames for \
         a station that it knows leave by one port; broadcasts, and frames for stations that it does not know, by all others. \
         A hub repeats everything everywhere. What is not plugged into the same LAN gets nothing: that takes a router.",
        "它看每一帧的源地址，记住该站在哪个端口后面，记五分钟。发往已知站的帧只从一个端口出去；广播和未知目的地的帧从其他所有端口出去。\
         集线器则把一切都复制到各处。没接在同一局域网里的什么也收不到：那需要路由器。",
    ),
    look: &[
        text(
            "The ARP request comes to everybody, the echo only to whom it is for.",
            "ARP 请求人人收到，回显只到目的地。",
        ),
        text(
            "After a silence longer than its memory, the switch sends the next echo request to everybody once more.",
            "沉默超过记忆时长之后，交换机又把下一个回显请求发往各处。",
        ),
    ],
    sources: &["IEEE 802.1D 7.7-7.9"],
    parameters: &[
        Parameter::choice(
            "device",
            text("what joins the hosts", "连接主机的设备"),
            &["switch", "hub"],
            "switch",
        ),
        Parameter::number(
            "table",
            text("stations that the switch remembers", "交换机能记住的站数"),
            "",
            (0, 1_024, 4_096),
        ),
        Parameter::number("ageing", text("how long it remembers", "记忆时长"), "s", (1, 300, 3_600)),
    ],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let config = SwitchConfig { table: lab.number("table") as usize, ageing: seconds(lab.number("ageing")) };
    let learns = lab.word("device") == "switch" && config.table >= 2;
    let device = if lab.word("device") == "hub" { lab.hub("hub") } else { lab.switch("switch", config) };
    let hosts = ["a", "b", "c"].map(|name| lab.host(name));
    for (number, host) in hosts.iter().enumerate() {
        lab.cable(scenes::cable(millis(1)), (*host, &format!("10.0.0.{}/24", number + 1)), (device, ""));
    }
    let (elsewhere, alone) = (lab.switch("elsewhere", SwitchConfig::default()), lab.host("d"));
    lab.cable(scenes::cable(millis(1)), (alone, "10.0.0.4/24"), (elsewhere, ""));
    lab.begin();
    let [a, ..] = hosts;
    let (now, to) = (lab.network.now(), std::net::IpAddr::from([10, 0, 0, 2]));
    let Ok(socket) = lab.network.stack(a).ping_open() else { return };
    // If it cannot be sent, the checks fail.
    let _ = lab.network.stack(a).ping_send(now, socket, to, 1, b"hello", None);
    // Who asks by ARP and hears nothing asks again.
    let answered = lab.run_until(seconds(5), |lab| scenes::echoed(lab, a, socket));
    lab.run_for(millis(500));
    lab.check(words("a reaches b", "a 能到达 b"), answered, yes_or_no(answered));
    let to_c = |info: &str| {
        lab.frames().iter().filter(|frame| frame.link == 2 && frame.summary.info.starts_with(info)).count()
    };
    let (broadcasts, echoes) = (to_c("who has"), to_c("echo"));
    lab.check_undisturbed(
        words("the broadcast comes to c as well", "广播也到达 c"),
        broadcasts == 1,
        scenes::frames(broadcasts),
    );
    let claim = match learns {
        true => words("the echo does not: the switch knows where b is", "回显不会：交换机知道 b 在哪里"),
        false => {
            words("so does every echo: nobody has learnt where b is", "每个回显也会：没有谁学到 b 在哪里")
        }
    };
    lab.check_undisturbed(claim, if learns { echoes == 0 } else { echoes == 2 }, scenes::frames(echoes));
    forgetting(lab, (a, socket), learns);
    let beyond = lab.frames().iter().filter(|frame| frame.link == 3 && frame.from != alone.index()).count();
    lab.check_undisturbed(
        words("nothing comes to d in the other LAN", "另一个局域网里的 d 什么也收不到"),
        beyond == 0,
        scenes::frames(beyond),
    );
    if lab.word("device") == "hub" {
        return;
    }
    let rows = lab
        .network
        .stations(device)
        .iter()
        .map(|station| vec![station.address.to_string().into(), station.port.to_string().into()])
        .collect();
    lab.table(
        text("What the switch knows", "交换机所知"),
        &[text("station", "站"), text("port", "端口")],
        rows,
    );
}

/// After a silence longer than its memory the switch knows nobody; the first frame teaches it again where `a` is.
fn forgetting(lab: &mut Lab, (a, socket): (NodeId, PingId), learns: bool) {
    // Its neighbours have looked for each other once more by then, and have nothing more to say.
    lab.run_for(seconds(lab.number("ageing") + 10));
    let before = lab.frames().len();
    let now = lab.network.now();
    // If it cannot be sent, the check fails.
    let _ = lab.network.stack(a).ping_send(now, socket, [10, 0, 0, 2].into(), 2, b"still there?", None);
    lab.run_for(millis(500));
    let frames = &lab.frames()[before..];
    let strayed = frames.iter().filter(|frame| frame.link == 2 && frame.summary.protocol == "ICMP").count();
    let claim = match learns {
        true => words(
            "after so long a silence it has forgotten b: the request comes to c, the reply does not",
            "沉默这么久之后它忘了 b：请求到达 c，回应不会",
        ),
        false => words("and again later, both ways", "以后仍然如此，两个方向都是"),
    };
    lab.check_undisturbed(claim, strayed == if learns { 1 } else { 2 }, scenes::frames(strayed));
}
