# SPDX-License-Identifier: Apache-2.0
"""The signature of the module's policy: which is taken, and what is said of those that are not.

Under Secure Boot the key is the owner's, in db: the kernel has it on its platform keyring
and takes no module without a signature either.
"""

import struct
import sys

from harness import kiosk, paths
from harness.machine import Machine
from . import guests

sys.path.insert(0, str(paths.ROOT / "scripts"))
import mkkeys       # noqa: E402
import signpolicy   # noqa: E402

FILES = "/sys/kernel/security/tconn"
TEXT = (b"tconn-policy 1\napp sha256 " + b"01" * 32 + b" a\ndisplay /devices/x\n"
        b"input /devices/y\n")


class Owner:
    """Somebody with a key."""

    def __init__(self, directory):
        self.keys = mkkeys.make(directory)

    def sign(self, text, *options):
        return signpolicy.signature(text, self.keys / "db.key", self.keys / "db.crt", *options)

    def policy(self, text):
        return signpolicy.joined(text, self.sign(text))


class Signature(guests.GuestTest):
    """Loading the module anew and giving it policies."""

    module = "/usr/lib/tconn/tconn.ko"

    def load(self, parameters=""):
        self.guest.sh(f"insmod {self.module} {parameters}")
        self.addCleanup(self.guest.sh, "rmmod tconn")

    def give(self, policy):
        """'' where it is taken, else what the module says of it."""
        result = self.guest.sh(f"dmesg -c >/dev/null; cat >/run/policy; "
                               f"dd if=/run/policy of={FILES}/policy bs=1M 2>/dev/null; "
                               "status=$?; dmesg | grep 'tconn: policy refused'; exit $status",
                               check=False, stdin=policy)
        self.assertEqual(bool(result.status), bool(result.output), result.output)
        return result.output.strip()

    def state(self):
        return dict(line.split(" ", 1) for line in
                    self.guest.sh(f"cat {FILES}/state").output.splitlines())

    def log(self):
        return self.guest.sh(f"cat {FILES}/log_ascii").output.splitlines()


class OfAStranger(Signature):
    """A kernel that knows none of our keys."""

    @classmethod
    def boot(cls):
        cls.owner = Owner(cls.directory / "keys")
        cls.guest = cls.start("kmod", firmware="seabios", screen=False)

    def refuse(self, policy, reason):
        self.assertIn(reason, self.give(policy))
        self.assertEqual(self.state()["policy"], "none")

    def test_without_one(self):
        self.load()
        self.assertEqual(self.state()["developer"], "no")
        self.refuse(TEXT, "it is not signed, and this is no developer mode")

    def test_developer_mode_shows(self):
        self.load("developer=1")
        self.assertEqual(self.give(TEXT), "")
        state = self.state()
        self.assertEqual((state["developer"], state["signed"]), ("yes", "no"))
        boot, policy = self.log()
        self.assertIn(" boot ", boot)
        self.assertIn(" flags=1 ", boot)
        self.assertTrue(policy.endswith(" flags=0"), policy)

    def test_developer_mode_is_chosen_at_load(self):
        self.load()
        result = self.guest.sh("echo 1 >/sys/module/tconn/parameters/developer", check=False)
        self.assertNotEqual(result.status, 0)

    def test_of_a_key_that_nobody_knows(self):
        for parameters in ("", "developer=1"):
            with self.subTest(parameters):
                self.guest.sh(f"insmod {self.module} {parameters}")
                try:
                    self.refuse(self.owner.policy(TEXT), "a key that this kernel does not trust")
                finally:
                    self.guest.sh("rmmod tconn")

    def test_of_another_text(self):
        self.load()
        changed = TEXT.replace(b"/devices/y", b"/devices/*")
        for text in (changed, TEXT + b"\n", TEXT[:-1]):
            self.refuse(signpolicy.joined(text, self.owner.sign(TEXT)), "signature is of another text")

    def test_with_signed_attributes(self):
        self.load()
        for options in (["-nosmimecap"], ["-nocerts"]):
            self.refuse(signpolicy.joined(TEXT, self.owner.sign(TEXT, *options)),
                        "signature is of another text, or has signed attributes")

    def test_that_is_none(self):
        self.load()
        signature = self.owner.sign(TEXT)
        for spoilt in (b"x", bytes(300), signature[:-1], signature[:len(signature) // 2],
                       TEXT):
            self.refuse(signpolicy.joined(TEXT, spoilt), "is no PKCS#7 that this kernel knows")

    def test_of_a_length_that_cannot_be(self):
        self.load()
        signature = self.owner.sign(TEXT)
        whole = len(TEXT) + len(signature)
        for length in (0, whole, whole + 1, 8193, 0xffffffff):
            self.refuse(TEXT + signature + struct.pack("<I", length) + signpolicy.MAGIC,
                        "its signature has no length that can be")
        self.refuse(signpolicy.joined(b"", signature), "its signature has no length that can be")
        self.refuse(struct.pack("<I", 1) + signpolicy.MAGIC, "not signed")
        self.refuse(signpolicy.joined(TEXT, signature)[:-1], "not signed")

    def test_too_long(self):
        self.load()
        for size in (65537, 65536 + 8192 + 13):
            result = self.guest.sh(f"head -c {size} /dev/zero >/run/policy; "
                                   f"dd if=/run/policy of={FILES}/policy bs=1M", check=False)
            self.assertIn("File too large", result.output)


class OfTheOwner(Signature):
    """Secure Boot with the owner's keys."""

    module = "/run/tconn.ko"

    @classmethod
    def boot(cls):
        cls.owner, cls.other = Owner(cls.directory / "keys"), Owner(cls.directory / "other")
        machine = Machine(cls.directory / "machine")
        machine.enrol(cls.owner.keys)
        cls.guest = cls.start("kmod", machine=machine, developer=False, screen=False)
        signed = kiosk.signed_module(paths.kernel_release(), cls.owner.keys)
        cls.guest.put(cls.module, signed.read_bytes())

    def test_the_kernel_is_locked_down(self):
        self.assertIn("[integrity]", self.guest.sh("cat /sys/kernel/security/lockdown").output)
        result = self.guest.sh("insmod /usr/lib/tconn/tconn.ko", check=False)
        self.assertNotEqual(result.status, 0, "a module that nobody signed was loaded")

    def test_is_taken_and_shows(self):
        self.load()
        signed = self.owner.policy(TEXT)
        self.assertEqual(self.give(signed), "")
        state = self.state()
        self.assertEqual((state["developer"], state["signed"]), ("no", "yes"))
        boot, policy = self.log()
        self.assertIn(" flags=0 ", boot)
        self.assertTrue(policy.endswith(f" len={len(TEXT)} flags=1"), policy)
        self.assertEqual(self.guest.get(f"{FILES}/policy"), signed)

    def test_others_are_not(self):
        self.load()
        self.assertIn("not signed", self.give(TEXT))
        self.assertIn("does not trust", self.give(self.other.policy(TEXT)))
        changed = TEXT.replace(b"/devices/y", b"/devices/*")
        self.assertIn("of another text",
                      self.give(signpolicy.joined(changed, self.owner.sign(TEXT))))
        self.assertIn("signed attributes",
                      self.give(signpolicy.joined(TEXT, self.owner.sign(TEXT, "-nosmimecap"))))
        self.assertIn("unknown keyword", self.give(self.owner.policy(TEXT + b"colour red\n")))
        self.assertEqual(self.give(self.owner.policy(TEXT)), "")
