//! A report as text, in the manner of `ss -ti`.

use std::fmt::{self, Display, Formatter};

use super::report::{CallReport, ConnectionReport, HostReport, Inside, Report};

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let program = &self.program;
        let bounds = match program.kept_out {
            Some(true) => " · confined",
            Some(false) => " · not confined",
            None => "",
        };
        writeln!(
            f,
            "netstrata {} · pid {} · link {} · up {:.0} s{bounds}",
            program.version, program.pid, program.link, program.uptime_seconds
        )?;
        for reach in &self.services {
            let published = reach.published.iter().map(|published| format!(" published on {published}"));
            let line =
                format!("  {:<6} {:<21}{}", reach.service, reach.address, published.collect::<String>());
            writeln!(f, "{}", line.trim_end())?;
        }
        for host in &self.hosts {
            write_host(f, host)?;
        }
        match &self.gateway {
            Some(gateway) => gateway.fmt(f)?,
            None => write_calls(f, "calls held", &self.calls)?,
        }
        if !self.carried.is_empty() {
            write_calls(f, "calls carried from published ports", &self.carried)?;
        }
        if self.refused > 0 {
            writeln!(f, "\n{} calls found no room", self.refused)?;
        }
        Ok(())
    }
}

fn write_host(f: &mut Formatter<'_>, host: &HostReport) -> fmt::Result {
    writeln!(f, "\nhost {} · {}", host.name, host.addresses.join(" "))?;
    row(f, "State", "Recv-Q", "Send-Q", "Local", "Peer")?;
    for listener in &host.listeners {
        // As ss has it: what waits, and the bound of it.
        row(f, "LISTEN", listener.waiting, listener.backlog, &listener.local, "*")?;
        if listener.half_open > 0 {
            writeln!(f, "    half-open:{}", listener.half_open)?;
        }
    }
    for connection in &host.connections {
        write_connection(f, connection)?;
    }
    let counters: Vec<String> = host.counters.iter().map(|(name, count)| format!("{name}:{count}")).collect();
    if !counters.is_empty() {
        writeln!(f, "counters  {}", counters.join(" · "))?;
    }
    host.link_failures.iter().try_for_each(|failure| writeln!(f, "the link is broken: {failure}"))
}

fn write_connection(f: &mut Formatter<'_>, connection: &ConnectionReport) -> fmt::Result {
    let ConnectionReport { state, local, remote, inside } = connection;
    let Some(inside) = inside else { return row(f, state, 0, 0, local, remote) };
    row(f, state, inside.receive_queue, inside.send_queue, local, remote)?;
    let Inside { rtt_us, rtt_variation_us, rto_us, congestion_window, .. } = inside;
    let milliseconds = |us: &u64| *us as f64 / 1000.0;
    write!(
        f,
        "    rtt:{:.3}/{:.3}ms rto:{}ms mss:{} cwnd:{congestion_window}",
        milliseconds(rtt_us),
        milliseconds(rtt_variation_us),
        milliseconds(rto_us).round(),
        inside.segment_size,
    )?;
    if let Some(threshold) = inside.slow_start_threshold {
        write!(f, " ssthresh:{threshold}")?;
    }
    writeln!(
        f,
        " in-flight:{} snd-wnd:{} rcv-wnd:{} retrans:{} sent:{} received:{}",
        inside.in_flight,
        inside.send_window,
        inside.receive_window,
        inside.retransmissions,
        inside.bytes_sent,
        inside.bytes_received
    )?;
    let limits = [("rwnd", inside.window_limited_us), ("sndbuf", inside.buffer_limited_us)];
    write!(
        f,
        "    segs-out:{} segs-in:{} data-segs-out:{} data-segs-in:{} busy:{}ms",
        inside.segments_sent,
        inside.segments_received,
        inside.data_segments_sent,
        inside.data_segments_received,
        milliseconds(&inside.busy_us).round(),
    )?;
    for (name, spent) in limits.into_iter().filter(|(_, spent)| *spent > 0) {
        write!(f, " {name}-limited:{}ms", milliseconds(&spent).round())?;
    }
    if inside.segments_out_of_order > 0 {
        write!(f, " rcv-ooopack:{}", inside.segments_out_of_order)?;
    }
    writeln!(f)
}

fn write_calls(f: &mut Formatter<'_>, title: &str, calls: &[CallReport]) -> fmt::Result {
    writeln!(f, "\n{title}: {}", calls.len())?;
    for call in calls {
        let CallReport { service, local, peer, seconds, received, sent } = call;
        writeln!(
            f,
            "  {service:<6} {local:<21} {peer:<21} {seconds:>8.1} s  received:{received} sent:{sent}"
        )?;
    }
    Ok(())
}

fn row(
    f: &mut Formatter<'_>,
    state: impl Display,
    receive_queue: impl Display,
    send_queue: impl Display,
    local: impl Display,
    remote: impl Display,
) -> fmt::Result {
    let line = format!("{state:<13} {receive_queue:>7} {send_queue:>7}  {local:<21} {remote:<21}");
    writeln!(f, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::report::{ListenerReport, Program, Reach};

    #[test]
    fn a_report_reads_like_ss() {
        let report = Report {
            program: Program {
                pid: 7,
                version: "1.2.3".into(),
                link: "lan".into(),
                uptime_seconds: 61.2,
                kept_out: Some(true),
                sealed: Some(true),
            },
            services: vec![Reach {
                service: "talk".into(),
                about: String::new(),
                address: "10.7.0.2:9528".into(),
                published: vec!["127.0.0.2:9528".into()],
            }],
            hosts: vec![HostReport {
                name: "services".into(),
                addresses: vec!["10.7.0.2/24".into()],
                listeners: vec![ListenerReport {
                    local: "10.7.0.2:9528".into(),
                    half_open: 1,
                    waiting: 2,
                    backlog: 128,
                }],
                connections: vec![
                    ConnectionReport {
                        state: "ESTABLISHED".into(),
                        local: "10.7.0.2:9528".into(),
                        remote: "10.7.0.101:40000".into(),
                        inside: Some(Inside {
                            send_queue: 12,
                            rtt_us: 213,
                            rtt_variation_us: 40,
                            rto_us: 200_000,
                            congestion_window: 14_600,
                            segment_size: 1460,
                            retransmissions: 3,
                            segments_sent: 8,
                            busy_us: 7_100,
                            window_limited_us: 2_000,
                            ..Inside::default()
                        }),
                    },
                    ConnectionReport { state: "TIME-WAIT".into(), ..ConnectionReport::default() },
                ],
                counters: [("segments".to_owned(), 9)].into(),
                link_failures: vec!["unplugged".into()],
            }],
            ..Report::default()
        };
        let text = report.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "netstrata 1.2.3 · pid 7 · link lan · up 61 s · confined");
        assert_eq!(lines[1], "  talk   10.7.0.2:9528         published on 127.0.0.2:9528");
        assert_eq!(lines[3], "host services · 10.7.0.2/24");
        assert_eq!(lines[5], "LISTEN              2     128  10.7.0.2:9528         *");
        assert_eq!(lines[6], "    half-open:1");
        assert_eq!(lines[7], "ESTABLISHED         0      12  10.7.0.2:9528         10.7.0.101:40000");
        assert!(
            lines[8].starts_with("    rtt:0.213/0.040ms rto:200ms mss:1460 cwnd:14600 in-flight:0"),
            "{text}"
        );
        assert!(lines[8].contains("retrans:3"));
        assert_eq!(
            lines[9],
            "    segs-out:8 segs-in:0 data-segs-out:0 data-segs-in:0 busy:7ms rwnd-limited:2ms"
        );
        assert_eq!(lines[10], "TIME-WAIT           0       0");
        assert_eq!(lines[11], "counters  segments:9");
        assert_eq!(lines[12], "the link is broken: unplugged");
    }
}
