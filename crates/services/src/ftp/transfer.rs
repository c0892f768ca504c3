//! A transfer from its command to its end.

use std::io::{self, ErrorKind};

use tokio::io::{AsyncRead, AsyncWrite};

use super::command::{Command, Kind};
use super::lines::Line;
use super::session::Session;
use crate::sockets::Sockets;

impl<S: AsyncRead + AsyncWrite + Unpin, N: Sockets> Session<'_, S, N> {
    /// A transfer from its command to its end.
    pub(super) async fn transfer(&mut self, command: Command) -> io::Result<()> {
        let offset = std::mem::take(&mut self.agreed.offset);
        let (Some(way), Some(origin)) = (self.agreed.way.take(), self.origin) else {
            return self.reply(425, "Say PASV or EPSV first.").await;
        };
        if offset > 0 && self.agreed.kind == Kind::Text {
            return self.reply(550, "REST is for files as they are: TYPE I.").await;
        }
        let load = match self.place.load(command, offset, self.agreed.kind, self.agreed.facts).await {
            Ok(load) => load,
            // RFC 1123 4.1.3.4
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return self.reply(554, "REST is beyond the end of the file.").await;
            }
            Err(_) => return self.reply(550, "There is no such thing here.").await,
        };
        self.reply(150, "Here it comes.").await?;
        let (ftp, tally) = (self.ftp, self.tally);
        let tls = ftp.tls.as_ref().filter(|_| self.agreed.protection.1);
        let giving = async {
            let stream = ftp.connect(way, origin).await.map_err(|_| 425_u16)?;
            ftp.give(stream, tls, load, tally).await.map_err(|_| 426_u16)
        };
        let mut giving = std::pin::pin!(giving);
        let outcome = loop {
            tokio::select! {
                biased;
                outcome = giving.as_mut() => break outcome,
                // One line is kept for later: whoever sends more must wait.
                line = self.control.line(), if self.waiting.is_none() => match line? {
                    Some(Line::Text(text)) if Command::parse(&text) == Ok(Command::Abor) => {
                        self.reply(426, "The transfer was given up.").await?;
                        return self.reply(226, "As you wish.").await;
                    }
                    Some(line) => self.waiting = Some(line),
                    None => return Err(ErrorKind::UnexpectedEof.into()),
                },
            }
        };
        match outcome {
            Ok(()) => self.reply(226, "That was all.").await,
            Err(425) => self.reply(425, "No data connection came about.").await,
            Err(code) => self.reply(code, "The data connection failed.").await,
        }
    }
}
