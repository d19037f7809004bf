# SPDX-License-Identifier: Apache-2.0
"""One attack against one guest: what happens in which order, and what was seen of it."""

import dataclasses
import random
import re
import time

GRACE = 1.4         # seconds after the last change of picture before a key counts, and a margin
LINGER = 2.0        # how long an attack has for itself where nothing else goes on
PATIENCE = 8.0      # how much longer if it is to judge by itself, and has not ended
LOOKS = 3           # at each of several sessions
PRESSES = 3         # of the attention key
DECIDE = 7.0        # how long we wait for a dialog that nobody answers


@dataclasses.dataclass
class Seen:
    """What the judges get."""
    kind: str
    output: str = ""
    secret: str = ""
    typed: bool = False
    ready: bool = False
    dialog: object = None
    ree: object = None              # picture before the dialog
    first: object = None            # picture of the dialog before an attack that hides it
    cursors: list = dataclasses.field(default_factory=list)     # at each of shown: was there one?
    shown: list = dataclasses.field(default_factory=list)       # pictures of the dialog
    lamp: list = dataclasses.field(default_factory=list)        # events since started
    lit_before: bool = False        # when it started
    started: float = 0.0
    answered: float = 0.0           # when the last key was pressed, or the dialog was given up
    ended: float = 0.0
    healthy: bool = True            # all is as it was at boot: Rig.as_at_boot()
    checked: str = ""               # with the judge alive: what became of a session afterwards
    pressed: int = 0                # the attention key, by a person
    heard: int = 0                  # its presses as whoever waits for them counted them
    records: object = None          # with the judge record: see record.py

    def lines(self, word):
        return [line.partition(" ")[2] for line in self.output.splitlines()
                if line.startswith(f"{word} ")]

    @property
    def digits(self):
        return "".join(re.sub(r"\D", "", text) for text in self.lines("digits"))

    @property
    def pictures(self):
        """[{(x, y): colour}], one for each picture that was read."""
        found = [{}]
        for line in self.output.splitlines():
            match = re.fullmatch(r"pixel (\d+) (\d+) ([0-9a-fA-F]{6})", line.strip())
            if match:
                found[-1][int(match[1]), int(match[2])] = bytes.fromhex(match[3])
            elif line == "picture":
                found.append({})
        return [pixels for pixels in found if pixels]

    @property
    def last(self):
        """(succeeded | failed | unavailable, reason) as the attack has it."""
        found = re.findall(r"(?m)^(succeeded|failed|unavailable):\s*(.*)$", self.output)
        return found[-1] if found else ("failed", "it printed no last line")


def secret():
    """Eight digits, no two alike, so that they are in nothing else that is about."""
    return "".join(random.sample("0123456789", 8))


class Scenario:
    def __init__(self, rig, attack):
        self._rig, self._attack = rig, attack
        self._guest = rig.guest
        self.seen = Seen(rig.kind)

    def play(self):
        rig, attack, seen = self._rig, self._attack, self.seen
        rig.prepare(attack)
        seen.ree = rig.before
        seen.lit_before = self._guest.lamp.lit("vnc")
        seen.started = time.monotonic()
        play = {"idle": self._idle, "own": self._own}.get(attack.when, self._session)
        running = play()
        seen.output = running.finish()
        seen.ended = time.monotonic()
        seen.lamp = self._guest.lamp.events("vnc", since=seen.started)
        seen.healthy = rig.as_at_boot()
        return seen

    def _idle(self):
        running = self._begin()
        if self._attack.judge == "attention":
            self._press_attention()
        time.sleep(LINGER)
        deadline = time.monotonic() + PATIENCE
        while self._attack.judge == "self" and running.alive() and time.monotonic() < deadline:
            time.sleep(0.5)
        return running

    def _press_attention(self):
        with self._rig.attention() as attention:
            time.sleep(LINGER)
            for _ in range(PRESSES):
                self._guest.keys("f12")
                time.sleep(0.5)
            time.sleep(LINGER)
            self.seen.pressed, self.seen.heard = PRESSES, attention.count()

    def _own(self):
        """Whoever sees the lamp lit, and a dialog, types what it asks for."""
        running = self._begin()
        deadline = time.monotonic() + DECIDE
        while time.monotonic() < deadline and not self._guest.lamp.lit("vnc"):
            time.sleep(0.2)
        time.sleep(GRACE)
        if self._guest.lamp.lit("vnc"):
            self._type()
            time.sleep(LINGER)
        return running

    def _begin(self):
        running = self._rig.start(self._attack)
        self.seen.ready = running.ready
        return running

    def _session(self):
        rig, attack, seen = self._rig, self._attack, self.seen
        running = self._begin() if attack.when == "before" else None
        if attack.ree == "attack" and rig.kind != "bare":
            rig.before = seen.ree = rig.picture("ree")
        seen.dialog = rig.open_dialog(attack)
        if attack.judge == "picture-hidden":
            seen.first = rig.picture("first")
        running = running or self._begin()
        time.sleep(GRACE)
        self._look()
        if rig.kind != "bare":
            self._come_and_go(attack.rounds - 1)
        self._answer()
        seen.answered = seen.answered or time.monotonic()
        seen.dialog.end()
        return running

    def _come_and_go(self, rounds):
        """Ends the session and begins another, so many times: races have more to win."""
        while rounds and self.seen.dialog.shown:
            self.seen.dialog.end()
            self.seen.dialog = self._rig.open_dialog(self._attack)
            for _ in range(LOOKS):
                self._look()
            time.sleep(GRACE)
            rounds -= 1

    def _look(self):
        dialog = self.seen.dialog
        if dialog and dialog.shown and not dialog.poll():
            name = f"dialog-{len(self.seen.shown)}"
            self.seen.shown.append(self._rig.picture(name, self._attack.head))
            self.seen.cursors.append(self._rig.has_cursor())

    def _answer(self):
        seen = self.seen
        if self._attack.judge == "decided":
            seen.dialog.wait_end(DECIDE)
            return
        # Nobody types a PIN where there is no dialog, or the lamp is dark.
        if seen.dialog.poll() or not seen.dialog.shown:
            return
        self._type()
        seen.dialog.wait_end(6)

    def _touch(self, digits):
        """As on a row of ten digits across the screen."""
        for digit in digits:
            place = (int(digit) + 0.5) / 10, 0.5
            self._guest.touch.touch(*place)
            time.sleep(0.1)
            self._guest.touch.lift(*place)
            time.sleep(0.1)

    def _type(self):
        seen = self.seen
        seen.secret, seen.typed = secret(), True
        self._guest.keys(*seen.secret)
        if self._guest.touch:
            self._touch(seen.secret)
        self._look()
        time.sleep(GRACE)
        self._look()
        seen.answered = time.monotonic()
        self._guest.keys("ret")
