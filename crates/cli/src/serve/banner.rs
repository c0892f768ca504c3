//! What a server says about itself when it is up: how to reach it, in exact commands.

use std::fmt::Write;

use netstrata::LinkSpec;

use crate::invocation::{program, quoted};
use crate::status::report::Reach;

/// The lines to print.
pub(crate) fn banner(link: &LinkSpec, services: &[Reach], control: Option<&str>) -> String {
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
        let _ = writeln!(text, "    {program} connect{link_flag} {address}");
        for published in published {
            let _ = writeln!(text, "    nc {}", published.replacen(':', " ", 1));
        }
    }
    let control_flag = control.map(|path| format!(" --control {}", quoted(path))).unwrap_or(link_flag);
    let _ = writeln!(text, "\nstatus: {program} status{control_flag}");
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
        let text = banner(&LinkSpec::default(), &services, None);
        assert!(text.contains(" connect 10.7.0.2:9528\n"), "{text}");
        assert!(text.contains("\n    nc 127.0.0.2 9528\n"), "{text}");
        assert!(text.contains(" status\n"), "{text}");
        let text = banner(&LinkSpec::Host, &services, Some("/tmp/x y"));
        assert!(text.contains(" connect --link host 10.7.0.2:9528\n"), "{text}");
        assert!(text.contains(" status --control '/tmp/x y'\n"), "{text}");
    }
}
