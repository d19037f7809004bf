# SPDX-License-Identifier: Apache-2.0
"""The guest's serial console: kept in a file with times, watched for trouble."""

import re
import threading
import time

TROUBLE = re.compile(
    r"WARNING: (CPU|possible|suspicious|inconsistent|bad)|\bBUG: |\bBUG at|KASAN|KCSAN|UBSAN|KFENCE|"
    r"\bOops\b|Call Trace|Kernel panic|general protection fault|blocked for more than|"
    r"refcount_t: |list_(add|del) corruption|soft lockup|rcu: INFO|DEBUG_LOCKS_WARN|"
    r"ODEBUG:|non-static key|kmemleak: \d+ new")
# The debug kernel says with a call trace which allocation it made fail; a complaint
# has a first line of its own.
DEBUG_TROUBLE = re.compile(TROUBLE.pattern.replace("Call Trace|", ""))


class Console(threading.Thread):
    def __init__(self, stream, path, echo=None, trouble=TROUBLE):
        super().__init__(daemon=True)
        self._trouble = trouble
        self._stream = stream
        self._log = open(path, "w", encoding="utf-8", errors="replace")
        self._echo = echo
        self.started = time.monotonic()     # the guest's power-on
        self._lines = []
        self._stamps = []       # seconds from then to each of them
        self.trouble = []       # lines that fail the run

    def run(self):
        for raw in self._stream:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            stamp = time.monotonic() - self.started
            self._log.write(f"{stamp:9.3f} {line}\n")
            self._log.flush()
            self._stamps.append(stamp)
            self._lines.append(line)
            if self._trouble.search(line):
                self.trouble.append(line)
            if self._echo:
                self._echo(line)
        self._log.close()

    def tail(self, count=15):
        return "\n".join(self._lines[-count:])

    def find(self, pattern):
        """The first match of this regular expression in a line that has come, or None."""
        return next(filter(None, (re.search(pattern, line) for line in list(self._lines))), None)

    def contains(self, pattern):
        """Has a line with this regular expression come?"""
        return self.find(pattern) is not None

    def when(self, pattern):
        """Seconds from power-on to the first such line, or None."""
        return next((stamp for line, stamp in zip(list(self._lines), self._stamps)
                     if re.search(pattern, line)), None)
