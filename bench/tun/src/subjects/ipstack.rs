//! ipstack, which takes every call that comes in.

use super::tasks::{Packets, hold, spawn};
use crate::case::Case;
use crate::traffic::Sink;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub fn start(case: Case, received: &Arc<AtomicU64>, verify: bool) -> anyhow::Result<()> {
    let sink = Sink::new(received, verify);
    spawn(async move {
        let mut config = ipstack::IpStackConfig::default();
        config.mtu_unchecked(case.device.mtu() as u16);
        let mut stack = ipstack::IpStack::new(config, Packets::open()?);
        loop {
            if let ipstack::IpStackStream::Tcp(stream) = stack.accept().await? {
                let port = stream.peer_addr().port();
                tokio::spawn(hold(stream, port, sink.clone()));
            }
        }
    })
}
