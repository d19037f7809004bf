#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures, each figure against a peer in the same run (make bench).

Prints a table and writes out/bench/report.json: a list of
{name, value, unit, peer, peer_value, ratio, target, how}. value and peer_value are
medians; ratio is the median of value/peer taken round by round, so that a machine
whose speed drifts does not distort it. target is null where none is set.

Exit codes: 0 measured, 1 something failed.
"""

import hashlib
import json
import pathlib
import resource
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import image, paths                        # noqa: E402
from harness.guest import Guest, GuestError             # noqa: E402
from harness.scene import SERVICE, SERVICE_ADDRESS, Scene  # noqa: E402

BENCH = paths.OUT / "bench"
PROGRAMS = paths.BUILD / "selftests" / "bench"
LAMP = "/sys/class/leds/*::scrolllock/trigger"


def figure(name, values, peer, peer_values, how, target=None):
    return {"name": name, "value": round(statistics.median(values) / 1e6, 3), "unit": "ms",
            "peer": peer, "peer_value": round(statistics.median(peer_values) / 1e6, 3),
            "ratio": round(statistics.median(a / b for a, b in zip(values, peer_values)), 3),
            "target": target, "how": how}


def policy_with(program):
    """The emulated machine's device policy, with one more app on it."""
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    return (paths.BUILD / "policy" / "device.policy").read_bytes() + \
        f"app sha256 {digest} {program.name}\n".encode()


def session():
    program = PROGRAMS / "takeover"
    built = image.build("kmod", {"/tests/takeover": program,
                                 "/etc/tconn/bench.policy": policy_with(program)})
    with Guest(built, BENCH / "takeover", firmware="seabios") as guest:
        guest.sh("insmod /usr/lib/tconn/tconn.ko && "
                 "cat /etc/tconn/bench.policy >/sys/kernel/security/tconn/policy && "
                 f"for t in {LAMP}; do echo tconn >$t; done")
        times = json.loads(guest.sh("/tests/takeover 30", timeout=300).output)
    modeset = "dumb buffer, picture, framebuffer and drmModeSetCrtc"
    whole = [a + b for a, b in zip(times["present_ns"], times["finish_ns"])]
    return [
        figure("takeover_vs_modeset", times["takeover_ns"], "bare libdrm modeset",
               times["modeset_ns"],
               "30 rounds in one guest: open, BIND (measured into the TPM) and the first picture "
               f"until the record's lit_ns, against {modeset}; each paints once", target=2),
        figure("giveback_vs_modeset", times["giveback_ns"], "bare libdrm modeset",
               times["modeset_ns"],
               f"same rounds: DECIDE until the record's ended_ns, against {modeset}", target=2),
        figure("present_vs_memcpy", whole, "memcpy, same bytes", times["copy_ns"],
               "same rounds: PRESENT of 1280x800 and all that follows the give-back, which is done "
               "once a session: hash of the frame, wipe of the buffer, the record's TPM extend; "
               "against memcpy() in the program. An emulated CPU makes memcpy() of the kernel "
               "(rep movsb) many times slower than that of a program (AVX2)"),
        figure("present_alone_vs_memcpy", times["present_ns"], "memcpy, same bytes",
               times["copy_ns"], "same rounds: PRESENT of 1280x800 alone, copy and commit"),
    ]


def connect():
    program = PROGRAMS / "connect"
    with Scene(BENCH / "connect", device_extra={"/tests/connect": program}) as scene:
        scene.enrol()
        scene.serve()
        times = json.loads(scene.device.sh(
            f"/tests/connect 20 {SERVICE_ADDRESS} {SERVICE} /var/lib/tconn/identity "
            "/etc/tconn/ca.pem /etc/tconn/service-reference.json", timeout=300).output)
    return [figure("connect_vs_tls", times["attested_ns"], "bare mutual TLS 1.3, same TPM keys",
                   times["bare_ns"],
                   "20 rounds between two guests: connection with both attestations and verdicts, "
                   "against the handshake alone")]


IMA_ENTRIES = 100000


def evmctl_ns(log, pcrs):
    """CPU time of one replay by evmctl, in ns."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["evmctl", "ima_measurement", "--pcrs", f"sha256,{pcrs}", str(log)],
                   check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round((after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1e9)


def ima():
    folder = BENCH / "ima"
    folder.mkdir(parents=True, exist_ok=True)
    times = json.loads(subprocess.run([PROGRAMS / "ima", str(IMA_ENTRIES), "15", folder],
                                      check=True, capture_output=True).stdout)
    evmctl = [evmctl_ns(folder / "log", folder / "pcrs") for _ in range(len(times["policy_ns"]))]
    rate = round(IMA_ENTRIES / (statistics.median(times["policy_ns"]) / 1e9))
    how = f"CPU time for one log of {IMA_ENTRIES} ima-sig entries, all listed: parse, replay, " \
        "comparison with the reference values"
    return [
        figure("ima_replay_vs_evmctl", times["policy_ns"], "evmctl ima_measurement", evmctl,
               how + "; evmctl parses and replays", target=0.2),
        {"name": "ima_replay_entries_per_s", "value": rate, "unit": "/s", "peer": "evmctl",
         "peer_value": round(IMA_ENTRIES / (statistics.median(evmctl) / 1e9)),
         "ratio": round(statistics.median(evmctl) / statistics.median(times["policy_ns"]), 3),
         "target": None, "how": how + "; wanted are over 1,000,000 per core"},
    ]


def print_table(figures):
    print(f"\n{'name':24} {'value':>10} {'peer':>10} {'ratio':>7}  target  against")
    for f in figures:
        print(f"{f['name']:24} {f['value']:>7} {f['unit']} {f['peer_value']:>7} {f['unit']} "
              f"{f['ratio']:>7}  {f['target'] or '-':>6}  {f['peer']}")


def main():
    BENCH.mkdir(parents=True, exist_ok=True)
    figures = []
    try:
        for measure in (session, connect, ima):
            print(f"bench: {measure.__name__} ...", flush=True)
            figures += measure()
    except (GuestError, OSError, ValueError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    (BENCH / "report.json").write_text(json.dumps(figures, indent=1) + "\n")
    print_table(figures)
    print("\nwritten: out/bench/report.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
