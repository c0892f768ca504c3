//! Each experiment as it stands: its verdicts hold. Each test has the experiment's name.

use netstrata_lab::{Exhibit, Range, Request, Trace, Value, What, run};

fn named(name: &str) -> Trace {
    let request = Request { experiment: name.to_owned(), ..Request::default() };
    run(&request).unwrap_or_else(|refusal| panic!("{}", refusal.message.en))
}

fn holds(trace: &Trace) {
    for check in &trace.checks {
        assert_ne!(check.verdict, "failed", "{}: {}: {}", trace.experiment, check.claim.en, check.seen.en);
    }
    assert!(
        trace.checks.iter().any(|check| check.verdict == "held"),
        "{}: nothing was checked",
        trace.experiment
    );
    assert!(!trace.truncated, "{}: too much to keep", trace.experiment);
}

macro_rules! experiments {
    ($($test:ident $name:literal)*) => {
        $(#[test]
        fn $test() {
            holds(&named($name));
        })*

        /// Every experiment has a test here.
        #[test]
        fn none_is_missing() {
            let tested = [$($name),*];
            for experiment in netstrata_lab::catalogue() {
                assert!(tested.contains(&experiment.name), "{} has no test", experiment.name);
            }
        }
    };
}

experiments! {
    address "address"
    around_the_clock "around-the-clock"
    backlog "backlog"
    both_receive "both-receive"
    broadcast_storm "broadcast-storm"
    client_or_browser "client-or-browser"
    close "close"
    congestion "congestion"
    discovery "discovery"
    four_tuple "four-tuple"
    frame "frame"
    ftp "ftp"
    half_close "half-close"
    handshake "handshake"
    http "http"
    keepalive "keepalive"
    loopback "loopback"
    loss "loss"
    nagle "nagle"
    path_mtu "path-mtu"
    ports "ports"
    reordering "reordering"
    router "router"
    seven_layers "seven-layers"
    signal "signal"
    stream "stream"
    switch "switch"
    syn_flood "syn-flood"
    talk "talk"
    time_wait "time-wait"
    two_way "two-way"
    two_way_handshake "two-way-handshake"
    udp_or_tcp "udp-or-tcp"
    zero_window "zero-window"
}

/// Runs with parameters other than the defaults hold, too.
#[test]
fn other_parameters_hold() {
    let settings: &[(&str, &str, &str)] = &[
        ("close", "way", "three"),
        ("close", "way", "simultaneous"),
        ("close", "way", "reset"),
        ("switch", "device", "hub"),
        ("switch", "table", "0"),
        ("broadcast-storm", "cables", "1"),
        ("broadcast-storm", "cables", "3"),
        ("router", "ttl", "1"),
        ("congestion", "algorithm", "newreno"),
        ("nagle", "no-delay", "true"),
        ("talk", "read", "4"),
        ("keepalive", "idle", "60"),
        ("loss", "loss", "50000"),
        ("loss", "sack", "false"),
        ("time-wait", "first", "server"),
        ("time-wait", "duplicate", "true"),
        ("keepalive", "vanish", "0"),
        ("keepalive", "vanish", "7200"),
        ("loopback", "last", "2"),
        ("address", "hosts", "20"),
        ("backlog", "backlog", "1"),
        ("syn-flood", "cookies", "false"),
        ("syn-flood", "backlog", "1000"),
        ("frame", "vendor", "cisco"),
        ("frame", "vendor", "raspberry"),
        ("frame", "vendor", "local"),
        ("signal", "turn", "200"),
    ];
    for (experiment, parameter, value) in settings {
        let parameters = [((*parameter).to_owned(), Value::Word((*value).to_owned()))].into();
        let request = Request { experiment: (*experiment).to_owned(), parameters, ..Request::default() };
        let trace = run(&request).unwrap_or_else(|refusal| panic!("{}", refusal.message.en));
        for check in &trace.checks {
            let (claim, seen) = (&check.claim.en, &check.seen.en);
            assert_ne!(check.verdict, "failed", "{experiment} {parameter}={value}: {claim}: {seen}");
        }
    }
}

/// Whatever a parameter takes is a run whose verdicts hold: at both ends of its range, each word, yes and no.
#[test]
fn every_parameter_holds_at_its_ends() {
    for experiment in netstrata_lab::catalogue() {
        for parameter in experiment.parameters {
            let values = match parameter.range {
                Range::Number { min, max, .. } => vec![Value::Number(min), Value::Number(max)],
                Range::Choice { options, .. } => {
                    options.iter().map(|option| Value::Word((*option).to_owned())).collect()
                }
                Range::Flag { .. } => vec![Value::Flag(true), Value::Flag(false)],
            };
            for value in values {
                let parameters = [(parameter.name.to_owned(), value.clone())].into();
                let request =
                    Request { experiment: experiment.name.to_owned(), parameters, ..Request::default() };
                let trace = run(&request).unwrap_or_else(|refusal| panic!("{}", refusal.message.en));
                let failed = trace.checks.iter().find(|check| check.verdict == "failed");
                let told = failed.map(|check| (&check.claim.en, &check.seen.en));
                assert!(trace.passed, "{} {}={value:?}: {told:?}", experiment.name, parameter.name);
            }
        }
    }
}

/// A verdict can fail: without one of its hosts, no experiment with a network is judged as if nothing had happened.
#[test]
fn no_run_passes_in_which_nothing_arrives() {
    // What these show does not need frames to arrive, or is only of frames that do.
    let spared = ["signal", "frame", "broadcast-storm"];
    for experiment in netstrata_lab::catalogue().iter().filter(|one| !spared.contains(&one.name)) {
        let nodes = named(experiment.name).nodes;
        if nodes.is_empty() {
            continue;
        }
        let rules = nodes.iter().map(|node| format!("drop {} any", node.name)).collect();
        let request =
            Request { experiment: experiment.name.to_owned(), rules: Some(rules), ..Request::default() };
        let trace = run(&request).unwrap_or_else(|refusal| panic!("{}", refusal.message.en));
        assert!(!trace.passed, "{} passes though nothing arrives", experiment.name);
    }
}

/// A rule that meets nothing leaves every verdict as it was; one of a cable counts once its time has come.
#[test]
fn a_rule_that_meets_nothing_takes_no_verdict_away() {
    let with = |rule: &str| {
        let rules = Some(vec![rule.to_owned()]);
        run(&Request { experiment: "handshake".into(), rules, ..Request::default() }).unwrap()
    };
    for rule in ["drop server SYN,ACK #5", "cut link 0 at 3600s"] {
        let trace = with(rule);
        assert_eq!(trace.checks, named("handshake").checks, "{rule}");
        assert_eq!(trace.rules[0].met, 0);
    }
    let cut = with("cut link 0 at 0ms");
    assert_eq!((cut.rules[0].met, cut.passed), (1, false));
}

/// A model has no network that could be broken: a rule for it is refused, and not left out in silence.
#[test]
fn a_rule_for_a_model_is_refused() {
    let rules = Some(vec!["drop client SYN".to_owned()]);
    let refusal =
        run(&Request { experiment: "two-way-handshake".into(), rules, ..Request::default() }).unwrap_err();
    assert_eq!((refusal.kind, refusal.given.as_str()), ("rule", "drop client SYN"));
}

/// Chinese is written with its own punctuation.
#[test]
fn chinese_has_its_own_punctuation() {
    let chinese = |sign: char| ('\u{4e00}'..='\u{9fff}').contains(&sign);
    let right = |text: &str| {
        let signs: Vec<char> = text.chars().collect();
        for (place, sign) in signs.iter().enumerate() {
            let beside = [place.checked_sub(1), Some(place + 1)];
            let beside = beside.into_iter().flatten().filter_map(|place| signs.get(place));
            if [',', ';', ':', '?', '!'].contains(sign) {
                assert!(!beside.copied().any(chinese), "{text}");
            }
        }
    };
    for experiment in netstrata_lab::catalogue() {
        right(experiment.title.zh);
        right(experiment.says.zh);
        right(experiment.precise.zh);
        experiment.look.iter().for_each(|look| right(look.zh));
        experiment.parameters.iter().for_each(|parameter| right(parameter.title.zh));
        let trace = named(experiment.name);
        for check in &trace.checks {
            right(&check.claim.zh);
            right(&check.seen.zh);
        }
        for event in &trace.events {
            if let What::Note { text, .. } = &event.what {
                right(text.zh);
            }
        }
    }
}

/// What the experiment teaches is seen as it stands: several teeth of the saw, and the cable well used.
#[test]
fn the_congestion_window_is_a_saw() {
    for algorithm in ["cubic", "newreno"] {
        let parameters = [("algorithm".to_owned(), Value::Word(algorithm.to_owned()))].into();
        let request = Request { experiment: "congestion".to_owned(), parameters, ..Request::default() };
        let trace = run(&request).unwrap_or_else(|refusal| panic!("{}", refusal.message.en));
        for claim in ["the window is a saw", "most of what the cable carries"] {
            let check = trace.checks.iter().find(|check| check.claim.en.starts_with(claim)).expect(claim);
            assert_eq!(check.verdict, "held", "{algorithm}: {}", check.seen.en);
        }
    }
}

/// Verdicts are for people: none shows how Rust writes a value, and each is there in both languages.
#[test]
fn verdicts_are_in_words() {
    for experiment in netstrata_lab::catalogue() {
        for check in named(experiment.name).checks {
            for text in [&check.claim.en, &check.claim.zh, &check.seen.en, &check.seen.zh] {
                let foreign = ["Some(", "None", "Ok(", "Err(", "true", "false", "[", "\\", "(0, "]
                    .into_iter()
                    .find(|sign| text.contains(sign));
                assert_eq!(foreign, None, "{}: {text}", experiment.name);
                assert!(!text.trim().is_empty(), "{}: {}", experiment.name, check.claim.en);
            }
            let chinese = |text: &str| text.chars().any(|sign| ('\u{4e00}'..='\u{9fff}').contains(&sign));
            assert!(chinese(&check.claim.zh) && !chinese(&check.claim.en), "{}", experiment.name);
        }
    }
}

/// The way that is shown leads where the page says: the server believes in the connection and repeats its data for ever.
#[test]
fn the_deadlock_that_is_shown_is_the_one_with_data() {
    let trace = named("two-way-handshake");
    let Some(Exhibit::Graph { states, path, .. }) = trace.exhibits.first() else { panic!("no graph") };
    let last = &states[*path.last().unwrap()];
    assert_eq!(last.mark, "bad");
    assert!(
        last.label.en.contains("server ESTABLISHED") && last.label.en.contains("data"),
        "{}",
        last.label.en
    );
    assert!(path.len() >= 5, "{path:?}");
}

/// Dropping the SYN-ACK is repaired after the first time-out, and the trace says so.
#[test]
fn a_dropped_syn_ack_comes_again() {
    let rules = Some(vec!["drop server SYN,ACK #1".to_owned()]);
    let trace = run(&Request { experiment: "handshake".into(), rules, ..Request::default() }).unwrap();
    holds(&trace);
    assert_eq!(trace.rules[0].met, 1);
    let answers: Vec<_> =
        trace.frames.iter().filter(|frame| frame.name.starts_with("server SYN,ACK")).collect();
    assert_eq!((answers[0].fate, answers[0].rule), ("ruled", Some(0)));
    assert!(answers[1].retransmission && answers[1].sent - answers[0].sent >= 900_000_000);
}

/// The same request gives the same trace, byte for byte; another seed gives another.
#[test]
fn the_same_request_gives_the_same_trace() {
    for experiment in ["handshake", "loss", "reordering", "syn-flood"] {
        let with = |seed| Request { experiment: experiment.into(), seed: Some(seed), ..Request::default() };
        let text = |seed| netstrata_lab::json::trace(&run(&with(seed)).unwrap());
        assert_eq!(text(5), text(5));
        assert_ne!(text(5), text(6));
    }
}

/// What there is not is refused, with the nearest that there is.
#[test]
fn what_there_is_not_is_refused() {
    let refused = |json: &str| {
        let request = netstrata_lab::json::request(json.as_bytes());
        request.and_then(|request| run(&request)).unwrap_err()
    };
    let refusal = refused(r#"{"experiment":"hanshake"}"#);
    assert_eq!((refusal.kind, refusal.nearest.as_deref()), ("experiment", Some("handshake")));
    let refusal = refused(r#"{"experiment":"handshake","parameters":{"dely":5}}"#);
    assert_eq!((refusal.kind, refusal.nearest.as_deref()), ("parameter", Some("delay")));
    let refusal = refused(r#"{"experiment":"handshake","parameters":{"delay":999999}}"#);
    assert_eq!((refusal.kind, refusal.nearest.as_deref()), ("value", Some("5000")));
    let refusal = refused(r#"{"experiment":"close","parameters":{"way":"tree"}}"#);
    assert_eq!((refusal.kind, refusal.nearest.as_deref()), ("value", Some("three")));
    let refusal = refused(r#"{"experiment":"handshake","rules":["drop sever SYN"]}"#);
    assert_eq!((refusal.kind, refusal.nearest.as_deref()), ("rule", Some("server")));
    let refusal = refused(r#"{"experiment":"handshake","rules":["cut link 7 at 1s"]}"#);
    assert_eq!(refusal.kind, "rule");
    assert_eq!(refused("nonsense").kind, "request");
    assert_eq!(refused(r#"{"experiment":"handshake","colour":1}"#).kind, "request");
}

/// A cut cable loses everything from then on, and a mended one carries again.
#[test]
fn a_cable_is_cut_and_mended() {
    let rules = ["cut link 0 at 0ms", "mend link 0 at 500ms"].map(str::to_owned).to_vec();
    let trace =
        run(&Request { experiment: "handshake".into(), rules: Some(rules), ..Request::default() }).unwrap();
    holds(&trace);
    assert_eq!(trace.frames[0].fate, "cut");
}
