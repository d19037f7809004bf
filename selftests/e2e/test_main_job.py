# SPDX-License-Identifier: Apache-2.0
"""The main job between two guests, its answers and its refusals: what the service
says is judged, and what the screen and the lamp show from outside the device.

Tests run in the order of their names and share one scene; the last ones spoil the
device's state on purpose (its logs remember), and nothing may follow them.
"""

import json
import pathlib
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from harness import paths           # noqa: E402
from harness.scene import Scene     # noqa: E402
from . import memory, tui           # noqa: E402

# What a tconnd does that somebody took over: passes requests on, with a key of their own in
# them where there is one.
HOSTILE = b"""cat >/run/request.came
{ head -c 48 /run/request.came
cat /run/own.key || tail -c +49 /run/request.came | head -c 32
tail -c +81 /run/request.came; } >/run/request.passed
exec /usr/sbin/tconn-tui </run/request.passed
"""
GRACE = 1.2     # seconds after the last change of picture before a key confirms, and a margin
PIN = "83650274"
TYPED = "59174628"    # outside a session


class MainJob(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = paths.OUT / "check" / "e2e" / "MainJob"
        cls.scene = cls.enterClassContext(Scene(
            cls.directory, device_extra={"/usr/bin/tpm2": "/usr/bin/tpm2"}))
        cls.device, cls.service = cls.scene.device, cls.scene.service
        cls.scene.enrol()

    # -- helpers

    def ask(self, kind, text, *keys, timeout=60, extra=()):
        """A whole session with these keys; what tconnctl said: (status, reply, errors)."""
        ask = self.scene.ask(kind, text, timeout, extra)
        self.device.lamp.wait(lit=True, timeout=60)
        time.sleep(GRACE)
        self.device.keys(*keys)
        answer = ask.result()
        self.device.lamp.wait(lit=False)
        return answer

    def assert_checks_pass(self, checks):
        self.assertTrue(checks)
        self.assertEqual([c for c in checks if not c["pass"]], [])

    def failed_check(self, checks, name):
        found = [c for c in checks if c["name"] == name]
        self.assertEqual(len(found), 1, checks)
        self.assertFalse(found[0]["pass"], found)
        return found[0]["reason"]

    # -- before the device is let in

    def test_00_device_that_is_not_enrolled_is_refused(self):
        self.scene.serve(enrolled=False)
        self.device.sh("mkdir -p -m 0700 /run/tconn")
        self.device.spawn("exec tconnd --config /etc/tconn/tconnd.json", "/run/tconnd.log")
        self.device.wait_for("grep -i 'not enrolled' /run/tconnd.log", 60)
        self.service.wait_for("grep -i 'not enrolled' /run/serviced.log", 10)

    def test_10_both_sides_trust_each_other(self):
        self.service.sh(f"tconnctl device add {self.scene.device_id}")
        state = self.scene.wait_connected()
        self.assert_checks_pass(state["checks"])
        self.assert_checks_pass(self.scene.device_status()["service"]["checks"])
        names = {c["name"] for c in state["checks"]}
        self.assertLessEqual({"ak-certificate", "ak-key", "quote-signature", "quote-fresh",
                              "quote-pcrs", "boot-log", "boot-reference", "ima-log",
                              "ima-reference", "tconn-log", "tconn-reference", "secure-boot",
                              "system"}, names)
        self.assert_says_what_is_weaker(state["checks"])
        self.status_says_how_the_ree_is_confined()
        self.assertIn("DEVELOPER MODE, the policy is not signed",
                      self.device.sh("tconnctl status").output)
        reasons = {c["name"]: c["reason"] for c in state["checks"]}
        self.assertIn("DEVELOPER MODE", reasons["tconn-reference"])

    def assert_says_what_is_weaker(self, checks):
        """Without Secure Boot a device may be trusted, but never silently as if it had it."""
        reasons = {c["name"]: c["reason"] for c in checks}
        self.assertIn("not required", reasons["secure-boot"])
        self.assertIn("weaker than it could be", reasons["system"])
        self.assertIn("lockdown none", reasons["system"])
        self.assertIn("WEAK  lockdown", self.device.sh("tconnctl status").output)

    def status_says_how_the_ree_is_confined(self):
        (ree,) = self.scene.device_status()["confinement"]
        self.assertTrue(ree["holds"], ree["flaw"])
        self.assertEqual(ree["policy_digest"], self.device.image.manifest["/etc/tconn/ree.policy"])
        self.assertLessEqual({"sys_admin", "sys_ptrace", "mknod", "bpf"}, set(ree["dropped"]))
        self.assertIn("confinement of REE process", self.device.sh("tconnctl status").output)

    # -- sessions

    def test_20_confirmed(self):
        status, answer, errors = self.ask("confirm", "Pay 120.00 EUR to ACME Ltd?", "ret")
        self.assertEqual((status, answer["outcome"]), (0, "confirmed"), errors)
        self.assert_checks_pass(answer["checks"])
        self.verify_receipt(answer["receipt"])

    def verify_receipt(self, number):
        """Offline: from the file and the issuer's certificate alone; one bit spoils it."""
        self.service.sh(f"tconnctl receipt show {number} --out /run/receipt.cose")
        shown = json.loads(self.service.sh("tconnctl --json receipt verify /run/receipt.cose "
                                           "--trust /etc/tconn/ca.pem").output)
        self.assertTrue(shown["ok"])
        cose = bytearray(self.service.get("/run/receipt.cose"))
        cose[len(cose) // 2] ^= 1
        self.service.put("/run/spoilt.cose", cose)
        result = self.service.sh("tconnctl receipt verify /run/spoilt.cose "
                                 "--trust /etc/tconn/ca.pem", check=False)
        self.assertEqual(result.status, 4, result.output)

    def test_21_denied(self):
        status, answer, _ = self.ask("confirm", "Open the door?", "esc")
        self.assertEqual((status, answer["outcome"]), (1, "denied"))

    def test_22_nobody_answers(self):
        ask = self.scene.ask("confirm", "Is anybody there?", timeout=4)
        self.device.lamp.wait(lit=True, timeout=60)
        status, answer, _ = ask.result()
        self.device.lamp.wait(lit=False)
        self.assertEqual((status, answer["outcome"]), (3, "aborted"), answer)
        self.assertRegex(json.dumps(answer["cause"]), "(?i)time.?out")

    def test_23_key_before_the_grace_time_does_not_confirm(self):
        ask = self.scene.ask("confirm", "Too quick?", timeout=20)
        self.device.lamp.wait(lit=True, timeout=60)
        self.device.keys("ret")
        time.sleep(GRACE)
        self.assertTrue(self.device.lamp.lit(), "a key within the grace time ended the session")
        self.device.keys("esc")
        self.assertEqual(ask.result()[1]["outcome"], "denied")

    def test_24_pin(self):
        status, answer, errors = self.ask("pin", "Enter your PIN.", *PIN, "ret",
                                          extra=["--pin-min", "4", "--pin-max", "8"])
        # The last digit changed the picture; the key after it came too early. Once more.
        self.assertEqual((status, answer["outcome"]), (0, "entered"), errors)
        self.assertEqual(answer["pin"], "received")
        self.assertNotIn(PIN, json.dumps(answer))

    def test_25_pin_is_not_left_in_memory(self):
        """All of the device's, from outside. What the REE is typed is found there."""
        self.device.spawn("for e in /dev/input/event*; do cat $e >>/run/typed & done; wait")
        self.device.wait_for("pidof cat", 10)
        self.device.keys(*TYPED)
        data = memory.dump(self.device, self.directory)
        self.device.sh("killall cat; rm /run/typed")
        self.assertIn(f"events of {TYPED[:3]}", memory.traces_of(TYPED, data))
        self.assertEqual(memory.traces_of(PIN, data), set())

    def test_26_pin_is_nowhere_on_disk_or_in_logs(self):
        for guest, places in ((self.device, "/run /var /tmp"), (self.service, "/run /var /tmp")):
            found = guest.sh(f"grep -rl {PIN} {places} 2>/dev/null; dmesg | grep {PIN}",
                             check=False).output
            # The harness' own request and its script are not the system's.
            found = [line for line in found.splitlines() if not line.startswith("/run/shell/")]
            self.assertEqual(found, [])

    # -- requests that no service made, or not like that

    def assert_not_shown(self, request, why):
        before = len(self.device.lamp.events())
        self.device.put("/run/request", request)
        self.device.sh("/usr/sbin/tconn-tui </run/request >/run/reply")
        reply = tui.Reply(self.device.get("/run/reply"))
        self.assertEqual((reply.status, reply.record, reply.sealed), (tui.UNPROVEN, b"", b""),
                         reply.message)
        self.assertIn(why, reply.message)
        self.assertEqual(len(self.device.lamp.events()), before)

    def test_27_who_starts_the_tui_gets_nothing_shown(self):
        for kind, limits in ((tui.CONFIRM, ()), (tui.PIN, (4, 8)), (tui.NOTICE, ())):
            with self.subTest(kind=kind):
                self.assert_not_shown(tui.request(kind, "Enter your PIN.", *limits), "no proof")

    def tconnd_with(self, **settings):
        """Restarts tconnd with these settings besides its own."""
        config = json.loads(self.device.get("/etc/tconn/tconnd.json"))
        self.device.put("/run/tconnd.json", json.dumps({**config, **settings}).encode())
        self.device.sh("killall tconnd; sleep 1.5")
        self.device.spawn("exec tconnd --config /run/tconnd.json", "/run/tconnd.log")
        self.device.wait_for("tconnctl --json status | grep '\"trusted\": *true'", 60)
        self.scene.wait_connected()

    def test_28_key_in_place_of_the_services_gets_no_pin(self):
        self.device.put("/run/hostile.sh", HOSTILE)
        self.tconnd_with(tui="/bin/sh", tui_args=["/run/hostile.sh"])
        # Passed on as it came, it is shown: it is the key that makes the difference.
        self.assertEqual(self.ask("confirm", "All well?", "ret")[1]["outcome"], "confirmed")
        self.device.put("/run/own.key", tui.VERIFIER_KEY)
        before = len(self.device.lamp.events())
        status, answer, errors = self.scene.ask(
            "pin", "Enter your PIN.", extra=["--pin-min", "4", "--pin-max", "8"]).result(60)
        self.assertNotEqual(status, 0)
        self.assertEqual(answer["status"], "unproven", errors)
        self.assertIn("for another key", answer["message"])
        self.assertEqual(len(self.device.lamp.events()), before)
        self.tconnd_with()
        self.assertEqual(self.ask("confirm", "Well again?", "ret")[1]["outcome"], "confirmed")

    # -- statements that are refused before anything is shown

    def refuse_statement(self, text):
        before = len(self.device.lamp.events())
        status, answer, errors = self.scene.ask("confirm", text).result(30)
        self.assertEqual(status, 6, (answer, errors))
        self.assertEqual(len(self.device.lamp.events()), before)
        return answer["error"]

    def test_30_three_statements_three_errors(self):
        too_long = self.refuse_statement("a" * 6145)
        no_glyph = self.refuse_statement("Pay 5 \U0001f4a9?")
        control = self.refuse_statement("Pay\x07 5?")
        self.assertIn("6144", too_long)
        self.assertIn("cannot show", no_glyph)
        self.assertEqual(len({too_long, no_glyph, control}), 3)

    # -- programs that may not hold a session; these stay in the device's logs

    def run_tui(self, program):
        """The reply to a TUI started by hand."""
        self.device.put("/run/request", tui.request(tui.CONFIRM, "Not from the service"))
        self.device.sh(f"{program} </run/request >/run/reply")
        return tui.Reply(self.device.get("/run/reply"))

    def test_80_changed_tui_gets_no_session_and_the_service_sees_it(self):
        self.device.sh("cp /usr/sbin/tconn-tui /run/changed-tui && chmod 755 /run/changed-tui")
        program = bytearray(self.device.get("/run/changed-tui"))
        at = program.index(b"trusted")      # a byte of a text: the program runs as before
        program[at] ^= 0x20
        self.device.put("/run/changed-tui", program, 0o755)
        lit = len(self.device.lamp.events())
        reply = self.run_tui("/run/changed-tui")
        self.assertEqual(reply.status, tui.REFUSED, reply.message)
        self.assertEqual(len(self.device.lamp.events()), lit)
        digest = self.device.sh("sha256sum /run/changed-tui").output.split()[0]
        log = self.device.sh("cat /sys/kernel/security/tconn/log_ascii").output
        self.assertIn(digest, log)
        self.assert_service_sees(digest)

    def assert_service_sees(self, digest):
        """The next attestation is not trusted any more, and says what it saw."""
        checks = self.attest_again()
        self.assertIn(digest[:16], self.failed_check(checks, "tconn-reference"))
        self.failed_check(checks, "ima-reference")
        status, _, errors = self.scene.ask("confirm", "Still there?").result(30)
        self.assertNotEqual(status, 0, errors)

    def attest_again(self):
        """The checks of a new attestation, which has to fail."""
        last = self.scene.device_state()["last_seen"]
        self.device.sh("killall tconnd; sleep 1.5")
        self.device.spawn("exec tconnd --config /etc/tconn/tconnd.json", "/run/tconnd.log")
        deadline = time.monotonic() + 60
        while True:
            state = self.scene.device_state()
            if state["last_seen"] != last and state["checks"] and not state["trusted"]:
                return state["checks"]
            self.assertLess(time.monotonic(), deadline, state)
            time.sleep(0.5)

    def test_90_extended_pcr_does_not_replay(self):
        # Root can extend the module's PCR with anything; it shows as a mismatch.
        self.device.sh("TPM2TOOLS_TCTI=device:/dev/tpmrm0 tpm2 pcrextend 13:sha256=" + "a5" * 32)
        self.failed_check(self.attest_again(), "tconn-log")


if __name__ == "__main__":
    unittest.main()
