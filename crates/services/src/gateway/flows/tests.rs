use super::*;

fn guest(last: u8) -> SocketAddr {
    SocketAddr::from(([10, 7, 0, last], 4000))
}

fn there() -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 9], 443))
}

fn limits() -> Limits {
    Limits { guests: 2, flows: 5, guest_flows: 3, guest_rate: 10, guest_burst: 4, ..Limits::default() }
}

/// A table, and what makes flows of it at `milliseconds` after the beginning.
fn table(limits: Limits) -> (Arc<Flows>, impl Fn(Protocol, u8, u64) -> Result<Flow, Cause>) {
    #[allow(clippy::disallowed_methods, reason = "any beginning will do")]
    let begin = Instant::now();
    let flows = Flows::new(limits, Arc::default());
    let made = Arc::clone(&flows);
    let enter = move |protocol, last, milliseconds| {
        let now = begin + Duration::from_millis(milliseconds);
        made.enter(protocol, Holder::Station([2, 0, 0, 0, 0, last]), guest(last), there(), now)
    };
    (flows, enter)
}

#[test]
fn a_guest_has_no_more_flows_than_it_may_and_others_have_theirs() {
    let (flows, enter) = table(limits());
    let held: Vec<Flow> = (0..3).map(|at| enter(Protocol::Udp, 2, at * 200).unwrap()).collect();
    assert_eq!(enter(Protocol::Udp, 2, 600).unwrap_err(), Cause::GuestFlows);
    let other = enter(Protocol::Udp, 3, 600).unwrap();
    let more = enter(Protocol::Udp, 3, 600).unwrap();
    // All guests together.
    assert_eq!(enter(Protocol::Udp, 3, 600).unwrap_err(), Cause::Flows);
    assert_eq!((flows.count(), flows.begun()), (5, 5));
    assert_eq!((flows.counters.of(Cause::GuestFlows), flows.counters.of(Cause::Flows)), (1, 1));
    drop(held);
    assert_eq!(flows.count(), 2);
    drop((other, more));
    assert!(flows.guests().iter().all(|guest| (guest.flows, guest.bytes) == (0, 0)));
}

#[test]
fn a_flow_that_has_ended_makes_room_once() {
    let (flows, enter) = table(limits());
    let holder = Holder::Station([2, 0, 0, 0, 0, 2]);
    let held: Vec<Flow> = (0..3).map(|at| enter(Protocol::Udp, 2, at * 200).unwrap()).collect();
    assert!(flows.is_at_limit(holder) && held[0].holder() == holder);
    held[0].end();
    held[0].end();
    assert!(!flows.is_at_limit(holder) && flows.count() == 2);
    let next = enter(Protocol::Udp, 2, 600).unwrap();
    drop(held);
    assert_eq!((flows.count(), flows.guests()[0].flows), (1, 1));
    drop(next);
    assert_eq!((flows.count(), flows.guests()[0].flows, flows.guests()[0].bytes), (0, 0, 0));
    // Bytes count as well.
    let (flows, enter) = table(Limits { guest_bytes: 2 * DATAGRAMS - 1, ..limits() });
    let _held = enter(Protocol::Udp, 2, 0).unwrap();
    assert!(flows.is_at_limit(holder) && flows.count() == 1);
}

#[test]
fn new_flows_have_a_rate_with_a_burst() {
    let (_, enter) = table(limits());
    // Four at once, then one each 100 ms.
    for _ in 0..4 {
        drop(enter(Protocol::Echo, 2, 0).unwrap());
    }
    assert_eq!(enter(Protocol::Echo, 2, 0).unwrap_err(), Cause::GuestRate);
    assert_eq!(enter(Protocol::Echo, 2, 99).unwrap_err(), Cause::GuestRate);
    drop(enter(Protocol::Echo, 2, 100).unwrap());
    assert_eq!(enter(Protocol::Echo, 2, 101).unwrap_err(), Cause::GuestRate);
    drop(enter(Protocol::Echo, 3, 101).unwrap());
}

#[test]
fn a_rate_is_asked_after_without_a_place_of_it_being_taken() {
    let flows = Flows::new(limits(), Arc::default());
    #[allow(clippy::disallowed_methods, reason = "any beginning will do")]
    let now = Instant::now();
    let holder = Holder::Station([2; 6]);
    let check = || flows.check_rate(Protocol::Udp, holder, guest(2), there(), now);
    let enter = || flows.enter(Protocol::Echo, holder, guest(2), there(), now);
    for _ in 0..4 {
        assert_eq!((check(), check()), (Ok(()), Ok(())));
        drop(enter().unwrap());
    }
    assert_eq!((check(), enter().unwrap_err()), (Err(Cause::GuestRate), Cause::GuestRate));
    assert_eq!((flows.counters.of(Cause::GuestRate), flows.guests()[0].refused), (2, 2));
}

#[test]
fn guests_are_bounded_and_forgotten_when_nothing_is_left_of_them() {
    let (flows, enter) = table(limits());
    let held = enter(Protocol::Udp, 2, 0).unwrap();
    drop(enter(Protocol::Udp, 3, 0).unwrap());
    // The second has no flow, but its rate is remembered for 100 ms.
    assert_eq!(enter(Protocol::Udp, 4, 99).unwrap_err(), Cause::Guests);
    drop(enter(Protocol::Udp, 4, 100).unwrap());
    assert_eq!(flows.guests().len(), 2);
    drop(held);
}

#[test]
fn buffers_of_a_guest_are_bounded_and_the_first_flows_get_more() {
    let limits =
        |guest_flows, guest_bytes| Limits { guest_flows, flows: 1000, guest_bytes, ..Limits::default() };
    // Enough for all of them, and something over.
    let (flows, enter) = table(limits(40, 10 << 20));
    let held: Vec<Flow> = (0..40).map(|_| enter(Protocol::Tcp, 2, 0).unwrap()).collect();
    assert_eq!(enter(Protocol::Tcp, 2, 0).unwrap_err(), Cause::GuestFlows);
    let [report] = flows.guests().try_into().unwrap();
    assert!(report.bytes <= 10 << 20 && report.bytes > 9 << 20, "{}", report.bytes);
    assert!(held[0].buffer() > 200 << 10, "{}", held[0].buffer());
    assert!(held.iter().all(|flow| flow.buffer() >= 16 << 10));
    // No flow is given more than it may have.
    let (_, enter) = table(limits(40, 1 << 40));
    assert_eq!(enter(Protocol::Tcp, 2, 0).unwrap().buffer(), 1 << 20);
    // Not enough: the least for six.
    let (flows, enter) = table(limits(40, 1 << 20));
    let mut held: Vec<Flow> = (0..6).map(|_| enter(Protocol::Tcp, 2, 0).unwrap()).collect();
    assert_eq!(enter(Protocol::Tcp, 2, 0).unwrap_err(), Cause::GuestBytes);
    assert!(held.iter().all(|flow| flow.buffer() == 16 << 10));
    assert!(enter(Protocol::Udp, 2, 0).is_ok());
    held.pop();
    assert!(enter(Protocol::Tcp, 2, 0).is_ok());
    assert_eq!(flows.counters.of(Cause::GuestBytes), 1);
}

#[test]
fn one_that_invents_addresses_has_no_more_than_with_one() {
    let (flows, _) = table(limits());
    #[allow(clippy::disallowed_methods, reason = "any beginning will do")]
    let now = Instant::now();
    for holder in [Holder::Station([2; 6]), Holder::Link] {
        let mut held = Vec::new();
        for last in 0..3 {
            held.push(flows.enter(Protocol::Udp, holder, guest(last), there(), now).unwrap());
        }
        for last in [0, 9] {
            let refused = flows.enter(Protocol::Udp, holder, guest(last), there(), now);
            assert_eq!(refused.unwrap_err(), Cause::GuestFlows);
        }
        let report = flows.guests().pop().unwrap();
        assert_eq!((report.holder, report.address, report.flows), (holder, guest(9).ip(), 3));
    }
}

#[test]
fn buffers_of_all_guests_are_bounded() {
    let mebibyte = 1 << 20;
    let (flows, enter) =
        table(Limits { guests: 99, flows: 20, guest_flows: 20, bytes: 4 * mebibyte, ..Limits::default() });
    let mut held = Vec::new();
    // The least is left for all that may still come.
    for last in 0..20 {
        held.push(enter(Protocol::Tcp, last, 0).unwrap());
    }
    assert!(held[0].buffer() > held[19].buffer() && held[19].buffer() >= 16 << 10);
    let sum = || flows.guests().iter().map(|guest| guest.bytes).sum::<u64>();
    assert!(sum() <= 4 * mebibyte && sum() > 3 * mebibyte, "{}", sum());
    drop(held);
    assert_eq!((sum(), flows.lock().bytes), (0, 0));
    // Where there is less than the least for each, the last ones find nothing.
    let (flows, enter) =
        table(Limits { guests: 99, flows: 20, guest_flows: 20, bytes: mebibyte, ..Limits::default() });
    let held: Vec<Flow> = (0..6).map(|last| enter(Protocol::Tcp, last, 0).unwrap()).collect();
    assert_eq!(enter(Protocol::Tcp, 7, 0).unwrap_err(), Cause::Bytes);
    assert_eq!((held.len(), flows.counters.of(Cause::Bytes)), (6, 1));
    assert!(enter(Protocol::Dns, 7, 0).is_ok());
}

#[test]
fn a_report_tells_what_was_carried() {
    let (flows, enter) = table(limits());
    let flow = enter(Protocol::Tcp, 2, 0).unwrap();
    flow.tally().count_received(5);
    flow.tally().count_sent(7);
    let [report] = flows.list().try_into().unwrap();
    assert_eq!((report.guest, report.to, report.received, report.sent), (guest(2), there(), 5, 7));
    assert_eq!(format!("{:<5}", report.protocol), "tcp  ");
}
