# SPDX-License-Identifier: Apache-2.0
"""The keyboard's LEDs seen from outside the guest, in two independent ways.

"vnc" is what QEMU tells a VNC client (LED state, pseudo-encoding -261), "ps2"
what its keyboard was told by the guest (trace event ps2_set_ledstate). Both
give Event(time, source, scroll, num, caps), time on time.monotonic().
"""

import collections
import re
import socket
import struct
import threading
import time

Event = collections.namedtuple("Event", "time source scroll num caps")

SCROLL, NUM, CAPS = 1, 2, 4     # both sources use the PS/2 bits
LED_STATE = -261


class LampError(Exception):
    pass


class _Vnc(threading.Thread):
    """A VNC client that wants no picture, only the LEDs."""

    def __init__(self, path, report):
        super().__init__(daemon=True)
        self._report = report
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(str(path))
        self._greet()
        self._socket.settimeout(None)

    def _take(self, count):
        data = b""
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            if not part:
                raise LampError("the VNC connection ended")
            data += part
        return data

    def _greet(self):
        self._take(12)
        self._socket.sendall(b"RFB 003.008\n")
        self._take(self._take(1)[0])            # security types
        self._socket.sendall(b"\x01")           # none
        if self._take(4) != bytes(4):
            raise LampError("VNC refused us")
        self._socket.sendall(b"\x01")           # shared
        name = struct.unpack(">20xI", self._take(24))[0]
        self._take(name)
        self._socket.sendall(struct.pack(">BxHi", 2, 1, LED_STATE))

    def run(self):
        try:
            while True:
                self._message()
        except (OSError, LampError):
            pass

    def _message(self):
        kind = self._take(1)[0]
        if kind != 0:
            raise LampError(f"unexpected VNC message {kind}")
        for _ in range(struct.unpack(">xH", self._take(3))[0]):
            encoding = struct.unpack(">8xi", self._take(12))[0]
            if encoding != LED_STATE:
                raise LampError(f"unexpected VNC encoding {encoding}")
            self._report("vnc", self._take(1)[0], time.monotonic())

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()


class Lamp:
    def __init__(self, vnc_path, trace_path):
        self._lock = threading.Condition()
        self._events = []
        self._trace_path = trace_path
        self._trace_taken = 0
        self._vnc = _Vnc(vnc_path, self._report)
        self._vnc.start()

    def _report(self, source, state, when):
        event = Event(when, source, bool(state & SCROLL), bool(state & NUM), bool(state & CAPS))
        with self._lock:
            self._events.append(event)
            self._lock.notify_all()

    def _read_trace(self):
        """Lines "PID@SECONDS.MICROS:ps2_set_ledstate ... ledstate N" on the wall clock."""
        offset = time.time() - time.monotonic()
        with open(self._trace_path, encoding="ascii", errors="replace") as file:
            file.seek(self._trace_taken)
            for line in iter(file.readline, ""):
                if not line.endswith("\n"):
                    break
                self._trace_taken = file.tell()
                match = re.search(r"@(\d+\.\d+):ps2_set_ledstate .*ledstate (\d+)", line)
                if match:
                    self._report("ps2", int(match[2]), float(match[1]) - offset)

    def events(self, source=None, since=0.0):
        """All changes so far, in order of time."""
        self._read_trace()
        with self._lock:
            return sorted(e for e in self._events
                          if e.time >= since and source in (None, e.source))

    def lit(self, source="vnc"):
        """Is the scroll-lock LED on, by the last report of that source?"""
        events = self.events(source)
        return bool(events) and events[-1].scroll

    def wait(self, lit, timeout=30.0, sources=("vnc", "ps2")):
        """Until all sources agree; returns their last events, by source."""
        deadline = time.monotonic() + timeout
        while True:
            if all(self.lit(source) == lit for source in sources):
                return {source: self.events(source)[-1:] for source in sources}
            left = deadline - time.monotonic()
            if left <= 0:
                states = {source: self.lit(source) for source in sources}
                raise LampError(f"lamp not {'lit' if lit else 'dark'} in {timeout} s: {states}")
            with self._lock:
                self._lock.wait(min(left, 0.05))

    def close(self):
        self._vnc.close()
