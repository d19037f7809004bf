# SPDX-License-Identifier: Apache-2.0
"""What is in all of a guest's physical memory, read from outside.

    memory.traces_of("83650274", memory.dump(guest, directory))     # names of its forms
"""

import contextlib
import re
import struct

SIZE = 1 << 30          # bytes of memory that guests have (harness/guest.py)
RUN = 6                 # digits in a row that are no coincidence
CHUNK = 1 << 16
KEYS = [11, 2, 3, 4, 5, 6, 7, 8, 9, 10]     # KEY_0, KEY_1, ... of linux/input-event-codes.h
EVENT = struct.Struct("<HHi")               # struct input_event after its time, 16 bytes
EV_KEY = 1


def dump(guest, directory):
    """All that is not zeros: most of it was never used."""
    zeros, path = bytes(CHUNK), directory / "memory"
    with _saved(guest, path) as file:
        return b"".join(chunk for chunk in iter(lambda: file.read(CHUNK), b"") if chunk != zeros)


@contextlib.contextmanager
def _saved(guest, path):
    try:
        guest.qmp("pmemsave", val=0, size=SIZE, filename=str(path.absolute()))
        with path.open("rb") as file:
            yield file
    finally:
        path.unlink(missing_ok=True)


def _forms(digits):
    """{name: bytes} of RUN digits: as text, as numbers, as keys."""
    values = [int(digit) for digit in digits]
    keys = [KEYS[value] for value in values]
    return {
        "text": digits.encode(), "UTF-16": digits.encode("utf-16-le"),
        "UTF-32": digits.encode("utf-32-le"), "numbers": bytes(values),
        "8-bit keys": bytes(keys), "16-bit keys": struct.pack(f"<{RUN}H", *keys),
        "32-bit keys": struct.pack(f"<{RUN}I", *keys),
    }


def _has_events(digits, data):
    """Their presses one after the other, with up to five other events in between."""
    first, *others = [EVENT.pack(EV_KEY, KEYS[int(digit)], 1) for digit in digits]
    rest = re.compile(b"".join(rb"(?s:.{16}(?:.{24}){0,5})" + re.escape(press)
                               for press in others))
    at = data.find(first)
    while at >= 0:
        if rest.match(data, at + EVENT.size):
            return True
        at = data.find(first, at + 1)
    return False


def traces_of(digits, data):
    """Names of the forms in which the digits, or a run of them, are in the data."""
    found = {f"{name} of {part}" for part in (digits[:RUN], digits[-RUN:])
             for name, form in _forms(part).items() if form in data}
    if _has_events(digits[:3], data):
        found.add(f"events of {digits[:3]}")
    return found
