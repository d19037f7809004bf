# SPDX-License-Identifier: Apache-2.0
"""tconn-tui on the real module: what the kernel hashed is what the renderer draws
elsewhere (goldens.txt), digits arrive, early keys do not, and whoever asked can go.
"""

import time

from harness import paths
from . import guests
from .tui import (ABORTED, CONFIRM, CONFIRMED, DENIED, ENTERED, NOTICE, PIN, STATEMENT, UNTRUSTED,
                  Reply, found, request)

QUESTION = "Pay 120.00 EUR to ACME Ltd?"            # these two are in goldens.txt
CARD = "PIN of the card that ends in 1234"
TUI = "/usr/sbin/tconn-tui"


def golden(name, size="1280x800"):
    for line in (paths.ROOT / "selftests" / "tui" / "goldens.txt").read_text().splitlines():
        if line.startswith(f"{name} {size} "):
            return line.split()[2]
    raise KeyError(name)


class Asking:
    """Starting the program in self.device and reading what it answers."""

    def begin(self, *what, command=f"{TUI} </run/request >/run/reply 2>/run/errors", **how):
        self.request = request(*what, **how)
        self.device.put("/run/request", self.request)
        self.device.sh("rm -f /run/status /run/reply")
        self.device.spawn(f"{command}; echo $? >/run/status.new; mv /run/status.new /run/status")

    def reply(self):
        status = self.device.wait_for("cat /run/status", 40).strip()
        self.assertEqual(status, "0", self.device.sh("cat /run/errors").output)
        return Reply(self.device.get("/run/reply"))

    def shown(self, name):
        time.sleep(0.5)
        self.device.screenshot(self.directory / f"{name}.png")


class Tui(Asking, guests.DeviceTest):
    @classmethod
    def boot(cls):
        super().boot()
        cls.device.sh("for led in /sys/class/leds/*::scrolllock; do echo tconn >$led/trigger; done")

    def ask(self, *what, **how):
        """Starts a session and waits until it may be answered."""
        self.begin(*what, **how)
        self.device.lamp.wait(lit=True)
        time.sleep(2)

    def decided(self):
        reply = self.reply()
        self.assertEqual(reply.status, 0, reply.message)
        self.assertEqual(reply.indicator, 3, "lit during all of it")
        self.device.lamp.wait(lit=False)
        return reply

    def found(self, reply):
        return found(self.request, reply.data)

    def test_confirmed(self):
        self.ask(CONFIRM, QUESTION)
        self.shown("confirm")
        self.device.keys("ret")
        reply = self.decided()
        self.assertEqual(reply.outcome, CONFIRMED)
        self.assertEqual(reply.frame, golden("developer-confirm"))

    def test_denied(self):
        self.ask(CONFIRM, QUESTION)
        self.device.keys("spc", "y", "esc")
        self.assertEqual(self.decided().outcome, DENIED)

    def test_early_enter_confirms_nothing(self):
        # The first press must come within 750 ms: on a machine that is too busy for
        # that it confirms the plain picture, which says nothing, so try again.
        for _ in range(4):
            self.begin(CONFIRM, QUESTION)
            self.device.lamp.wait(lit=True)
            self.device.keys("ret", gap=0)
            time.sleep(2)
            if self.device.sh("test -e /run/status", check=False).status:
                break
        self.shown("early")
        self.device.keys("ret")
        self.assertEqual(self.decided().frame, golden("developer-confirm-early"))

    def test_pin(self):
        self.ask(PIN, CARD, 4, 8)
        self.device.keys("1", "kp_2", "9")
        self.shown("pin-3")
        self.device.keys("ret")
        self.shown("pin-short")
        self.device.keys("backspace", "3", "0")
        time.sleep(2)       # the hint is gone: that picture has its own grace
        self.device.keys("ret")
        reply = self.decided()
        self.assertEqual(reply.outcome, ENTERED)
        self.assertEqual(len(reply.sealed), 64)
        self.assertEqual(self.found(reply), {"frame": "ok", "pin": "1230"})
        # The marks are in no digest (guest/picture_test), nor what else tells the length.
        self.assertNotEqual(reply.frame, golden("developer-pin-4"))
        self.assertEqual(reply.counts, (0, 0))

    def test_cancelled_pin_tells_no_digit(self):
        self.ask(PIN, CARD, 4, 8)
        self.device.keys("1", "2", "3", "4", "esc")
        reply = self.decided()
        self.assertEqual((reply.outcome, reply.sealed), (DENIED, b""))

    def test_held_key_counts_once(self):
        self.ask(PIN, CARD, 1, 12)
        self.device.keys("7", hold=2)
        self.device.keys("ret")
        reply = self.decided()
        self.assertEqual(len(reply.sealed), 64, "as many as of any PIN")
        self.assertEqual(self.found(reply)["pin"], "7")

    def test_what_was_seen_can_be_drawn_again(self):
        details = (("Amount", "120.00 EUR"), ("Payee", "ACME Ltd"))
        for how in ({"details": details, "locale": "de", "scale": 1},
                    {"theme": 1, "scale": 2},
                    {"locale": "ar", "details": (("\u0645\u0628\u0644\u063a", "030 1234"),)},
                    {"locale": "he", "theme": 1}):
            with self.subTest(**how):
                self.ask(CONFIRM, QUESTION, **how)
                self.device.keys("ret")
                reply = self.decided()
                self.assertEqual(self.found(reply), {"frame": "ok"})
                other = request(CONFIRM, QUESTION.replace("120", "110"), **how)
                self.assertIn("something else", found(other, reply.data)["frame"])

    def test_notice(self):
        self.ask(NOTICE, "Paid. You may take your card.")
        self.device.keys("esc", "ret")
        reply = self.decided()
        self.assertEqual(reply.outcome, CONFIRMED)
        self.assertEqual(reply.frame, golden("developer-notice"))

    def test_time_out(self):
        self.begin(CONFIRM, QUESTION, timeout_ms=2000)
        reply = self.reply()
        self.assertEqual((reply.status, reply.outcome), (1, ABORTED))
        self.assertIn("nobody answered in time", reply.message)
        self.device.lamp.wait(lit=False)

    def test_too_long_for_the_screen_is_never_shown(self):
        before = time.monotonic()
        self.begin(CONFIRM, "word " * 1200)
        reply = self.reply()
        self.assertEqual((reply.status, reply.error), (STATEMENT, -3), reply.message)
        self.assertFalse(any(e.scroll for e in self.device.lamp.events(since=before)))

    def test_ends_when_nobody_reads_the_reply(self):
        self.begin(CONFIRM, QUESTION,
                   command=f"( {TUI} </run/request; echo $? >/run/tui ) | sleep 6")
        self.device.lamp.wait(lit=True)
        self.device.lamp.wait(lit=False)
        self.assertEqual(self.device.wait_for("cat /run/tui").strip(), "4")


class Development(Asking, guests.ModuleTest):
    """--dev, on a machine whose screen nobody has, without the module."""

    extra = {TUI: paths.BIN / "tconn-tui"}

    @property
    def device(self):
        return self.guest

    def test_marked_and_worth_nothing(self):
        self.begin(PIN, "PIN", 4, 4,
                   command=f"{TUI} --dev </run/request >/run/reply 2>/run/errors")
        time.sleep(4)
        self.device.keys("1", "2", "3", "4")
        self.shown("dev")
        self.device.keys("ret")
        reply = self.reply()
        self.assertEqual(reply.status, UNTRUSTED, reply.message)
        self.assertEqual((reply.record, reply.sealed), (b"", b""))
        self.assertIn("worth nothing", reply.message)
