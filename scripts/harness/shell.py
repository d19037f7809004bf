# SPDX-License-Identifier: Apache-2.0
"""The harness' end of the guest's root shell (scripts/guest/shell.sh)."""

import collections
import re
import threading

Result = collections.namedtuple("Result", "status output")
KILLED = 137


class ShellError(Exception):
    pass


class Shell:
    def __init__(self, connection):
        self._connection = connection
        self._lock = threading.Lock()
        self._buffer = b""

    def wait_ready(self, timeout):
        self._connection.settimeout(timeout)
        if self._line() != b"READY":
            raise ShellError("the guest's shell did not start")

    def _more(self):
        try:
            part = self._connection.recv(1 << 16)
        except TimeoutError:
            raise ShellError("the guest's shell does not answer") from None
        if not part:
            raise ShellError("the guest has gone")
        self._buffer += part

    def _line(self):
        while b"\n" not in self._buffer:
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _bytes(self, count):
        while len(self._buffer) < count:
            self._more()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def run(self, script, timeout, stdin=b""):
        """Result with output as bytes; a script over its time is killed (137)."""
        text = script.encode() + b"\n"
        with self._lock:
            self._connection.settimeout(timeout + 30)
            self._connection.sendall(b"%d %d %d\n" % (timeout, len(text), len(stdin)) + text + stdin)
            line = self._line()
            match = re.fullmatch(rb"(\d+) (\d+)", line)
            if not match:
                raise ShellError(f"the guest's shell said {line!r}")
            return Result(int(match[1]), self._bytes(int(match[2])))

    def close(self):
        self._connection.close()
