//! Packets: `S. 0:0(0) ack 1 win 1000 <mss 1460>`, `icmp unreachable frag_needed mtu 1200 [1:1461(1460)]`.

use super::cursor::{Cursor, Parsed};
use super::icmp;
use super::notation::{Packet, TcpSegment};
use super::options::TcpOption;
use basis::Ecn;
use wire::tcp::Flags;

/// A packet that arrives. It says its window.
pub(crate) fn arriving(cursor: &mut Cursor<'_>) -> Parsed<Packet> {
    let peer = peer(cursor)?;
    if cursor.eat_word("icmp") {
        return icmp::parse(cursor, peer).map(Packet::Icmp);
    }
    let segment = segment(cursor, peer)?;
    if segment.window.is_none() {
        return Err("an arriving segment needs `win`".into());
    }
    if segment.options.is_none() {
        return Err("an arriving segment needs its options".into());
    }
    Ok(Packet::Tcp(segment))
}

/// A segment that leaves. Without `win` it may say any; without options it has none.
pub(crate) fn leaving(cursor: &mut Cursor<'_>) -> Parsed<TcpSegment> {
    let peer = peer(cursor)?;
    segment(cursor, peer)
}

fn peer(cursor: &mut Cursor<'_>) -> Parsed<u16> {
    if !cursor.eat("(") {
        return Ok(1);
    }
    let number = cursor.number()?;
    cursor.expect(")")?;
    Ok(number)
}

fn segment(cursor: &mut Cursor<'_>, peer: u16) -> Parsed<TcpSegment> {
    let (ecn, traffic_class) = if cursor.eat("[") { marks(cursor.take_until("]")?)? } else { (None, None) };
    let flags = flags(cursor.take(|c| !c.is_whitespace()))?;
    let (sequence, length) = cursor.range()?;
    let mut segment = TcpSegment {
        peer,
        ecn,
        traffic_class,
        flags,
        sequence,
        length,
        acknowledgment: None,
        window: None,
        urgent: None,
        options: Some(Vec::new()),
    };
    if cursor.eat_word("ack") {
        segment.acknowledgment = Some(cursor.number()?);
    }
    if segment.acknowledgment.is_some() != flags.contains(Flags::ACK) {
        return Err("`ack` and the flag `.` go together".into());
    }
    if cursor.eat_word("win") {
        segment.window = Some(cursor.number()?);
    }
    if cursor.eat_word("urg") {
        segment.urgent = Some(cursor.number()?);
    }
    if cursor.eat("<") {
        segment.options = options(cursor)?;
    }
    Ok(segment)
}

/// What the IP header says: `[tos 0xb8]` all of its traffic class, the others only what it says of congestion.
fn marks(text: &str) -> Parsed<(Option<Ecn>, Option<u8>)> {
    let Some(number) = text.trim().strip_prefix("tos ") else { return Ok((Some(ecn(text)?), None)) };
    let class = Cursor::new(number).number()?;
    Ok((Some(Ecn::of_traffic_class(class)), Some(class)))
}

fn ecn(word: &str) -> Parsed<Ecn> {
    Ok(match word.trim() {
        "noecn" => Ecn::NotCapable,
        "ect0" => Ecn::Capable0,
        "ect1" => Ecn::Capable1,
        "ce" => Ecn::Experienced,
        word => return Err(format!("`[{word}]` is none of [noecn], [ect0], [ect1], [ce]")),
    })
}

fn flags(letters: &str) -> Parsed<Flags> {
    let mut flags = Flags::NONE;
    for letter in letters.chars() {
        flags |= match letter {
            'F' => Flags::FIN,
            'S' => Flags::SYN,
            'R' => Flags::RST,
            'P' => Flags::PSH,
            '.' => Flags::ACK,
            'U' => Flags::URG,
            'E' => Flags::ECE,
            'W' => Flags::CWR,
            '-' => Flags::NONE,
            _ => return Err(format!("unknown flag `{letter}` in `{letters}`")),
        };
    }
    Ok(flags)
}

fn options(cursor: &mut Cursor<'_>) -> Parsed<Option<Vec<TcpOption>>> {
    if cursor.eat("...") {
        cursor.expect(">")?;
        return Ok(None);
    }
    let mut options = Vec::new();
    while !cursor.eat(">") {
        options.push(TcpOption::parse(cursor)?);
        cursor.eat(",");
    }
    Ok(Some(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_with_everything() {
        let mut cursor = Cursor::new("(2) [ce] SPU. 7:10(3) ack 4294967295 win 9 urg 2 <mss 5,nop>");
        let Packet::Tcp(segment) = arriving(&mut cursor).unwrap() else { panic!("not TCP") };
        assert!(cursor.is_at_end());
        let expected = TcpSegment {
            peer: 2,
            ecn: Some(Ecn::Experienced),
            traffic_class: None,
            flags: Flags::SYN | Flags::PSH | Flags::URG | Flags::ACK,
            sequence: 7,
            length: 3,
            acknowledgment: Some(u32::MAX),
            window: Some(9),
            urgent: Some(2),
            options: Some(vec![TcpOption::MaximumSegmentSize(5), TcpOption::Nop]),
        };
        assert_eq!(segment, expected);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in ["S 0:1(0) win 1", "S 0:0(0)", ". 0:0(0) win 1", "S 0:0(0) ack 1 win 1", "Q 0:0(0) win 1"]
        {
            assert!(arriving(&mut Cursor::new(text)).is_err(), "{text}");
        }
        assert!(leaving(&mut Cursor::new(". 1:1(0) ack 1 <...>")).unwrap().options.is_none());
    }
}
