//! What is held to its limits, and goes on.

use std::time::Duration;

use crate::common::SCRIPT;
use crate::machine::{on_a_machine, on_a_machine_within, says};

#[test]
#[ignore = "needs a network namespace, curl and python3"]
fn a_guest_that_floods_is_held_to_its_limits_and_told_of_once_and_another_goes_on() {
    let outcome = on_a_machine(
        r#"
        gateway --configure --guest-flows 200 --guest-rate 100000
        # Two stations on the link, by a bridge; each answers for its own address.
        guest ip address flush dev net0
        guest ip link add name bridge0 type bridge
        guest ip link set net0 master bridge0
        guest ip link set bridge0 up
        guest sh -c "echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore"
        for last in 100 200; do
          guest ip link add name out$last type veth peer name in$last
          guest ip link set out$last master bridge0
          guest ip link set out$last up
          guest ip link set in$last up
          guest ip address add 10.7.0.$last/24 dev in$last
          guest ip route add default via 10.7.0.1 dev in$last metric $last
        done
        cat > flood.py <<'END'
import os, socket
# Calls that are never closed, then a hundred thousand flows of datagrams, then nonsense.
calls = []
for _ in range(900):
    call = socket.socket()
    call.setblocking(False)
    call.connect_ex(("198.51.100.1", 8080))
    calls.append(call)
for number in range(100_000):
    try:
        datagrams = socket.socket(type=socket.SOCK_DGRAM)
        datagrams.sendto(b"x", (f"198.51.100.{number % 200 + 3}", 1024 + number % 60_000))
    except OSError:
        pass
link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
link.bind(("net0", 0))
station = bytes.fromhex(open("station").read().strip().replace(":", ""))
for number in range(20_000):
    kind = [b"\x08\x00", b"\x86\xdd", b"\x08\x06"][number % 3]
    start = [b"\x45\x00\x00\x40\x00\x01\x00\x00\x40\x11", b"\x60\x00\x00\x00\x00\x20\x3a\x40", b""][number % 3]
    try:
        link.send(station + os.urandom(6) + kind + start + os.urandom(64))
    except OSError:
        pass
open("flooded", "w").close()
import time
time.sleep(1000)
END
        guest ping -I in100 -c 1 -W 20 10.7.0.1 > /dev/null
        guest ip neighbour show 10.7.0.1 dev in100 | sed -E 's/.*lladdr ([0-9a-f:]+).*/\1/' > station
        chown 65534 . && guest python3 flood.py &
        until_true test -e flooded
        guest curl -sS --interface in200 http://198.51.100.1:8080/file | cmp - file && echo another one downloads
        told 'max(guest["flows"] for guest in report["guests"] if guest["address"] == "10.7.0.100") <= 200'
        told 'report["not_done"]["flows of one guest"] > 1000'
        echo "said $(grep -c 'flows of one guest' run/log) times in $(grep -c . run/log) lines" | grep -oE "said 1 times in ([0-9]|1[0-9]) lines" | cut -d" " -f1-3
        kill -TERM $gateway; kill -TERM $gateway; wait $gateway && echo ended in order
    "#,
    );
    says(&outcome, &["another one downloads", "True", "said 1 times", "ended in order"]);
    assert!(!outcome.text().contains("False"), "{}", outcome.text());
}

/// Flows that open, carry something and close, a thousand at a time, in rounds until `NETSTRATA_SOAK` seconds are over (one will do unless
/// told otherwise): no call fails, and nothing is left of any, neither in what the gateway counts nor in its memory.
///
/// A leak makes the memory grow in every round; what peaks had makes it grow once or twice. So it must not have grown in one of five rounds
/// in a row. glibc is told to give back at once what is freed and large: how many buffers there were at once is then not in the figures.
#[test]
#[ignore = "needs a network namespace and python3"]
fn a_thousand_flows_come_and_go() {
    let seconds = std::env::var("NETSTRATA_SOAK").map_or(0, |seconds| seconds.parse().unwrap());
    let script = r#"
        MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=4096 MALLOC_MMAP_MAX_=1000000 MALLOC_TRIM_THRESHOLD_=0 MALLOC_TOP_PAD_=0 \
          gateway --configure --guest-rate 100000 --guest-flows 4000 --guest-memory 4096 --max-memory 4096
        # No frame is lost because a thousand come at once, and nobody searches for free ports among those in TIME-WAIT.
        guest ip link set net0 txqueuelen 20000
        ip address add 198.51.100.16/28 dev lo
        ulimit -n 4096
        cat > soak.py <<'END'
import asyncio, os, random
errors = []
async def flows():
    for _ in range(6):
        try:
            reader, writer = await asyncio.open_connection(f"198.51.100.{random.randrange(17, 31)}", 7)
            sent = os.urandom(random.choice([1, 1000, 30_000]))
            writer.write(sent)
            writer.write_eof()
            # One that waits for ever is to be told of, not waited for.
            back = await asyncio.wait_for(reader.read(-1), 120)
            writer.close()
            assert back == sent, (len(back), len(sent))
        except Exception as error:
            errors.append(repr(error))
        await asyncio.sleep(random.random() / 2)
async def all():
    await asyncio.gather(*(flows() for _ in range(1000)))
asyncio.run(all())
if errors: print("errors", len(errors), errors[:3], flush=True)
END
        memory() { awk '/VmRSS/ {print $2}' /proc/$gateway/status; }
        descriptors() { ls /proc/$gateway/fd | wc -l; }
        begun() { told 'report["flows_begun"]'; }
        none() { [ "$(told 'report["flows_count"]')" = 0 ]; }
        idle=$(descriptors)
        as_before() { [ "$(descriptors)" -le "$idle" ]; }
        round() { guest python3 soak.py; until_true none; until_true as_before; }
        round
        growing=0
        while [ $growing -lt 5 ]; do
          flows=$(begun) before=$(memory)
          round
          flows=$(($(begun) - flows)) after=$(memory)
          each=$(((after - before) * 1024 / flows))
          echo "after $SECONDS s: $flows flows, from $before kB to $after kB: $each bytes for each" >&2
          if [ $each -lt 300 ]; then growing=0; else growing=$((growing + 1)); fi
          [ $growing -gt 0 ] || [ $SECONDS -lt WANTED ] || break
        done
        echo "growing $growing rounds, all flows $(($(begun) >= 12000))"
        told '"not done", report["not_done"]'
        told '"broken off", report["broken_off"]'
        grep -v " INFO \|^$" run/log servers.log | head -20 >&2 || true
        grep "broken off\|not done" run/log | head -20 >&2 || true
        status | python3 -c 'import json,sys; print("connections", sum(len(host["connections"]) for host in json.load(sys.stdin)["hosts"]))'
    "#;
    let time = SCRIPT + Duration::from_secs(seconds);
    let outcome = on_a_machine_within(time, &script.replace("WANTED", &seconds.to_string()));
    eprintln!("{}", outcome.stderr);
    says(&outcome, &["growing 0 rounds, all flows 1", "not done {}", "broken off {}", "connections 0"]);
    assert!(!outcome.text().contains("errors"), "{}", outcome.text());
}
