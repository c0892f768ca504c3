use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

proptest! {
    /// Whatever is written in either way, acknowledged and asked for, a frame gets the bytes of a plain vector at that place.
    #[test]
    fn frames_get_the_bytes_that_were_written(
        steps in prop::collection::vec(
            (0..70_000usize, any::<bool>(), 0..70_000usize, 0..1_000usize, 1..9_000usize), 1..40,
        ),
        segment_size in 36..3_000usize,
    ) {
        let mut chunks = ChunkPool::new();
        let (mut buffer, mut plain) = (SendBuffer::default(), Vec::new());
        let mut next = 0u8;
        for (write, shared, acknowledge, at, length) in steps {
            let data: Vec<u8> = (0..write).map(|_| { next = next.wrapping_add(7); next }).collect();
            let taken = if shared {
                let mut bytes = Bytes::from(data.clone());
                let taken = buffer.write_bytes(&mut bytes, 200_000, segment_size, &mut chunks);
                prop_assert_eq!(&bytes[..], &data[taken..]);
                taken
            } else {
                buffer.write(&data, 200_000, segment_size, &mut chunks)
            };
            prop_assert_eq!(taken, write.min(200_000 - plain.len()));
            plain.extend_from_slice(&data[..taken]);
            prop_assert!(buffer.used() >= plain.len() && buffer.used() <= plain.len() + pool::LARGE);
            if !plain.is_empty() {
                let offset = at * (plain.len() - 1) / 1_000;
                let length = length.min(plain.len() - offset);
                let mut frame = Frame::new();
                let filled = buffer.fill(offset, length, segment_size, &mut frame, &mut chunks);
                prop_assert!(filled >= length.min(segment_size) && filled <= length);
                prop_assert_eq!(frame.to_vec(), &plain[offset..offset + filled]);
            }
            let acknowledge = acknowledge.min(plain.len());
            buffer.acknowledge(acknowledge);
            plain.drain(..acknowledge);
            prop_assert_eq!(buffer.len(), plain.len());
        }
        buffer.clear(&mut chunks);
        prop_assert_eq!(buffer.len(), 0);
    }
}

#[test]
fn memory_that_can_be_shared_is_copied_only_where_it_is_short() {
    let mut chunks = ChunkPool::new();
    for (length, room, shared) in [
        (SHARED, SHARED, true),
        (SHARED - 1, SHARED, false),
        (100_000, SHARED, true),
        // Little of it is taken.
        (100_000, SHARED - 1, false),
    ] {
        let memory = Bytes::from(alloc::vec![7; length]);
        let (mut buffer, mut rest) = (SendBuffer::default(), memory.clone());
        let taken = buffer.write_bytes(&mut rest, room, 1448, &mut chunks);
        assert_eq!((taken, rest.len()), (room.min(length), length - room.min(length)));
        drop(rest);
        assert_eq!(!memory.is_unique(), shared, "{length} bytes, and room for {room}");
        buffer.acknowledge(taken);
        assert!(memory.is_unique(), "it is let go of when it is acknowledged");
    }
}

#[test]
fn segments_lie_in_the_writer_s_memory_but_where_two_pieces_meet() {
    let mut chunks = ChunkPool::new();
    let mut buffer = SendBuffer::default();
    let memory: Vec<_> = (0..3).map(|n| Bytes::from(alloc::vec![n; 50_000])).collect();
    buffer.write(b"head", 1 << 20, 1448, &mut chunks);
    for bytes in &memory {
        buffer.write_bytes(&mut bytes.clone(), 1 << 20, 1448, &mut chunks);
    }
    let (mut offset, mut copied) = (0, 0);
    while offset < buffer.len() {
        let mut frame = Frame::new();
        let length = (buffer.len() - offset).min(45 * 1448);
        let filled = buffer.fill(offset, length, 1448, &mut frame, &mut chunks);
        let body = frame.body().as_ptr();
        if !memory.iter().any(|memory| memory.as_ptr_range().contains(&body)) {
            copied += filled;
        }
        offset += filled;
    }
    assert!((1..=3 * 1448).contains(&copied), "{copied}");
}

#[test]
fn a_copy_is_charged_what_the_original_is() {
    let mut chunks = ChunkPool::new();
    let mut buffer = SendBuffer::default();
    buffer.write(&[7; 5], 200_000, 1448, &mut chunks);
    assert_eq!(buffer.clone().used(), buffer.used());
    buffer.write(&[7; 70_000], 200_000, 1448, &mut chunks);
    assert_eq!(buffer.clone().used(), buffer.used());
}

#[test]
fn chunks_are_filled_to_whole_segments() {
    let mut chunks = ChunkPool::new();
    let mut buffer = SendBuffer::default();
    let data = alloc::vec![1; 200_000];
    buffer.write(&data, 200_000, 1448, &mut chunks);
    for n in 0..3 {
        let mut frame = Frame::new();
        assert_eq!(
            buffer.fill(n * 45 * 1448, 65_535 / 1448 * 1448, 1448, &mut frame, &mut chunks),
            45 * 1448
        );
    }
}
