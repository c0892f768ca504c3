#!/usr/bin/env python3
"""Lets packetdrill judge this project's stack.

    scripts/packetdrill.py --tool PACKETDRILL [--family 4|6|4m6]... [--list] FILE_OR_DIRECTORY...

PACKETDRILL is the program built from its own sources, and the scripts are anybody's: neither is part of this project. The
library under test is built with `cargo build -p netstrata-packetdrill`; --library names another one. Each script runs in
network namespaces of its own, as root: it may set sysctls there, and the library reads them. For each directory one line tells
how many scripts passed and failed; --list tells every script that failed, and why.
"""
import argparse
import collections
import concurrent.futures
import ipaddress
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What packetdrill is told of each family.
FAMILIES = {
    "4": ["--ip_version=ipv4", "--mtu=1500", "--local_ip=192.168.0.1", "--gateway_ip=192.168.0.1",
          "--netmask_ip=255.255.0.0", "--remote_ip=192.0.2.1", "-D", "CMSG_LEVEL_IP=SOL_IP",
          "-D", "CMSG_TYPE_RECVERR=IP_RECVERR", "-D", "TFO_COOKIE=3021b9d889017eeb", "-D", "CODE=host_unreachable"],
    "6": ["--ip_version=ipv6", "--mtu=1520", "--local_ip=fd3d:0a0b:17d6::1", "--gateway_ip=fd3d:0a0b:17d6:8888::1",
          "--remote_ip=fd3d:fa7b:d17d::1", "-D", "CMSG_LEVEL_IP=SOL_IPV6", "-D", "CMSG_TYPE_RECVERR=IPV6_RECVERR",
          "-D", "TFO_COOKIE=c1d1e9742a47a9bc", "-D", "CODE=address_unreachable"],
    "4m6": ["--ip_version=ipv4-mapped-ipv6", "--mtu=1500", "--local_ip=192.168.0.1", "--gateway_ip=192.168.0.1",
            "--netmask_ip=255.255.0.0", "--remote_ip=192.0.2.1", "-D", "CMSG_LEVEL_IP=SOL_IPV6",
            "-D", "CMSG_TYPE_RECVERR=IPV6_RECVERR", "-D", "TFO_COOKIE=3021b9d889017eeb", "-D", "CODE=host_unreachable"],
}
# Scripts may expect the device that packetdrill makes for itself when it judges a kernel.
PREPARE = ("ip link set lo up; { ip tuntap add dev tun0 mode tun || ip link add tun0 type dummy; } 2>/dev/null; "
           "ip link set tun0 up; exec \"$@\"")


def settle(arguments, script):
    """What packetdrill is told of `script`, without what the script tells it by itself, and what the library is: the same."""
    own = [line.split("//")[0].strip() for line in script.read_text(errors="replace").splitlines() if line.startswith("--")]
    names = {line.split("=")[0] for line in own}
    arguments = [argument for argument in arguments if argument.split("=")[0] not in names]
    said = dict(argument[2:].split("=", 1) for argument in arguments + own if "=" in argument and argument[:2] == "--")
    local, remote = (ipaddress.ip_address(said[name]) for name in ("local_ip", "remote_ip"))
    six = local.version == 6
    # The other side has many addresses, of one network.
    network = ipaddress.ip_network((remote, 48 if remote.version == 6 else 24), strict=False)
    family = {"ipv4": "4", "ipv6": "6,v6", "ipv4-mapped-ipv6": "4m6"}[said["ip_version"]]
    return arguments, f"family={family},local={local}/{64 if six else 16},remote={network},mtu={said['mtu']}"


def run(job):
    """Runs one script; returns whether it passed, and what the tool said."""
    tool, library, family, script, timeout = job
    arguments, flags = settle(FAMILIES[family], script)
    command = ["unshare", "--net", "--mount", "sh", "-c", PREPARE, "sh", str(tool), "--send_omit_free", *arguments,
               f"--so_filename={library}", f"--so_flags={flags}", script.name]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=script.parent, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   start_new_session=True)
        try:
            passed = process.wait(timeout) == 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            return False, f"no end within {timeout} s"
        output.seek(0)
        return passed, output.read().strip()


def scripts_in(places):
    for place in places:
        yield from sorted(place.rglob("*.pkt")) if place.is_dir() else [place]


def suits(family, script):
    """Whether a script is for a family: some say so by their name, some by the addresses that they have."""
    own = [line for line in script.read_text(errors="replace").splitlines() if line.startswith(("--local_ip", "--remote_ip"))]
    by_v4 = any("." in line for line in own)
    return not script.stem.endswith("v6" if family != "6" else "v4") and not (family == "6" and by_v4)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, type=pathlib.Path)
    parser.add_argument("--library", type=pathlib.Path)
    parser.add_argument("--family", action="append", choices=FAMILIES)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--timeout", type=float, default=30, help="seconds for one script")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("places", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    library = options.library
    if library is None:
        subprocess.run(["cargo", "build", "-q", "-p", "netstrata-packetdrill"], cwd=ROOT, check=True)
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        library = target / "debug" / "libnetstrata_packetdrill.so"
    places = [place.resolve() for place in options.places]
    jobs = [(options.tool.resolve(), library.resolve(), family, script, options.timeout)
            for family in options.family or ["4"] for script in scripts_in(places) if suits(family, script)]
    rows = collections.defaultdict(lambda: [0, 0])
    failures = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for (_, _, family, script, _), (passed, said) in zip(jobs, pool.map(run, jobs)):
            rows[family, script.parent][0 if passed else 1] += 1
            if not passed:
                failures.append((family, script, said))
    if options.list:
        for family, script, said in failures:
            print(f"--- {family} {script}\n{said}\n")
    for (family, directory), (passed, failed) in sorted(rows.items()):
        print(f"{family:>3}  {passed:4} passed {failed:4} failed  {directory}")
    passed, failed = (sum(row[at] for row in rows.values()) for at in (0, 1))
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
