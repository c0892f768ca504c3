//! What a server says about itself when it is up: how to reach it, in exact commands.

use std::fmt::Write;
use std::net::SocketAddr;

use netstrata::LinkSpec;

use crate::invocation::{program, quoted};
use crate::status::report::Reach;

/// Where a server answers `status`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Status<'a> {
    /// Where its link says.
    OfTheLink,
    /// At a path that was given.
    At(&'a str),
}

/// The lines to print. A server that cannot be asked for its status has no line for that.
pub(crate) fn banner(
    link: &LinkSpec,
    services: &[Reach],
    page: Option<SocketAddr>,
    status: Option<Status<'_>>,
) -> String {
    let program = program();
    let link_flag = match link {
        LinkSpec::Lan(None) => String::new(),
        other => format!(" --link {}", quoted(&other.to_string())),
    };
    let mut text = format!("netstrata is serving (pid {})\n", std::process::id());
    // Writing to a string cannot fail.
    for reach in services {
        let Reach { service, about, address, published } = reach;
        let _ = writeln!(text, "\n  {service} on {address}: {about}");
        let _ = writeln!(text, "    {program} connect{link_flag} {}", quoted(address));
        for published in published {
            // The program wants the port apart, and the address without brackets.
            if let Ok(at) = published.parse::<SocketAddr>() {
                let _ = writeln!(text, "    nc {} {}", at.ip(), at.port());
            }
        }
    }
    if let Some(page) = page {
        let _ = writeln!(text, "\nlab:    http://{page}");
    }
    if page.is_none() {
        text.push('\n');
    }
    let _ = match status {
        Some(Status::OfTheLink) => writeln!(text, "status: {program} status{link_flag}"),
        Some(Status::At(path)) => writeln!(text, "status: {program} status --control {}", quoted(path)),
        None => Ok(()),
    };
    let _ = writeln!(text, "stop:   Ctrl-C, or kill {}", std::process::id());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_reach_a_service_is_a_command() {
        let services = [Reach {
            service: "talk".into(),
            about: "talks".into(),
            address: "10.7.0.2:9528".into(),
            published: vec!["127.0.0.2:9528".into()],
        }];
        let text = banner(
            &LinkSpec::default(),
            &services,
            Some("127.0.0.1:8001".parse().unwrap()),
            Some(Status::OfTheLink),
        );
        assert!(text.contains("\nlab:    http://127.0.0.1:8001\nstatus: "), "{text}");
        assert!(text.contains(" connect 10.7.0.2:9528\n"), "{text}");
        assert!(text.contains("\n    nc 127.0.0.2 9528\n"), "{text}");
        assert!(text.contains(" status\n"), "{text}");
        let text = banner(&LinkSpec::Host, &services, None, Some(Status::At("/tmp/x y")));
        assert!(text.contains(" connect --link host 10.7.0.2:9528\n"), "{text}");
        assert!(text.contains(" status --control '/tmp/x y'\n"), "{text}");
        let services = [Reach {
            address: "[fd07::2]:9528".into(),
            published: vec!["[::1]:9528".into()],
            ..services[0].clone()
        }];
        let text = banner(&LinkSpec::default(), &services, None, None);
        assert!(!text.contains("status") && text.contains("\n\nstop:   "), "{text}");
        assert!(text.contains(" connect '[fd07::2]:9528'\n"), "{text}");
        assert!(text.contains("\n    nc ::1 9528\n"), "{text}");
    }
}
