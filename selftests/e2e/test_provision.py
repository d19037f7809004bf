# SPDX-License-Identifier: Apache-2.0
"""The factory line (scripts/provision.py): cut off after and within each step, it ends where it
would have ended; what it must not provision it refuses. Up to the keys in make check, the rest in
make check-full.
"""

import fcntl
import hashlib
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
import unittest

import mkkeys
import provision
from harness import disk, machine, paths
from harness.full import full
from harness.line import Claimed, Line
from harness.tpm import Manufacturer, Tpm

PROGRAM = paths.ROOT / "scripts" / "provision.py"
STEPS = ("arrive", "disk", "keys", "ek", "boot", "enrol", "check", "register", "attest", "record")
TIMEOUT = 900       # seconds of a run, on a machine however busy
REFUSED, BUSY = 4, 3


class Walks(unittest.TestCase):
    """One line; a device or more for each test."""

    @classmethod
    def setUpClass(cls):
        cls.directory = paths.OUT / "check" / "e2e" / cls.__name__
        shutil.rmtree(cls.directory, ignore_errors=True)
        cls.directory.mkdir(parents=True)

    def command(self, device, *options):
        return [sys.executable, PROGRAM, "--output", self.directory, "--keys",
                self.directory / "owner", "--device", device, *options]

    def run_it(self, device, *options, status=0):
        done = subprocess.run(self.command(device, *options), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=TIMEOUT, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def run_and_kill(self, device, pattern, *options, after=0.0):
        """SIGKILL once it says so, or some time later; what it had said by then."""
        child = subprocess.Popen(self.command(device, *options), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        guard = threading.Timer(TIMEOUT, child.kill)
        guard.start()
        said = ""
        for line in child.stdout:
            said += line
            if re.search(pattern, line):
                time.sleep(after)
                child.send_signal(signal.SIGKILL)
                break
        child.wait()
        guard.cancel()
        child.stdout.close()
        self.assertEqual(child.returncode, -signal.SIGKILL, said)
        return said

    def folder(self, device):
        return self.directory / device

    def steps(self, device):
        return json.loads((self.folder(device) / "steps.json").read_text())["done"]


class Papers(unittest.TestCase):
    """A TPM before it enrols (tconn-ca check), and whose it is; no guest."""

    @classmethod
    def setUpClass(cls):
        cls.directory = paths.OUT / "check" / "e2e" / cls.__name__
        shutil.rmtree(cls.directory, ignore_errors=True)
        cls.maker = Manufacturer(cls.directory / "maker")
        cls.read("one")
        cls.read("other")

    @classmethod
    def read(cls, name):
        """As the setup tool does it on a machine."""
        with tempfile.TemporaryDirectory(prefix="tconn-tpm-") as sockets, \
             Tpm(cls.directory / name, cls.maker, tcti=True, sockets=sockets) as tpm:
            script = provision.READ_EK.replace("device:/dev/tpm0", tpm.tcti)
            subprocess.run(["sh", "-c", script.replace("/run/", f"{cls.directory}/{name}.")],
                           check=True, capture_output=True)

    def check(self, maker, ek, certificate):
        return subprocess.run([paths.BIN / "tconn-ca", "check", "--ek-trust", maker.issuers,
                               self.directory / f"{ek}.ek.pub",
                               self.directory / f"{certificate}.ek.crt"],
                              capture_output=True, text=True, check=False)

    def test_id_of_a_device_with_this_tpm(self):
        done = self.check(self.maker, "one", "one")
        self.assertEqual(done.returncode, 0, done.stderr)
        public = (self.directory / "one.ek.pub").read_bytes()[2:]
        self.assertEqual(done.stdout.strip(), hashlib.sha256(public).hexdigest())

    def test_certificate_of_another_manufacturer(self):
        other = Manufacturer(self.directory / "other-maker")
        (self.directory / "unused").mkdir()
        other.make(self.directory / "unused")
        done = self.check(other, "one", "one")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("the store of EK issuers decides", done.stderr)

    def test_certificate_of_another_tpm(self):
        done = self.check(self.maker, "one", "other")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("it is for another EK", done.stderr)

    def test_what_is_no_public_area(self):
        (self.directory / "cut.ek.pub").write_bytes(
            (self.directory / "one.ek.pub").read_bytes()[:-1])
        self.assertEqual(self.check(self.maker, "cut", "one").returncode, 1)

    def test_one_tpm_is_one_devices(self):
        line = types.SimpleNamespace(directory=self.directory)
        (self.directory / "claims").mkdir()
        for _ in range(2):
            Line.claim(line, "id", "kiosk-1")
        self.assertRaisesRegex(Claimed, "device kiosk-1's", Line.claim, line, "id", "kiosk-2")


class Early(Walks):
    """Up to the EK: no device is booted yet."""

    def test_10_cut_off_before_the_keys(self):
        """The line is being made; the machine is; the disk is half written."""
        self.run_and_kill("cut", "line: setting up", after=1)
        self.run_and_kill("cut", "arrive: begins", after=0.2)
        self.run_and_kill("cut", "disk: writing", after=0.1)
        steps = self.steps("cut")
        self.assertNotIn("disk", steps)
        self.run_it("cut", "--until", "disk")
        state = self.folder("cut") / "machine" / "tpm" / "tpm2-00.permall"
        kept = state.read_bytes()
        image = self.directory / "line" / "image" / "disk.img"
        self.assertEqual(disk.digest(self.folder("cut") / "machine" / "disk.img"), disk.digest(image))
        said = self.run_it("cut", "--until", "disk")
        self.assertIn("disk: done before", said)
        self.assertEqual(state.read_bytes(), kept)

    def test_20_cut_off_while_keys_are_written_and_ek_read(self):
        self.run_and_kill("cut", "keys: writing", "--until", "ek", after=0.3)
        self.run_and_kill("cut", "keys: done", "--until", "ek")
        said = self.run_it("cut", "--until", "ek")
        self.assertIn("keys: done before", said)
        steps = self.steps("cut")
        public = (self.folder("cut") / "ek.pub").read_bytes()[2:]
        self.assertEqual(steps["ek"]["id"], hashlib.sha256(public).hexdigest())

    def test_30_one_run_at_a_time(self):
        with open(self.directory / "lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertIn("another run is at work", self.run_it("cut", "--wait", "1", status=BUSY))

    def test_40_a_disk_that_differs(self):
        written = self.folder("cut") / "machine" / "disk.img"
        offset, _ = disk.partition(2)
        disk.flip(written, offset)
        try:
            self.assertIn("differs from what was written to it, in tconn-root",
                          self.run_it("cut", status=REFUSED))
        finally:
            disk.flip(written, offset)

    def new(self, device, maker=None):
        """A machine that is on the line already."""
        self.folder(device).mkdir()
        made = machine.Machine(self.folder(device) / "machine",
                               maker or Manufacturer(self.directory / "line" / "tpm-maker"))
        disk.blank(made.directory / "disk.img")
        return made.directory

    def test_50_a_disk_that_is_not_new(self):
        made = self.new("used")
        disk.flip(made / "disk.img", disk.SIZE - 1)
        before = disk.digest(made / "disk.img")
        self.assertIn("not a new device", self.run_it("used", status=REFUSED))
        self.assertEqual(disk.digest(made / "disk.img"), before)

    def test_60_a_tpm_of_another_manufacturer(self):
        self.new("foreign", Manufacturer(self.directory / "other-maker"))
        said = self.run_it("foreign", status=REFUSED)
        self.assertIn("its TPM is not of a maker whom this line trusts", said)
        self.assertNotIn("ek", self.steps("foreign"))

    def test_70_a_tpm_that_is_another_devices(self):
        made = self.new("twin")
        shutil.rmtree(made / "tpm")
        shutil.copytree(self.folder("cut") / "machine" / "tpm", made / "tpm")
        said = self.run_it("twin", status=REFUSED)
        self.assertIn("this TPM is device cut's", said)
        self.assertNotIn("ek", self.steps("twin"))

    @full
    def test_80_a_firmware_with_somebody_elses_keys(self):
        made = self.new("owned")
        other = machine.Machine(self.directory / "other-owner")
        other.enrol(mkkeys.make(self.directory / "other-keys"))
        shutil.copyfile(other.variables, made / "vars.fd")
        self.assertIn("is not this owner's", self.run_it("owned", status=REFUSED))


@full
class Whole(Walks):
    """To the end, and cut off everywhere on the way."""

    def check_record(self, device):
        """The same device throughout: its TPM's, its certificates', the service's."""
        record = json.loads((self.folder(device) / "record.json").read_text())
        public = (self.folder(device) / "ek.pub").read_bytes()[2:]
        self.assertEqual(record["id"], hashlib.sha256(public).hexdigest())
        self.assertEqual(record["verdict"], "trusted")
        self.assertIn("key-policy", record["checks"])
        self.assertEqual(set(record["certificates"]), {"ak", "tls", "data"})
        self.assertEqual(record["image"]["sha256"],
                         disk.digest(self.directory / "line" / "image" / "disk.img"))
        self.assertIn(record["id"], (self.folder(device) / "record.txt").read_text())
        return record

    def test_10_in_one_go_and_again(self):
        self.run_it("whole")
        self.check_record("whole")
        before = {path: path.read_bytes() for path in self.kept("whole")}
        said = self.run_it("whole")
        self.assertIn("record: done before", said)
        self.assertEqual({path: path.read_bytes() for path in self.kept("whole")}, before)

    def kept(self, device):
        machine_ = self.folder(device) / "machine"
        return [machine_ / "vars.fd", machine_ / "tpm" / "tpm2-00.permall", machine_ / "disk.img",
                *self.folder(device).glob("*.json"), *self.folder(device).glob("*.pem")]

    def test_20_cut_off_after_each_step(self):
        names = set()
        for step in STEPS:
            self.run_and_kill("after", f"{step}: done$")
            if "enrol" in self.steps("after"):
                names.add(self.steps("after")["enrol"]["ak"])
        self.run_it("after")
        record = self.check_record("after")
        self.assertEqual(names, {record["ak_name"]})

    def test_30_cut_off_within_each_step(self):
        """More than once in those that change device or service."""
        for step, times in (("boot", (5, 20)), ("enrol", (0, 1, 3)), ("check", (0.5,)),
                            ("register", (0.2,)), ("attest", (1, 4)), ("record", (0.3,))):
            for after in times:
                self.run_and_kill("within", f"{step}: begins", after=after)
        self.run_it("within")
        self.check_record("within")

    def test_40_each_device_has_one_identity(self):
        """As issuer and line have it, after all those cuts."""
        claims = {path.name: path.read_text()
                  for path in (self.directory / "line" / "claims").iterdir()}
        records = {name: self.check_record(name)["id"] for name in ("whole", "after", "within")}
        self.assertEqual(claims, {identity: name for name, identity in records.items()})

if __name__ == "__main__":
    unittest.main()
