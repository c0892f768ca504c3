//! The control connection made safe (RFC 4217).

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use super::agreement::Agreement;
use super::command::Command;
use super::place::Place;
use super::session::{Access, Session};
use crate::sockets::Sockets;

impl<S: AsyncRead + AsyncWrite + Unpin, N: Sockets> Session<'_, S, N> {
    /// RFC 4217.
    pub(super) async fn protect(&mut self, command: Command) -> io::Result<()> {
        let Some(acceptor) = &self.ftp.tls else {
            return self.reply(534, "This server has no certificate for TLS.").await;
        };
        match command {
            Command::Auth(mechanism) if mechanism == "TLS" || mechanism == "TLS-C" || mechanism == "SSL" => {
                if self.control.is_secure() {
                    return self.reply(503, "This is TLS already.").await;
                }
                self.reply(234, "Begin the handshake.").await?;
                // Whoever was known in the open is nobody inside, and whatever was agreed there is void (RFC 2228 3, RFC 4217 4.3).
                self.access = Access::Nobody;
                self.agreed = Agreement::default();
                self.place = Place::root(self.ftp.tree.clone());
                self.control.secure(acceptor).await
            }
            Command::Auth(_) => self.reply(504, "The mechanism is TLS.").await,
            _ if !self.control.is_secure() => self.reply(503, "Say AUTH TLS first.").await,
            Command::Pbsz => {
                self.agreed.protection.0 = true;
                self.reply(200, "PBSZ=0").await
            }
            _ if !self.agreed.protection.0 => self.reply(503, "Say PBSZ 0 first.").await,
            Command::Prot(level) if level == "C" || level == "P" => {
                self.agreed.protection.1 = level == "P";
                self.reply(200, "Data go this way from now on.").await
            }
            _ => self.reply(536, "Data go in the open (C) or inside of TLS (P).").await,
        }
    }
}
