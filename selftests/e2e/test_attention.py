# SPDX-License-Identifier: Apache-2.0
"""The attention key, seen from outside the device: it brings up the trusted screen over the
REE whatever runs there, the REE learns nothing of it, and cannot press it itself.

Pictures: out/check/e2e/Attention/{ree,notice,back}.png.
"""

import subprocess
import time
import unittest

from harness import paths
from harness.lamp import LampError
from harness.scene import Scene

GRACE = 1.2     # seconds after the last change of picture before a key confirms, and a margin
F12 = 88


def policy(directory):
    """The board's policy with an attention key."""
    path = directory / "attention.policy"
    subprocess.run([paths.ROOT / "scripts" / "mkpolicy.py", "--board",
                    paths.ROOT / "policy" / "boards" / "qemu", "--tui", paths.BIN / "tconn-tui",
                    "--attention-key", "KEY_F12", "--output", path], check=True)
    return path


class Attention(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = paths.OUT / "check" / "e2e" / "Attention"
        cls.directory.mkdir(parents=True, exist_ok=True)
        cls.scene = cls.enterClassContext(Scene(cls.directory, policy=policy(cls.directory)))
        cls.device = cls.scene.device
        cls.scene.enrol()
        cls.scene.serve()
        cls.scene.connect()

    def setUp(self):
        """The keyboard is the REE's again as soon as the last dialog's Enter is up."""
        time.sleep(0.5)

    def press(self):
        """The attention key; returns once the lamp is lit."""
        self.device.keys("f12")
        try:
            self.device.lamp.wait(lit=True, timeout=60)
        except LampError as error:
            self.fail(f"{error}\n{self.scene.logs()}\n" + self.device.sh(
                "cat /sys/kernel/security/tconn/attention /sys/kernel/security/tconn/state").output)

    def confirm(self):
        """Returns once the lamp is dark: Enter may still be down."""
        time.sleep(GRACE)
        self.device.keys("ret")
        self.device.lamp.wait(lit=False)

    def picture(self, name):
        return self.device.screenshot(self.directory / f"{name}.png").read_bytes()

    def stable_picture(self, name, timeout=60):
        deadline, last = time.monotonic() + timeout, b""
        while time.monotonic() < deadline:
            now = self.picture(name)
            if now == last and len(now) > 8000:     # an empty screen packs smaller
                return now
            last = now
            time.sleep(2)
        self.fail(f"the screen does not settle: {name}.png")

    def keyboard(self):
        """The event node of the keyboard, as the REE finds it."""
        return self.device.sh("for e in /sys/class/input/event*; do grep -q 'AT Translated' "
                              "$e/device/name && echo /dev/input/${e##*/}; done").output.strip()

    def test_brings_up_the_trusted_screen_and_nobody_sees_it(self):
        self.device.spawn(f"exec cat {self.keyboard()} >/run/ree.events", "/run/ree.log")
        self.device.keys("b")
        self.device.wait_for("test -s /run/ree.events", 30)
        ree = self.stable_picture("ree")
        self.device.sh("cp /run/ree.events /run/before.events")

        self.press()
        time.sleep(GRACE)
        self.assertNotEqual(self.picture("notice"), ree)
        self.confirm()
        self.device.wait_for("grep 'attention: ' /run/tconnd.log", 30)
        self.device.sh("cmp /run/ree.events /run/before.events")
        self.assertEqual(self.stable_picture("back"), ree)

        self.device.keys("b")
        self.device.wait_for("! cmp -s /run/ree.events /run/before.events", 30)

    def test_is_not_pressed_by_the_ree(self):
        event = self.keyboard()
        count = self.device.sh("cat /sys/kernel/security/tconn/attention").output
        for code in (F12, 1, 0):
            written = b"".join(bytes(16) + kind.to_bytes(2, "little") + key.to_bytes(2, "little")
                               + value.to_bytes(4, "little")
                               for kind, key, value in ((1, F12, code & 1), (0, 0, 0)))
            self.device.sh(f"cat >{event}", stdin=written)
        time.sleep(2)
        self.assertFalse(self.device.lamp.lit())
        self.assertEqual(self.device.sh("cat /sys/kernel/security/tconn/attention").output, count)

    def test_makes_way_for_a_question(self):
        self.press()
        ask = self.scene.ask("confirm", "Pay 1.00 EUR?", 60)
        self.device.wait_for("grep 'attention: the notice gave way' /run/tconnd.log", 60)
        self.device.lamp.wait(lit=True, timeout=60)
        self.confirm()
        status, answer, errors = ask.result()
        self.assertEqual((status, answer["outcome"]), (0, "confirmed"), errors)

    def test_answers_right_after_a_question(self):
        ask = self.scene.ask("confirm", "Pay 2.00 EUR?", 60)
        self.device.lamp.wait(lit=True, timeout=60)
        self.confirm()
        self.press()
        status, answer, errors = ask.result()
        self.assertEqual((status, answer["outcome"]), (0, "confirmed"), errors)
        self.confirm()
