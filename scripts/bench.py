#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures, each figure against a peer in the same run (make bench).

Prints a table and writes out/bench/report.json: a list of
{name, value, unit, peer, peer_value, ratio, target, how}. value and peer_value are
medians; ratio is the median of value/peer taken round by round, so that a machine
whose speed drifts does not distort it. target is null where none is set.

    scripts/bench.py [session|evidence|keys|idle|connect|ima|label|receipt|swarm|image|boot ...]
                                                these alone; no report is written

Guests are emulated by QEMU's TCG unless TCONN_ACCEL=kvm: their figures are for comparing within a
run, not for a real machine.

Exit codes: 0 measured, 1 something failed, 2 usage.
"""

import argparse
import hashlib
import json
import os
import pathlib
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import mkkeys                                           # noqa: E402
from harness import image, kiosk, paths                 # noqa: E402
from harness.disk import DiskError                      # noqa: E402
from harness.guest import Guest, GuestError             # noqa: E402
from harness.kiosk_scene import KioskScene              # noqa: E402
from harness.machine import Machine                     # noqa: E402
from harness.scene import SERVICE, SERVICE_ADDRESS, Scene  # noqa: E402
from harness.uki import UkiError                        # noqa: E402

BENCH = paths.OUT / "bench"
PROGRAMS = paths.BUILD / "selftests" / "bench"
LAMP = "/sys/class/leds/*::scrolllock/trigger"


def figure(name, values, peer, peer_values, how, target=None, *, unit="ms", scale=1e6):
    return {"name": name, "value": round(statistics.median(values) / scale, 3), "unit": unit,
            "peer": peer, "peer_value": round(statistics.median(peer_values) / scale, 3),
            "ratio": round(statistics.median(a / b for a, b in zip(values, peer_values)), 3),
            "target": target, "how": how}


def policy_with(program, *listed):
    """The emulated machine's device policy, with one more app on it, and more input devices; no
    grace, for keys here come as soon as they may.
    """
    digest = hashlib.sha256(program.read_bytes()).hexdigest()
    lines = [f"app sha256 {digest} {program.name}", *(f"input {glob}" for glob in listed)]
    return (paths.BUILD / "policy" / "device.policy").read_bytes() + \
        "".join(f"{line}\n" for line in [*lines, "grace-ms 0"]).encode()


def boot(name, program, *listed):
    """A guest with that program on its policy; the module is not loaded yet."""
    built = image.build("kmod", {f"/tests/{name}": program,
                                 "/etc/tconn/bench.policy": policy_with(program, *listed)})
    return Guest(built, BENCH / name, firmware="seabios")


def load(guest):
    guest.sh("insmod /usr/lib/tconn/tconn.ko developer=1 && "
             "cat /etc/tconn/bench.policy >/sys/kernel/security/tconn/policy && "
             f"for t in {LAMP}; do echo tconn >$t; done")


# The module's functions that are timed: all of a session's commands, and the evidence in them.
COMMANDS = "session_ioctl"
EVIDENCE = ("tconn_evidence_agree", "tconn_display_report", "tconn_evidence_seal")


def traced_us(guest, functions, command):
    """{function: us} that the kernel spent in each while the command ran, by its own tracer."""
    guest.sh("mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; cd /sys/kernel/tracing && "
             f"for f in {' '.join(functions)}; do echo $f >>set_ftrace_filter || exit 1; done; "
             "echo 1 >options/funcgraph-tail && echo function_graph >current_tracer")
    guest.sh(command, timeout=300)
    trace = guest.sh("cd /sys/kernel/tracing && echo 0 >tracing_on && cat trace").output
    total = dict.fromkeys(functions, 0.0)
    for us, leaf, tail in re.findall(
            r"([\d.]+) us +\| +(?:(\w+)(?: \[tconn\])?\(\);|\} /\* (\w+))", trace):
        total[leaf or tail] += float(us)
    return total


def evidence():
    with boot("takeover", PROGRAMS / "takeover") as guest:
        load(guest)
        us = traced_us(guest, (COMMANDS, *EVIDENCE), "/tests/takeover 20")
    spent = sum(us[name] for name in EVIDENCE)
    if not all(us.values()):
        raise GuestError(f"not all functions were seen: {us}")
    return [{"name": "evidence_share_of_session", "value": round(spent / 20e3, 3), "unit": "ms",
             "peer": "all of the session's commands", "peer_value": round(us[COMMANDS] / 20e3, 3),
             "ratio": round(spent / us[COMMANDS], 4), "target": None,
             "how": "20 sessions of 1280x800 in one guest, by the kernel's function_graph tracer: "
                    "X25519 and HKDF at BIND, then hash and wipe of the frame and the record's "
                    "MAC, as a share of BIND to DECIDE; of these "
                    + ", ".join(f"{name} {us[name] / 20e3:.3f} ms" for name in EVIDENCE)}]


def session():
    with boot("takeover", PROGRAMS / "takeover") as guest:
        load(guest)
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


def pressed(guest, kind, presses):
    """Times of that many keys pressed from outside the guest."""
    guest.spawn(f"exec /tests/key_to_frame {kind} {presses}", "/run/keys")
    guest.wait_for("grep -q ready /run/keys || { ! cat /run/keys; false; }", 30)
    for i in range(presses):
        guest.keys(str(i % 10))
    return json.loads(guest.wait_for("grep ^{ /run/keys", 30))["ns"]


def keys():
    times = {"session": [], "evdev": []}
    with boot("key_to_frame", PROGRAMS / "key_to_frame") as guest:
        load(guest)
        for _ in range(4):
            for kind, values in times.items():
                values += pressed(guest, kind, 10)
    return [figure("key_to_frame_vs_evdev_kms", times["session"], "bare evdev-to-KMS program",
                   times["evdev"], "4 turns of 10 keys pressed over QMP: from the kernel's date of "
                   "the press until a 640x120 answer is presented (PRESENT, drmModeDirtyFB)",
                   target=1.5)]


def idle():
    """One event from uinput to its reader, with the module listening to that device and not."""
    times = {"loaded": [], "bare": []}
    with boot("input_cost", PROGRAMS / "input_cost", "/devices/virtual/input/*") as guest:
        for _ in range(6):
            times["bare"] += json.loads(guest.sh("/tests/input_cost 5").output)["ns"]
            load(guest)
            times["loaded"] += json.loads(guest.sh("/tests/input_cost 5").output)["ns"]
            guest.sh(f"for t in {LAMP}; do echo none >$t; done; rmmod tconn")
    return [figure("idle_input_overhead", times["loaded"], "no module", times["bare"],
                   "6 turns of 5 rounds of 2000 events from uinput to an event node, the module "
                   "loaded with a policy that lists the device: outside a session its handle is "
                   "not open, and the core passes it by")]


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


LABEL_ROUNDS = 15
LABEL_ITEMS = {"128": (128, 65536, 0.2), "4k": (4096, 16384, 0.4)}     # bytes, of a batch, wanted


def share(name, times, key, target, how):
    """How much of the bare hash's rate is left; the values are its time and ours."""
    return {"name": name, "value": round(statistics.median(times[key]) / 1e6, 3), "unit": "ms",
            "peer": "SHA-256 of the same bytes",
            "peer_value": round(statistics.median(times["raw_ns"]) / 1e6, 3),
            "ratio": round(statistics.median(a / b for a, b in zip(times["raw_ns"], times[key])), 3),
            "target": target, "how": how}


def label():
    figures = []
    for name, (size, items, target) in LABEL_ITEMS.items():
        times = json.loads(subprocess.run(
            [PROGRAMS / "label", str(LABEL_ROUNDS), str(size), str(items)], check=True,
            capture_output=True).stdout)
        how = f"{LABEL_ROUNDS} rounds, CPU time of one thread: a batch of {items} items of {size} bytes, one " \
            "signature of a software TPM (its own time apart); ratio is the rate as a share of one SHA-256 over all of " \
            "it in one go"
        figures += [share(f"label_sign_share_{name}", times, "sign_ns", target, how),
                    share(f"label_verify_share_{name}", times, "verify_ns", target, how)]
        per_item = round(times["batch_bytes"] / items, 1)
        figures.append({"name": f"label_bytes_per_item_{name}", "value": per_item, "unit": "B",
                        "peer": "label of one item that stands alone",
                        "peer_value": times["single_bytes"],
                        "ratio": round(per_item / times["single_bytes"], 3), "target": None,
                        "how": "the batch's label, by its items"})
    return figures


def receipt():
    times = json.loads(subprocess.run([PROGRAMS / "receipt", "50"], check=True,
                                      capture_output=True).stdout)
    verify, ecdsa = (statistics.median(times[n]) for n in ("verify_ns", "ecdsa_ns"))
    how = "a confirmation on 1280x800: two signatures, two chains, the picture drawn again; one core"
    return [
        {"name": "receipt_verify_per_s", "value": round(1e9 / verify, 1), "unit": "/s",
         "peer": "two ECDSA verifications", "peer_value": round(1e9 / ecdsa, 1),
         "ratio": round(ecdsa / verify, 4), "target": None, "how": how},
        {"name": "receipt_bytes", "value": times["receipt_bytes"], "unit": "B",
         "peer": "the record", "peer_value": 480,
         "ratio": round(times["receipt_bytes"] / 480, 3), "target": None,
         "how": "COSE_Sign1 with both certificates, statement, record, 24 checks"},
    ]


SWARM_ROUNDS = 5
SWARM_SECONDS = 10
SWARM_DEVICES = (100, 1000, 10000)
SIMULATED = "devices and their TPMs simulated by tconn-swarm, on the same machine; the service's TPM is swtpm"


def of_connections(rounds, side, key):
    return [r[side]["connections"][key] for r in rounds]


def against_bare(name, rounds, key, unit, target, how):
    """Median of attested over bare, round by round."""
    ours, bare = (of_connections(rounds, side, key) for side in ("attested", "bare"))
    return {"name": name, "value": round(statistics.median(ours), 1), "unit": unit,
            "peer": "bare mutual TLS 1.3", "peer_value": round(statistics.median(bare), 1),
            "ratio": round(statistics.median(a / b for a, b in zip(ours, bare)), 3),
            "target": target, "how": how}


def against_fewest(name, held, value, unit, how, target=None):
    """One figure for each number of devices, beside that of the fewest."""
    return [{"name": f"{name}_{h['devices']}", "value": round(value(h), 2), "unit": unit,
             "peer": f"{held[0]['devices']} devices", "peer_value": round(value(held[0]), 2),
             "ratio": round(value(h) / value(held[0]), 3), "target": target, "how": how}
            for h in held]


def held_figures(held):
    most = held[-1]
    asked = f"all ask to attest again each second for {SWARM_SECONDS} s, evidence kept, SQLite; {SIMULATED}"
    rate = most["attestations"]["per_s"]
    return [
        {"name": "idle_connections_held", "value": most["held"], "unit": "", "peer": "asked for",
         "peer_value": most["devices"], "ratio": round(most["held"] / most["devices"], 4), "target": 1,
         "how": "attested, on loopback, at once; " + SIMULATED},
        {"name": "idle_connection_kib", "value": round(most["service_kib_per_connection"], 1), "unit": "KiB",
         "peer": "wanted", "peer_value": 32,
         "ratio": round(most["service_kib_per_connection"] / 32, 3), "target": 1,
         "how": f"growth of the service's resident memory by {most['devices']} connections, all that "
                "it keeps of their devices included; socket buffers are the kernel's"},
        {"name": "reattest_per_s_sqlite", "value": round(rate, 1), "unit": "/s",
         "peer": "1 / CPU time of one, per core",
         "peer_value": round(1e6 / most["attestations"]["service_cpu_us_each"], 1),
         "ratio": round(rate * most["attestations"]["service_cpu_us_each"] / 1e6, 3), "target": None,
         "how": f"{most['devices']} devices, " + asked},
        *against_fewest("reattest_cpu_us", held, lambda h: h["attestations"]["service_cpu_us_each"], "us",
                        "the service's CPU time for one; " + asked),
        *against_fewest("reattest_p50_ms", held, lambda h: h["attestations"]["ms"]["p50"], "ms",
                        "from the service's question to its verdict; " + asked),
        *against_fewest("reattest_p99_ms", held, lambda h: h["attestations"]["ms"]["p99"], "ms",
                        "from the service's question to its verdict; " + asked),
    ]


def swarm():
    out = subprocess.run([PROGRAMS / "swarm", str(SWARM_ROUNDS), str(SWARM_SECONDS),
                          *map(str, SWARM_DEVICES)], check=True, stdout=subprocess.PIPE, cwd=paths.ROOT)
    times = json.loads(out.stdout)
    (BENCH / "swarm.json").write_text(json.dumps(times, indent=1) + "\n")
    failed = sum(r[side]["failed"] for r in times["rounds"] for side in r) + \
        sum(h["failed"] for h in times["held"])
    how = f"{SWARM_ROUNDS} rounds of {SWARM_SECONDS} s each, turn by turn, 16 at once, against a TLS server " \
        f"with the same settings and its key in an swtpm of its own; {failed} failed; {SIMULATED}"
    rounds = times["rounds"]
    return [
        against_bare("attested_cpu_vs_tls", rounds, "service_cpu_us_each", "us", 1.5,
                     "the service's CPU time for one connection, both sides attested; " + how),
        against_bare("attested_rate_vs_tls", rounds, "per_s", "/s", 0.6,
                     "connections a second; " + how),
        *held_figures(times["held"]),
    ]


# -- the kiosk image

BUILDS, BOOTS = 2, 3
CPU_WORD = "time of this machine's processors, which others' load does not stretch"
MIB = 1 << 20
IMA_LINE, MODULE_LINE = "/sys/kernel/security/ima/policy", "load_tconn"
REE_UP = "bench: the REE is up"
# The REE's last program is the one of scripts/guest/kiosk that sleeps for good.
WATCH = f"""#!/bin/sh
until cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -q 'sleep[ ]2147483647'; do sleep 0.2; done
echo '{REE_UP}' >/dev/console
"""
BOOT_TIMEOUT = 900


def machine_word():
    """What guests' figures were measured on."""
    return "KVM" if os.environ.get("TCONN_ACCEL") == "kvm" else "QEMU's TCG, without KVM"


def used_cpu():
    """Seconds of this machine's processors, of this program and of those it waited for."""
    return sum(os.times()[:4])


def build_image(folder):
    """An image and what it took: (seconds, of processors)."""
    started, cpu = time.monotonic(), used_cpu()
    built = kiosk.build({}, keys=mkkeys.make(paths.OUT / "keys"), out=folder, kept=folder / "kept")
    return built, (time.monotonic() - started, used_cpu() - cpu)


def image_figures():
    """Time and size of the kiosk image; programs and module are built already."""
    folder = BENCH / "image"
    anew, kept = [], []
    for _ in range(BUILDS):
        shutil.rmtree(folder, ignore_errors=True)
        for times in (anew, kept):
            built, took = build_image(folder)
            times.append(took)
    sizes = {"uki": built.uki, "root": built.root.data, "kernel": built.kernel}
    sizes = {name: path.stat().st_size for name, path in sizes.items()}
    content = sum(len(entry.data) for entry in kiosk.root_tree(built.release).entries.values())
    used = built.disk.stat().st_blocks * 512
    in_mib = {"unit": "MiB", "scale": MIB}
    how = f"{BUILDS} rounds: root packed and hashed, module and policy signed, boot image put together and " \
        "signed, disk written; programs and module are built already"
    (wall, cpu), (kept_wall, kept_cpu) = zip(*anew), zip(*kept)
    again = "again, root and module kept"
    return [
        figure("image_build", wall, again, kept_wall, how, unit="s", scale=1),
        figure("image_build_cpu", cpu, again, kept_cpu, f"{how}; {CPU_WORD}", unit="s", scale=1),
        figure("image_disk", [used], "its partitions", [built.disk.stat().st_size],
               "what disk.img takes on this machine; the rest of its partitions is empty", **in_mib),
        figure("image_uki", [sizes["uki"]], "Debian's kernel alone", [sizes["kernel"]],
               "signed boot image: stub, kernel, initramfs, command line", **in_mib),
        figure("image_root", [sizes["root"]], "its files, not packed", [content],
               "squashfs (zstd) with its dm-verity tree", **in_mib),
    ]


def unmeasured_program():
    """The kiosk's first program without IMA's policy and without tconn.ko."""
    lines = kiosk.first_program().splitlines(keepends=True)
    kept = [line for line in lines if IMA_LINE not in line and line.strip() != MODULE_LINE]
    if len(kept) != len(lines) - 2:
        raise ValueError("scripts/kiosk/init has changed: what measures is not found in it")
    return "".join(kept)


def boot_once(machine, built, name):
    """(seconds, seconds of this machine's processors) from power-on until the REE is up."""
    machine.insert(built.disk)
    with Guest(built, BENCH / "boot" / name, machine=machine, wait=False) as guest:
        deadline = time.monotonic() + BOOT_TIMEOUT
        while not guest.console.contains(REE_UP):
            if time.monotonic() > deadline:
                raise GuestError(f"{name} did not come up:\n{guest.console.tail()}")
            time.sleep(0.05)
        return guest.console.when(REE_UP), guest.cpu_seconds()


def measuring_figures():
    keys = mkkeys.make(paths.OUT / "keys")
    machine = Machine(BENCH / "boot" / "machine")
    machine.enrol(keys)
    settings = {"shell": WATCH.encode()}
    images = {"measured": kiosk.build(settings, keys=keys, out=BENCH / "boot" / "with"),
              "unmeasured": kiosk.build(settings, keys=keys, out=BENCH / "boot" / "without",
                                        init=unmeasured_program())}
    seen = {name: [] for name in images}
    for _ in range(BOOTS):
        for name, built in images.items():
            seen[name].append(boot_once(machine, built, name))
    how = f"{BOOTS} rounds, {machine_word()}: from power-on, Secure Boot on, until the last program of the REE " \
        "has started; the same image with and without IMA's policy and tconn.ko (loading it included)"
    (wall, cpu), (bare_wall, bare_cpu) = (zip(*seen[name]) for name in images)
    return [figure("boot_measured", wall, "nothing measured", bare_wall, how, unit="s", scale=1),
            figure("boot_measured_cpu", cpu, "nothing measured", bare_cpu,
                   f"{how}; {CPU_WORD}", unit="s", scale=1)]


def wait_for_verdict(scene, last):
    deadline = time.monotonic() + BOOT_TIMEOUT
    while True:
        state = scene.device_state()
        if state["last_seen"] != last and state["checks"]:
            if not state["trusted"]:
                raise GuestError(f"the device is not trusted: {state['checks']}")
            return time.monotonic()
        if time.monotonic() > deadline:
            raise GuestError("no attestation came:\n" + scene.logs())
        time.sleep(0.1)


def verdict_figure():
    verdicts, starts = [], []
    with KioskScene(BENCH / "verdict") as scene:
        scene.enrol()
        scene.serve()
        scene.connect()
        for _ in range(BOOTS):
            scene.device.stop()
            last = scene.device_state()["last_seen"]
            scene.switch_on()
            verdicts.append(wait_for_verdict(scene, last) - scene.device.console.started)
            starts.append(scene.device.console.when("kiosk: started"))
    return figure("boot_to_verdict", verdicts, "its first program done", starts,
                  f"{BOOTS} boots, {machine_word()}, the service's guest beside it: from power-on of the enrolled "
                  "kiosk, Secure Boot on, until the service's verdict, trusted; against the start of all services "
                  "in the same boots", unit="s", scale=1)


def boot_figures():
    return [verdict_figure(), *measuring_figures()]


def print_table(figures):
    print(f"\nguests ran on {machine_word()}: compare ratios, not times")
    print(f"\n{'name':24} {'value':>10} {'peer':>10} {'ratio':>7}  target  against")
    for f in figures:
        print(f"{f['name']:24} {f['value']:>7} {f['unit']} {f['peer_value']:>7} {f['unit']} "
              f"{f['ratio']:>7}  {f['target'] or '-':>6}  {f['peer']}")


def print_size():
    """Of the module, in lines as they are, comments and all."""
    lines = {path.name: len(path.read_text().splitlines())
             for path in sorted((paths.ROOT / "kmod").glob("**/*.[ch]"))
             if not path.name.endswith(".mod.c")}
    print("\nlines of kmod/")
    for name, count in lines.items():
        print(f"  {name:16} {count:>5}")
    print(f"  {'all':16} {sum(lines.values()):>5}")


MEASURES = {**{m.__name__: m for m in (session, evidence, keys, idle, connect, ima, label, receipt, swarm)},
            "image": image_figures, "boot": boot_figures}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", choices=[[], *MEASURES])
    wanted = parser.parse_args().measures
    BENCH.mkdir(parents=True, exist_ok=True)
    figures = []
    try:
        for name in wanted or MEASURES:
            print(f"bench: {name} ...", flush=True)
            figures += MEASURES[name]()
    except (GuestError, DiskError, UkiError, mkkeys.KeysError, OSError, ValueError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print_table(figures)
    print_size()
    if not wanted:
        (BENCH / "report.json").write_text(json.dumps(figures, indent=1) + "\n")
        print("\nwritten: out/bench/report.json")
    return 0


if __name__ == "__main__":
    sys.exit(main())
