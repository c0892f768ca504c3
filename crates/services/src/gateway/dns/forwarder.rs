//! Asks the name servers what guests ask.

use super::message::{Answer, Question, set_id};
use crate::gateway::{Cause, Counters, Policy};
use hickory_proto::op::ResponseCode;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout};

/// Bytes of the longest question that is passed on.
pub const LONGEST_QUESTION: usize = 4096;
/// Bytes of the longest datagram that there is: a name server may send more than it was told is welcome.
const LONGEST_ANSWER: usize = 65_535;
/// How long one name server may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How a question came, and its answer goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Transport {
    /// As a datagram: an answer that is too long is cut, and says so.
    Datagram,
    /// In a stream, which takes answers of every length.
    Stream,
}

/// Passes questions on, each from a port of its own and with a number that the guest does not know.
#[derive(Debug)]
pub struct Forwarder {
    servers: Vec<SocketAddr>,
    policy: Arc<Policy>,
    counters: Arc<Counters>,
}

impl Forwarder {
    /// Asks these servers, one after the other.
    pub fn new(servers: Vec<SocketAddr>, policy: Arc<Policy>, counters: Arc<Counters>) -> Forwarder {
        Forwarder { servers, policy, counters }
    }

    /// The answer to a guest's question; None for what is no question. Names that rules deny are refused, as are those that lead to
    /// them, and what answers say of names that rules allow is remembered. Must run inside a tokio runtime.
    pub async fn answer(&self, guest: IpAddr, asked: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let question = match Question::read(asked) {
            Ok(question) if asked.len() <= LONGEST_QUESTION => question,
            _ => {
                self.counters.count(Cause::Garbage, Some(guest), "a question for a name server");
                return None;
            }
        };
        let name = question.name();
        if !self.allows(self.policy.may_ask(&name), &name, guest) {
            return question.fail(ResponseCode::Refused);
        }
        let mut best = None;
        for server in &self.servers {
            match ask(*server, &question, asked, transport).await {
                Ok(answer) => {
                    let useless = answer.0.is_useless();
                    best = Some(answer);
                    if !useless {
                        break;
                    }
                }
                Err(error) => tracing::debug!(%server, %error, name, "a name server does not answer"),
            }
        }
        let Some((answer, mut bytes)) = best else {
            self.counters.count(Cause::NoNameServer, Some(guest), &name);
            return question.fail(ResponseCode::ServFail);
        };
        // Whoever answers for a name can lead to any other with any address: nothing of it is believed then.
        if !answer.aliases().all(|alias| self.allows(self.policy.may_lead_to(&alias), &alias, guest)) {
            return question.fail(ResponseCode::Refused);
        }
        self.learn(&answer);
        if transport == Transport::Datagram && bytes.len() > question.longest() {
            return answer.truncated(question.id());
        }
        set_id(&mut bytes, question.id());
        Some(bytes)
    }

    /// What the rules say of a name; a denial is counted.
    fn allows(&self, allowed: bool, name: &str, guest: IpAddr) -> bool {
        if !allowed {
            self.counters.count(Cause::NameDenied, Some(guest), name);
        }
        allowed
    }

    fn learn(&self, answer: &Answer) {
        let (names, addresses) = answer.addresses();
        let now = Instant::now().into_std();
        for (address, time_to_live) in addresses {
            self.policy.learn(names.iter().map(String::as_str), address, time_to_live, now);
        }
    }
}

/// Asks one server, by a stream if that is how the question came and the answer does not fit into a datagram.
async fn ask(
    server: SocketAddr,
    question: &Question,
    asked: &[u8],
    transport: Transport,
) -> io::Result<(Answer, Vec<u8>)> {
    let mut id = [0; 2];
    getrandom::fill(&mut id).map_err(|error| io::Error::other(error.to_string()))?;
    let id = u16::from_be_bytes(id);
    let mut request = asked.to_vec();
    set_id(&mut request, id);
    let slow = |_| io::Error::from(ErrorKind::TimedOut);
    let (answer, bytes) =
        timeout(PATIENCE, by_datagram(server, question, id, &request)).await.map_err(slow)??;
    if answer.is_truncated() && transport == Transport::Stream {
        return timeout(PATIENCE, by_stream(server, question, id, &request)).await.map_err(slow)?;
    }
    Ok((answer, bytes))
}

async fn by_datagram(
    server: SocketAddr,
    question: &Question,
    id: u16,
    request: &[u8],
) -> io::Result<(Answer, Vec<u8>)> {
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    // The system chooses a port at random, and takes datagrams from this server alone.
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(request).await?;
    loop {
        socket.readable().await?;
        // Only now: who waits for an answer holds no room for it.
        let mut bytes = Vec::with_capacity(LONGEST_ANSWER);
        match socket.try_recv_buf(&mut bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        if let Some(answer) = question.answered(id, &bytes) {
            bytes.shrink_to_fit();
            return Ok((answer, bytes));
        }
    }
}

/// RFC 1035 4.2.2: two bytes of length before each message.
async fn by_stream(
    server: SocketAddr,
    question: &Question,
    id: u16,
    request: &[u8],
) -> io::Result<(Answer, Vec<u8>)> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(request.len()).map_err(|_| ErrorKind::InvalidInput)?;
    stream.write_all(&[&length.to_be_bytes(), request].concat()).await?;
    let mut bytes = vec![0; stream.read_u16().await?.into()];
    stream.read_exact(&mut bytes).await?;
    match question.answered(id, &bytes) {
        Some(answer) => Ok((answer, bytes)),
        None => Err(ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests;
