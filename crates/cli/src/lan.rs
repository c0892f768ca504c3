//! `netstrata lan`: the switch of a virtual LAN by itself, with a live count of what it does.

use std::io::ErrorKind::{AddrInUse, AlreadyExists, InvalidInput, NotADirectory, NotFound};
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use netstrata::LinkSpec;
use netstrata::link::lan::{LanAddress, PortStatistics, Switch, SwitchHandle};

use crate::arguments::LanArguments;
use crate::failure::{self, Failure};
use crate::invocation::quoted_path;
use crate::network;
use crate::signals::Signals;

/// How often the count is looked at.
const PERIOD: Duration = Duration::from_secs(1);

/// Runs the switch until told to stop.
pub(crate) fn run(arguments: &LanArguments) -> Result<(), Failure> {
    let path = match &arguments.path {
        Some(path) => {
            network::check_lan(path, "--path")?;
            path.clone()
        }
        None => network::lan_path(&LinkSpec::default())?,
    };
    let no_thread =
        |error: io::Error| Failure::new(format!("cannot start: {error}"), "see this user's limits");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(no_thread)?;
    // Before the socket is there: whoever ends this process finds it gone.
    let signals = {
        let _inside = runtime.enter();
        Signals::listen().map_err(no_thread)?
    };
    let address = LanAddress::new(&path);
    let switch = Switch::bind(&address).map_err(|error| match error.kind() {
        AddrInUse => Failure::new(
            format!("somebody runs the switch at {address} already"),
            "every netstrata command joins it by itself; give another --path for a LAN of its own",
        ),
        // A path that was given and can be none.
        InvalidInput | AlreadyExists | NotFound | NotADirectory if arguments.path.is_some() => {
            Failure::usage(error.to_string(), "give another --path")
        }
        _ => Failure::new(error.to_string(), failure::of_the_system(&error).unwrap_or("give another --path")),
    })?;
    let handle = switch.handle();
    let running = std::thread::Builder::new()
        .name("switch".to_owned())
        .spawn(move || switch.run())
        .map_err(no_thread)?;
    println_quietly(&format!(
        "switching at {address}; join it with --link lan:{}, stop it with Ctrl-C",
        quoted_path(&path)
    ));
    runtime.block_on(watch(&handle, signals));
    handle.stop();
    match running.join() {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::new(format!("the switch failed: {error}"), "start it again")),
        Err(_) => Err(Failure::new("the switch failed by a fault of this program", "start it again")),
    }
}

/// Shows the count as it changes, until a signal comes.
async fn watch(handle: &SwitchHandle, mut signals: Signals) {
    let on_terminal = io::stdout().is_terminal();
    let (mut shown, mut stopped) = (String::new(), false);
    loop {
        let now = count(handle.statistics().len(), &handle.total());
        if now != shown {
            if on_terminal {
                // One line that is written over.
                let mut stdout = io::stdout();
                let _ = write!(stdout, "\r\x1b[K{now}").and_then(|()| stdout.flush());
            } else {
                println_quietly(&now);
            }
            shown = now;
        }
        if stopped {
            break;
        }
        // What came since is shown before the end.
        stopped = tokio::select! {
            _ = signals.next() => true,
            () = tokio::time::sleep(PERIOD) => false,
        };
    }
    if on_terminal {
        println_quietly("");
    }
}

/// The stations that are there, and the frames of all that were.
fn count(stations: usize, total: &PortStatistics) -> String {
    let PortStatistics { frames_in, frames_out, lost_out, malformed_in, .. } = total;
    let mut text = format!("stations {stations}, frames in {frames_in}, out {frames_out}, lost {lost_out}");
    if *malformed_in > 0 {
        text.push_str(&format!(", malformed {malformed_in}"));
    }
    text
}

/// Whoever closed our output need not read it.
fn println_quietly(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_malformed_is_told_only_if_something_was() {
        assert_eq!(count(0, &PortStatistics::default()), "stations 0, frames in 0, out 0, lost 0");
        let total = PortStatistics { frames_in: 2, frames_out: 3, lost_out: 1, ..PortStatistics::default() };
        assert_eq!(count(2, &total), "stations 2, frames in 2, out 3, lost 1");
        let total = PortStatistics { malformed_in: 5, ..total };
        assert_eq!(count(1, &total), "stations 1, frames in 2, out 3, lost 1, malformed 5");
    }
}
