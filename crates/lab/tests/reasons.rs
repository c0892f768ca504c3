//! The trace says why: each way of finding a loss, repairing it and taking it back has its note with its source.

use netstrata_lab::{Request, Trace, Value, What, run};

fn with(experiment: &str, parameters: &[(&str, &str)], rules: &[&str]) -> Trace {
    let parameters =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), Value::Word((*value).to_owned())));
    let rules = (!rules.is_empty()).then(|| rules.iter().map(|rule| (*rule).to_owned()).collect());
    let request = Request {
        experiment: experiment.to_owned(),
        parameters: parameters.collect(),
        rules,
        ..Request::default()
    };
    run(&request).unwrap_or_else(|refusal| panic!("{}", refusal.message.en))
}

/// The sources of the notes with this code.
fn sources(trace: &Trace, wanted: &str) -> Vec<&'static str> {
    let notes = trace.events.iter().filter_map(|event| match &event.what {
        What::Note { code, source, text, .. } if *code == wanted => {
            assert!(!text.en.is_empty() && !text.zh.is_empty());
            Some(*source)
        }
        _ => None,
    });
    notes.collect()
}

#[track_caller]
fn told(trace: &Trace, code: &str, source: &str) {
    let found = sources(trace, code);
    assert!(!found.is_empty(), "{} tells nothing of {code}", trace.experiment);
    assert!(found.iter().all(|found| found.contains(source)), "{code}: {found:?} without {source}");
}

#[test]
fn a_loss_with_data_behind_it_is_found_by_rack_and_repaired_at_the_rate_of_prr() {
    let trace = with("loss", &[], &[]);
    told(&trace, "rack", "RFC 8985 6.2");
    told(&trace, "rack", "RFC 9937");
    told(&trace, "recovered", "RFC 6675 5");
    assert_eq!(sources(&trace, "time-out").len(), 0);
}

#[test]
fn a_loss_at_the_end_is_found_by_a_tail_loss_probe() {
    let trace = with("talk", &[], &["drop client data #1"]);
    told(&trace, "tail-loss-probe", "RFC 8985 7.3");
    told(&trace, "tail-repaired", "RFC 8985 7.4");
}

#[test]
fn a_segment_that_was_only_late_is_told_by_d_sack_and_the_repair_is_undone() {
    let trace = with("loss", &[], &["delay 60ms client data #5"]);
    told(&trace, "dsack", "RFC 2883 4");
    told(&trace, "undo-dsack", "RFC 3708");
}

#[test]
fn reordering_is_waited_for_and_a_timestamp_undoes_what_was_too_early() {
    let trace = with("reordering", &[("detour", "20"), ("size", "200000")], &[]);
    told(&trace, "reordering-time-out", "RFC 8985 6.3");
    told(&trace, "undo-timestamp", "RFC 3522");
}

#[test]
fn a_time_out_that_came_too_early_is_undone() {
    let late: Vec<String> = (2..=21).map(|number| format!("delay 1s client ACK #{number}")).collect();
    let late: Vec<&str> = late.iter().map(String::as_str).collect();
    let trace = with("half-close", &[], &late);
    told(&trace, "time-out", "RFC 6298");
    told(&trace, "undo-timestamp", "RFC 3522");
}

#[test]
fn round_trips_that_grow_longer_slow_down_slow_start() {
    let trace = with("congestion", &[("rate", "10000000"), ("queue", "10000000"), ("size", "3000000")], &[]);
    told(&trace, "hystart", "RFC 9406 4.2");
    told(&trace, "hystart-over", "RFC 9406 4.2");
}
