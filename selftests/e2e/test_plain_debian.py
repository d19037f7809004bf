# SPDX-License-Identifier: Apache-2.0
"""insmod on an existing Debian, without the kiosk image: no Secure Boot, no settings of the
boot line, no IMA policy, an ordinary root user's compositor in front of the screen. The main job
works, whoever demands no more trusts it, and the verdict grades it: each thing that is weaker is
named, at each attestation, and who demands it refuses the device for it.
"""

import json
import time
import unittest

from harness import image, paths
from harness.scene import Scene

DEVICE = "/usr/lib/tconn-guest/device.sh"
REE = "/usr/lib/tconn-guest/ree.sh"
CONFINED = f"/etc/tconn/ree.policy {REE}"
INSMOD = "\tload_tconn\n"
START = 300     # seconds for weston to start, on a busy machine
GRACE = 1.2     # seconds after the last change of picture before a key confirms, and a margin
# What the system's check must name, each with what it is there.
WEAKER = ("lockdown none", "debugfs on", "framebuffer-console on", "modules loadable", "kexec on",
          "ima-policy missing", "ree none")


def without(name, *changes):
    """One of the guest's scripts as it is before anybody thought of tconn."""
    text = (image.GUEST / name).read_text()
    for ours, plain in changes:
        assert text.count(ours) == 1, ours
        text = text.replace(ours, plain)
    return text.encode()


PLAIN = {
    DEVICE: without("device.sh", (CONFINED, f"sh {REE}"), (INSMOD, "\t:\n")),
    # udevd's own socket is in its place.
    REE: without("ree.sh", (": >/run/udev/control", ":")),
    "/etc/ima/ima-policy": b"",
}


class PlainScene(Scene):
    """The service's operator lets devices in that measure nothing with IMA."""

    def _put_reference(self):
        self.put_reference(ima_required=False)

    def put_reference(self, **changes):
        values = {**json.loads(self.device_reference), **changes}
        self.service.put("/etc/tconn/device-reference.json", json.dumps(values).encode())


class PlainDebian(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scene = cls.enterClassContext(PlainScene(
            paths.OUT / "check" / "e2e" / cls.__name__, device_options={"hardened": False},
            device_extra=PLAIN))
        cls.device, cls.service = cls.scene.device, cls.scene.service
        cls.device.wait_for("pidof weston", START)
        cls.device.sh("! grep -q tconn /proc/modules && insmod /usr/lib/tconn/tconn.ko developer=1 && "
                      "cat /etc/tconn/device.policy >/sys/kernel/security/tconn/policy")
        cls.scene.enrol()
        cls.scene.serve()
        cls.scene.connect()

    def graded(self):
        """{check: reason} of those that passed with a reservation; all of them passed."""
        state = self.scene.device_state()
        self.assertTrue(state["trusted"])
        self.assertEqual([c for c in state["checks"] if not c["pass"]], [])
        return {c["name"]: c["reason"] for c in state["checks"] if c.get("warning")}

    def assert_each_weakness_is_named(self):
        weak = self.graded()
        self.assertEqual(set(weak), {"key-policy", "secure-boot", "ima-reference",
                                     "tconn-reference", "system"})
        self.assertIn("in any boot state", weak["key-policy"])
        self.assertIn("not required", weak["secure-boot"])
        self.assertIn("IMA has no policy", weak["ima-reference"])
        self.assertIn("DEVELOPER MODE", weak["tconn-reference"])
        for words in WEAKER:
            self.assertIn(words, weak["system"])

    def attest_again(self):
        """The device's state at the service after another attestation, trusted or not."""
        last = self.scene.device_state()["last_seen"]
        self.device.sh("killall tconnd; sleep 1.5")
        self.device.spawn("exec tconnd --config /etc/tconn/tconnd.json", "/run/tconnd.log")
        deadline = time.monotonic() + 90
        while True:
            state = self.scene.device_state()
            if state["last_seen"] != last and state["checks"]:
                return state
            self.assertLess(time.monotonic(), deadline, self.scene.logs())
            time.sleep(0.5)

    def test_10_trusted_and_each_weakness_named(self):
        self.assert_each_weakness_is_named()
        shown = json.loads(self.service.sh(
            f"tconnctl --json verdict show {self.scene.device_id} --out /run/verdict.cose").output)
        self.assertEqual(shown["status"], "warning")
        signed = self.service.sh("tconnctl verdict verify /run/verdict.cose "
                                 "--trust /etc/tconn/ca.pem").output
        self.assertIn(": warning", signed)
        self.assertIn("IMA has no policy", signed)
        self.assertIn("WEAK  ima-policy", self.device.sh("tconnctl status").output)

    def test_20_the_main_job_works(self):
        ask = self.scene.ask("confirm", "Pay 120.00 EUR to ACME Ltd?")
        self.device.lamp.wait(lit=True, timeout=60)
        time.sleep(GRACE)
        self.device.keys("ret")
        status, answer, errors = ask.result()
        self.assertEqual((status, answer["outcome"]), (0, "confirmed"), errors)
        self.device.lamp.wait(lit=False)

    def test_30_no_better_at_the_next_attestation(self):
        self.attest_again()
        self.scene.wait_connected()
        self.assert_each_weakness_is_named()

    def refused_for(self, **demands):
        """The check that fails, and why, once the service demands this as well."""
        self.scene.put_reference(**demands)
        self.service.sh("killall tconn-serviced; sleep 1")
        self.service.spawn("exec tconn-serviced --config /etc/tconn/serviced.json",
                           "/run/serviced.log")
        self.service.wait_for("tconnctl --json status", 30)
        state = self.attest_again()
        self.assertFalse(state["trusted"])
        return {c["name"]: c["reason"] for c in state["checks"] if not c["pass"]}

    def test_40_who_demands_more_refuses_it(self):
        self.assertIn("it has no policy", self.refused_for(ima_required=True)["ima-reference"])
        owner = {"required": True, "pk": ["11" * 32], "kek": ["11" * 32], "db": ["11" * 32], "dbx": []}
        failed = self.refused_for(ima_required=False, secure_boot=owner)
        self.assertIn("Secure Boot", failed["secure-boot"])
        failed = self.refused_for(ima_required=False, system={"ree": "confined"})
        self.assertIn("ree is none there", failed["system"])


if __name__ == "__main__":
    unittest.main()
