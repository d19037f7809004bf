# SPDX-License-Identifier: Apache-2.0
"""Sessions that the module refuses for what the machine lacks or the program is, and
what a person then reads. Nothing may be shown and no lamp lit in any of them.
"""

import errno

from harness import paths
from . import guests, tui

TUI = "/usr/sbin/tconn-tui"
EHWPOISON = 133     # Python has no name for it
POLICY = "cat /etc/tconn/device.policy >/sys/kernel/security/tconn/policy"
ARM = "for led in /sys/class/leds/*::scrolllock; do echo tconn >$led/trigger; done"


class Refused:
    """Asking for a session that is not given."""

    def refused(self, program=TUI):
        lamp = len(self.guest.lamp.events())
        before = self.guest.screenshot(self.directory / "before.png").read_bytes()
        self.guest.put("/run/request", tui.request(tui.CONFIRM, "Pay 120.00 EUR to ACME Ltd?"))
        self.guest.sh(f"{program} </run/request >/run/reply")
        reply = tui.Reply(self.guest.get("/run/reply"))
        self.assertEqual(reply.status, tui.REFUSED, reply.message)
        self.assertEqual(len(self.guest.lamp.events()), lamp, "the lamp changed")
        after = self.guest.screenshot(self.directory / "after.png").read_bytes()
        self.assertEqual(after, before, "the screen changed")
        return reply


class WithTpm(Refused, guests.ModuleTest):
    def setUp(self):
        self.guest.sh("insmod /usr/lib/tconn/tconn.ko developer=1")
        self.addCleanup(self.guest.sh, "rmmod tconn")

    def test_no_policy(self):
        reply = self.refused()
        self.assertEqual(reply.error, errno.ENOKEY)
        self.assertIn("policy", reply.message)

    def test_no_lamp_though_the_policy_demands_one(self):
        self.guest.sh(POLICY)
        reply = self.refused()
        self.assertEqual(reply.error, errno.ENOLCK)
        self.assertRegex(reply.message, "lamp|indicator")

    def test_one_byte_changed(self):
        self.guest.sh(f"{POLICY}; {ARM}; cp {TUI} /run/changed && chmod 755 /run/changed")
        program = bytearray(self.guest.get("/run/changed"))
        program[program.index(b"trusted")] ^= 0x20      # a text: it runs as before
        self.guest.put("/run/changed", program, 0o755)
        reply = self.refused("/run/changed")
        self.assertEqual(reply.error, errno.EACCES)
        self.assertRegex(reply.message, "policy")

    def test_another_program(self):
        # The session-holding test program, unchanged, is simply not on this policy.
        self.guest.sh(f"{POLICY}; {ARM}")
        self.guest.put("/run/other", (paths.BUILD / "selftests" / "kmod" /
                                      "hold_session").read_bytes(), 0o755)
        result = self.guest.sh("/run/other", check=False)
        self.assertNotEqual(result.status, 0)
        self.assertIn("Permission denied", result.output)
        self.assertFalse(self.guest.lamp.lit())


class WithoutTpm(Refused, guests.ModuleTest):
    options = {"tpm": False}

    def test_no_tpm(self):
        self.guest.sh(f"insmod /usr/lib/tconn/tconn.ko developer=1; {POLICY}; {ARM}")
        reply = self.refused()
        self.assertEqual(reply.error, EHWPOISON)
        self.assertIn("TPM", reply.message)
        self.assertIn("TPM", self.guest.sh("dmesg | grep tconn:").output)
