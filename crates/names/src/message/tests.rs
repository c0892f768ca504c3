use super::*;
use proptest::prelude::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn every_kind() -> Message {
    let record = |data| Record { name: name("Talk._talk._tcp.local"), flush: true, ttl: 120, data };
    Message {
        id: 7,
        response: true,
        authoritative: true,
        questions: vec![Question { name: name("_talk._tcp.local"), kind: PTR, unicast: true }],
        answers: vec![
            record(Data::A([10, 7, 0, 2].into())),
            record(Data::Aaaa("fd07::2".parse().unwrap())),
            record(Data::Ptr(name("x.local"))),
            record(Data::Cname(name("y.local"))),
        ],
        authorities: vec![record(Data::Srv { priority: 1, weight: 2, port: 3, target: name("z.local") })],
        additionals: vec![
            record(Data::Txt(vec![b"a=b".to_vec(), Vec::new()])),
            record(Data::Nsec(vec![1, 28, 33])),
            record(Data::Other(99, vec![1, 2, 3])),
        ],
        ..Message::default()
    }
}

#[test]
fn what_is_written_is_read_again_and_names_are_written_once() {
    let message = every_kind();
    let bytes = message.write();
    assert_eq!(Message::read(&bytes), Ok(message));
    assert_eq!(
        bytes.windows(4).filter(|four| four == b"Talk").count(),
        2,
        "once, and once where NSEC has its own name plain"
    );
}

#[test]
fn a_message_as_others_write_it_is_read() {
    // A response with pointers: _talk._tcp.local PTR talk._talk._tcp.local, and an OPT record, whose class is a size.
    let mut bytes = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    bytes.extend_from_slice(
        b"\x05_talk\x04_tcp\x05local\x00\x00\x0c\x00\x01\x00\x00\x11\x94\x00\x07\x04talk\xc0\x0c",
    );
    bytes.extend_from_slice(b"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00");
    let message = Message::read(&bytes).unwrap();
    assert_eq!((message.answers.len(), message.additionals.len()), (1, 0));
    assert_eq!(message.answers[0].data, Data::Ptr(name("talk._talk._tcp.local")));
    assert_eq!(message.answers[0].ttl, 4500);
}

#[test]
fn hostile_names_are_refused() {
    let header = [0_u8, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    let question = |name: &[u8]| [header.as_slice(), name, &[0, 1, 0, 1]].concat();
    for bad in [
        b"\xc0\x0c".as_slice(),                              // itself
        b"\x01a\xc0\x0c",                                    // its own beginning
        b"\xc0\xff",                                         // beyond the end
        b"\xc0",                                             // half a pointer
        b"\x40",                                             // a label of an unknown kind
        b"\x3fshort",                                        // longer than the message
        &[[1, b'x'].repeat(127), vec![1, b'x', 0]].concat(), // 257 bytes
    ] {
        assert_eq!(Message::read(&question(bad)), Err(Malformed), "{bad:?}");
    }
    assert!(Message::read(&question(b"\x01a\x00")).is_ok());
}

#[test]
fn the_number_of_parts_is_bounded() {
    let question = Question { name: Name::ROOT, kind: A, unicast: false };
    let message = Message { questions: vec![question.clone(); MOST], ..Message::default() };
    assert_eq!(Message::read(&message.write()).unwrap().questions.len(), MOST);
    let mut bytes = message.write();
    bytes[4..6].copy_from_slice(&(MOST as u16 + 1).to_be_bytes());
    bytes.extend_from_slice(&[0, 0, 1, 0, 1]);
    assert_eq!(Message::read(&bytes), Err(Malformed));
    let message = Message { questions: vec![question; MOST + 1], ..Message::default() };
    assert_eq!(Message::read(&message.write()).unwrap().questions.len(), MOST);
}

proptest! {
    #[test]
    fn no_bytes_panic_and_what_was_read_is_written_the_same(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        at in any::<prop::sample::Index>(),
        changed in any::<u8>(),
    ) {
        let _ = Message::read(&bytes);
        let mut bytes = every_kind().write();
        let at = at.index(bytes.len());
        bytes[at] = changed;
        let _ = Message::read(&bytes[..at]);
        if let Ok(message) = Message::read(&bytes) {
            prop_assert_eq!(Message::read(&message.write()), Ok(message));
        }
    }
}
