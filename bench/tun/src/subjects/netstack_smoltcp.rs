//! netstack-smoltcp, which takes every call that comes in.

use super::tasks::{Packets, hold, spawn};
use crate::case::Case;
use crate::traffic::Sink;
use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use netstack_smoltcp::StackBuilder;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub fn start(case: Case, received: &Arc<AtomicU64>, verify: bool) -> anyhow::Result<()> {
    let counted = Sink::new(received, verify);
    spawn(async move {
        let mtu = case.device.mtu();
        let (stack, runner, _, listener) = StackBuilder::default().enable_tcp(true).mtu(mtu).build()?;
        let mut listener = listener.context("it was asked for")?;
        if let Some(runner) = runner {
            tokio::spawn(runner);
        }
        let (mut from, mut to) = tokio::io::split(Packets::open()?);
        let (mut sink, mut stream) = stack.split();
        tokio::spawn(async move {
            while let Some(Ok(packet)) = stream.next().await {
                if to.write(&packet).await.is_err() {
                    return;
                }
            }
        });
        tokio::spawn(async move {
            let mut packet = vec![0; 65_536];
            while let Ok(length) = from.read(&mut packet).await {
                if sink.send(packet[..length].to_vec()).await.is_err() {
                    return;
                }
            }
        });
        while let Some((stream, _, remote)) = listener.next().await {
            tokio::spawn(hold(stream, remote.port(), counted.clone()));
        }
        Ok(())
    })
}
