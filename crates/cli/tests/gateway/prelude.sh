# A machine in a network namespace of its own, with servers (servers.py); on it a guest of a user without rights, and the gateway.
# $DIR: a directory for this run; $NETSTRATA: the program.
set -euo pipefail
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd "$DIR" && chmod 755 .

# A user who may do nothing but have namespaces.
as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
user() { "${as_user[@]}" "$@"; }
# A command in the guest, as its root.
guest() { user nsenter --preserve-credentials -U -m -n -t "$guest" --wd="$DIR" "$@"; }
until_true() {
  for _ in $(seq 600); do if "$@" > /dev/null 2>&1; then return 0; fi; sleep 0.1; done
  echo "never came true: $*" >&2
  return 1
}
# In its namespaces, with its user's rights there and mounts of its own: all that comes before it sleeps.
asleep() { [ "$(cat "/proc/$guest/comm")" = sleep ]; }
# Starts the gateway with these flags. The servers are on the machine's own addresses, which guests may reach unless OWN is empty.
gateway() {
  "${as_user[@]}" "$NETSTRATA" gateway --netns "$guest" --link "${LINK:-tap}:net0" --dns 127.0.0.1:5353 --control run/control ${OWN---host-addresses} "$@" > run/banner 2> run/log &
  gateway=$!
  until_true grep -q stop: run/banner || { cat run/log >&2; return 1; }
}
status() { user "$NETSTRATA" status --json --control run/control; }
# One value of the report, by a path of Python.
told() { status | python3 -c "import json,sys; report = json.load(sys.stdin)['gateway']; print($1)"; }

ip link set lo up
for address in 198.51.100.1/32 198.51.100.2/32; do ip address add "$address" dev lo; done
ip address add 2001:db8::1/128 dev lo nodad
echo "0 2147483647" > /proc/sys/net/ipv4/ping_group_range
head -c 5000000 /dev/urandom > file
python3 "$SERVERS" > servers.log 2>&1 &
until_true grep -q ready servers.log
mkdir run && chown 65534:65534 run
echo "nameserver 10.7.0.1" > resolv.conf
"${as_user[@]}" unshare -Urnm sleep infinity &
guest=$!
until_true asleep
guest mount --bind resolv.conf /etc/resolv.conf
