use super::*;

fn packet(verdict: Verdict, kind: &str, first: u64, count: u64) -> Fault {
    Fault::Packet { verdict, node: "server".into(), kind: kind.into(), first, count }
}

#[test]
fn rules_are_read() {
    let read = |rule| Fault::parse(rule).unwrap();
    assert_eq!(read("drop server SYN,ACK #1"), packet(Verdict::Drop, "SYN,ACK", 1, 1));
    assert_eq!(read("  drop  server syn,ack  #2-4 "), packet(Verdict::Drop, "SYN,ACK", 2, 3));
    assert_eq!(read("duplicate server data #3+"), packet(Verdict::Duplicate, "data", 3, u64::MAX));
    assert_eq!(read("corrupt server any"), packet(Verdict::Corrupt, "any", 1, u64::MAX));
    let half = Verdict::Delay(Duration::from_millis(500));
    assert_eq!(read("delay 500ms server ACK"), packet(half, "ACK", 1, u64::MAX));
    assert_eq!(read("delay 0.5s server ACK"), packet(half, "ACK", 1, u64::MAX));
    assert_eq!(read("cut server FIN,ACK #1"), packet(Verdict::Cut, "FIN,ACK", 1, 1));
    let at = Duration::from_millis(1_500);
    assert_eq!(read("cut link 0 at 1.5s"), Fault::Link { link: 0, up: false, at });
    assert_eq!(read("mend link 2 at 1500ms"), Fault::Link { link: 2, up: true, at });
}

#[test]
fn what_makes_no_sense_is_refused_with_what_may_have_been_meant() {
    let refused = |rule| Fault::parse(rule).unwrap_err();
    assert_eq!(refused("dorp server SYN").nearest.as_deref(), Some("drop"));
    assert_eq!(refused("drop server SYNACK #1").nearest.as_deref(), Some("SYN,ACK"));
    for rule in [
        "",
        "drop",
        "drop server",
        "drop server SYN #0",
        "drop server SYN 1",
        "drop server SYN #4-2",
        "drop server SYN #1 twice",
        "delay server SYN",
        "delay -1s server SYN",
        "delay 2d server SYN",
        "cut link 0",
        "cut link x at 1s",
        "mend server SYN",
    ] {
        let refusal = refused(rule);
        assert_eq!((refusal.kind, refusal.given.as_str()), ("rule", rule));
        assert!(!refusal.message.en.contains('\n') && refusal.message.zh.contains("规则"));
    }
}

#[test]
fn a_node_that_is_not_there_is_refused() {
    let names = ["client".to_owned(), "server".to_owned()];
    let refusal = Fault::parse("drop sever SYN").unwrap().rule("drop sever SYN", &names).unwrap_err();
    assert_eq!(refusal.nearest.as_deref(), Some("server"));
    assert!(Fault::parse("drop server SYN").unwrap().rule("", &names).unwrap().is_some());
}
