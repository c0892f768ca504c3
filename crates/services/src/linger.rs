//! The end of a connection whose peer may still be sending (RFC 9112 9.6).

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// How long what a peer still sends is read.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of it at most.
const MOST: usize = 4 << 20;
/// Bytes read at once.
const CHUNK: usize = 16 << 10;

/// Ends our direction, and reads and forgets what the peer still sends until it ends, for 5 s and 4 MiB at most, and no longer than until
/// `enough`; tells how much that was. Bytes that nobody has read turn the end into a reset (RFC 1122 4.2.2.13), which may take the last
/// answer from a peer that sends first and reads then.
pub async fn linger<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    enough: impl Future<Output = ()>,
) -> usize {
    let mut forgotten = 0;
    let reading = async {
        if stream.shutdown().await.is_err() {
            return;
        }
        let mut chunk = vec![0; CHUNK];
        while forgotten < MOST {
            let room = chunk.len().min(MOST - forgotten);
            match stream.read(chunk.get_mut(..room).unwrap_or_default()).await {
                Ok(read @ 1..) => forgotten += read,
                _ => return,
            }
        }
    };
    tokio::select! {
        biased;
        // Whoever is slower has had its time.
        _ = timeout(PATIENCE, reading) => {}
        () = enough => {}
    }
    forgotten
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use tokio::io::duplex;
    use tokio::time::{Instant, sleep};

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_goes_on_is_read_for_so_long_and_so_much_and_no_more() {
        let began = Instant::now();
        let (mut near, _far) = duplex(64);
        let silent = timeout(2 * PATIENCE, linger(&mut near, pending())).await;
        assert_eq!((silent, began.elapsed()), (Ok(0), PATIENCE));
        for (sent, read) in [(MOST - 1, MOST - 1), (MOST, MOST), (MOST + 1, MOST)] {
            let (mut near, mut far) = duplex(1 << 20);
            let sending = tokio::spawn(async move {
                let all = far.write_all(&vec![7; sent]).await;
                let ended = far.read(&mut [0; 1]).await.unwrap();
                (all.is_ok(), ended)
            });
            assert_eq!(timeout(2 * PATIENCE, linger(&mut near, pending())).await, Ok(read));
            // Our end came first.
            assert_eq!(sending.await.unwrap(), (true, 0));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_when_it_is_enough_and_what_has_come_by_then_counts() {
        let began = Instant::now();
        let (mut near, mut far) = duplex(64);
        far.write_all(b"and another").await.unwrap();
        let enough = PATIENCE / 2;
        let read = linger(&mut near, sleep(enough)).await;
        assert_eq!((read, began.elapsed()), (11, enough));
    }
}
