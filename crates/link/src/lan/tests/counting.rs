//! What a switch counts.

use super::*;

#[test]
fn what_a_station_sent_is_counted_after_it_has_gone() {
    let lan = Running::start();
    let (mut a, mut b) = (lan.join(1), lan.join(2));
    send(&mut a, &bytes(mac(2), mac(1), 50, 1));
    next(&mut b);
    let counted = |total: PortStatistics| (total.frames_in, total.frames_out, total.queued_out);
    until("both are counted", || counted(lan.handle.total()) == (1, 1, 0));
    drop((a, b));
    until("both have gone", || lan.ports() == 0);
    assert_eq!(counted(lan.handle.total()), (1, 1, 0));
    assert_eq!(lan.handle.total().bytes_in, lan.handle.total().bytes_out);
}
