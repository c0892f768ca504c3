//! One caller's session.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};

use super::command::{Command, Kind};
use super::control::Control;
use super::data::{DATA_PATIENCE, Way};
use super::facts::{self, Facts};
use super::lines::Line;
use super::place::{self, Place, shown};
use super::server::{Ftp, IDLE_PATIENCE};
use crate::service::{How, Tally};
use crate::sockets::Sockets;
use crate::stream::Ends;

/// Wrong commands in a row, and before a caller is in also wrong names of users altogether, before it is let go.
const MISTAKES: u32 = 20;

/// A session and what was agreed in it.
pub(super) struct Session<'a, S, N: Sockets> {
    ftp: &'a Ftp<N>,
    control: Control<S>,
    ends: Option<Ends>,
    tally: &'a Tally,
    access: Access,
    mistakes: u32,
    place: Place,
    kind: Kind,
    offset: u64,
    facts: Facts,
    way: Option<Way<N::Listener>>,
    /// EPSV ALL: nothing else from then on (RFC 2428 4).
    extended_only: bool,
    /// PBSZ was said, and PROT P.
    protection: (bool, bool),
    /// What came while data went.
    waiting: Option<Line>,
}

/// How far the caller has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Nobody,
    /// The name was anonymous, or was not.
    Named(bool),
    Granted,
}

/// What comes next.
enum Next {
    Line(Line),
    End,
    Idle,
    Stopping,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin, N: Sockets> Session<'a, S, N> {
    pub(super) fn new(
        ftp: &'a Ftp<N>,
        control: Control<S>,
        ends: Option<Ends>,
        tally: &'a Tally,
    ) -> Session<'a, S, N> {
        Session {
            ftp,
            control,
            ends,
            tally,
            access: Access::Nobody,
            mistakes: 0,
            place: Place::root(ftp.tree.clone()),
            kind: Kind::Text,
            offset: 0,
            facts: Facts::default(),
            way: None,
            extended_only: false,
            protection: (false, false),
            waiting: None,
        }
    }

    /// Tells a caller who finds no place.
    pub(super) async fn turn_away(&mut self) -> io::Result<How> {
        self.reply(421, "As many callers are here as can be: come again later.").await?;
        self.control.end().await?;
        Ok(How::Quit)
    }

    /// Answers commands until one of the two has had enough.
    pub(super) async fn hold(&mut self) -> io::Result<How> {
        self.reply(220, "Netstrata gives files: log in as anonymous.").await?;
        loop {
            let line = match self.next().await? {
                Next::Line(line) => line,
                Next::End => {
                    self.control.end().await?;
                    return Ok(How::PeerClosed);
                }
                Next::Idle => {
                    self.reply(421, "Nothing was said for long: goodbye.").await?;
                    return Err(io::Error::new(ErrorKind::TimedOut, "no command came in time"));
                }
                Next::Stopping => return self.leave(421, "The server stops: goodbye.").await,
            };
            let command = match line {
                Line::Text(text) => Command::parse(&text),
                Line::TooLong => Err((500, "This line is too long.")),
                Line::NotText => Err((501, "Names are written in UTF-8.")),
            };
            match command {
                Ok(Command::Quit) => return self.leave(221, "Goodbye.").await,
                Ok(command) => {
                    // Who is not in yet cannot buy further guesses so.
                    if self.access == Access::Granted {
                        self.mistakes = 0;
                    }
                    self.act(command).await?;
                }
                Err((code, text)) => {
                    self.mistakes += 1;
                    self.reply(code, text).await?;
                }
            }
            if self.mistakes >= MISTAKES {
                return self.leave(421, "Too many mistakes: goodbye.").await;
            }
        }
    }

    async fn leave(&mut self, code: u16, text: &str) -> io::Result<How> {
        self.reply(code, text).await?;
        self.control.end().await?;
        Ok(How::Quit)
    }

    /// Waits for a command. A port for data that nobody calls is given back meanwhile.
    async fn next(&mut self) -> io::Result<Next> {
        if let Some(line) = self.waiting.take() {
            return Ok(Next::Line(line));
        }
        let idle = Instant::now() + IDLE_PATIENCE;
        let mut stop = self.ftp.stop.clone();
        loop {
            let until = match &self.way {
                Some(Way::Passive { until, .. }) => (*until).min(idle),
                _ => idle,
            };
            let line = tokio::select! {
                line = timeout_at(until, self.control.line()) => line,
                () = stop.draining() => return Ok(Next::Stopping),
            };
            match line {
                Ok(line) => return Ok(line?.map_or(Next::End, Next::Line)),
                Err(_) if until == idle => return Ok(Next::Idle),
                Err(_) => self.way = None,
            }
        }
    }

    async fn reply(&mut self, code: u16, text: &str) -> io::Result<()> {
        self.control.send(&format!("{code} {text}\r\n")).await
    }

    async fn act(&mut self, command: Command) -> io::Result<()> {
        let is_public = matches!(
            command,
            Command::User(_)
                | Command::Pass
                | Command::Auth(_)
                | Command::Pbsz
                | Command::Prot(_)
                | Command::Noop
                | Command::Syst
                | Command::Feat
                | Command::Help
                | Command::Opts(_)
        );
        if !is_public && self.access != Access::Granted {
            self.mistakes += 1;
            return self.reply(530, "Log in first: USER anonymous, PASS anything.").await;
        }
        match command {
            Command::User(_) | Command::Pass => self.log_in(command).await,
            Command::Auth(_) | Command::Pbsz | Command::Prot(_) => self.protect(command).await,
            Command::Pasv
            | Command::Epsv(_)
            | Command::EpsvAll
            | Command::Active(_)
            | Command::Rest(_)
            | Command::Type(_) => self.prepare(command).await,
            Command::Retr(_) | Command::List(_) | Command::Nlst(_) | Command::Mlsd(_) => {
                self.transfer(command).await
            }
            Command::Cwd(_)
            | Command::Cdup
            | Command::Pwd
            | Command::Size(_)
            | Command::Mdtm(_)
            | Command::Mlst(_) => self.look(command).await,
            Command::Opts(options) => self.choose(&options).await,
            Command::Feat => self.tell_features().await,
            Command::Noop => self.reply(200, "Here.").await,
            Command::Syst => self.reply(215, "UNIX Type: L8").await,
            Command::Help => self.reply(214, "FEAT tells what there is beyond RFC 959.").await,
            Command::Stat => self.reply(211, "All is well.").await,
            Command::Abor => {
                self.way = None;
                self.reply(226, "Nothing is under way.").await
            }
            Command::Granted => self.reply(200, "So it is.").await,
            Command::Writing => self.reply(550, "Files are given here, and none are taken.").await,
            // Answered where it is read.
            Command::Quit => Ok(()),
        }
    }

    async fn log_in(&mut self, command: Command) -> io::Result<()> {
        match (command, self.access) {
            (Command::User(name), _) => {
                let is_anybody = ["anonymous", "ftp"].iter().any(|any| name.eq_ignore_ascii_case(any));
                self.access = Access::Named(is_anybody);
                self.reply(331, "Any password will do for anonymous.").await
            }
            (_, Access::Named(true)) => {
                (self.access, self.mistakes) = (Access::Granted, 0);
                self.reply(230, "Welcome.").await
            }
            (_, Access::Named(false)) => {
                (self.access, self.mistakes) = (Access::Nobody, self.mistakes + 5);
                self.reply(530, "Only anonymous is let in.").await
            }
            (_, Access::Granted) => self.reply(202, "You are in already.").await,
            (_, Access::Nobody) => self.reply(503, "Say USER first.").await,
        }
    }

    /// RFC 4217.
    async fn protect(&mut self, command: Command) -> io::Result<()> {
        let Some(acceptor) = &self.ftp.tls else {
            return self.reply(534, "This server has no certificate for TLS.").await;
        };
        match command {
            Command::Auth(mechanism) if mechanism == "TLS" || mechanism == "TLS-C" || mechanism == "SSL" => {
                if self.control.is_secure() {
                    return self.reply(503, "This is TLS already.").await;
                }
                self.reply(234, "Begin the handshake.").await?;
                // Whoever was known in the open is nobody inside (RFC 4217 4.3).
                (self.access, self.protection) = (Access::Nobody, (false, false));
                self.control.secure(acceptor).await
            }
            Command::Auth(_) => self.reply(504, "The mechanism is TLS.").await,
            _ if !self.control.is_secure() => self.reply(503, "Say AUTH TLS first.").await,
            Command::Pbsz => {
                self.protection.0 = true;
                self.reply(200, "PBSZ=0").await
            }
            _ if !self.protection.0 => self.reply(503, "Say PBSZ 0 first.").await,
            Command::Prot(level) if level == "C" || level == "P" => {
                self.protection.1 = level == "P";
                self.reply(200, "Data go this way from now on.").await
            }
            _ => self.reply(536, "Data go in the open (C) or inside of TLS (P).").await,
        }
    }

    /// What is agreed before a transfer.
    async fn prepare(&mut self, command: Command) -> io::Result<()> {
        match command {
            Command::Type(kind) => {
                self.kind = kind;
                self.reply(200, "Files are given so.").await
            }
            Command::Rest(offset) => {
                self.offset = offset;
                self.reply(350, "The next file begins there.").await
            }
            Command::EpsvAll => {
                self.extended_only = true;
                self.reply(200, "Nothing but EPSV from now on.").await
            }
            Command::Pasv | Command::Active(_) if self.extended_only => {
                self.reply(501, "You said EPSV ALL.").await
            }
            Command::Active(to) => self.agree_to_call(to).await,
            command => self.agree_to_listen(&command).await,
        }
    }

    /// Only the caller itself is called, and no service of it: neither may this server be made to call others (RFC 2577 3).
    async fn agree_to_call(&mut self, to: SocketAddr) -> io::Result<()> {
        let is_caller = self.ends.is_some_and(|ends| ends.peer.ip().to_canonical() == to.ip().to_canonical());
        if !is_caller || to.port() < 1024 {
            self.way = None;
            return self.reply(504, "Only your own address is called, and ports from 1024 up.").await;
        }
        self.way = Some(Way::Active(to));
        self.reply(200, "You will be called there.").await
    }

    async fn agree_to_listen(&mut self, command: &Command) -> io::Result<()> {
        // What was agreed before is void, and its port free.
        self.way = None;
        let Some(local) = self.ends.map(|ends| ends.local.ip().to_canonical()) else {
            return self.reply(425, "This connection has no address to listen at.").await;
        };
        let family = if local.is_ipv4() { 1 } else { 2 };
        match (command, local) {
            (Command::Epsv(Some(asked)), _) if *asked != family => {
                return self.reply(522, &format!("This family is not supported, use ({family}).")).await;
            }
            (Command::Pasv, IpAddr::V6(_)) => return self.reply(425, "Say EPSV: this is IPv6.").await,
            _ => {}
        }
        let Some((listener, port)) = self.ftp.listen(local) else {
            return self.reply(425, "No port for data is free: try again.").await;
        };
        self.way = Some(Way::Passive { listener, until: Instant::now() + DATA_PATIENCE });
        match (command, local) {
            (Command::Pasv, IpAddr::V4(ip)) => {
                let [a, b, c, d] = ip.octets();
                let [high, low] = port.to_be_bytes();
                self.reply(227, &format!("Entering Passive Mode ({a},{b},{c},{d},{high},{low}).")).await
            }
            _ => self.reply(229, &format!("Entering Extended Passive Mode (|||{port}|)")).await,
        }
    }

    /// A transfer from its command to its end.
    async fn transfer(&mut self, command: Command) -> io::Result<()> {
        let offset = std::mem::take(&mut self.offset);
        let (Some(way), Some(ends)) = (self.way.take(), self.ends) else {
            return self.reply(425, "Say PASV or EPSV first.").await;
        };
        if offset > 0 && self.kind == Kind::Text {
            return self.reply(550, "REST is for files as they are: TYPE I.").await;
        }
        let load = match self.place.load(command, offset, self.kind, self.facts).await {
            Ok(load) => load,
            Err(_) => return self.reply(550, "There is no such thing here.").await,
        };
        self.reply(150, "Here it comes.").await?;
        let (ftp, tally) = (self.ftp, self.tally);
        let tls = ftp.tls.as_ref().filter(|_| self.protection.1);
        let giving = async {
            let stream = ftp.connect(way, ends).await.map_err(|_| 425_u16)?;
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

    /// What is asked and answered without a data connection.
    async fn look(&mut self, command: Command) -> io::Result<()> {
        match command {
            Command::Pwd => {
                let place = self.place.shown().replace('"', "\"\"");
                self.reply(257, &format!("\"{place}\" is where you are.")).await
            }
            Command::Cdup => self.change("..").await,
            Command::Cwd(path) => self.change(&path).await,
            Command::Size(_) if self.kind == Kind::Text => {
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
                        let line = self.facts.line(&entry, &name);
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

    async fn choose(&mut self, options: &str) -> io::Result<()> {
        let (what, how) = options.split_once(' ').unwrap_or((options, ""));
        match what.to_ascii_uppercase().as_str() {
            "UTF8" if !how.eq_ignore_ascii_case("OFF") => self.reply(200, "Names are in UTF-8.").await,
            "MLST" => {
                self.facts = Facts::chosen(how);
                let names = self.facts.names();
                self.reply(200, format!("MLST OPTS {names}").trim_end()).await
            }
            _ => self.reply(501, "This option is not known.").await,
        }
    }

    /// RFC 2389 3.
    async fn tell_features(&mut self) -> io::Result<()> {
        let tls = if self.ftp.tls.is_some() { " AUTH TLS\r\n PBSZ\r\n PROT\r\n" } else { "" };
        let facts = self.facts.offer();
        let features = format!(
            "211-Beyond RFC 959:\r\n EPRT\r\n EPSV\r\n MDTM\r\n MLST {facts}\r\n REST STREAM\r\n SIZE\r\n TVFS\r\n UTF8\r\n{tls}211 End.\r\n"
        );
        self.control.send(&features).await
    }
}
