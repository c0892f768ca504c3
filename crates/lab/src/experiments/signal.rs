//! A frame as bits on the wire: preamble, start delimiter, frame, check sequence, in Manchester code.

use crate::experiment::Experiment;
use crate::export::pcapng::decoded;
use crate::lab::Lab;
use crate::parameter::Parameter;
use crate::scenes::{self, millis};
use crate::text::{text, words};
use crate::trace::model::{Exhibit, Stretch};

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "signal",
    claims: &[6],
    title: text("Bits as a signal", "比特变成电信号"),
    says: text(
        "The physical layer sends binary data as electrical signals.",
        "物理连接介质：基于电信号发送二进制的数据。",
    ),
    precise: text(
        "Seven bytes of 10101010 let the receiver find the beat, an eighth that ends in 11 begins the frame. Each byte goes out \
         with its least bit first. Short frames are filled up to 60 bytes, and a CRC-32 follows, by which the receiver finds \
         damage. In 10BASE-T each bit is a change in its middle: up for 1, down for 0 (IEEE 802.3), so that the beat is in the \
         signal. Faster Ethernets use other codes.",
        "七个字节的 10101010 让接收方对上节拍，第八个以 11 结尾，宣告帧开始。每个字节先发最低位。短帧补足 60 字节，后面跟 CRC-32，接收方据此发现损坏。\
         10BASE-T 中每个比特是中点的一次跳变：1 向上，0 向下（IEEE 802.3），节拍就在信号里。更快的以太网用别的编码。",
    ),
    look: &[text("Every bit has its change in the middle.", "每个比特中间都有一次跳变。")],
    sources: &["IEEE 802.3 3.1-3.2, 7.3"],
    parameters: &[Parameter::number(
        "turn",
        text("turn this bit of the frame on the way; 0 for none", "途中翻转帧的第几位；0 表示不翻转"),
        "",
        (0, 0, 480),
    )],
    rules: &[],
    run,
};

/// What the CRC-32 of a frame with its own check sequence always is.
const RESIDUE: u32 = 0x2144_DF1C;

fn run(lab: &mut Lab) {
    let pair = scenes::pair(lab, scenes::cable(millis(1)));
    let (now, to) = (lab.network.now(), std::net::IpAddr::from([10, 0, 0, 2]));
    let Ok(socket) = lab.network.stack(pair.client).ping_open() else { return };
    // If it cannot be sent there is no frame, and the check fails.
    let _ = lab.network.stack(pair.client).ping_send(now, socket, to, 1, b"hi", None);
    lab.run_for(millis(10));
    let Some(first) = lab.frames().first() else {
        return lab.check(words("a frame is sent", "发出一帧"), false, words("none", "没有"));
    };
    let mut frame = decoded(&first.bytes);
    frame.resize(frame.len().max(60), 0);
    let sequence = crc(&frame);
    frame.extend(sequence.to_le_bytes());
    let turn = lab.number("turn") as usize;
    if turn > 0 {
        frame[(turn - 1) / 8] ^= 1 << ((turn - 1) % 8);
    }
    let sent: Vec<u8> = [[0x55; 7].as_slice(), &[0xd5], &frame].concat();
    let bits: Vec<bool> = sent.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1)).collect();
    let levels: Vec<bool> = bits.iter().flat_map(|bit| [!bit, *bit]).collect();
    let read: Vec<bool> =
        levels.chunks_exact(2).filter(|halves| halves[0] != halves[1]).map(|halves| halves[1]).collect();
    lab.check(
        words(
            "every bit changes the level in its middle, and is read back from it",
            "每个比特中间都有跳变，并由此读回",
        ),
        read == bits,
        words(format!("{} bits", bits.len()), format!("{} 个比特", bits.len())),
    );
    let residue = crc(&frame);
    lab.check(
        words("the check sequence tells whether the frame is whole", "校验序列说明帧是否完好"),
        (residue == RESIDUE) == (turn == 0),
        words(
            format!("sequence {sequence:08x}, residue {residue:08x}"),
            format!("序列 {sequence:08x}，余数 {residue:08x}"),
        ),
    );
    waveform(lab, &bits, &levels, frame.len());
}

fn waveform(lab: &mut Lab, bits: &[bool], levels: &[bool], length: usize) {
    let draw = |values: &[bool], one: char, zero: char| {
        values.iter().map(|value| if *value { one } else { zero }).collect()
    };
    let part = |name, begin: usize, end: usize| Stretch { name, begin: 8 * begin, end: 8 * end };
    let parts = vec![
        part(text("preamble", "前导码"), 0, 7),
        part(text("start delimiter", "帧起始定界符"), 7, 8),
        part(text("destination", "目的地址"), 8, 14),
        part(text("source", "源地址"), 14, 20),
        part(text("type", "类型"), 20, 22),
        part(text("payload", "载荷"), 22, 8 + length - 4),
        part(text("check sequence", "帧校验序列"), 8 + length - 4, 8 + length),
    ];
    let title = text("Manchester code", "曼彻斯特编码");
    let exhibit =
        Exhibit::Waveform { title, bits: draw(bits, '1', '0'), levels: draw(levels, '+', '-'), parts };
    lab.exhibits.push(exhibit);
}

/// CRC-32 of IEEE 802.3 3.2.9, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let mut register = u32::MAX;
    for byte in bytes {
        register ^= u32::from(*byte);
        for _ in 0..8 {
            register = if register & 1 == 1 { register >> 1 ^ 0xEDB8_8320 } else { register >> 1 };
        }
    }
    !register
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_is_the_well_known_one() {
        assert_eq!(crc(b"123456789"), 0xCBF4_3926);
        let mut whole = b"123456789".to_vec();
        whole.extend(crc(&whole).to_le_bytes());
        assert_eq!(crc(&whole), RESIDUE);
    }
}
