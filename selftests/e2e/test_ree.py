# SPDX-License-Identifier: Apache-2.0
"""The rich environment (REE) goes on after a session: a shell in weston's terminal, or on
the plain console, confined, is interrupted while somebody types a command. The picture
comes back byte for byte, the rest of the line is typed, the command does what it says.

Pictures: out/check/e2e/CLASS/{typed,session,back,done}.png.
"""

import subprocess
import time

from harness import paths
from harness.guest import GuestError
from . import guests

HOLD = paths.BUILD / "selftests" / "kmod" / "hold_session"
CONSOLE = paths.ROOT / "selftests" / "e2e" / "ree_console.sh"
SHELL = paths.ROOT / "selftests" / "e2e" / "ree_shell.sh"
# "echo back 4711 | tee typed", half of it before the session, half after it.
BEFORE = ("e", "c", "h", "o", "spc", "b", "a", "c", "k")
AFTER = ("spc", "4", "7", "1", "1", "spc", "shift-backslash", "t", "e", "e", "spc",
         "t", "y", "p", "e", "d", "ret")
STILL = 3           # looks, a second apart
GRACE = 1.4         # seconds after the last change of picture before a key confirms, and a margin
IN_SESSION = ("x", "y", "z")


def policy():
    """The board's policy with hold_session as the trusted app."""
    return subprocess.run([paths.ROOT / "scripts" / "mkpolicy.py", "--board",
                           paths.ROOT / "policy" / "boards" / "qemu", "--tui", HOLD],
                          check=True, capture_output=True).stdout


def extra():
    return {"/usr/sbin/hold_session": HOLD, "/etc/tconn/device.policy": policy(),
            "/usr/lib/tconn-guest/kiosk": SHELL}


class ComesBack:
    """What each kind of REE is put to. typed: the file that the command writes, from outside."""

    typed = size = None
    empty = 8000        # bytes; a screen without text packs smaller

    @classmethod
    def picture(cls, name):
        return cls.guest.screenshot(cls.directory / f"{name}.png").read_bytes()

    @classmethod
    def stable_picture(cls, name, other=b"", timeout=90):
        """The screen with text on it, not the other picture, once it has not changed for a while."""
        deadline, last, same = time.monotonic() + timeout, b"", 0
        while time.monotonic() < deadline:
            now = cls.picture(name)
            same = same + 1 if now == last else 0
            if same >= STILL and now != other and len(now) > cls.empty:
                return now
            last = now
            time.sleep(1)
        raise GuestError(f"the screen does not settle: {name}.png")

    @classmethod
    def arm(cls):
        cls.guest.sh("for led in /sys/class/leds/*::scrolllock; do echo tconn >$led/trigger; done")

    def hold(self):
        self.guest.spawn("exec hold_session", "/run/hold.log")
        self.guest.wait_for("grep -q ^active /run/hold.log || { ! cat /run/hold.log; false; }", 30)
        self.guest.lamp.wait(lit=True)

    def test_a_session_interrupts_a_command_line(self):
        empty = self.stable_picture("empty")
        self.guest.keys(*BEFORE)
        typed = self.stable_picture("typed", empty)
        self.hold()
        self.assertNotEqual(self.picture("session"), typed)
        self.guest.keys(*IN_SESSION)
        time.sleep(GRACE)       # each of them changed the picture
        self.guest.keys("ret")
        self.guest.lamp.wait(lit=False)
        self.assertIn("decided 1", self.guest.wait_for("grep -E '^(decided|aborted)' /run/hold.log",
                                                       40))
        deadline = time.monotonic() + 30
        while self.picture("back") != typed:
            self.assertLess(time.monotonic(), deadline, "the picture did not come back")
            time.sleep(0.3)
        self.guest.keys(*AFTER)
        self.guest.wait_for(f"grep -qx 'back 4711' {self.typed}", 30)
        self.stable_picture("done", typed)

    def test_the_screen_has_the_size_it_should(self):
        data = self.picture("size")
        self.assertEqual((int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")),
                         self.size)


class Weston(ComesBack, guests.DeviceTest):
    typed = "/proc/$(pidof weston)/root/tmp/typed"
    size = (1280, 800)

    @classmethod
    def boot(cls):
        cls.extra = extra()
        super().boot()
        cls.guest = cls.device
        cls.arm()
        cls.guest.wait_for("[ -e /proc/$(pidof weston)/root/tmp/shell ]", 90)

    def test_it_is_confined(self):
        self.assertIn(": confined\n", self.guest.sh("tconn-confine --check=$(pidof weston)").output)


class Portrait(Weston):
    options = {**guests.DeviceTest.options, "size": (800, 1280)}
    size = (800, 1280)


class Bochs(Weston):
    options = {**guests.DeviceTest.options, "screen": "bochs-display"}


class Console(ComesBack, guests.ModuleTest):
    """No compositor: fbcon, and a confined shell on tty1."""

    options = {"hardened": False}       # with policy/boot-line there is no fbcon
    size = (1280, 800)
    empty = 4000

    @classmethod
    def boot(cls):
        cls.extra = {**extra(), "/usr/sbin/tconn-confine": paths.BIN / "tconn-confine",
                     "/etc/tconn/ree.policy": paths.ROOT / "policy" / "ree.policy",
                     "/usr/lib/tconn-guest/ree.sh": CONSOLE}
        super().boot()
        cls.guest.sh("insmod /usr/lib/tconn/tconn.ko developer=1 && "
                     "cat /etc/tconn/device.policy >/sys/kernel/security/tconn/policy")
        cls.arm()
        cls.guest.sh("mkdir -p /run/udev/tags /run/udev/data /var/lib/tconn")
        cls.guest.spawn("exec /etc/tconn/ree.policy /usr/lib/tconn-guest/ree.sh", "/run/ree.log")
        ree = cls.guest.wait_for(
            "sed -n 's/.*REE is process \\([0-9]*\\),.*/\\1/p' /run/ree.log | grep .", 30).strip()
        cls.typed = f"/proc/{ree}/root/tmp/typed"
        cls.guest.wait_for(f"[ -e /proc/{ree}/root/tmp/shell ] || {{ cat /run/ree.log; false; }}", 90)
