# SPDX-License-Identifier: Apache-2.0
"""A session beside a real REE, seen from outside the guest: weston's picture goes
and comes back byte for byte, the lamp is lit exactly while the trusted picture is
up, and keys reach the session and nobody else.
"""

import subprocess
import time

from harness import paths
from harness.guest import GuestError
from . import guests

HOLD = paths.BUILD / "selftests" / "kmod" / "hold_session"


def policy():
    """The board's policy with hold_session as the trusted app."""
    return subprocess.run([paths.ROOT / "scripts" / "mkpolicy.py", "--board",
                           paths.ROOT / "policy" / "boards" / "qemu", "--tui", HOLD],
                          check=True, capture_output=True).stdout


class Takeover(guests.DeviceTest):
    @classmethod
    def boot(cls):
        cls.extra = {"/usr/sbin/hold_session": HOLD, "/etc/tconn/device.policy": policy()}
        super().boot()
        cls.device.sh("for led in /sys/class/leds/*::scrolllock; do echo tconn >$led/trigger; done")
        cls.ree = cls.stable_picture()

    @classmethod
    def picture(cls, name):
        return cls.device.screenshot(cls.directory / f"{name}.png").read_bytes()

    @classmethod
    def stable_picture(cls, name="ree", timeout=60):
        """The screen once it has not changed for two seconds."""
        deadline, last = time.monotonic() + timeout, cls.picture(name)
        while time.monotonic() < deadline:
            time.sleep(2)
            now = cls.picture(name)
            if now == last and len(now) > 8000:     # an empty screen packs smaller
                return now
            last = now
        raise GuestError("the REE's picture does not settle")

    def hold(self, *arguments):
        """Starts a session; returns when it is active and the lamp is lit."""
        self.device.spawn(f"exec hold_session {' '.join(arguments)}", "/run/hold.log")
        self.device.wait_for("grep -q ^active /run/hold.log || "
                             "{ ! cat /run/hold.log; false; }", 30)
        self.device.lamp.wait(lit=True)

    def ended(self):
        """What the session printed, once it is over and the lamp is dark."""
        self.device.wait_for("grep -Eq '^(decided|aborted)' /run/hold.log", 40)
        self.device.lamp.wait(lit=False)
        return self.device.get("/run/hold.log").decode()

    def confirm(self):
        """Presses Enter until the picture has been there long enough for it to count."""
        for _ in range(5):
            time.sleep(1)
            self.device.keys("ret")
            if self.device.sh("sleep 1; grep -q ^decided /run/hold.log", check=False).status == 0:
                break
        return self.ended()

    def confirmed(self):
        """A whole session."""
        self.hold()
        return self.confirm()

    def assert_ree_is_back(self):
        deadline = time.monotonic() + 20
        while self.picture("ree-after") != self.ree:
            self.assertLess(time.monotonic(), deadline, "the REE's picture did not come back")
            time.sleep(0.3)

    def test_confirm_with_a_key(self):
        self.hold()
        self.assertNotEqual(self.picture("held"), self.ree)
        self.device.keys("a", "b")
        output = self.confirm()
        self.assertIn("decided 1", output)
        self.assertRegex(output, r"key 30 1")
        self.assert_ree_is_back()

    def test_keys_stay_out_of_the_ree(self):
        # The terminal echoes what it gets, so a leaked key would change the picture.
        self.hold()
        self.device.keys("x", "y", "z", gap=0.2)
        self.device.keys("esc")
        self.assertIn("decided 2", self.ended())
        self.assert_ree_is_back()
        time.sleep(2)
        self.assertEqual(self.picture("ree-later"), self.ree)

    def test_keys_reach_the_ree_without_a_session(self):
        # The control of the test above: here the same keys do change the picture.
        self.device.keys("x", "y", "z")
        time.sleep(2)
        self.assertNotEqual(self.picture("ree-typed"), self.ree)
        self.device.keys("backspace", "backspace", "backspace")
        self.assert_ree_is_back()

    def test_killed_app_gives_all_back(self):
        self.hold()
        self.device.sh("killall -9 hold_session")
        self.device.lamp.wait(lit=False)
        self.assert_ree_is_back()

    def test_time_is_limited(self):
        self.hold("-t", "3000")
        output = self.ended()
        self.assertIn("aborted 2", output)
        self.assert_ree_is_back()

    def test_lamp_agrees_with_the_screen(self):
        start = time.monotonic()
        self.confirmed()
        for source in ("vnc", "ps2"):
            states = [e.scroll for e in self.device.lamp.events(source, since=start)]
            changes = [s for i, s in enumerate(states) if i == 0 or s != states[i - 1]]
            self.assertEqual(changes[-2:], [True, False], source)
            self.assertEqual(changes.count(True), 1, source)

    def test_ima_saw_nothing_the_manifest_lacks(self):
        # Reference values are made from the manifest; what runs must be on it.
        self.confirmed()
        log = self.device.get("/sys/kernel/security/ima/ascii_runtime_measurements").decode()
        manifest = self.device.image.manifest
        files = [line.split() for line in log.splitlines() if " ima-sig " in line]
        self.assertGreater(len(files), 50)
        for entry in files:
            digest, path = entry[3], entry[4]
            if path != "boot_aggregate":
                self.assertEqual(digest, f"sha256:{manifest.get(path)}", path)
        self.assertIn(["/usr/sbin/hold_session"], [entry[4:] for entry in files])

    def test_module_measures_itself_policy_and_app_into_ima(self):
        self.confirmed()
        log = self.device.get("/sys/kernel/security/ima/ascii_runtime_measurements").decode()
        for event in ("tconn-boot", "tconn-policy", "tconn-app", "tconn-record"):
            self.assertIn(f" {event} ", log)

    def test_weston_is_confined(self):
        output = self.device.sh("tconn-confine --check=$(pidof weston)").output
        self.assertIn(": confined\n", output)
        self.assertIn("capabilities left:\n", output)

    def test_root_of_an_ree_has_no_teeth(self):
        udevd = self.device.sh("pidof systemd-udevd").output.strip()
        self.device.sh("mkdir -p /mnt")
        for command in (
                "test -e /dev/tconn", "test -e /dev/mem", "test -d /sys/kernel/security/tconn",
                "test -s /etc/tconn/device.policy", f"kill -0 {udevd}", "touch /usr/sbin/new",
                "mount -t tmpfs tmpfs /mnt", "mknod /tmp/mem c 1 1", "unshare -U true",
                "echo 0 >/proc/sys/kernel/sysrq", "dmesg",
                "for led in /sys/class/leds/*::capslock; do echo 1 >$led/brightness; done"):
            with self.subTest(command):
                result = self.device.sh(f"tconn-confine sh -c '{command}'", check=False)
                self.assertNotEqual(result.status, 0, result.output)
                self.device.sh(command)     # the control: outside, root can
        self.device.sh("umount /mnt; rm -f /usr/sbin/new /tmp/mem")
