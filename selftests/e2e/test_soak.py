# SPDX-License-Identifier: Apache-2.0
"""Session after session with ends that chance picks (selftests/kmod/soak.c), and keys
that chance presses. In between, from outside: the lamp is dark and the screen shows
the REE's picture; from inside: no leak, no stuck grab, the module can go.

SOAK_SESSIONS says how many (make soak: 10,000), SOAK_SEED where chance starts.
"""

import os
import random
import re
import time

from attack import picture
from harness import debug, paths
from harness.guest import GuestError
from . import guests

SESSIONS = int(os.environ.get("SOAK_SESSIONS", "200"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
ROUND = 500             # sessions between two looks; the module's log has room for 1,400
SECONDS = 4             # a session at most, on average, on a machine however busy
SLABS = 4               # of which processors have all objects, used or not
LEAK = 0.1              # objects a session; who leaks at each of some kind leaks more
TESTS = paths.BUILD / "selftests" / "kmod"

# The REE's fields (ree_picture.c), at these sixteenths of width and height.
FIELDS = {(3, 4): b"\xe0\x20\x20", (7, 4): b"\x20\xe0\x20", (11, 4): b"\x20\x20\xe0",
          (1, 1): b"\x60\x60\x60", (15, 15): b"\x60\x60\x60"}
# IMA keeps what it measures for good: here, nothing of the sessions.
IMA_POLICY = b"measure func=MODULE_CHECK\n"


class Soak(guests.ModuleTest):
    extra = {"/etc/ima/ima-policy": IMA_POLICY,
             **{f"/tests/{name}": TESTS / name for name in ("soak", "ree_picture")}}
    options = {"size": (640, 480)}

    @classmethod
    def boot(cls):
        super().boot()
        if cls.guest.is_debug:
            debug.watch(cls.guest)
        cls.guest.spawn("exec /tests/ree_picture /run/flips", "/run/ree.log")
        cls.guest.wait_for("grep -q shown /run/ree.log")

    def press_keys_until_done(self, seed, sessions):
        chance, said = random.Random(seed), ""
        deadline = time.monotonic() + 60 + SECONDS * sessions
        self.guest.spawn(f"/tests/soak -s {seed} -n {sessions}; echo status $?", "/run/soak.log")
        while "\nstatus " not in said:
            if time.monotonic() > deadline:
                raise GuestError(f"the soak does not end; it said:\n{said}")
            self.guest.keys(chance.choice(("a", "1", "ret", "esc", "shift-b")), hold=0.02)
            time.sleep(chance.random())
            said = self.guest.get("/run/soak.log").decode()
        self.assertIn("\nstatus 0\n", said, f"seed {seed}")
        return {int(cause): int(count) for cause, count in
                re.findall(r"^cause (\d+) (\d+)$", said, re.M)}

    def assert_ree_is_shown(self, name):
        deadline = time.monotonic() + 20
        while True:
            shown = picture.take(self.guest, self.directory / f"{name}.ppm")
            found = {at: shown.at(at[0] * shown.width // 16, at[1] * shown.height // 16)
                     for at in FIELDS}
            if found == FIELDS:
                return
            self.assertLess(time.monotonic(), deadline, "the screen does not show the REE's picture")
            time.sleep(0.5)

    def assert_all_was_given_back(self, name):
        self.guest.lamp.wait(lit=False)
        self.assert_ree_is_shown(name)
        flips = "md5sum </run/flips"
        before = self.guest.sh(flips).output
        self.guest.wait_for(f'test "$({flips})" != "{before.strip()}"', 20)
        self.assertEqual(self.guest.sh("cat /sys/module/tconn/refcnt").output.strip(), "0")
        # The keyboard is the REE's: a grab of the module's would refuse this one.
        self.guest.sh("for led in /sys/class/leds/*::scrolllock; do echo none >$led/trigger; done")
        self.guest.sh("rmmod tconn")

    def objects(self):
        """{slab cache: (objects in use, objects in a slab)}."""
        self.guest.sh("echo 3 >/proc/sys/vm/drop_caches", check=False)
        # Else slabs that a processor keeps for itself count as in use, free objects and all.
        self.guest.sh("for cache in /sys/kernel/slab/*/shrink; do echo 1 >$cache; done", check=False,
                      timeout=120)
        lines = self.guest.sh("cat /proc/slabinfo", check=False).output.splitlines()[2:]
        return {line.split()[0]: (int(line.split()[1]), int(line.split()[4])) for line in lines}

    def assert_no_leak(self, before, sessions):
        if self.guest.is_debug:
            self.assertEqual(debug.findings(self.guest), "")
        after = self.objects()
        grown = {name: after[name][0] - used for name, (used, slab) in before.items()
                 if name in after
                 and after[name][0] - used > max(LEAK * sessions, SLABS * slab, 200)}
        self.assertEqual(grown, {}, "slab caches grew")

    def test_nothing_is_left_of_any_session(self):
        causes, before, done, start = {}, None, 0, time.monotonic()
        for seed in range(SEED, SEED + (SESSIONS + ROUND - 1) // ROUND):
            count = min(ROUND, SESSIONS - done)
            for cause, times in self.press_keys_until_done(seed, count).items():
                causes[cause] = causes.get(cause, 0) + times
            self.assert_all_was_given_back(f"ree-{seed}")
            # The first round fills caches that are meant to be kept.
            if before:
                self.assert_no_leak(before, done)
            before = before or self.objects()
            done += count
            print(f"  soak: {done} of {SESSIONS} sessions, seed {seed}, "
                  f"{time.monotonic() - start:.0f} s; records by cause: "
                  f"{dict(sorted(causes.items()))}", flush=True)
        if self.guest.is_debug:
            self.assertEqual(debug.findings(self.guest), "")
