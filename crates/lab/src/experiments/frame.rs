//! An Ethernet frame, and what its addresses tell.

use crate::experiment::Experiment;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis, seconds};
use crate::text::{text, words};

use tcp::SocketOptions;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "frame",
    claims: &[7],
    title: text("An Ethernet frame", "以太网帧"),
    says: text(
        "Ethernet lays down how signals are grouped. Each network card has a number of twelve digits that is unique in the \
         world, the MAC address: the first six are the vendor's, the last six a serial number.",
        "以太网协议规定好电信号数据的分组方式；每块网卡都有世界上独一无二的 12 位编号 mac 地址，前六位是厂商号，后六位是流水号。",
    ),
    precise: text(
        "Twelve hexadecimal digits: 48 bits. IEEE also sells smaller blocks, so the vendor's part has 6, 7 or 9 digits. A bit \
         tells whether the address was given by IEEE or chosen locally, as virtual machines and phones that hide do; another \
         whether it is a group's. So it is unique only as far as nobody chose it.",
        "十二位十六进制数，即 48 比特。IEEE 也出售更小的块，所以厂商部分是 6、7 或 9 位。有一位说明地址由 IEEE 分配还是本地选择（虚拟机和为隐私随机化的手机就是后者），\
         另一位说明是否组播。所以只有没人自选时才是唯一的。",
    ),
    look: &[text(
        "Destination, source, type: fourteen bytes before every packet.",
        "目的、源、类型：每个包前面的十四个字节。",
    )],
    sources: &["IEEE 802.3 3.2", "IEEE 802 8.2"],
    parameters: &[Parameter::choice(
        "vendor",
        text("who made the client's card", "客户端网卡的厂商"),
        &["cisco", "intel", "raspberry", "local"],
        "intel",
    )],
    rules: &[],
    run,
};

fn run(lab: &mut Lab) {
    let [a, b, c] = match lab.word("vendor") {
        "cisco" => [0x00, 0x00, 0x0c],
        "intel" => [0x00, 0x1b, 0x21],
        "raspberry" => [0xb8, 0x27, 0xeb],
        _ => [0x02, 0x00, 0x00],
    };
    let hardware = wire::MacAddress([a, b, c, 0x12, 0x34, 0x56]);
    let (client, server) = (lab.host("client"), lab.host("server"));
    lab.network.set_hardware(client, hardware);
    lab.cable(scenes::cable(millis(5)), (client, "10.0.0.1/24"), (server, "10.0.0.2/24"));
    lab.begin();
    let Some(listener) = lab.listen(server, 8000, 10, SocketOptions::default()) else { return };
    let call = lab.connect(client, scenes::SERVER, SocketOptions::default());
    let opened = call.is_some() && scenes::accept(lab, server, listener, seconds(10)).is_some();
    let Some(first) = lab.frames().iter().find(|frame| frame.from == client.index()) else { return };
    let bytes = crate::export::pcapng::decoded(&first.bytes);
    let (to, from) = (&bytes[..6], &bytes[6..12]);
    let held = from == hardware.0 && to == [0xff; 6] && bytes[12..14] == [0x08, 0x06];
    let shown = |bytes: &[u8]| {
        wire::MacAddress([bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5]]).to_string()
    };
    let (there, here) = (shown(to), shown(from));
    lab.check_undisturbed(
        words(
            "the first frame asks everybody: destination all ones, source the client, type ARP",
            "第一帧问所有人：目的全 1，源为客户端，类型 ARP",
        ),
        held && opened,
        words(
            format!("to {there}, from {here}, type 0x{:02x}{:02x}", bytes[12], bytes[13]),
            format!("发往 {there}，来自 {here}，类型 0x{:02x}{:02x}", bytes[12], bytes[13]),
        ),
    );
    let local = a & 2 != 0;
    let vendor = macaddr_ouidb::OUI_DB_BUNDLED.lookup(&[a, b, c, 0x12, 0x34, 0x56]);
    let name = vendor.map_or(String::new(), |entry| entry.name().to_owned());
    let seen = if local {
        words("chosen locally: it has no vendor", "本地选择，没有厂商")
    } else {
        words(name.clone(), name.clone())
    };
    lab.check(
        words(
            "the public registry knows the vendor, unless the address was chosen locally",
            "公共登记簿知道厂商，除非地址是本地选择的",
        ),
        local == name.is_empty(),
        seen,
    );
}
