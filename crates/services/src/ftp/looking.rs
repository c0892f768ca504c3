//! What is asked and answered without a data connection.

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use super::command::{Command, Kind};
use super::facts::{self, Facts};
use super::place::{self, shown};
use super::session::Session;
use crate::sockets::Sockets;

impl<S: AsyncRead + AsyncWrite + Unpin, N: Sockets> Session<'_, S, N> {
    /// What is asked and answered without a data connection.
    pub(super) async fn look(&mut self, command: Command) -> io::Result<()> {
        match command {
            Command::Pwd => {
                let place = self.place.shown().replace('"', "\"\"");
                self.reply(257, &format!("\"{place}\" is where you are.")).await
            }
            Command::Cdup => self.change("..").await,
            Command::Cwd(path) => self.change(&path).await,
            Command::Size(_) if self.agreed.kind == Kind::Text => {
                self.reply(550, "SIZE is for files as they are: TYPE I.").await
            }
            Command::Size(path) => match self.place.entry(&path).await {
                Ok(entry) if !entry.is_directory => self.reply(213, &entry.length.to_string()).await,
                _ => self.reply(550, "There is no such file.").await,
            },
            Command::Mdtm(path) => match self.place.entry(&path).await {
                Ok(entry) if !entry.is_directory => self.reply(213, &facts::stamp(entry.modified)).await,
                _ => self.reply(550, "There is no such file.").await,
            },
            Command::Mlst(path) => {
                let path = path.unwrap_or_default();
                let name = self.place.resolve(&path).map(|path| shown(&path));
                match (self.place.entry(&path).await, name) {
                    (Ok(entry), Ok(name)) if !name.contains(place::LINE_ENDS) => {
                        let line = self.agreed.facts.line(&entry, &name);
                        self.control.send(&format!("250-What is there:\r\n {line}\r\n250 End.\r\n")).await
                    }
                    _ => self.reply(550, "There is no such thing here.").await,
                }
            }
            _ => Ok(()),
        }
    }

    async fn change(&mut self, path: &str) -> io::Result<()> {
        match self.place.enter(path).await {
            Ok(()) => self.reply(250, "You are there.").await,
            Err(_) => self.reply(550, "There is no such directory.").await,
        }
    }

    pub(super) async fn choose(&mut self, options: &str) -> io::Result<()> {
        let (what, how) = options.split_once(' ').unwrap_or((options, ""));
        match what.to_ascii_uppercase().as_str() {
            "UTF8" if !how.eq_ignore_ascii_case("OFF") => self.reply(200, "Names are in UTF-8.").await,
            "MLST" => {
                self.agreed.facts = Facts::chosen(how);
                let names = self.agreed.facts.names();
                self.reply(200, format!("MLST OPTS {names}").trim_end()).await
            }
            _ => self.reply(501, "This option is not known.").await,
        }
    }

    /// RFC 2389 3.
    pub(super) async fn tell_features(&mut self) -> io::Result<()> {
        let tls = if self.ftp.tls.is_some() { " AUTH TLS\r\n PBSZ\r\n PROT\r\n" } else { "" };
        let facts = self.agreed.facts.offer();
        let features = format!(
            "211-Beyond RFC 959:\r\n EPRT\r\n EPSV\r\n MDTM\r\n MLST {facts}\r\n REST STREAM\r\n SIZE\r\n TVFS\r\n UTF8\r\n{tls}211 End.\r\n"
        );
        self.control.send(&features).await
    }
}
