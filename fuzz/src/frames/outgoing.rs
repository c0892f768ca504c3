//! What leaves the host is well formed, and answers nothing that must not be answered.

use super::*;

impl World {
    pub(super) fn drain(&mut self, came: Came) {
        for _ in 0..2_000 {
            let Some(frame) = self.stack.poll_transmit(self.now, self.lane) else {
                assert!(!self.stack.has_transmit(self.lane), "work is due, but nothing comes");
                while let Some(event) = self.stack.poll_event() {
                    self.event(event);
                }
                return;
            };
            self.check_sent(&frame.to_vec(), came);
        }
        panic!("it never stops to send");
    }

    pub(super) fn event(&mut self, event: Event) {
        if let Event::Tcp(tcp::Event::Listener(listener)) = event {
            while let Ok(id) = self.stack.tcp_mut().accept(listener) {
                self.connections.push(id);
            }
        }
    }

    pub(super) fn check_sent(&mut self, bytes: &[u8], came: Came) {
        let link = ethernet::Header::parse(bytes).expect("a right frame");
        assert_eq!(link.source, OUR_STATION);
        let packet = &bytes[ethernet::HEADER_LENGTH..];
        assert!(packet.len() <= 1_500);
        match link.ether_type {
            EtherType::ARP => drop(arp::Packet::parse(packet).expect("a right ARP packet")),
            EtherType::IPV4 => {
                let header = ipv4::Header::parse(packet, packet.len()).expect("a right IPv4 header");
                let payload = &packet[header.header_length..header.total_length];
                if !header.is_fragment() {
                    let (from, to) = (header.source.into(), header.destination.into());
                    self.check_transport(header.protocol, payload, from, to, came);
                }
            }
            EtherType::IPV6 => {
                let header = ipv6::Header::parse(packet, packet.len()).expect("a right IPv6 header");
                let chain = Chain::walk(packet, &header).expect("right extension headers");
                if chain.fragment.is_none() {
                    let (from, to) = (header.source.into(), header.destination.into());
                    self.check_transport(chain.protocol, &packet[chain.offset..], from, to, came);
                }
            }
            other => panic!("{other:?} is nothing that this host speaks"),
        }
    }

    pub(super) fn check_transport(
        &mut self,
        protocol: u8,
        payload: &[u8],
        from: IpAddr,
        to: IpAddr,
        came: Came,
    ) {
        match protocol {
            protocol::TCP => {
                wire::tcp::verify(from, to, [payload, &[]]).expect("a right checksum");
                let (header, _) = Header::parse(payload).expect("a right TCP header");
                assert!(!(came == Came::Reset && header.flags.contains(Flags::RST)), "a RST answers a RST");
                assert!(
                    !(came == Came::ToMany && header.flags.contains(Flags::RST)),
                    "a RST answers a group"
                );
                if !header.flags.contains(Flags::RST) {
                    self.next = header.sequence + u32::from(header.flags.contains(Flags::SYN));
                    self.expected = header.acknowledgment;
                }
            }
            protocol::UDP => udp::verify(from, to, [payload, &[]]).expect("a right checksum"),
            protocol::ICMPV4 => {
                icmpv4::verify([payload, &[]]).expect("a right checksum");
                let (message, _) = icmpv4::Message::parse(payload).expect("a right message");
                let forbidden = matches!(came, Came::IcmpError | Came::ToMany);
                assert!(!(forbidden && message.is_error()), "an ICMP error answers {message:?}");
            }
            protocol::ICMPV6 => {
                let (IpAddr::V6(from), IpAddr::V6(to)) = (from, to) else { panic!("ICMPv6 in IPv4") };
                icmpv6::verify(from, to, [payload, &[]]).expect("a right checksum");
                let (message, _) = icmpv6::Message::parse(payload).expect("a right message");
                assert!(!(came == Came::IcmpError && message.is_error()), "an error answers an error");
            }
            protocol::IGMP => {}
            other => panic!("protocol {other} is nothing that this host speaks"),
        }
    }
}
