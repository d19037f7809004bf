# SPDX-License-Identifier: Apache-2.0
"""Which attack runs in which guest, one boot for as many as possible."""

import collections
import concurrent.futures
import math
import os
import pathlib
import shutil
import tempfile
import threading
import time

from harness import paths
from harness.guest import GuestError
from harness.qmp import QmpError
from harness.shell import ShellError

from . import judges
from .kept import Kept
from .record import Ledger
from .rig import HARDENED, Dialog, Rig, build_image
from .scenario import Scenario, Seen

SIDES = ("unprotected", "protected")
# A third run: does what an attack names as its defence hold by itself?
ALONE = "alone"
ALONE_KINDS = {"module": "module", "boot": "locked"}
LOST = (GuestError, QmpError, ShellError, OSError)

# Problems of a Result that a busy machine may cause.
NOT_SHOWN = "the dialog did not come up"
TIMED_OUT = "the session's time was over before the attack was"
NOT_READY = "it did not get ready"
NO_TPM = "the TPM did not answer in time: no session"
NO_GUEST = "its guest did not boot"
BUSY = (NOT_SHOWN, TIMED_OUT, NOT_READY, NO_TPM, NO_GUEST)
CAUSE_TIMEOUT = 2       # TCONN_CAUSE_TIMEOUT of kmod/uapi/tconn.h
TRIES = 3
NOT_TRIED = "not tried"
BATCH = 20      # attacks, for one guest after the other

# seconds: what it took; problem: why the result cannot be relied on, or "".
Result = collections.namedtuple("Result", "outcome reason noticed problem seconds")


class Row:
    """An attack's line of the matrix."""

    def __init__(self, attack, kernel, release):
        self.attack, self.kernel, self.release = attack, kernel, release
        self.sides = {}

    def outcome(self, side):
        return self.sides[side].outcome if side in self.sides else NOT_TRIED

    @property
    def counts(self):
        return not {NOT_TRIED, "unavailable"} & {self.outcome(side) for side in SIDES}

    def missing(self, sides):
        """It was not tried on all of these sides."""
        return any(side not in self.sides and kind_of(self.attack, side) for side in sides)

    @property
    def noticed(self):
        """How the device told of it, in words; by the module alone where nothing else was left."""
        told = [(side, self.sides[side].noticed) for side in ("protected", ALONE)
                if side in self.sides and self.sides[side].noticed]
        return "; ".join(f"{noticed} (without confinement)" if side == ALONE else noticed
                         for side, noticed in told)

    def wrong(self, sides):
        """Why this row fails the run, or ""."""
        if self.missing(sides):
            return NOT_TRIED
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


def kind_of(attack, side):
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
    elif lost:
        problem = "the guest was lost"
    elif _shows_nothing(seen):
        problem = NOT_SHOWN
    elif seen.dialog and seen.dialog.cause == CAUSE_TIMEOUT:
        problem = TIMED_OUT
    elif seen.dialog and "no TPM" in seen.dialog.message and attack.folder != "tpm":
        problem = NO_TPM
    elif not seen.ready and outcome != "unavailable" and seen.last[1] == "it printed no last line":
        problem = NOT_READY
    return Result(outcome, reason, "lost" if lost else judges.noticed(seen), problem, seconds)


def _log(directory, kind, result, seen):
    directory.mkdir(parents=True, exist_ok=True)
    text = (f"outcome {result.outcome}: {result.reason}\nnoticed {result.noticed}\n"
            f"problem {result.problem}\nsecret {seen.secret}\ndialog {judges.describe(seen.dialog)}\n"
            f"healthy {seen.healthy}\n--- what the attack printed\n{seen.output}")
    (directory / f"{kind}.log").write_text(text, encoding="utf-8", errors="replace")


class _Boots:
    """Each kind of guest boots once, and goes on from what it was then whenever one is needed."""

    def __init__(self, built, folder):
        self._built, self._folder = built, folder
        self._lock = threading.Lock()   # one boot at a time, so that nobody boots the same twice
        self._kept = {}                 # key: (rig, file)

    @staticmethod
    def _key(kind, attack):
        return kind, attack.devices, attack.append

    def _keep(self, key, kind, attack):
        path = f"{self._folder}/{len(self._kept)}"
        with Rig.boot(kind, attack, self._built, pathlib.Path(f"{path}.boot")) as rig:
            rig.guest.save(path)
        self._kept[key] = rig, path

    def rig(self, kind, attack, directory):
        """A context manager."""
        if "touch-screen" in attack.devices:        # it lives outside QEMU
            return Rig.boot(kind, attack, self._built, directory)
        key = self._key(kind, attack)
        with self._lock:
            if key not in self._kept:
                self._keep(key, kind, attack)
        rig, path = self._kept[key]
        return rig.resume(path, attack, self._built, directory)


class _Guests:
    """The guest that is up, and a new one whenever another is needed."""

    def __init__(self, boots, directory, kind):
        self._boots, self._directory, self._kind = boots, directory, kind
        self._context = self.rig = None

    def get(self, attack):
        if not self.rig:
            context = self._boots.rig(self._kind, attack, self._directory)
            self.rig = context.__enter__()
            self._context = context
        return self.rig

    def drop(self):
        if self._context:
            self._context.__exit__(None, None, None)
        self._context = self.rig = None


# Attacks that run in one guest after the other, as long as it is good for that.
Batch = collections.namedtuple("Batch", "side kind attacks")


def _batches(attacks, sides, done):
    """Those that spoil the guest come last; as many in a batch as keep all jobs busy."""
    groups = {}
    for side in sides:
        for attack in sorted(attacks, key=lambda a: a.spoils):
            kind = kind_of(attack, side)
            if kind and (attack.name, side) not in done:
                key = side, kind, attack.devices, attack.append
                groups.setdefault(key, []).append(attack)
    batches = [Batch(side, kind, group[i:i + BATCH]) for (side, kind, *_), group in groups.items()
               for i in range(0, len(group), BATCH)]
    return sorted(batches, key=lambda batch: -len(batch.attacks))


def _worth_another_try(side, result):
    """A busy machine may keep a dialog away, or a race from being won; what gets through a
    protection counts at once.
    """
    return result.problem in BUSY or \
        (side == "unprotected" and result.outcome == "failed")


def _without_guest(kind, error, seconds):
    """What a try comes to that had no guest to run in."""
    reason = f"no guest: {error}".splitlines()[0]
    return Result("failed", reason, "", NO_GUEST, seconds), Seen(kind, output=f"note {error}\n"), True


def _try(guests, kind, attack, directory):
    start = time.monotonic()
    try:
        rig = guests.get(attack)
    except LOST as error:
        result, seen, lost = _without_guest(kind, error, time.monotonic() - start)
        _log(directory / attack.name, kind, result, seen)
        return result, seen, lost
    rig.directory = directory / attack.name
    seen, lost = _play(rig, attack)
    result = _result(attack, rig, seen, lost, time.monotonic() - start)
    _log(rig.directory, kind, result, seen)
    return result, seen, lost


def _run_batch(batch, number, boots, directory, end):
    """Yields (attack, result, seen) until it is late."""
    folder = directory / "guests" / f"{os.getpid()}-{batch.kind}-{number}"
    guests = _Guests(boots, folder, batch.kind)
    try:
        for attack in batch.attacks:
            if time.monotonic() > end:
                return
            for left in range(TRIES - 1, -1, -1):
                result, seen, lost = _try(guests, batch.kind, attack, directory)
                if not left or not _worth_another_try(batch.side, result):
                    break
                guests.drop()
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


def _take_kept(rows, sides, kept):
    """What is there already; returns the (attack name, side) of it."""
    found = set()
    for row in rows:
        for side in sides:
            result = kept.get(row.attack, side) if kind_of(row.attack, side) else None
            if result and not _worth_another_try(side, Result(**result)):
                row.sides[side] = Result(**result)
                found.add((row.attack.name, side))
    return found


def run(attacks, kernel, sides, verbose=False, jobs=1, resume=False,
        end=math.inf):
    """Rows, in the order of attacks. jobs: guests that are up at the same time. resume: what
    was found before, of the same inputs, is not looked for again. end: time.monotonic() after
    which no attack begins.
    """
    directory = paths.OUT / "attack" / kernel
    directory.mkdir(parents=True, exist_ok=True)
    _forget_guests(directory / "guests")
    built = build_image(attacks, kernel)
    kept = Kept(directory, built)
    rows = {attack.name: Row(attack, kernel, built.release) for attack in attacks}
    done = _take_kept(rows.values(), {*sides, ALONE}, kept) if resume else set()

    def work(number, batch):
        for attack, result, seen in _run_batch(batch, number, boots, directory, end):
            rows[attack.name].sides[batch.side] = result
            kept.put(attack, batch.side, result)
            _print(attack, batch.kind, result, seen, verbose)

    with tempfile.TemporaryDirectory(dir=directory, prefix="boots-") as folder, \
            concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        boots = _Boots(built, folder)
        for future in [pool.submit(work, *item)
                       for item in enumerate(_batches(attacks, sides, done))]:
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
