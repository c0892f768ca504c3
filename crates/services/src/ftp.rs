//! Files over FTP: RFC 959 with RFC 2389, 2428, 2640, 3659 and 4217.

mod agreement;
mod command;
mod control;
mod data;
mod facts;
mod lines;
mod looking;
mod origin;
mod place;
mod preparation;
mod protection;
mod server;
mod session;
mod shares;
mod transfer;

use std::sync::Arc;

use crate::metered::Metered;
use crate::service::{How, Service, Tally};
use crate::sockets::Sockets;
use crate::stream::Stream;
use control::Control;
use origin::Origin;
use server::READ_PATIENCE;
use session::Session;

pub use server::Ftp;

impl<N: Sockets> Service for Ftp<N> {
    fn name(&self) -> &'static str {
        Ftp::CARD.name
    }

    fn port(&self) -> u16 {
        Ftp::CARD.port
    }

    fn about(&self) -> &'static str {
        Ftp::CARD.about
    }

    async fn run<S: Stream>(&self, stream: &mut S, tally: &Tally) -> How {
        let ends = stream.ends();
        let caller = match ends {
            Some(ends) => self.sockets.caller(ends).await,
            None => None,
        };
        let origin = ends.zip(caller).map(|(ends, caller)| Origin { ends, caller });
        let control = Control::new(Metered::new(stream, tally, READ_PATIENCE));
        let mut session = Session::new(self, control, origin, tally);
        // Taken for the carrier it would have the carrier's share of everything, and could have the carrier called (RFC 2577 3).
        if ends.is_some() && origin.is_none() {
            return session
                .turn_away("It is not known for whom this call is carried: call again.")
                .await
                .into();
        }
        let share = origin.map(|origin| self.session_shares.take(origin.caller));
        if matches!(share, Some(None)) {
            let why = "As many callers of your address are here as may be: come again later.";
            return session.turn_away(why).await.into();
        }
        match Arc::clone(&self.sessions).try_acquire_owned() {
            Ok(_place) => session.hold().await.into(),
            Err(_) => session.turn_away("As many callers are here as can be: come again later.").await.into(),
        }
    }
}

#[cfg(test)]
mod tests;
