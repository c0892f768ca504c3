//! What comes back by the way of a mapping, until its guest is silent for too long.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use services::Stop;
use tokio::time::timeout_at;

use super::mappings::{Mappings, Way};
use super::notice::Notice;
use super::outside::Arrival;

/// What is done with it, for one guest's mapping.
pub(crate) trait Answers {
    /// A datagram has come from there.
    async fn datagram(&self, way: &Way, from: SocketAddr, bytes: &[u8]);

    /// This became of a datagram that was sent.
    fn notice(&self, notice: &Notice);

    /// Nothing more can come.
    fn failure(&self, error: &io::Error);
}

/// Carries it, until the mapping by this way ends.
pub(crate) async fn carry<K: Copy + Ord>(
    (mappings, key): (Arc<Mappings<K>>, K),
    way: Arc<Way>,
    mut stop: Stop,
    answers: impl Answers,
) {
    let mut bytes = Vec::new();
    while let Some(end) = mappings.end(key, &way, Instant::now()) {
        let arrival = tokio::select! {
            arrival = timeout_at(end.into(), way.outside.receive(&mut bytes)) => arrival,
            // Its guest has another one in its place.
            () = way.ended.notified() => continue,
            () = stop.cut() => break,
        };
        match arrival {
            // The guest may have sent meanwhile.
            Err(_) => {}
            Ok(Ok(Arrival::Datagram(from))) => {
                answers.datagram(&way, from, &bytes).await;
                bytes.clear();
            }
            Ok(Ok(Arrival::Notice(notice))) => answers.notice(&notice),
            Ok(Err(error)) => {
                answers.failure(&error);
                break;
            }
        }
    }
    mappings.remove(key, &way);
}
