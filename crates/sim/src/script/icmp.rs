//! ICMP errors: how a script names them, and how they look on the wire.

use super::cursor::{Cursor, Parsed};
use super::notation::IcmpMessage;
use wire::icmpv4::Message;

/// Codes of "destination unreachable" by packetdrill's names, from 0 on.
const UNREACHABLE: [&str; 16] = [
    "net_unreachable",
    "host_unreachable",
    "protocol_unreachable",
    "port_unreachable",
    "frag_needed",
    "source_route_failed",
    "net_unknown",
    "host_unknown",
    "source_host_isolated",
    "net_prohibited",
    "host_prohibited",
    "net_unreachable_for_tos",
    "host_unreachable_for_tos",
    "packet_filtered",
    "precedence_violation",
    "precedence_cutoff",
];

/// `unreachable frag_needed mtu 1200 [1:1461(1460)]`, after `icmp`.
pub(crate) fn parse(cursor: &mut Cursor<'_>, peer: u16) -> Parsed<IcmpMessage> {
    let message = match cursor.name()? {
        "unreachable" => {
            let name = cursor.name()?;
            let code = UNREACHABLE.iter().position(|known| *known == name);
            let code = code.ok_or_else(|| format!("unknown code `{name}`"))? as u8;
            let next_hop_mtu = if cursor.eat_word("mtu") { cursor.number()? } else { 0 };
            Message::DestinationUnreachable { code, next_hop_mtu }
        }
        "time_exceeded" => {
            let code = match cursor.name()? {
                "ttl_exceeded" => 0,
                "reassembly_time_exceeded" => 1,
                name => return Err(format!("unknown code `{name}`")),
            };
            Message::TimeExceeded { code }
        }
        "source_quench" => Message::Other { kind: 4, code: 0 },
        name => return Err(format!("unknown ICMP message `{name}`")),
    };
    cursor.expect("[")?;
    let (sequence, _) = cursor.range()?;
    cursor.expect("]")?;
    Ok(IcmpMessage { peer, message, sequence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_codes() {
        let mut cursor = Cursor::new("unreachable frag_needed mtu 1200 [1:1461(1460)]");
        let icmp = parse(&mut cursor, 1).unwrap();
        let expected = Message::DestinationUnreachable { code: 4, next_hop_mtu: 1200 };
        assert_eq!((icmp.message, icmp.sequence), (expected, 1));
        assert!(parse(&mut Cursor::new("unreachable nowhere [1:1(0)]"), 1).is_err());
    }
}
