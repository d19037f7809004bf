# SPDX-License-Identifier: Apache-2.0
"""What goes into tconn-tui and comes out of it: tui/protocol.h, tui/statement.h and
struct tconn_record of kmod/uapi/tconn.h, as end-to-end tests need them.
"""

import struct

CONFIRM, PIN, NOTICE = 1, 2, 3                       # enum tconn_kind
CONFIRMED, DENIED, ENTERED, ABORTED = 1, 2, 3, 4     # enum tconn_outcome
DECIDED, REFUSED, STATEMENT, UNTRUSTED = 0, 2, 3, 6  # enum tconn_tui_status
VERIFIER_KEY = b"\x09" + bytes(31)                   # X25519's base point: any key will do


def request(kind, text, pin_min=0, pin_max=0, timeout_ms=30000):
    text = text.encode()
    statement = b"TCST" + struct.pack("<HHIHH", 1, kind, len(text), pin_min, pin_max) + text
    return (b"TCRQ" + struct.pack("<HHII", 2, 0, timeout_ms, len(statement)) + bytes(32)
            + VERIFIER_KEY + bytes(8) + statement)


class Reply:
    """tui/protocol.h, and struct tconn_record of kmod/uapi/tconn.h."""

    def __init__(self, data):
        (magic, version, self.status, self.error, self.refusal, record, answer, message,
         _) = struct.unpack_from("<4sHHiIIIII", data)
        assert magic == b"TCRP" and version == 2 and len(data) == 32 + record + answer + message
        self.record = data[32:32 + record]
        self.answer = data[32 + record:32 + record + answer].decode()
        self.message = data[32 + record + answer:].decode()

    @property
    def outcome(self):
        return struct.unpack_from("<I", self.record, 36)[0]

    @property
    def indicator(self):
        return struct.unpack_from("<I", self.record, 44)[0]

    @property
    def counts(self):
        """Frames and keys."""
        return struct.unpack_from("<II", self.record, 288)

    @property
    def frame(self):
        return self.record[144:176].hex()
