use super::*;
use crate::loopback::Loopback;
use crate::memory;
use bytes::Bytes;
use core::net::{IpAddr, Ipv4Addr};
use pcap_file::pcapng::{Block, PcapNgReader};
use std::sync::{Arc, Mutex};
use wire::ethernet::{EtherType, Header, MacAddress};
use wire::{ipv4, protocol, tcp};

const OURS: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
const THEIRS: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);
/// 2024-02-29 12:34:56.789012345.
const EPOCH: Duration = Duration::new(1_709_210_096, 789_012_345);

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Packet {
    time: Duration,
    flags: u32,
    bytes: Vec<u8>,
}

fn read_back(bytes: &[u8]) -> (InterfaceDescriptionBlock<'static>, Vec<Packet>) {
    let (mut interface, mut packets) = (None, Vec::new());
    let mut reader = PcapNgReader::new(bytes).unwrap();
    while let Some(block) = reader.next_block() {
        match block.unwrap().0 {
            Block::InterfaceDescription(block) => interface = Some(block.into_owned()),
            Block::EnhancedPacket(block) => {
                let [EnhancedPacketOption::Flags(flags)] = block.options[..] else {
                    panic!("{:?}", block.options)
                };
                assert_eq!(block.original_len as usize, block.data.len());
                packets.push(Packet { time: block.timestamp, flags, bytes: block.data.to_vec() });
            }
            other => panic!("{other:?}"),
        }
    }
    (interface.unwrap(), packets)
}

fn epoch() -> SystemTime {
    SystemTime::UNIX_EPOCH + EPOCH
}

fn super_segment(with_ethernet: bool) -> Frame {
    let (here, there) = (Ipv4Addr::new(10, 7, 0, 2), Ipv4Addr::new(10, 7, 0, 3));
    let mut frame = Frame::new();
    frame.set_body(Bytes::from(vec![7; 4000]), 4000);
    (frame.segment_size, frame.checksum) = (1460, Checksum::Deferred);
    let header = tcp::Header { source_port: 40_000, destination_port: 80, ..tcp::Header::default() };
    header.prepend_to(&mut frame, IpAddr::V4(here), IpAddr::V4(there));
    ipv4::Header::new(here, there, protocol::TCP).prepend_to(&mut frame);
    if with_ethernet {
        Header { destination: THEIRS, source: OURS, ether_type: EtherType::IPV4 }.prepend_to(&mut frame);
    }
    frame
}

#[test]
fn what_was_captured_is_read_back_with_times_directions_and_the_interface() {
    let file = Shared::default();
    let (a, mut b) = memory::pair(1500, 16, OURS, THEIRS);
    let mut link = Capture::new(a, file.clone(), "lan0", epoch()).unwrap();
    let sent = Frame::copy_of(b"what we sent");
    link.transmit(Instant::from_nanos(5), &mut VecDeque::from([sent])).unwrap();
    b.transmit(Instant::ZERO, &mut VecDeque::from([Frame::copy_of(&[9; 1501])])).unwrap();
    let mut arrived = VecDeque::from([Frame::copy_of(b"was there before")]);
    link.receive(Instant::from_millis(1500), &mut arrived, 9).unwrap();
    assert_eq!((arrived.len(), link.packets()), (2, 2));
    drop(link);

    let (interface, packets) = read_back(&file.bytes());
    assert_eq!((interface.linktype, interface.ts_resolution().resolution()), (DataLink::ETHERNET, 9));
    assert!(interface.options.contains(&InterfaceDescriptionOption::IfName("lan0".into())));
    assert!(interface.options.contains(&InterfaceDescriptionOption::IfMacAddr(OURS.0.to_vec().into())));
    let [first, second] = &packets[..] else { panic!("{} packets", packets.len()) };
    assert_eq!((&first.bytes[..], first.flags), (&b"what we sent"[..], 2));
    assert_eq!((&second.bytes[..], second.flags), (&[9; 1501][..], 1));
    assert_eq!(first.time, EPOCH + Duration::from_nanos(5));
    assert_eq!(second.time, EPOCH + Duration::from_millis(1500));
}

#[test]
fn super_segments_are_written_as_packets_with_right_checksums_in_both_directions() {
    let file = Shared::default();
    let mut link = Capture::new(Loopback::new(), file.clone(), "lo", epoch()).unwrap();
    assert!(link.capabilities().segmentation);
    link.transmit(Instant::ZERO, &mut VecDeque::from([super_segment(false)])).unwrap();
    let mut arrived = VecDeque::new();
    link.receive(Instant::ZERO, &mut arrived, 9).unwrap();
    // The link still hands them over whole.
    assert_eq!((arrived.len(), arrived[0].segment_size), (1, 1460));
    drop(link);
    let (interface, packets) = read_back(&file.bytes());
    assert_eq!(interface.linktype, DataLink::RAW);
    let lengths: Vec<usize> = packets.iter().map(|packet| packet.bytes.len()).collect();
    assert_eq!(lengths, [1500, 1500, 1120, 1500, 1500, 1120]);
    for packet in packets {
        let mut frame = Frame::copy_of(&packet.bytes);
        let header = ipv4::Header::parse(frame.first(), frame.len()).unwrap();
        frame.strip(header.header_length);
        tcp::verify(IpAddr::V4(header.source), IpAddr::V4(header.destination), frame.parts()).unwrap();
    }
}

#[test]
fn a_packet_is_in_the_file_after_a_second_at_the_latest() {
    let file = Shared::default();
    let mut link = Capture::new(Loopback::new(), file.clone(), "lo", epoch()).unwrap();
    assert_eq!(link.poll_timeout(), None);
    let begun = Instant::from_millis(10);
    link.transmit(begun, &mut VecDeque::from([Frame::copy_of(b"x")])).unwrap();
    let mut arrived = VecDeque::new();
    link.receive(begun, &mut arrived, 9).unwrap();
    assert_eq!((link.poll_timeout(), read_back(&file.bytes()).1.len()), (Some(begun + FLUSH), 0));
    link.receive(begun + FLUSH, &mut arrived, 9).unwrap();
    assert_eq!((link.poll_timeout(), read_back(&file.bytes()).1.len()), (None, 2));
}

#[test]
fn a_frame_that_the_link_has_no_room_for_is_written_once() {
    let file = Shared::default();
    let (a, mut b) = memory::pair(1500, 2, OURS, THEIRS);
    let mut link = Capture::new(a, file.clone(), "lan0", epoch()).unwrap();
    let mut waiting: VecDeque<Frame> = (0..200).map(|n| Frame::copy_of(&[n; 60])).collect();
    let (mut arrived, mut calls) = (VecDeque::new(), 0);
    while !link.transmit(Instant::ZERO, &mut waiting).unwrap() {
        b.receive(Instant::ZERO, &mut arrived, 9).unwrap();
        calls += 1;
    }
    b.receive(Instant::ZERO, &mut arrived, 9).unwrap();
    drop(link);
    assert!(calls > 50);
    let bytes: Vec<Vec<u8>> = read_back(&file.bytes()).1.into_iter().map(|packet| packet.bytes).collect();
    assert_eq!(bytes, (0..200).map(|n| vec![n; 60]).collect::<Vec<_>>());
    assert_eq!(bytes, arrived.iter().map(Frame::to_vec).collect::<Vec<_>>());
}

#[test]
fn a_file_that_cannot_be_written_ends_the_capture_and_not_the_link() {
    /// Takes the header and then nothing.
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 < bytes.len() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0 -= bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut link = Capture::new(Loopback::new(), Full(4096), "lo", epoch()).unwrap();
    let mut arrived = VecDeque::new();
    for n in 0..1000 {
        link.transmit(Instant::ZERO, &mut VecDeque::from([Frame::copy_of(&[n as u8; 1400])])).unwrap();
        link.receive(Instant::ZERO, &mut arrived, 9).unwrap();
    }
    assert!(link.has_failed());
    assert_eq!((arrived.len(), link.poll_timeout()), (1000, None));
}

#[test]
fn a_path_that_cannot_be_written_is_named_in_one_line() {
    let path = Path::new("/nowhere/at/all.pcapng");
    let Err(error) = Capture::create(Loopback::new(), path, "lo", epoch()) else { panic!("created") };
    assert!(error.to_string().starts_with("cannot capture to /nowhere/at/all.pcapng"), "{error}");
}

#[test]
#[ignore = "needs tshark"]
fn tshark_reads_what_was_captured() {
    let path = std::env::temp_dir().join(format!("ns-link-{}.pcapng", std::process::id()));
    let (a, mut b) = memory::pair(1500, 16, OURS, THEIRS);
    let mut link = Capture::create(a, &path, "lan0", epoch()).unwrap();
    link.transmit(Instant::from_nanos(1), &mut VecDeque::from([super_segment(true)])).unwrap();
    b.transmit(Instant::ZERO, &mut VecDeque::from([super_segment(true)])).unwrap();
    link.receive(Instant::from_nanos(2), &mut VecDeque::new(), 9).unwrap();
    drop(link);
    let output = std::process::Command::new("tshark")
        .args(["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields"])
        .args(["-e", "frame.time_epoch", "-e", "frame.interface_name", "-e", "frame.packet_flags_direction"])
        .args(["-e", "ip.checksum.status", "-e", "tcp.checksum.status", "-e", "tcp.len", "-e", "tcp.dstport"])
        .args(["-e", "_ws.malformed", "-r"])
        .arg(&path)
        .output()
        .expect("tshark runs");
    std::fs::remove_file(&path).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(rows.len(), 6, "{text}");
    for (n, row) in rows.iter().enumerate() {
        let (nanosecond, direction) = if n < 3 { ("6", "2") } else { ("7", "1") };
        assert_eq!(row[0], format!("1709210096.78901234{nanosecond}"));
        assert_eq!(row[1], "lan0");
        assert!(row[2].ends_with(direction), "{row:?}");
        assert_eq!(row[3..7], ["1", "1", ["1460", "1460", "1080"][n % 3], "80"]);
        assert_eq!(row.get(7).copied().unwrap_or_default(), "");
    }
}
