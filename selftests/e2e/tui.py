# SPDX-License-Identifier: Apache-2.0
"""What goes into tconn-tui and comes out of it: tui/protocol.h, tui/statement.h and
struct tconn_record of kmod/uapi/tconn.h, as end-to-end tests need them.
"""

import pathlib
import struct
import subprocess
import tempfile

from harness import paths

CONFIRM, PIN, NOTICE = 1, 2, 3                       # enum tconn_kind
CONFIRMED, DENIED, ENTERED, ABORTED = 1, 2, 3, 4     # enum tconn_outcome
DECIDED, REFUSED, STATEMENT, UNTRUSTED, UNPROVEN = 0, 2, 3, 6, 8    # enum tconn_tui_status
# Bob's of RFC 7748, section 6.1, whose other half tui-reply knows.
VERIFIER_KEY = bytes.fromhex("de9edb7d7b7dc1b4d35b61c2ece43537"
                             "3f8343c85b78674dadfc7e146f882b4f")


def request(kind, text, pin_min=0, pin_max=0, timeout_ms=30000, locale="", details=(),
            scale=0, theme=0, phrase=""):
    """protocol.h and statement.h."""
    text, phrase, more = text.encode(), phrase.encode(), bool(locale or details)
    statement = b"TCST" + struct.pack("<HHIHH", 1 + more, kind, len(text), pin_min, pin_max) + text
    if more:
        statement += struct.pack("<8sH", locale.encode(), len(details))
        for key, value in details:
            statement += struct.pack("<HH", len(key.encode()), len(value.encode()))
            statement += key.encode() + value.encode()
    return (b"TCRQ" + struct.pack("<HHII", 2, 0, timeout_ms, len(statement)) + bytes(32)
            + VERIFIER_KEY + struct.pack("<BBHI", scale, theme, len(phrase), 0) + statement
            + phrase)


def found(request_bytes, reply_bytes):
    """What the service would find in a reply: {"frame": "ok", "pin": "1234"}."""
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder, name) for name in ("request", "reply")]
        for file, data in zip(files, (request_bytes, reply_bytes)):
            file.write_bytes(data)
        lines = subprocess.run([paths.BUILD / "selftests" / "tui" / "tui-reply", *files],
                               check=True, capture_output=True, text=True).stdout.splitlines()
    return dict(line.split(" ", 1) for line in lines)


class Reply:
    """tui/protocol.h, and struct tconn_record of kmod/uapi/tconn.h."""

    def __init__(self, data):
        (magic, version, self.status, self.error, self.refusal, record, answer, message,
         _) = struct.unpack_from("<4sHHiIIIII", data)
        assert magic == b"TCRP" and version == 2 and len(data) == 32 + record + answer + message
        self.record = data[32:32 + record]
        self.sealed = data[32 + record:32 + record + answer]
        self.data = data
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
