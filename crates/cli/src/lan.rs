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
        Some(path) => path.clone(),
        None => network::lan_path(&LinkSpec::default())?,
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
    let no_thread =
        |error: io::Error| Failure::new(format!("cannot start: {error}"), "see this user's limits");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(no_thread)?;
    let running = std::thread::Builder::new()
        .name("switch".to_owned())
        .spawn(move || switch.run())
        .map_err(no_thread)?;
    println_quietly(&format!(
        "switching at {address}; join it with --link lan:{}, stop it with Ctrl-C",
        quoted_path(&path)
    ));
    runtime.block_on(watch(&handle)).map_err(no_thread)?;
    handle.stop();
    match running.join() {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::new(format!("the switch failed: {error}"), "start it again")),
        Err(_) => Err(Failure::new("the switch failed by a fault of this program", "start it again")),
    }
}

/// Shows the count as it changes, until a signal comes.
async fn watch(handle: &SwitchHandle) -> io::Result<()> {
    let mut signals = Signals::listen()?;
    let on_terminal = io::stdout().is_terminal();
    let mut shown = String::new();
    loop {
        let now = count(&handle.statistics());
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
        tokio::select! {
            _ = signals.next() => break,
            () = tokio::time::sleep(PERIOD) => {}
        }
    }
    if on_terminal {
        println_quietly("");
    }
    Ok(())
}

fn count(ports: &[PortStatistics]) -> String {
    let sum = |of: fn(&PortStatistics) -> u64| ports.iter().map(of).sum::<u64>();
    let mut text = format!(
        "stations {}, frames in {}, out {}, lost {}",
        ports.len(),
        sum(|port| port.frames_in),
        sum(|port| port.frames_out),
        sum(|port| port.lost_out),
    );
    let malformed = sum(|port| port.malformed_in);
    if malformed > 0 {
        text.push_str(&format!(", malformed {malformed}"));
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
    fn the_count_sums_up_all_ports() {
        assert_eq!(count(&[]), "stations 0, frames in 0, out 0, lost 0");
        let port = PortStatistics { frames_in: 2, frames_out: 3, lost_out: 1, ..PortStatistics::default() };
        assert_eq!(count(&[port, port]), "stations 2, frames in 4, out 6, lost 2");
        let bad = PortStatistics { malformed_in: 5, ..port };
        assert_eq!(count(&[bad]), "stations 1, frames in 2, out 3, lost 1, malformed 5");
    }
}
