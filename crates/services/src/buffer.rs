//! The bytes of a call on their way: bounded, and without memory while there are none.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most bytes that one direction of a call holds.
pub(crate) const CAPACITY: usize = 64 * 1024;

/// The most spare storages that a thread keeps.
const SPARE: usize = 16;

thread_local! {
    static STORAGES: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// Bytes read from one stream and not yet written to another.
///
/// The storage is borrowed from the thread's spare ones when a read needs it and handed back when the buffer is empty
/// and the next read must wait, so ten thousand idle calls hold none.
#[derive(Default)]
pub(crate) struct Buffer {
    storage: Option<Box<[u8]>>,
    start: usize,
    end: usize,
}

impl Buffer {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// What has been read and not yet written.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.storage.as_deref().and_then(|storage| storage.get(self.start..self.end)).unwrap_or_default()
    }

    /// Whether a read would find room.
    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        // Moving less than half the bytes to the front costs more than waiting for a few to leave.
        self.end < CAPACITY || self.start >= CAPACITY / 2
    }

    /// Forgets the bytes.
    pub(crate) fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
        self.release();
    }

    /// One read into the room that is left. Zero bytes: the stream has ended. Call only when there is room.
    pub(crate) fn poll_fill<R: AsyncRead + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        stream: Pin<&mut R>,
    ) -> Poll<io::Result<usize>> {
        let storage = self.storage.get_or_insert_with(borrow);
        if self.end == CAPACITY {
            storage.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let mut room = ReadBuf::new(storage.get_mut(self.end..).unwrap_or_default());
        let outcome = stream.poll_read(cx, &mut room);
        let read = room.filled().len();
        self.end += read;
        if self.is_empty() {
            self.release();
        }
        outcome.map_ok(|()| read)
    }

    /// One write of what there is. Call only when there is something.
    pub(crate) fn poll_drain<W: AsyncWrite + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        stream: Pin<&mut W>,
    ) -> Poll<io::Result<usize>> {
        let written = ready!(stream.poll_write(cx, self.bytes()))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.start = self.end.min(self.start + written);
        if self.is_empty() {
            self.start = 0;
            self.end = 0;
        }
        Poll::Ready(Ok(written))
    }

    fn release(&mut self) {
        if let Some(storage) = self.storage.take() {
            give_back(storage);
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.release();
    }
}

fn borrow() -> Box<[u8]> {
    STORAGES
        .try_with(|storages| storages.try_borrow_mut().ok()?.pop())
        .ok()
        .flatten()
        .unwrap_or_else(|| vec![0; CAPACITY].into_boxed_slice())
}

fn give_back(storage: Box<[u8]>) {
    // Where the thread is ending or the list is full the storage is simply freed.
    let _ = STORAGES.try_with(|storages| {
        if let Ok(mut storages) = storages.try_borrow_mut()
            && storages.len() < SPARE
        {
            storages.push(storage);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn context() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    #[test]
    fn an_empty_buffer_that_waits_holds_no_storage() {
        let (mut near, _far) = tokio::io::duplex(16);
        let mut buffer = Buffer::default();
        assert!(buffer.poll_fill(&mut context(), Pin::new(&mut near)).is_pending());
        assert!(buffer.storage.is_none());
        assert!(buffer.bytes().is_empty());
    }

    #[test]
    fn it_is_full_at_its_capacity_and_moves_the_rest_to_the_front() {
        let source = vec![7_u8; CAPACITY + 10];
        let mut reader = source.as_slice();
        let mut buffer = Buffer::default();
        let filled = buffer.poll_fill(&mut context(), Pin::new(&mut reader));
        assert!(matches!(filled, Poll::Ready(Ok(CAPACITY))), "{filled:?}");
        assert!(!buffer.has_room());

        let (mut near, _far) = tokio::io::duplex(CAPACITY / 2);
        let drained = buffer.poll_drain(&mut context(), Pin::new(&mut near));
        assert!(matches!(drained, Poll::Ready(Ok(n)) if n == CAPACITY / 2), "{drained:?}");
        assert!(buffer.has_room());
        let filled = buffer.poll_fill(&mut context(), Pin::new(&mut reader));
        assert!(matches!(filled, Poll::Ready(Ok(10))), "{filled:?}");
        assert_eq!(buffer.bytes().len(), CAPACITY / 2 + 10);
    }

    #[test]
    fn a_thread_keeps_a_bounded_number_of_spare_storages() {
        STORAGES.with(|storages| storages.borrow_mut().clear());
        let mut buffers: Vec<_> = (0..SPARE + 5)
            .map(|_| {
                let mut buffer = Buffer::default();
                let filled = buffer.poll_fill(&mut context(), Pin::new(&mut [1_u8].as_slice()));
                assert!(matches!(filled, Poll::Ready(Ok(1))));
                buffer
            })
            .collect();
        buffers.iter_mut().for_each(Buffer::clear);
        assert_eq!(STORAGES.with(|storages| storages.borrow().len()), SPARE);
    }
}
