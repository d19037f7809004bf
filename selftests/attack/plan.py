# SPDX-License-Identifier: Apache-2.0
"""Which attack runs in which guest, one boot for as many as possible."""

import collections
import concurrent.futures
import os
import shutil
import time

from harness import paths
from harness.guest import GuestError
from harness.qmp import QmpError
from harness.shell import ShellError

from . import judges
from .record import Ledger
from .rig import HARDENED, Dialog, Rig, build_image
from .scenario import Scenario, Seen

SIDES = ("unprotected", "protected")
# A third run: does what an attack names as its defence hold by itself?
ALONE = "alone"
ALONE_KINDS = {"module": "module", "boot": "locked"}
LOST = (GuestError, QmpError, ShellError, OSError)

NOT_SHOWN = "the dialog did not come up"     # a Result's problem
BATCH = 20      # attacks, for one guest after the other

# seconds: what it took; problem: why the result cannot be relied on, or "".
Result = collections.namedtuple("Result", "outcome reason noticed problem seconds")


class Row:
    """An attack's line of the matrix."""

    def __init__(self, attack, kernel):
        self.attack, self.kernel = attack, kernel
        self.sides = {}

    def outcome(self, side):
        return self.sides[side].outcome if side in self.sides else "unavailable"

    @property
    def counts(self):
        return "unavailable" not in (self.outcome(side) for side in SIDES)

    def wrong(self, sides):
        """Why this row fails the run, or ""."""
        results = [self.sides[side] for side in sides if side in self.sides]
        for result in results:
            if result.problem:
                return result.problem
        if any(result.outcome == "unavailable" for result in results):
            return ""
        if "unprotected" in sides and self.outcome("unprotected") != "succeeded":
            return "no test: it fails where nothing stops it"
        expected = "succeeded" if self.attack.defence == "limit" else "failed"
        if "protected" in sides and self.outcome("protected") != expected:
            return "it succeeds" if expected == "failed" else "no limit: it fails"
        if self.outcome(ALONE) == "succeeded":
            return f"{self.attack.defence} alone does not stop it"
        return ""


def _kind(attack, side):
    """Of the guest; None: this attack has no such side."""
    if side == ALONE:
        kind = ALONE_KINDS.get(attack.defence)
        return None if kind == attack.unprotected else kind
    return attack.unprotected if side == "unprotected" else "protected"


def _check_session(rig):
    """After an attack on the protection itself: is a session still one?"""
    rig.start_ree()
    rig.before = rig.picture("ree")
    dialog = Dialog(rig, False)
    dialog.start()
    dialog.wait_shown()
    dialog.end()
    if dialog.shown and rig.kind != "bare":
        return "trusted"
    return judges.describe(dialog)


def _play(rig, attack):
    scenario = Scenario(rig, attack)
    try:
        ledger = Ledger(rig) if attack.judge == "record" else None
        seen = scenario.play()
        if ledger:
            ledger.keep(seen.dialog)
            seen.records = ledger.verdict()
        if attack.judge == "alive" and rig.kind != "bare" and seen.healthy:
            seen.checked = _check_session(rig)
        return seen, False
    except LOST as error:
        seen = scenario.seen or Seen(rig.kind)
        seen.output += f"\nnote the guest was lost: {error}\nfailed: the guest was lost\n"
        return seen, True


def _shows_nothing(seen):
    """A dialog that never came up, and no refusal either: nothing was attacked."""
    return seen.dialog and not seen.dialog.shown and seen.dialog.state in ("running", "gone")


def _result(attack, rig, seen, lost, seconds):
    outcome, reason = judges.judge(attack, seen) if not lost else ("failed", "the guest was lost")
    trouble = rig.trouble()
    problem = ""
    if rig.kind in HARDENED and trouble:
        problem = f"the kernel complained: {trouble[0]}"
    elif lost and attack.judge != "alive":
        problem = "the guest was lost"
    elif _shows_nothing(seen):
        problem = NOT_SHOWN
    elif not seen.ready and outcome != "unavailable" and seen.last[1] == "it printed no last line":
        problem = "it did not get ready"
    return Result(outcome, reason, "lost" if lost else judges.noticed(seen), problem, seconds)


def _log(directory, kind, result, seen):
    directory.mkdir(parents=True, exist_ok=True)
    text = (f"outcome {result.outcome}: {result.reason}\nnoticed {result.noticed}\n"
            f"problem {result.problem}\nsecret {seen.secret}\ndialog {judges.describe(seen.dialog)}\n"
            f"healthy {seen.healthy}\n--- what the attack printed\n{seen.output}")
    (directory / f"{kind}.log").write_text(text, encoding="utf-8", errors="replace")


class _Guests:
    """The guest that is up, and a new one whenever another is needed."""

    def __init__(self, built, directory, kind):
        self._built, self._directory, self._kind = built, directory, kind
        self._context = self.rig = None

    def get(self, attack):
        if not self.rig:
            self._context = Rig.boot(self._kind, attack, self._built, self._directory)
            self.rig = self._context.__enter__()
        return self.rig

    def drop(self):
        if self._context:
            self._context.__exit__(None, None, None)
        self._context = self.rig = None


# Attacks that run in one guest after the other, as long as it is good for that.
Batch = collections.namedtuple("Batch", "side kind attacks")


def _batches(attacks, sides):
    """Those that spoil the guest come last; as many in a batch as keep all jobs busy."""
    groups = {}
    for side in sides:
        for attack in sorted(attacks, key=lambda a: a.spoils):
            kind = _kind(attack, side)
            if kind:
                key = side, kind, attack.devices, attack.append
                groups.setdefault(key, []).append(attack)
    batches = [Batch(side, kind, group[i:i + BATCH]) for (side, kind, *_), group in groups.items()
               for i in range(0, len(group), BATCH)]
    return sorted(batches, key=lambda batch: -len(batch.attacks))


def _worth_another_try(side, result):
    """A busy machine may keep a dialog away, or a race from being won; what gets through a
    protection counts at once.
    """
    return result.problem == NOT_SHOWN or \
        (side == "unprotected" and result.outcome == "failed")


def _try(guests, kind, attack, directory):
    start = time.monotonic()
    rig = guests.get(attack)
    rig.directory = directory / attack.name
    seen, lost = _play(rig, attack)
    result = _result(attack, rig, seen, lost, time.monotonic() - start)
    _log(rig.directory, kind, result, seen)
    return result, seen, lost


def _run_batch(batch, number, built, directory):
    """Yields (attack, result, seen)."""
    folder = directory / "guests" / f"{os.getpid()}-{batch.kind}-{number}"
    guests = _Guests(built, folder, batch.kind)
    try:
        for attack in batch.attacks:
            result, seen, lost = _try(guests, batch.kind, attack, directory)
            if _worth_another_try(batch.side, result):
                guests.drop()
                result, seen, lost = _try(guests, batch.kind, attack, directory)
            yield attack, result, seen
            spoilt = attack.spoils and not (batch.kind in HARDENED and result.outcome == "failed")
            if lost or spoilt or not seen.healthy or result.problem:
                guests.drop()
    finally:
        guests.drop()


def _forget_guests(folder):
    """Those of runs that are over."""
    for path in folder.glob("*-*-*"):
        if not os.path.exists(f"/proc/{path.name.partition('-')[0]}"):
            shutil.rmtree(path, ignore_errors=True)


def run(attacks, kernel, sides, verbose=False, jobs=1):
    """Rows, in the order of attacks. jobs: guests that are up at the same time."""
    directory = paths.OUT / "attack" / kernel
    _forget_guests(directory / "guests")
    built = build_image(attacks, kernel)
    rows = {attack.name: Row(attack, kernel) for attack in attacks}

    def work(number, batch):
        for attack, result, seen in _run_batch(batch, number, built, directory):
            rows[attack.name].sides[batch.side] = result
            _print(attack, batch.kind, result, seen, verbose)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(work, *item) for item in enumerate(_batches(attacks, sides))]:
            future.result()
    return list(rows.values())


def _print(attack, kind, result, seen, verbose):
    lines = [f"  {kind:9} {result.outcome:11} {attack.folder}/{attack.name} "
             f"({result.seconds:.0f} s): {result.reason}"
             + (f"; noticed: {result.noticed}" if result.noticed else "")
             + (f"; PROBLEM: {result.problem}" if result.problem else "")]
    if verbose:
        told = [line for line in seen.output.splitlines() if not line.startswith("pixel ")]
        lines += [f"            | {line}" for line in told[-40:]]
    print("\n".join(lines), flush=True)
