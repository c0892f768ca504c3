//! A switch learns where stations are; a hub does not.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words, yes_or_no};

use sim::network::SwitchConfig;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "switch",
    claims: &[8],
    title: text("A switch learns", "会学习的交换机"),
    says: text(
        "A switch joins many computers; it works by broadcast and unicast; it cannot cross LANs.",
        "交换机可以让多台电脑连接到一起,特点:广播、单播;弊端:广播风暴,不能跨局域网通信。",
    ),
    precise: text(
        "It looks at the source of every frame and remembers behind which port that station is, for five minutes. Frames for \
         a station that it knows leave by one port; broadcasts, and frames for stations that it does not know, by all others. \
         A hub repeats everything everywhere. What is not plugged into the same LAN gets nothing: that takes a router.",
        "它看每一帧的源地址,记住该站在哪个端口后面,记五分钟。发往已知站的帧只从一个端口出去;广播和未知目的地的帧从其他所有端口出去。\
         集线器则把一切都复制到各处。没接在同一局域网里的什么也收不到:那需要路由器。",
    ),
    look: &[text(
        "The ARP request comes to everybody, the echo only to whom it is for.",
        "ARP 请求人人收到,回显只到目的地。",
    )],
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
    lab.run_for(millis(500));
    let answered = lab.network.stack(a).ping_receive(socket).is_some();
    lab.check_undisturbed(words("a reaches b", "a 能到达 b"), answered, yes_or_no(answered));
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
        true => words("the echo does not: the switch knows where b is", "回显不会:交换机知道 b 在哪里"),
        false => {
            words("so does every echo: nobody has learnt where b is", "每个回显也会:没有谁学到 b 在哪里")
        }
    };
    lab.check_undisturbed(claim, if learns { echoes == 0 } else { echoes == 2 }, scenes::frames(echoes));
    let beyond = lab.frames().iter().filter(|frame| frame.link == 3 && frame.from != alone.index()).count();
    lab.check_undisturbed(
        words("nothing comes to d in the other LAN", "另一个局域网里的 d 什么也收不到"),
        beyond == 0,
        scenes::frames(beyond),
    );
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
