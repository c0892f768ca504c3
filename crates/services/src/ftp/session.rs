//! One caller's session.

use std::io::{self, ErrorKind};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};

use super::agreement::Agreement;
use super::command::Command;
use super::control::Control;
use super::data::Way;
use super::lines::Line;
use super::origin::Origin;
use super::place::Place;
use super::server::{Ftp, IDLE_PATIENCE};
use crate::service::{How, Tally};
use crate::sockets::Sockets;

/// Wrong commands in a row, and before a caller is in also wrong names of users altogether, before it is let go.
const MISTAKES: u32 = 20;

/// A session and what was agreed in it.
pub(super) struct Session<'a, S, N: Sockets> {
    pub(super) ftp: &'a Ftp<N>,
    pub(super) control: Control<S>,
    /// None: its stream has no addresses.
    pub(super) origin: Option<Origin>,
    pub(super) tally: &'a Tally,
    pub(super) access: Access,
    mistakes: u32,
    pub(super) place: Place,
    pub(super) agreed: Agreement<N::Listener>,
    /// What came while data went.
    pub(super) waiting: Option<Line>,
}

/// How far the caller has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
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
        origin: Option<Origin>,
        tally: &'a Tally,
    ) -> Session<'a, S, N> {
        Session {
            ftp,
            control,
            origin,
            tally,
            access: Access::Nobody,
            mistakes: 0,
            place: Place::root(ftp.tree.clone()),
            agreed: Agreement::default(),
            waiting: None,
        }
    }

    /// Tells a caller who finds no place, or whose address has as many as it may.
    pub(super) async fn turn_away(&mut self, why: &str) -> io::Result<How> {
        self.reply(421, why).await?;
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
            let until = match &self.agreed.way {
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
                Err(_) => self.agreed.way = None,
            }
        }
    }

    pub(super) async fn reply(&mut self, code: u16, text: &str) -> io::Result<()> {
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
                self.agreed.way = None;
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
}
