//! What is agreed before a transfer.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::command::Command;
use super::data::{DATA_PATIENCE, Way};
use super::session::Session;
use crate::sockets::Sockets;

impl<S: AsyncRead + AsyncWrite + Unpin, N: Sockets> Session<'_, S, N> {
    /// What is agreed before a transfer.
    pub(super) async fn prepare(&mut self, command: Command) -> io::Result<()> {
        match command {
            Command::Type(kind) => {
                self.agreed.kind = kind;
                self.reply(200, "Files are given so.").await
            }
            Command::Rest(offset) => {
                self.agreed.offset = offset;
                self.reply(350, "The next file begins there.").await
            }
            Command::EpsvAll => {
                self.agreed.extended_only = true;
                self.reply(200, "Nothing but EPSV from now on.").await
            }
            Command::Pasv | Command::Active(_) if self.agreed.extended_only => {
                self.reply(501, "You said EPSV ALL.").await
            }
            Command::Active(to) => self.agree_to_call(to).await,
            command => self.agree_to_listen(&command).await,
        }
    }

    /// Only the caller itself is called, and no service of it: neither may this server be made to call others (RFC 2577 3). Where a call
    /// is carried, the other end of the control connection is not the caller but another host.
    async fn agree_to_call(&mut self, to: SocketAddr) -> io::Result<()> {
        let is_caller = self.origin.is_some_and(|origin| {
            let peer = origin.ends.peer.ip().to_canonical();
            origin.caller == peer && to.ip().to_canonical() == peer
        });
        if !is_caller || to.port() < 1024 {
            self.agreed.way = None;
            return self
                .reply(
                    504,
                    "Who calls directly is called at its own address, and ports from 1024 up; else say EPSV.",
                )
                .await;
        }
        self.agreed.way = Some(Way::Active(to));
        self.reply(200, "You will be called there.").await
    }

    async fn agree_to_listen(&mut self, command: &Command) -> io::Result<()> {
        // What was agreed before is void, and its port free.
        self.agreed.way = None;
        let Some(origin) = self.origin else {
            return self.reply(425, "This connection has no address to listen at.").await;
        };
        let local = origin.ends.local.ip().to_canonical();
        let family = if local.is_ipv4() { 1 } else { 2 };
        match (command, local) {
            (Command::Epsv(Some(asked)), _) if *asked != family => {
                return self.reply(522, &format!("This family is not supported, use ({family}).")).await;
            }
            (Command::Pasv, IpAddr::V6(_)) => return self.reply(425, "Say EPSV: this is IPv6.").await,
            _ => {}
        }
        let Some(share) = self.ftp.data_shares.take(origin.caller) else {
            return self
                .reply(425, "Your address holds as many ports for data as it may: use them first.")
                .await;
        };
        let Some((listener, port)) = self.ftp.listen(local) else {
            return self.reply(425, "No port for data is free: try again.").await;
        };
        let until = Instant::now() + DATA_PATIENCE;
        self.agreed.way = Some(Way::Passive { listener, until, _share: share });
        match (command, local) {
            (Command::Pasv, IpAddr::V4(ip)) => {
                let [a, b, c, d] = ip.octets();
                let [high, low] = port.to_be_bytes();
                self.reply(227, &format!("Entering Passive Mode ({a},{b},{c},{d},{high},{low}).")).await
            }
            _ => self.reply(229, &format!("Entering Extended Passive Mode (|||{port}|)")).await,
        }
    }
}
