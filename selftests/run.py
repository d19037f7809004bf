#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the tests and ends in the line "N passed, N failed, N skipped".

Groups, in this order (--list prints the names):
    host/PROGRAM        HOST_TESTS: programs that print KTAP, run here
    fuzz/PROGRAM        FUZZERS: their corpus, then a few seconds each
    meta/MODULE.CLASS.METHOD    what the tree promises of itself (selftests/meta)
    guest/PROGRAM       GUEST_TESTS: run in one "kmod" guest, beside tconn.ko
    guest-bochs/PROGRAM the display's tests, with another driver than virtio-gpu
    e2e/MODULE.CLASS.METHOD     device and service guests (selftests/e2e)

A pattern (make check TESTS=PATTERN) keeps the tests whose names contain it;
* and ? stand for anything. Logs: out/check/GROUP/NAME.log.

Tests marked with @full take long and are skipped, and counted so, unless a pattern asks for them
or CHECK_FULL is set (make check-full).

On the debug kernel (KERNEL=debug) leaks fail as well, and so does a module of whose lines
less than LINES_RUN % ran, if all of its tests did; the coverage is in out/check/coverage.json.
"""

import argparse
import fnmatch
import json
import os
import pathlib
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "selftests")]

from harness import debug, image, ktap, paths      # noqa: E402
from harness.full import is_full                    # noqa: E402
from harness.guest import Guest, GuestError  # noqa: E402

CHECK = paths.OUT / "check"
FUZZ_SECONDS = int(os.environ.get("FUZZ_SECONDS", "5"))
HOST_TIMEOUT = 180
GUEST_TIMEOUT = 180
DEBUG_TIMEOUT = 1800
LINES_RUN = 85          # per cent


class Report:
    """Counts, prints as it goes, keeps a log for each test."""

    def __init__(self):
        self.counts = {"pass": 0, "fail": 0, "skip": 0}
        self.failures = []

    def case(self, name, outcome, detail="", seconds=None):
        self.counts[outcome] += 1
        took = f" ({seconds:.1f} s)" if seconds is not None and seconds >= 0.1 else ""
        print(f"  {outcome:4} {name}{took}", flush=True)
        if outcome == "skip" and detail:
            print(f"       {detail}")
        if outcome == "fail":
            self.failures.append(name)
            for line in detail.splitlines()[-30:]:
                print(f"       | {line}")

    def program(self, name, text, status, seconds):
        log(name, text)
        cases = ktap.parse(text, status, name)
        print(f"{name} ({seconds:.1f} s)", flush=True)
        for case in cases:
            self.case(f"{name}: {case.name}", case.outcome, case.detail)

    def finish(self):
        if self.failures:
            print("\nfailed:")
            for name in self.failures:
                print(f"  {name}")
            print(f"logs: {CHECK.relative_to(ROOT)}/")
        print("{pass} passed, {fail} failed, {skip} skipped".format(**self.counts))
        return 1 if self.counts["fail"] else 0


def log(name, text):
    path = CHECK / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="replace")


def run(command, timeout, **options):
    """Status and output; a program over its time has status -9."""
    start = time.monotonic()
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout, check=False, **options)
        status, output = done.returncode, done.stdout
    except subprocess.TimeoutExpired as late:
        status, output = -9, (late.stdout or b"") + f"\nover {timeout} s\n".encode()
    except OSError as error:
        status, output = 127, f"{error}\n".encode()
    return status, output.decode("utf-8", "replace"), time.monotonic() - start


def host_tests(report, programs):
    for name, program in programs.items():
        status, text, seconds = run([program], HOST_TIMEOUT, cwd=ROOT)
        report.program(name, text, status, seconds)


def fuzz_tests(report, programs):
    """Replays the corpus, then searches: selftests/fuzz/build.mk knows with which flags."""
    for name, program in programs.items():
        target = "fuzz-smoke-" + pathlib.Path(program).name.removeprefix("fuzz_")
        command = ["make", "-s", "--no-print-directory", target, f"FUZZ_SECONDS={FUZZ_SECONDS}"]
        status, text, seconds = run(command, FUZZ_SECONDS + 120, cwd=ROOT)
        log(name, text)
        report.case(name, "fail" if status else "pass", text, seconds)


def guest_image(programs):
    """The kmod image with the tests, and what else their folders built, in /tests."""
    extra = {}
    for program in programs.values():
        folder = (ROOT / program).parent
        extra.update({f"/tests/{path.name}": path for path in sorted(folder.iterdir())
                      if path.is_file() and os.access(path, os.X_OK)})
    return image.build("kmod", extra)


def guest_tests(report, group, programs, screen):
    if not programs:
        return
    try:
        with Guest(guest_image(programs), CHECK / group / "vm", firmware="seabios",
                   screen=screen) as guest:
            if guest.is_debug:
                debug.watch(guest)
            for name, program in programs.items():
                start = time.monotonic()
                status, text = guest.ktap(f"env FUZZ_SECONDS={FUZZ_SECONDS} "
                                          f"./{pathlib.Path(program).name}",
                                          DEBUG_TIMEOUT if guest.is_debug else GUEST_TIMEOUT)
                report.program(name, text, status, time.monotonic() - start)
            if guest.is_debug:
                leaks = debug.findings(guest)
                report.case(f"{group}/kmemleak", "fail" if leaks else "pass", leaks)
                debug.keep_coverage(guest, CHECK / group / "coverage")
        report.case(f"{group}/console", "pass")
    except (GuestError, OSError) as error:
        report.case(f"{group}/console", "fail", str(error))


def report_coverage(report, groups):
    files = debug.coverage([CHECK / group / "coverage" for group in groups])
    rows, total = debug.table(files)
    print("\n".join(f"  {row}" for row in rows))
    (CHECK / "coverage.json").write_text(json.dumps(
        {name: c._asdict() for name, c in [*files.items(), ("total", total)]}, indent=1))
    enough = debug.share(total.lines_run, total.lines) >= LINES_RUN
    report.case(f"coverage of {LINES_RUN} % of the module's lines", "pass" if enough else "fail")


class UnittestResult(unittest.TestResult):
    """Hands unittest's outcomes to the report."""

    def __init__(self, report, group):
        super().__init__()
        self._report = report
        self._group = group
        self._started = 0.0

    def startTest(self, test):
        super().startTest(test)
        self._started = time.monotonic()

    def _case(self, test, outcome, detail=""):
        name = f"{self._group}/{short_id(test.id())}"
        if detail:
            log(name, detail)
        self._report.case(name, outcome, detail, time.monotonic() - self._started)

    def addSuccess(self, test):
        self._case(test, "pass")

    def addSkip(self, test, reason):
        self._case(test, "skip", reason)

    def addFailure(self, test, err):
        self._case(test, "fail", self._exc_info_to_string(err, test))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.addFailure(subtest, err)


def short_id(identity):
    identity = identity.removeprefix("unittest.loader._FailedTest.")
    return identity.removeprefix("meta.").removeprefix("e2e.")


def unittests(folder):
    """{name: TestCase} of selftests/FOLDER/test_*.py."""
    suite = unittest.defaultTestLoader.discover(str(ROOT / "selftests" / folder), "test_*.py",
                                                str(ROOT / "selftests"))
    pending, found = [suite], {}
    while pending:
        for item in pending.pop(0):
            if isinstance(item, unittest.TestSuite):
                pending.append(item)
            else:
                found[f"{folder}/{short_id(item.id())}"] = item
    return found


def leave_out_full(report, tests):
    """What takes long is for check-full; that it did not run is said, one by one."""
    kept = {}
    for name, test in tests.items():
        if is_full(test):
            report.case(name, "skip", "make check-full runs it")
        else:
            kept[name] = test
    return kept


def run_unittests(report, group, tests, everything=True):
    if not tests:
        return
    print(f"{group}", flush=True)
    if not everything:
        tests = leave_out_full(report, tests)
    result = UnittestResult(report, group)
    # One suite, so that what a class or module sets up serves all its tests.
    unittest.TestSuite(tests.values()).run(result)


def programs(group, text):
    return {f"{group}/{pathlib.Path(path).name}": path for path in text.split()}


def select(tests, pattern):
    wanted = f"*{pattern}*"
    return {name: test for name, test in tests.items() if fnmatch.fnmatch(name, wanted)}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for group in ("host", "guest", "fuzzers"):
        parser.add_argument(f"--{group}", default="", metavar="'FILE...'")
    parser.add_argument("--tests", default="", metavar="PATTERN")
    parser.add_argument("--list", action="store_true", help="names only")
    args = parser.parse_args()

    groups = {"host": programs("host", args.host), "fuzz": programs("fuzz", args.fuzzers),
              "meta": unittests("meta"), "guest": programs("guest", args.guest),
              "guest-bochs": select(programs("guest-bochs", args.guest), "display_test"),
              "e2e": unittests("e2e")}
    whole = groups["guest"]
    groups = {group: select(tests, args.tests) for group, tests in groups.items()}
    if args.list:
        print("\n".join(name for tests in groups.values() for name in tests))
        return 0
    report = Report()
    host_tests(report, groups["host"])
    fuzz_tests(report, groups["fuzz"])
    run_unittests(report, "meta", groups["meta"])
    guest_tests(report, "guest", groups["guest"], None)
    guest_tests(report, "guest-bochs", groups["guest-bochs"], "bochs-display")
    if paths.is_debug(paths.kernel_release()) and groups["guest"] == whole:
        report_coverage(report, ("guest", "guest-bochs"))
    run_unittests(report, "e2e", groups["e2e"], args.tests or "CHECK_FULL" in os.environ)
    if not any(groups.values()):
        report.case(f"no test is named like {args.tests!r}", "fail")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
