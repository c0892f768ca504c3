//! The server's figures in the text format of OpenMetrics 1.0, which collectors such as Prometheus read.

use std::fmt::{Display, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use netstrata::Host;
use netstrata::tcp::State;
use services::{Calls, How};

use super::host_report;
use super::site::Site;
use crate::arguments::ServeArguments;

/// What writes the figures of `site` as they are when it is called.
pub(crate) fn exposition(arguments: &ServeArguments, site: &Site) -> Box<dyn Fn() -> String + Send + Sync> {
    let started = Instant::now();
    let link = arguments.network.link.to_string();
    let hosts = site.hosts.clone();
    let held = [("services", Arc::clone(&site.calls)), ("published", Arc::clone(&site.carried))];
    let stop = site.stop.clone();
    Box::new(move || {
        let mut page = Exposition::default();
        page.family("netstrata_build", "info", "This program.");
        page.sample("_info", &[("version", &env!("CARGO_PKG_VERSION")), ("link", &link)], 1);
        page.family("netstrata_uptime_seconds", "gauge", "Seconds since the server was started.");
        page.sample("", &[], started.elapsed().as_secs_f64());
        page.family("netstrata_ready", "gauge", "Whether calls are taken: 0 while the server stops.");
        page.sample("", &[], u8::from(!stop.is_draining()));
        calls(&mut page, &held);
        let hosts: Vec<Figures> = hosts.iter().map(Figures::of).collect();
        stacks(&mut page, &hosts);
        page.finish()
    })
}

fn calls(page: &mut Exposition, held: &[(&str, Arc<Calls>)]) {
    page.family("netstrata_calls", "gauge", "Calls that go on, and the most there may be.");
    for (of, calls) in held {
        page.sample("", &[("of", of), ("what", &"present")], calls.count());
        page.sample("", &[("of", of), ("what", &"most")], calls.most());
    }
    page.family("netstrata_calls_refused", "counter", "Calls that found no room.");
    for (of, calls) in held {
        page.sample("_total", &[("of", of)], calls.refused());
    }
    let totals: Vec<_> = held.iter().flat_map(|(_, calls)| calls.totals()).collect();
    page.family("netstrata_calls_begun", "counter", "Calls that were taken.");
    for (service, totals) in &totals {
        page.sample("_total", &[("service", service)], totals.begun);
    }
    page.family("netstrata_calls_ended", "counter", "Calls that have ended, by reason.");
    for (service, totals) in &totals {
        for (reason, count) in How::NAMES.iter().zip(totals.ended) {
            page.sample("_total", &[("service", service), ("reason", reason)], count);
        }
    }
    page.family("netstrata_calls_bytes", "counter", "Bytes of the calls that have ended.");
    for (service, totals) in &totals {
        page.sample("_total", &[("service", service), ("direction", &"received")], totals.received);
        page.sample("_total", &[("service", service), ("direction", &"sent")], totals.sent);
    }
}

fn stacks(page: &mut Exposition, hosts: &[Figures]) {
    page.family("netstrata_connections", "gauge", "TCP connections by state (RFC 9293 3.3.2).");
    for host in hosts {
        for (state, count) in &host.states {
            page.sample("", &[("host", &host.name), ("state", state)], count);
        }
    }
    page.family(
        "netstrata_listener",
        "gauge",
        "Connections that a listener holds, and the most of each kind.",
    );
    for host in hosts {
        for (local, half_open, waiting, backlog) in &host.listeners {
            let of = |what| [("host", &host.name as &dyn Display), ("local", local), ("what", what)];
            page.sample("", &of(&"half-open"), half_open);
            page.sample("", &of(&"waiting"), waiting);
            page.sample("", &of(&"most"), backlog);
        }
    }
    page.family("netstrata_stack_events", "counter", "How often what happened in a host's stack.");
    for host in hosts {
        for (event, count) in &host.events {
            page.sample("_total", &[("host", &host.name), ("event", event)], count);
        }
    }
    page.family("netstrata_stack_dropped", "counter", "Packets that a host's stack dropped, by reason.");
    for host in hosts {
        for (reason, count) in &host.dropped {
            page.sample("_total", &[("host", &host.name), ("reason", reason)], count);
        }
    }
}

/// The figures of one host.
struct Figures {
    name: String,
    states: Vec<(String, u64)>,
    listeners: Vec<(String, u32, u32, u32)>,
    events: Vec<(&'static str, u64)>,
    dropped: Vec<(String, u64)>,
}

impl Figures {
    /// What all shards of a host have together.
    fn of(host: &Host) -> Figures {
        let mut shards = host.shards().into_iter();
        let mut sum = Figures::of_shard(&shards.next().unwrap_or_else(|| host.clone()));
        shards.for_each(|shard| sum.add(Figures::of_shard(&shard)));
        sum
    }

    fn add(&mut self, more: Figures) {
        for (state, count) in more.states {
            add_to(&mut self.states, state, count);
        }
        for (event, count) in more.events {
            add_to(&mut self.events, event, count);
        }
        for (reason, count) in more.dropped {
            add_to(&mut self.dropped, reason, count);
        }
        for (local, half_open, waiting, most) in more.listeners {
            match self.listeners.iter_mut().find(|(known, ..)| *known == local) {
                Some(listener) => {
                    listener.1 += half_open;
                    listener.2 += waiting;
                    listener.3 += most;
                }
                None => self.listeners.push((local, half_open, waiting, most)),
            }
        }
    }

    /// The shard waits meanwhile: nothing but its many connections costs more than a glance.
    fn of_shard(host: &Host) -> Figures {
        let name = host.name().to_owned();
        host.with(|stack, _| {
            let mut states: Vec<(State, u64)> = Vec::new();
            for row in stack.tcp().connections() {
                match states.iter_mut().find(|(state, _)| *state == row.state) {
                    Some((_, count)) => *count += 1,
                    None => states.push((row.state, 1)),
                }
            }
            let listeners = stack.tcp().listeners().map(|row| {
                let local = match row.address {
                    Some(ip) => SocketAddr::new(ip, row.port).to_string(),
                    None => format!("*:{}", row.port),
                };
                (local, row.half_open, row.waiting, row.backlog)
            });
            let listeners = listeners.collect();
            Figures {
                name,
                states: states.into_iter().map(|(state, count)| (state.to_string(), count)).collect(),
                listeners,
                events: host_report::events(stack),
                dropped: stack
                    .counters()
                    .dropped
                    .iter()
                    .map(|(reason, count)| (reason.to_string(), count))
                    .collect(),
            }
        })
    }
}

fn add_to<K: PartialEq>(counts: &mut Vec<(K, u64)>, what: K, more: u64) {
    match counts.iter_mut().find(|(known, _)| *known == what) {
        Some((_, count)) => *count += more,
        None => counts.push((what, more)),
    }
}

/// A page of metrics being written.
#[derive(Default)]
struct Exposition {
    text: String,
    family: &'static str,
}

impl Exposition {
    /// Begins a family: its samples follow.
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.family = name;
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "# TYPE {name} {kind}\n# HELP {name} {help}");
    }

    /// One figure of the family.
    fn sample(&mut self, suffix: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        let _ = write!(self.text, "{}{suffix}", self.family);
        for (index, (name, label)) in labels.iter().enumerate() {
            let before = if index == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{name}=\"{}\"", escaped(&label.to_string()));
        }
        let after = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.text, "{after} {value}");
    }

    fn finish(mut self) -> String {
        self.text.push_str("# EOF\n");
        self.text
    }
}

/// A label's text between quotes: OpenMetrics 1.0, "escaped-string".
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_families_with_samples_and_an_end() {
        let mut page = Exposition::default();
        page.family("a", "counter", "What.");
        page.sample("_total", &[("x", &"1"), ("y", &"q\"\\\n")], 7);
        page.family("b", "gauge", "Why.");
        page.sample("", &[], 0.5);
        assert_eq!(
            page.finish(),
            "# TYPE a counter\n# HELP a What.\na_total{x=\"1\",y=\"q\\\"\\\\\\n\"} 7\n\
             # TYPE b gauge\n# HELP b Why.\nb 0.5\n# EOF\n"
        );
    }
}
