#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes a new kiosk from blank disk to first attestation, unattended (make provision).

The device is emulated: a firmware in setup mode, a TPM with its maker's EK certificate and a
blank disk, in out/provision/DEVICE/machine. Where such a folder is there already, that is the
device. The line (issuer, service, image; the owner's keys are in out/keys) is made with the
first device, in out/provision/line. The steps:

    arrive      the device is on the line
    disk        the image is written, and read back: it has the image's digest
    keys        firmware takes the owner's PK, KEK and db, and leaves setup mode
    ek          its TPM's EK certificate is a trusted maker's, and no other device has that TPM
    boot        first boot: firmware starts the owner's image
    enrol       tconn-ca certifies its keys (AK, TLS, data), sealed to the owner's boot states
    check       the device says that certificates and TPM are each other's
    register    the service lets it in
    attest      the service's verdict about it is: trusted
    record      record.json, record.txt and the certificates, in out/provision/DEVICE

A step is marked as done (steps.json) when it has been checked. Cut off at any point, run it
again: it goes on with the first step that is not marked, and does nothing twice that would make a
second identity or lose a key. Where all are marked it says so and changes nothing.

Exit codes: 0 the device is provisioned (or --until was reached), 1 something did not work: run it
again, 2 usage, 3 another run is at work in that folder, 4 refused: this device must not be
provisioned as it is, and the last line says why.
"""

import argparse
import contextlib
import datetime
import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import mkkeys
from harness import disk, durable, image, line, machine, paths, process
from harness.guest import Guest, GuestError
from harness.shell import ShellError
from harness.tpm import TpmError
from harness.uki import UkiError

FAILED, BUSY, REFUSED = 1, 3, 4
BOOT, ENROL, ATTEST = 400, 180, 180     # seconds, on a machine however busy
LOCK = 60       # seconds in which the children of a run cut off have gone, on a machine however busy
WRITTEN = (1, 2, 4)                     # partitions that the image alone writes; 3 is the device's own
CERTIFICATES = ("ak", "tls", "data")
TCTI = "/usr/lib/x86_64-linux-gnu/libtss2-tcti-device.so.0"
# What the machine's setup tool has besides: to read the TPM's papers.
SETUP_TOOLS = {"/usr/bin/tpm2": "/usr/bin/tpm2", TCTI: TCTI}
READ_EK = """
export TPM2TOOLS_TCTI=device:/dev/tpm0
tpm2 createek -G rsa -c /run/ek.ctx -f tss -u /run/ek.pub &&
tpm2 nvread 0x01c00002 -C o -o /run/ek.crt
"""


class ProvisionError(Exception):
    pass


class Refused(Exception):
    """A person has to look at this device."""


class Journal:
    """Which steps are done, and what was found: steps.json."""

    def __init__(self, path, device):
        self._path = path
        self.content = json.loads(path.read_text()) if path.exists() else {
            "device": device, "begun": [], "done": {}}

    def _save(self):
        durable.write(self._path, json.dumps(self.content, indent=1).encode() + b"\n")

    def done(self, step):
        """Its facts, or None."""
        return self.content["done"].get(step)

    def is_begun(self, step):
        return step in self.content["begun"]

    def begin(self, step):
        if not self.is_begun(step):
            self.content["begun"].append(step)
            self._save()

    def mark(self, step, facts):
        self.content["done"][step] = {"time": now(), **facts}
        self._save()


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ProvisionError(f"{command[0]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


class Walk:
    """One device along the line. Steps are methods: each checks what it did and returns the facts."""

    STEPS = ("arrive", "disk", "keys", "ek", "boot", "enrol", "check", "register", "attest",
             "record")

    def __init__(self, name, folder, the_line, stack):
        self.name = name
        self.folder = folder
        self.line = the_line
        self.journal = Journal(folder / "steps.json", name)
        self.device = self.setup = None     # guests, while they are on
        self._stack = stack
        self._started = time.monotonic()

    def say(self, text):
        print(f"[{time.monotonic() - self._started:6.1f} s] {text}", flush=True)

    @property
    def machine(self):
        return machine.Machine.found(self.folder / "machine")

    @property
    def medium(self):
        return self.folder / "machine" / "disk.img"

    def fact(self, step, name):
        return self.journal.done(step)[name]

    # -- the walk

    def go(self, until):
        for step in self.STEPS[:self.STEPS.index(until) + 1]:
            facts = self.journal.done(step)
            if facts:
                getattr(self, f"still_{step}", lambda facts: None)(facts)
                self.say(f"{step}: done before, on {facts['time']}")
                continue
            self.say(f"{step}: begins")
            facts = getattr(self, f"do_{step}")()
            self.journal.mark(step, facts)
            self.say(f"{step}: done")

    # -- arrive

    def do_arrive(self):
        """The emulated machine as its maker delivers it."""
        place = self.folder / "machine"
        if not place.exists():
            made = machine.Machine(self.folder / f"machine.{os.getpid()}.new", self.line.maker)
            disk.blank(made.directory / "disk.img")
            made.directory.replace(place)
            durable.sync_folder(self.folder)
        for half in self.folder.glob("machine.*.new"):
            shutil.rmtree(half, ignore_errors=True)
        self.say(f"arrive: {self.name} is a machine with firmware, TPM and disk")
        return {}

    # -- disk

    def do_disk(self):
        picture = self.line.image / "disk.img"
        expected = (self.line.image / "disk.sha256").read_text().split()[0]
        if disk.digest(picture) != expected:
            raise ProvisionError(f"{picture} is not what was built: its digest is not that of "
                                 "disk.sha256; nothing was written")
        if not self.journal.is_begun("disk") and not disk.is_blank(self.medium):
            raise Refused("its disk is not blank, and this line did not write it: not a new device, "
                          "or another line's")
        self.journal.begin("disk")
        self.say(f"disk: writing image version {self.line.note['version']}, "
                 f"{disk.SIZE // disk.MIB} MiB")
        disk.install(self.medium, picture)
        if disk.digest(self.medium) != expected:
            raise ProvisionError("what was read back from the disk is not what was written")
        self.say(f"disk: read back; its digest is the image's, {expected[:16]}...")
        return {"sha256": expected, "partitions": self._partitions()}

    def _partitions(self):
        return {disk.PARTITIONS[n - 1][0]: disk.digest(self.medium, n) for n in WRITTEN}

    def still_disk(self, facts):
        differs = [name for name, digest in self._partitions().items()
                   if facts["partitions"][name] != digest]
        if differs:
            raise Refused(f"its disk differs from what was written to it, in {', '.join(differs)}; "
                          "it was left as it is")

    # -- keys, ek: from the setup tool that the line starts on the machine

    def _setup_on(self):
        if not self.setup:
            board = self.machine
            board.disk = None
            self.setup = self._stack.enter_context(Guest(
                image.build("setup", SETUP_TOOLS), self.folder / "setup", machine=board,
                hardened=False, timeout=BOOT))
        return self.setup

    def _setup_off(self):
        if self.setup:
            self.setup.stop()

    def do_keys(self):
        guest = self._setup_on()
        self.say("keys: writing db, KEK and PK to the firmware")
        try:
            machine.enrol_in(guest, self.line.keys)
        except machine.ForeignKeys as error:
            raise Refused(str(error)) from None
        self.say("keys: read back: the owner's alone; setup mode has ended")
        return {"owner": mkkeys.owner(self.line.keys)}

    def do_ek(self):
        guest = self._setup_on()
        guest.sh(READ_EK)
        for name in ("ek.pub", "ek.crt"):
            durable.write(self.folder / name, guest.get(f"/run/{name}"))
        try:
            device_id = run(paths.BIN / "tconn-ca", "check", "--ek-trust", self.line.issuers,
                            self.folder / "ek.pub", self.folder / "ek.crt").strip()
        except ProvisionError as error:
            raise Refused(f"its TPM is not of a maker whom this line trusts: {error}") from None
        self.say("ek: the certificate is a trusted maker's, and for this EK; device id "
                 f"{device_id[:16]}...")
        self._claim(device_id)
        issuer = self._x509(self.folder / "ek.crt", "-inform", "DER", "-noout", "-issuer")
        return {"id": device_id, "issuer": issuer.removeprefix("issuer=")}

    def _claim(self, device_id):
        try:
            self.line.claim(device_id, self.name)
        except line.Claimed as error:
            raise Refused(f"{error}; it is not made another") from None

    def still_ek(self, facts):
        self._claim(facts["id"])

    @staticmethod
    def _x509(path, *options):
        return run("openssl", "x509", "-in", path, *options).strip()

    # -- boot, enrol, check: the device's own image runs

    def _on(self):
        """The device and the service, both up."""
        if self.device:
            return self.device
        self._setup_off()
        the_line = self._stack.enter_context(self.line)
        kiosk = image.Image("device", self.line.note["kernel"], None, None, {})
        self.device = self._stack.enter_context(Guest(
            kiosk, self.folder / "device", machine=self.machine, wire=self.line.wire, wait=False))
        self._wait_console("kiosk: started", BOOT)
        the_line.wait()
        return self.device

    def _wait_console(self, pattern, timeout):
        deadline = time.monotonic() + timeout
        while not (match := self.device.console.find(pattern)):
            stopped = self.device.console.find("boot stopped: (.*)")
            if stopped:
                raise ProvisionError(f"the device does not start: {stopped[1]}")
            if time.monotonic() > deadline:
                raise ProvisionError(f"the device's console did not say {pattern!r} in {timeout} s; "
                                     f"it ends with:\n{self.device.console.tail()}")
            time.sleep(0.2)
        return match

    def do_boot(self):
        self.say("boot: first start, by firmware with the owner's keys")
        self._on()
        self.say("boot: firmware, kernel, module and root were accepted, link by link; it is up")
        return {}

    def do_enrol(self):
        device_id = self.fact("ek", "id")
        self._on()
        self.say("enrol: the issuer's desk is open; the device comes by itself")
        self.line.open_desk()
        entry = self.line.wait_device(lambda: self.line.enrolled(device_id), ENROL,
                                      f"the enrolment of device {device_id}")
        self.line.service.sh("sync")
        self.say(f"enrol: {entry['certificates']} certificates issued to device {device_id[:16]}...")
        return {"ek": entry["ek"], "ak": entry["ak"]}

    def do_check(self):
        self._on()
        self.line.open_desk()   # it may have been cut off before its certificates arrived
        said = self._wait_console(r"kiosk: enrolment: (.*)", ENROL)[1]
        found = re.search(r"enrolled as urn:tconn:device:([0-9a-f]{64})", said)
        if not found:
            raise Refused(f"the device says of its enrolment: {said}")
        if found[1] != self.fact("ek", "id"):
            raise Refused(f"it enrolled as {found[1]}: its TPM is not the one that was checked")
        self.say("check: the device says that certificates and keys in its TPM are each other's")
        return {}

    # -- register, attest

    def do_register(self):
        self._on()
        state = self.line.register(self.fact("ek", "id"))
        self.say(f"register: {self.line.note['service']} lets the device in")
        return {"service": self.line.note["service"], "added": state["added"]}

    def do_attest(self):
        self._on()
        self.line.open_desk()
        self.line.register(self.fact("ek", "id"))
        state = self.line.attest(ATTEST)
        bad = [f"{c['name']}: {c['reason']}" for c in state["checks"] if not c["pass"]]
        if bad or not state["trusted"]:
            raise ProvisionError("the service does not trust it: " + "; ".join(bad))
        for check in state["checks"]:
            print(f"             pass  {check['name']:18} {check['reason']}")
        self.line.service.sh("sync")
        self.say(f"attest: trusted; all {len(state['checks'])} checks passed")
        return {"verdict": "trusted", "checks": {c["name"]: c["reason"] for c in state["checks"]}}

    # -- record

    def _off(self):
        """What it wrote is on its disk."""
        if self.device:
            self.device.stop()

    def do_record(self):
        self._off()
        self.still_disk(self.journal.done("disk"))
        device_id = self.fact("ek", "id")
        files = disk.state_files(self.medium, [f"identity/{name}.pem" for name in CERTIFICATES])
        certificates = {}
        for name in CERTIFICATES:
            path = self.folder / f"{name}.pem"
            durable.write(path, files[f"identity/{name}.pem"])
            run("openssl", "verify", "-partial_chain", "-CAfile", self.line.ca / "ca.pem", path)
            certificates[name] = self._certificate(path, device_id)
        record = {
            "device": self.name, "id": device_id, "ek_digest": device_id,
            "ek_issuer": self.fact("ek", "issuer"), "ak_name": self.fact("enrol", "ak"),
            "image": {"version": self.line.note["version"], "kernel": self.line.note["kernel"],
                      "sha256": self.fact("disk", "sha256")},
            "owner": self.fact("keys", "owner"), "certificates": certificates,
            "service": self.fact("register", "service"), "verdict": self.fact("attest", "verdict"),
            "checks": self.fact("attest", "checks"),
            "steps": {step: self.fact(step, "time") for step in self.STEPS[:-1]},
        }
        durable.write(self.folder / "record.txt", self._words(record).encode())
        durable.write(self.folder / "record.json", json.dumps(record, indent=1).encode() + b"\n")
        return {}

    def _certificate(self, path, device_id):
        """Of the record; it must name this device."""
        if f"urn:tconn:device:{device_id}" not in self._x509(path, "-noout", "-ext", "subjectAltName"):
            raise Refused(f"{path.name} on its disk is another device's")
        facts = dict(fact.partition("=")[::2] for fact in self._x509(
            path, "-noout", "-serial", "-enddate", "-fingerprint", "-sha256").splitlines())
        return {"file": path.name, "serial": facts["serial"], "until": facts["notAfter"],
                "sha256": facts["sha256 Fingerprint"].replace(":", "").lower()}

    @staticmethod
    def _words(record):
        lines = [
            f"Device {record['device']} was provisioned.", "",
            f"  id                {record['id']}",
            "                    (SHA-256 of its TPM's endorsement key)",
            f"  TPM's maker       {record['ek_issuer']}",
            f"  image             version {record['image']['version']}, kernel "
            f"{record['image']['kernel']}",
            f"                    disk {record['image']['sha256']}",
            f"  Secure Boot       the keys of owner {record['owner']} alone",
        ]
        for name, certificate in record["certificates"].items():
            lines.append(f"  {name + ' certificate':18}{certificate['serial']}, until "
                         f"{certificate['until']}")
        lines += [f"  service           {record['service']}", "",
                  f"Its first attestation: {record['verdict']}. What the service checked:", ""]
        lines += [f"  {name:20}{reason}" for name, reason in record["checks"].items()]
        return "\n".join(lines) + "\n"

    def still_record(self, facts):
        del facts
        record = json.loads((self.folder / "record.json").read_text())
        if record["id"] != self.fact("ek", "id"):
            raise Refused("record.json is another device's")


def lock(folder, seconds):
    """One run at a time. Its children hold the lock too: what was cut off has gone then."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
            continue
        process.share(handle)
        return True


def device_name(text):
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,62}", text) or text in ("line", "lock"):
        raise argparse.ArgumentTypeError("1 to 63 small letters, digits, dots and dashes, not line or "
                                         "lock")
    return text


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", type=device_name, default="kiosk-1", metavar="NAME",
                        help="as the line calls it (kiosk-1)")
    parser.add_argument("--until", choices=Walk.STEPS, default=Walk.STEPS[-1], metavar="STEP",
                        help="stop when this step is done")
    parser.add_argument("--output", type=pathlib.Path, metavar="FOLDER",
                        default=paths.OUT / "provision", help="out/provision by default")
    parser.add_argument("--wait", type=int, metavar="SECONDS", default=LOCK,
                        help="for another run in that folder to end (60)")
    parser.add_argument("--keys", type=pathlib.Path, metavar="FOLDER", default=paths.OUT / "keys",
                        help="the owner's; out/keys by default")
    return parser.parse_args()


def provision(args, folder):
    echo = lambda text: print(f"           {text}", flush=True)    # noqa: E731
    the_line = line.Line(args.output / "line", mkkeys.make(args.keys), echo)
    with contextlib.ExitStack() as stack:
        walk = Walk(args.device, folder, the_line, stack)
        walk.go(args.until)
    if args.until == Walk.STEPS[-1]:
        print()
        print((folder / "record.txt").read_text(), end="")


def main():
    args = arguments()
    folder = args.output / args.device
    folder.mkdir(parents=True, exist_ok=True)
    if not lock(args.output, args.wait):
        print(f"provision: another run is at work in {args.output}", file=sys.stderr)
        return BUSY
    try:
        provision(args, folder)
    except Refused as error:
        print(f"provision: REFUSED, {args.device}: {error}", file=sys.stderr)
        return REFUSED
    except (ProvisionError, GuestError, ShellError, TpmError, UkiError, disk.DiskError,
            mkkeys.KeysError, OSError, ValueError, KeyError) as error:
        print(f"provision: {args.device}: {error}\nRun it again: it goes on from here. Logs are in "
              f"{folder}.", file=sys.stderr)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
