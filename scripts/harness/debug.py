# SPDX-License-Identifier: Apache-2.0
"""What the debug kernel (scripts/debug-kernel) has found.

    debug.watch(guest)              at the start
    text = debug.findings(guest)    after the tests: what leaked, "" if nothing
    debug.keep_coverage(guest, directory)   which lines of tconn.ko ran, for
    coverage = debug.coverage([directory, ...])     {file: Coverage}

KASAN, lockdep and the like speak on the console, which the guest watches anyway.
"""

import collections
import json
import pathlib
import shutil
import subprocess
import tempfile
import time

from . import paths

KMEMLEAK = "/sys/kernel/debug/kmemleak"
GCOV = "/sys/kernel/debug/gcov"
LEAK_AGE = 6            # seconds; what is younger, kmemleak does not report
SCAN_TIMEOUT = 1200     # of all memory, a minute on an idle machine

Coverage = collections.namedtuple("Coverage", "lines lines_run branches branches_run missed")


def watch(guest):
    guest.sh("mount -t debugfs debugfs /sys/kernel/debug; "
             f"test -e {KMEMLEAK} && echo scan=off >{KMEMLEAK} && echo clear >{KMEMLEAK}")


def findings(guest):
    """Leaks since watch(), and whether lockdep gave up."""
    for _ in range(2):      # the first look starts the clock of what it finds
        time.sleep(LEAK_AGE)
        guest.sh(f"echo scan >{KMEMLEAK}", timeout=SCAN_TIMEOUT)
    leaks = guest.sh(f"cat {KMEMLEAK}", timeout=120).output
    if "debug_locks:                             1" not in \
            guest.sh("grep debug_locks /proc/lockdep_stats", check=False).output:
        leaks += "lockdep is off\n"
    return leaks


def keep_coverage(guest, directory):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    notes = paths.module_ko(guest.image.release).parent / "kmod"
    names = guest.sh(f"find {GCOV} -name '*.gcda'").output.split()
    for name in names:
        path = pathlib.PurePath(name)
        (directory / path.name).write_bytes(guest.get(name))
        shutil.copy(notes / path.with_suffix(".gcno").name, directory)


def _merged(directories, into):
    """gcov-tool takes two at a time."""
    shutil.copytree(directories[0], into, dirs_exist_ok=True)
    for other in directories[1:]:
        both = f"{into}.both"
        subprocess.run(["gcov-tool", "merge", "-o", both, into, other], check=True,
                       capture_output=True)
        for data in pathlib.Path(both).glob("**/*.gcda"):
            shutil.copy(data, into)
        shutil.rmtree(both)


def coverage(directories):
    """{file of kmod/: Coverage}, over all directories together."""
    with tempfile.TemporaryDirectory() as temporary:
        into = pathlib.Path(temporary) / "all"
        _merged(directories, into)
        lines, branches = collections.Counter(), collections.Counter()
        for data in sorted(into.glob("*.gcda")):
            text = subprocess.run(["gcov", "--json-format", "--stdout", "-b", data.name], cwd=into,
                                  check=True, capture_output=True, text=True).stdout
            for file in json.loads(text)["files"]:
                _count(file, lines, branches)
    files = sorted({name for name, _ in lines})
    return {name: _file(name, lines, branches) for name in files}


def _count(file, lines, branches):
    """A line of an inline function stands in several objects."""
    name = pathlib.PurePath(file["file"])
    if name.parent.name != "kmod":
        return
    for line in file["lines"]:
        at = (f"kmod/{name.name}", line["line_number"])
        lines[at] += line["count"]
        for index, branch in enumerate(line.get("branches", ())):
            branches[at + (index,)] += branch["count"]


def _file(name, lines, branches):
    mine = {at: count for at, count in lines.items() if at[0] == name}
    taken = [count for at, count in branches.items() if at[0] == name]
    return Coverage(len(mine), sum(count > 0 for count in mine.values()), len(taken),
                    sum(count > 0 for count in taken),
                    sorted(at[1] for at, count in mine.items() if not count))


def share(run, total):
    return 100 * run / total if total else 100.0


def table(files):
    """Lines for people; the last one is the total."""
    total = Coverage(*(sum(getattr(c, field) for c in files.values())
                       for field in ("lines", "lines_run", "branches", "branches_run")), [])
    rows = [f"{'file':20} {'lines':>6} {'run':>6} {'%':>6} {'branches':>9} {'taken':>6} {'%':>6}"]
    for name, c in [*files.items(), ("total", total)]:
        rows.append(f"{name:20} {c.lines:6} {c.lines_run:6} {share(c.lines_run, c.lines):6.1f} "
                    f"{c.branches:9} {c.branches_run:6} {share(c.branches_run, c.branches):6.1f}")
    return rows, total
