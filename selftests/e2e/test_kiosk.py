# SPDX-License-Identifier: Apache-2.0
"""The kiosk image, booted by a firmware with the owner's keys: each link of its chain is
broken once, and what catches it is seen from outside, as is what a person sees then. What tells
most is in make check, the rest in make check-full.
"""

import contextlib
import hashlib
import json
import re
import shutil
import subprocess
import time
import unittest

import mkkeys
from harness import cose, disk, kiosk, paths, uki
from harness.full import full
from harness.guest import HEIGHT, WIDTH, Guest
from harness.kiosk_scene import KioskScene
from harness.machine import FIRMWARE, Machine
from harness.qmp import QmpError

STARTED = "kiosk: started"
REFUSED = "Access Denied|Security Violation"
GRACE = 1.2     # seconds after the last change of picture before a key confirms, and a margin
BOOT = 300      # seconds, on a machine however busy


class Stops(unittest.TestCase):
    """What does not start at all. The word is the firmware's, the kernel's or the first program's."""

    @classmethod
    def setUpClass(cls):
        cls.directory = paths.OUT / "check" / "e2e" / cls.__name__
        shutil.rmtree(cls.directory, ignore_errors=True)
        cls.directory.mkdir(parents=True)
        cls.keys = mkkeys.make(cls.directory / "keys")
        cls.machine = Machine(cls.directory / "machine")
        cls.machine.enrol(cls.keys)
        cls.genuine = cls.build("genuine")

    @classmethod
    def build(cls, name, **options):
        return kiosk.build({}, keys=cls.keys, out=cls.directory / name, **options)

    @contextlib.contextmanager
    def boot(self, built, name):
        with Guest(built, self.directory / f"{name}.vm", machine=self.machine, wait=False) as guest:
            guest.expect_trouble()
            yield guest

    def assert_says(self, built, pattern, name, flip=None, notice=None):
        """The console's word, and that the trusted side never started. flip: an offset on the disk.
        notice: and what the screen says.
        """
        self.machine.insert(built.disk)
        if flip is not None:
            disk.flip(self.machine.disk, flip)
        deadline = time.monotonic() + BOOT
        with self.boot(built, name) as guest:
            while not guest.console.contains(pattern):
                self.assertFalse(pattern != STARTED and guest.console.contains(STARTED),
                                 guest.console.tail())
                self.assertLess(time.monotonic(), deadline, guest.console.tail())
                time.sleep(0.2)
            if notice:
                self.assert_shows(guest, notice, name)
            with contextlib.suppress(QmpError):     # after a panic the machine starts again
                guest.screenshot(self.directory / f"{name}.png")

    def assert_shows(self, guest, notice, name):
        """What a person sees is tconn-notice's picture of these words, to the pixel."""
        expected, seen = (self.directory / f"{name}.{which}.ppm" for which in ("expected", "seen"))
        subprocess.run([paths.BIN / "tconn-notice", "--ppm", expected, "--size", f"{WIDTH}x{HEIGHT}",
                        notice], check=True)
        deadline = time.monotonic() + BOOT
        while True:
            guest.qmp("screendump", filename=str(seen))
            if seen.read_bytes() == expected.read_bytes():
                break
            self.assertLess(time.monotonic(), deadline, f"see {seen} and {expected}")
            time.sleep(0.5)
        for path in (expected, seen):
            path.unlink()

    def place_on_disk(self, section):
        """Where a byte in the middle of the boot image's section is on the genuine disk."""
        image = self.genuine.uki.read_bytes()
        offset, size = uki.place(image, section)
        at = offset + size // 2
        return self.genuine.disk.read_bytes().index(image[at:at + disk.SECTOR])

    @full
    def test_00_the_genuine_one_starts(self):
        self.assert_says(self.genuine, STARTED, "genuine")

    def test_unsigned_boot_image(self):
        self.assert_says(self.build("unsigned", signer=None), REFUSED, "unsigned")

    @full
    def test_boot_image_signed_with_another_key(self):
        self.assert_says(self.build("other-key", signer="KEK"), REFUSED, "other-key")

    @full
    def test_one_bit_in_the_boot_image(self):
        """Of the kernel, the initramfs (so of module and policies), the command line."""
        for section in (".linux", ".initrd", ".cmdline"):
            with self.subTest(section):
                self.assert_says(self.genuine, REFUSED, f"bit-in{section}",
                                 self.place_on_disk(section))

    def test_one_bit_in_the_root_file_system(self):
        offset, _ = disk.partition(2)
        self.assert_says(self.genuine, "data block 0 is corrupted", "bit-in-root", offset,
                         "the root partition was altered after it was signed")

    def test_ima_policy_refused(self):
        """Signed by the owner, who made a mistake in it: a rule that IMA does not know."""
        line = 'cat /etc/ima/ima-policy >/sys/kernel/security/ima/policy'
        init = kiosk.first_program()
        self.assertIn(line, init)
        built = self.build("ima-refused", init=init.replace(
            line, "echo 'measure func=NO_SUCH_HOOK' >/sys/kernel/security/ima/policy"))
        self.assert_says(built, "boot stopped: IMA's policy is refused", "ima-refused",
                         notice="IMA's policy is refused")

    @full
    def test_secure_boot_off(self):
        """Nothing of the firmware's keeps it from starting; but the kernel knows no owner's key."""
        self.machine.insert(self.genuine.disk)
        enrolled = self.machine.variables.read_bytes()
        try:
            shutil.copyfile(FIRMWARE / "OVMF_VARS_4M.fd", self.machine.variables)
            self.assert_says(self.genuine, "boot stopped: tconn.ko is not the owner's", "off",
                             notice="tconn.ko is not the owner's")
        finally:
            self.machine.variables.write_bytes(enrolled)

    def test_unsigned_module(self):
        built = self.build("unsigned-module", module=paths.module_ko(self.genuine.release))
        self.assert_says(built, "boot stopped: tconn.ko is not the owner's", "unsigned-module",
                         notice="tconn.ko is not the owner's")

    @full
    def test_device_policy_signed_with_another_key(self):
        """The owner's KEK: it changes db, but does not stand in for its key."""
        built = self.build("other-policy", policy_signer="KEK")
        self.assert_says(built, "boot stopped: the device policy is refused", "other-policy",
                         notice="the device policy is refused")

    @full
    def test_one_bit_in_the_module(self):
        """After it was signed; the boot image around it is the owner's."""
        module = bytearray(kiosk.signed_module(self.genuine.release, self.keys).read_bytes())
        module[len(module) // 2] ^= 1
        altered = self.directory / "bit-in-module.ko"
        altered.write_bytes(module)
        self.assert_says(self.build("bit-in-module", module=altered),
                         "boot stopped: tconn.ko is not the owner's", "bit-in-module",
                         notice="tconn.ko is not the owner's")

    @full
    def test_one_bit_in_the_device_policy(self):
        """In the digest of the app: another program's, to read it."""
        def flipped(policy):
            digit = re.search(rb"app sha256 [a-f]*(\d)", policy).start(1)
            return policy[:digit] + bytes([policy[digit] ^ 1]) + policy[digit + 1:]
        self.assert_says(self.build("bit-in-policy", alter_policy=flipped),
                         "boot stopped: the device policy is refused", "bit-in-policy",
                         notice="the device policy is refused")


class Refused(unittest.TestCase):
    """What starts, but not as the owner's reference values say: the service's verdict."""

    @classmethod
    def setUpClass(cls):
        cls.directory = paths.OUT / "check" / "e2e" / cls.__name__
        shutil.rmtree(cls.directory, ignore_errors=True)
        cls.scene = cls.enterClassContext(KioskScene(cls.directory))
        cls.scene.enrol()
        cls.scene.serve()
        cls.scene.connect()

    def state_after(self, other=None):
        """What the service says of the device once it has been switched on again."""
        self.scene.device.stop()
        last = self.scene.device_state()["last_seen"]
        self.scene.switch_on(other)
        deadline = time.monotonic() + BOOT
        while True:
            state = self.scene.device_state()
            if state["last_seen"] != last and state["checks"]:
                return state
            self.assertLess(time.monotonic(), deadline, self.scene.logs())
            time.sleep(0.5)

    def assert_refused(self, state, check, reason=""):
        self.assertFalse(state["trusted"], state)
        found = {c["name"]: c["reason"] for c in state["checks"] if not c["pass"]}
        self.assertIn(check, found)
        self.assertIn(reason, found[check])

    def put_paper(self, name, paper):
        """One more, and a service that has read it."""
        self.scene.service.put(f"/etc/tconn/device-reference/{name}.cose", paper)
        self.scene.service.sh("killall tconn-serviced; sleep 1")
        self.scene.service.spawn("exec tconn-serviced --config /etc/tconn/serviced.json",
                                 "/run/serviced.log")
        self.scene.service.wait_for("tconnctl --json status", 30)

    def test_00_the_genuine_one_is_trusted(self):
        checks = {c["name"]: c["reason"] for c in self.scene.device_state()["checks"]}
        self.assertIn("on; PK, KEK and db hold the owner's keys alone", checks["secure-boot"])
        self.assertIn("hardened in full", checks["system"])
        self.assertIn("that the owner signed", checks["key-policy"])
        shown = json.loads(self.scene.service.sh(
            f"tconnctl --json verdict show {self.scene.device_id}").output)
        self.assertEqual(shown["status"], "affirming", shown["checks"])
        ask = self.scene.ask("confirm", "Pay 120.00 EUR?")
        self.scene.device.lamp.wait(lit=True, timeout=60)
        time.sleep(GRACE)
        self.scene.device.keys("ret")
        status, answer, errors = ask.result()
        self.assertEqual((status, answer["outcome"]), (0, "confirmed"), errors)

    def test_10_update_and_withdrawal(self):
        second = self.scene.build("second", version="2")
        self.put_paper("2", self.scene.paper("second"))
        self.scene.wait_connected(BOOT)     # version 1, now one of two
        self.assertTrue(self.state_after(second)["trusted"])
        values = (self.directory / "image" / "reference.json").read_bytes()
        paper = {"tconn-withdrawn": 1, "reference_values": [hashlib.sha256(values).hexdigest()]}
        keys = self.scene.keys
        self.put_paper("withdrawn", cose.sign(json.dumps(paper).encode(), keys / "image.key",
                                              keys / "image.crt", cose.WITHDRAWN))
        self.scene.wait_connected(BOOT)     # version 2 goes on
        self.assert_refused(self.state_after(self.scene.kiosk), "image-version", "was withdrawn")

    @full
    def test_20_added_kernel_argument(self):
        """Signed by the owner, but nobody gave the service its reference values."""
        state = self.state_after(self.scene.build("argument", append="quiet"))
        self.assert_refused(state, "boot-reference")

    def assert_cannot_authenticate(self, why, other=None):
        """Switches the device on; it says why on its log, and the service has not seen it again."""
        self.scene.device.stop()
        last = self.scene.device_state()["last_seen"]
        self.scene.switch_on(other)
        self.scene.device.wait_for(f"grep -q '{why}' /run/tconnd.log", BOOT)
        self.assertEqual(self.scene.device_state()["last_seen"], last)

    @full
    def test_25_no_ima_policy(self):
        """The owner signed it and its reference values: a mistake, which IMA's log still shows."""
        init = kiosk.first_program()
        line = next(line for line in init.splitlines() if "/sys/kernel/security/ima/policy" in line)
        built = self.scene.build("no-ima", init=init.replace(line, ""))
        self.put_paper("no-ima", self.scene.paper("no-ima"))
        self.assert_refused(self.state_after(built), "ima-reference",
                            "the module's boot record is not among the entries")

    @full
    def test_30_kernel_started_past_the_firmwares_check(self):
        """The genuine image, disk and TPM in a boot state that the owner did not sign."""
        self.scene.machine.direct = True
        try:
            self.assert_cannot_authenticate("none of the", self.scene.kiosk)
        finally:
            self.scene.machine.direct = False

    @full
    def test_40_back_in_a_signed_boot_state(self):
        self.assertTrue(self.state_after(self.scene.build("second", version="2"))["trusted"])

    @full
    def test_80_other_db_key(self):
        """Somebody enrolled keys of their own, and signed the same image and boot state with them."""
        other = mkkeys.make(self.directory / "other-keys")
        self.scene.device.stop()
        self.scene.machine.enrol(other)
        built = self.scene.build("other", keys=other)
        disk.overwrite(self.scene.machine.disk, built.disk)
        self.assert_cannot_authenticate("somebody else signs")

    @full
    def test_85_tpm_cleared(self):
        """Its keys went with it; the disk still has their certificates."""
        self.scene.device.stop()
        self.scene.machine.enrol(self.scene.keys)
        self.scene.machine.clear_tpm()
        disk.overwrite(self.scene.machine.disk, self.scene.kiosk.disk)
        self.assert_cannot_authenticate("this TPM was cleared")

    @full
    def test_90_other_tpm(self):
        """The disk in another machine: its keys are of no use there."""
        self.scene.device.stop()
        self.scene.machine.enrol(self.scene.keys)
        self.scene.machine.replace_tpm()
        disk.overwrite(self.scene.machine.disk, self.scene.kiosk.disk)
        self.assert_cannot_authenticate("this disk belongs to another TPM")
        self.scene.device.wait_for("tconnctl --json status", BOOT)
        self.assertIn("this disk belongs to another TPM", self.scene.device_status()["out_of_service"])


if __name__ == "__main__":
    unittest.main()
