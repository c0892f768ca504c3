//! Answers guests' questions for names at the gateway's own addresses, by datagrams and by streams.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use netstrata::tokio::{TcpListener, UdpSocket};
use services::gateway::Protocol;
use services::gateway::dns::{Forwarder, LONGEST_QUESTION, Transport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::engine::Engine;

/// Where name servers listen.
const PORT: u16 = 53;
/// Connections that may wait to be taken.
const BACKLOG: u32 = 64;
/// How long a guest may take for its next question in a stream, and the most that it may ask in one.
const PATIENCE: Duration = Duration::from_secs(10);
const MOST: usize = 128;

/// Where guests ask at one address.
pub(crate) struct Open {
    at: SocketAddr,
    datagrams: UdpSocket,
    streams: TcpListener,
}

impl Open {
    /// Questions that come from now on are answered.
    pub(crate) async fn at(engine: &Engine, own: IpAddr) -> io::Result<Open> {
        let at = SocketAddr::new(own, PORT);
        let datagrams = UdpSocket::bind(&engine.host, at).await?;
        let streams = TcpListener::bind_with(&engine.host, at, BACKLOG, Default::default())?;
        Ok(Open { at, datagrams, streams })
    }
}

/// Answers at one address until dropped.
pub(crate) async fn answer(engine: Arc<Engine>, open: Open, forwarder: Arc<Forwarder>) {
    let Open { at, datagrams, streams } = open;
    let outcome = tokio::try_join!(
        by_datagrams(&engine, at, datagrams, &forwarder),
        by_streams(&engine, at, streams, &forwarder)
    );
    if let Err(error) = outcome {
        tracing::error!(%at, %error, "no more questions for names are answered");
    }
}

async fn by_datagrams(
    engine: &Arc<Engine>,
    at: SocketAddr,
    socket: UdpSocket,
    forwarder: &Arc<Forwarder>,
) -> io::Result<()> {
    let socket = Arc::new(socket);
    let mut running = JoinSet::new();
    // One byte more than may be: a longer one is seen to be too long.
    let mut bytes = vec![0; LONGEST_QUESTION + 1];
    loop {
        let (length, guest) = tokio::select! {
            received = socket.recv_from(&mut bytes) => received?,
            Some(_) = running.join_next() => continue,
        };
        let Ok(flow) = engine.enter(Protocol::Dns, guest, at) else {
            continue;
        };
        let asked = bytes.get(..length).unwrap_or_default().to_vec();
        let (forwarder, socket) = (Arc::clone(forwarder), Arc::clone(&socket));
        running.spawn(async move {
            flow.tally().count_received(asked.len());
            if let Some(answer) = forwarder.answer(guest.ip(), &asked, Transport::Datagram).await
                && let Ok(sent) = socket.send_to(&answer, guest).await
            {
                flow.tally().count_sent(sent);
            }
        });
    }
}

async fn by_streams(
    engine: &Arc<Engine>,
    at: SocketAddr,
    listener: TcpListener,
    forwarder: &Arc<Forwarder>,
) -> io::Result<()> {
    let mut running = JoinSet::new();
    loop {
        let (stream, guest) = tokio::select! {
            accepted = listener.accept() => accepted?,
            Some(_) = running.join_next() => continue,
        };
        match engine.enter(Protocol::Dns, guest, at) {
            Ok(flow) => {
                let asking = Arc::new((Arc::clone(forwarder), flow));
                let answer = move |asked: Vec<u8>| {
                    let asking = Arc::clone(&asking);
                    async move {
                        let (forwarder, flow) = &*asking;
                        flow.tally().count_received(asked.len());
                        let answer = forwarder.answer(guest.ip(), &asked, Transport::Stream).await;
                        flow.tally().count_sent(answer.as_ref().map_or(0, Vec::len));
                        answer
                    }
                };
                // A guest that breaks off is nothing to tell of.
                running.spawn(async move { drop(questions(stream, answer).await) });
            }
            Err(_) => stream.abort(),
        }
    }
}

/// RFC 1035 4.2.2: two bytes of length before each message; one question after the other.
async fn questions<F: Future<Output = Option<Vec<u8>>>>(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: impl Fn(Vec<u8>) -> F,
) -> io::Result<()> {
    let slow = |_| io::Error::from(io::ErrorKind::TimedOut);
    for _ in 0..MOST {
        let asked = timeout(PATIENCE, async {
            let length = usize::from(stream.read_u16().await?);
            if length > LONGEST_QUESTION {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut asked = vec![0; length];
            stream.read_exact(&mut asked).await.map(|_| asked)
        });
        let asked = asked.await.map_err(slow)??;
        let Some(answer) = answer(asked).await else { break };
        let length = u16::try_from(answer.len()).map_err(|_| io::ErrorKind::InvalidData)?;
        let message = [&length.to_be_bytes(), &answer[..]].concat();
        timeout(PATIENCE, stream.write_all(&message)).await.map_err(slow)??;
    }
    stream.shutdown().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::ready;
    use tokio::io::duplex;
    use tokio::time::{Instant, sleep};

    const ASKED: [u8; 5] = [0, 3, 7, 8, 9];

    #[tokio::test(start_paused = true)]
    async fn so_many_questions_are_answered_in_one_stream_and_then_it_ends() {
        let (near, mut far) = duplex(2 * MOST * ASKED.len());
        far.write_all(&ASKED.repeat(MOST + 1)).await.unwrap();
        questions(near, |asked| ready(Some(asked))).await.unwrap();
        let mut answers = Vec::new();
        far.read_to_end(&mut answers).await.unwrap();
        assert_eq!(answers, ASKED.repeat(MOST));
    }

    #[tokio::test(start_paused = true)]
    async fn a_guest_has_so_long_for_each_question_and_for_taking_each_answer() {
        let just = PATIENCE - Duration::from_millis(1);
        // It takes nearly as long as it may, twice, and then longer.
        let (near, mut far) = duplex(64);
        let began = Instant::now();
        let served = tokio::spawn(questions(near, |asked| ready(Some(asked))));
        for _ in 0..2 {
            far.write_all(&ASKED[..4]).await.unwrap();
            sleep(just).await;
            far.write_all(&ASKED[4..]).await.unwrap();
            far.read_exact(&mut [0; 5]).await.unwrap();
        }
        let error = served.await.unwrap().unwrap_err();
        assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, 2 * just + PATIENCE));
        // It takes no answer.
        let (near, mut far) = duplex(5);
        far.write_all(&ASKED).await.unwrap();
        let began = Instant::now();
        let error = questions(near, |_| ready(Some(vec![0; 9]))).await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed()), (io::ErrorKind::TimedOut, PATIENCE));
    }
}
