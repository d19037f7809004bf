# SPDX-License-Identifier: Apache-2.0
"""Records in log and PCR, as a verifier sees them.

The bare guest has no module: there the harness keeps the log, as a userspace trusted
half would, in a file of the same format (struct tconn_event of kmod/uapi/tconn.h).
"""

import hashlib
import os
import struct

EVENT = struct.Struct("<II32sI")
RECORD = 4                  # enum tconn_event_type
PCR = 13
KERNEL_LOG = "/sys/kernel/security/tconn/log"
USERSPACE_LOG = "/run/records"


def event_digest(kind, data):
    return hashlib.sha256(struct.pack("<II", kind, len(data)) + data).digest()


class Ledger:
    """What the log says, what the PCR says, and what the trusted half knows it did."""

    def __init__(self, rig):
        self._guest = rig.guest
        self._ours = rig.kind == "bare"
        self._path = USERSPACE_LOG if self._ours else KERNEL_LOG
        if self._ours:
            self._guest.sh(f"touch {USERSPACE_LOG}")
        self._before = self._events()
        self._made = []

    def _events(self):
        """[(type, digest)]; None if the log is no log."""
        data, at, found = self._guest.get(self._path), 0, []
        while at < len(data):
            if len(data) - at < EVENT.size:
                return None
            _, kind, digest, length = EVENT.unpack_from(data, at)
            at += EVENT.size + length
            if digest != event_digest(kind, data[at - length:at]) or at > len(data):
                return None
            found.append((kind, digest))
        return found

    def _pcr(self):
        text = self._guest.sh(f"cat /sys/class/tpm/tpm0/pcr-sha256/{PCR}").output
        return bytes.fromhex(text.strip())

    def keep(self, dialog):
        """After a dialog: the record it must have left; in the bare guest it is left now."""
        if not dialog:
            return
        if not self._ours:
            if dialog.record:
                self._made.append(event_digest(RECORD, dialog.record))
            return
        data = b"TCNR" + os.urandom(324)
        digest = event_digest(RECORD, data)
        self._guest.put("/run/record", EVENT.pack(PCR, RECORD, digest, len(data)) + data)
        self._guest.sh(f"cat /run/record >>{USERSPACE_LOG}; "
                       f"/attack/tools/pcr_extend {PCR} {digest.hex()}")
        self._made.append(digest)

    def verdict(self):
        """(outcome, reason) for the judge."""
        events = self._events()
        if events is None or self._before is None:
            return "failed", "the log is no log: a verifier refuses it"
        value = bytes(32)
        for _, digest in events:
            value = hashlib.sha256(value + digest).digest()
        if value != self._pcr():
            return "failed", f"log and PCR {PCR} disagree: a verifier refuses them"
        records = [digest for kind, digest in events if kind == RECORD]
        known = [digest for kind, digest in self._before if kind == RECORD] + self._made
        foreign = len(set(records) - set(known))
        lost = len(set(known) - set(records))
        if foreign or lost:
            return "succeeded", f"log and PCR agree on {foreign} forged and {lost} lost records"
        return "failed", "log and PCR agree, and tell what has been"
