//! `netstrata find`: which services there are on the LAN.

use std::net::SocketAddr;
use std::time::Duration;

use names::record::PTR;
use names::{Found, Name};
use netstrata::LinkSpec;
use serde::Serialize;

use crate::arguments::FindArguments;
use crate::failure::Failure;
use crate::invocation::program;
use crate::naming::browse::Ear;
use crate::naming::lookup::kind;
use crate::{network, output, signals};

/// One service, as JSON has it.
#[derive(Serialize)]
struct Row {
    instance: String,
    kind: String,
    host: String,
    places: Vec<String>,
    text: Vec<String>,
}

/// Lists services.
pub(crate) fn run(arguments: &FindArguments) -> Result<(), Failure> {
    if arguments.network.link == LinkSpec::Host {
        let cause = "find asks over a stack of our own, and --link host is the operating system's";
        return Err(Failure::usage(cause, "use the system's own tools, or another --link"));
    }
    network::check(&arguments.network)?;
    let _leaving = signals::leave_on_first()?;
    let wanted = match arguments.kind.as_deref().map(|name| (name, kind(name))) {
        None => None,
        Some((_, Some(kind))) => Some(kind),
        Some((name, None)) => {
            return Err(Failure::usage(
                format!("{name:?} names no kind of service"),
                "give one such as http",
            ));
        }
    };
    let like = arguments.network.own().map_or(network::SERVICES[0].address, |own| own.address);
    let host = network::join_as_client(&arguments.network, like)?;
    let heard = search(&host, like.is_ipv6(), wanted.as_ref(), arguments.wait);
    host.shutdown(Duration::ZERO);
    let found = heard.map_err(|error| Failure::new(format!("the LAN cannot be asked: {error}"), ""))?;
    if found.is_empty() {
        let what = arguments.kind.as_ref().map(|kind| format!(" {kind:?}")).unwrap_or_default();
        return Err(Failure::new(
            format!("no service{what} was found on this network"),
            format!("start one with `{} serve`, or wait longer with --wait SECONDS", program()),
        ));
    }
    print(&found, arguments.json)
}

fn search(
    host: &netstrata::Host,
    by_v6: bool,
    wanted: Option<&Name>,
    patience: Duration,
) -> std::io::Result<Vec<(Name, Found)>> {
    let ear = Ear::open(host, by_v6)?;
    let mut browser = ear.browser()?;
    match (wanted, Name::parse("_services._dns-sd._udp.local")) {
        (Some(kind), _) => browser.ask(kind, PTR),
        (None, Ok(all)) => browser.ask(&all, PTR),
        (None, Err(_)) => {}
    }
    ear.hear(&mut browser, patience, |_, _| false)?;
    let now = host.now();
    let kinds = wanted.map_or_else(|| browser.kinds(now), |kind| vec![kind.clone()]);
    let services =
        |kind: Name| browser.services(now, &kind).into_iter().map(move |found| (kind.clone(), found));
    Ok(kinds.into_iter().flat_map(services).collect())
}

fn print(found: &[(Name, Found)], json: bool) -> Result<(), Failure> {
    let rows: Vec<Row> = found
        .iter()
        .map(|(kind, found)| Row {
            instance: shown(&found.instance.first()),
            kind: short(kind),
            host: found.host.to_string(),
            places: found.addresses.iter().map(|ip| SocketAddr::new(*ip, found.port).to_string()).collect(),
            text: found.text.iter().map(|text| shown(text)).collect(),
        })
        .collect();
    let text = if json { serde_json::to_string(&rows).unwrap_or_default() + "\n" } else { table(&rows) };
    output::print(&text).map(drop)
}

fn table(rows: &[Row]) -> String {
    let width = |of: fn(&Row) -> &String| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
    let (instances, kinds, hosts) =
        (width(|row| &row.instance), width(|row| &row.kind), width(|row| &row.host));
    rows.iter()
        .map(|row| {
            let Row { instance, kind, host, places, text } = row;
            let line = format!(
                "{instance:instances$}  {kind:kinds$}  {host:hosts$}  {}  {}",
                places.join(" "),
                text.join(" ")
            );
            line.trim_end().to_owned() + "\n"
        })
        .collect()
}

/// What a peer chose must not move a terminal's cursor.
fn shown(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

/// A type without the domain that all of them are in.
fn short(kind: &Name) -> String {
    let whole = kind.to_string();
    whole.strip_suffix(".local").unwrap_or(&whole).to_owned()
}
