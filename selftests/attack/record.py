# SPDX-License-Identifier: Apache-2.0
"""Records in log and PCR, as a verifier sees them.

The bare guest has no module: there the harness keeps the log, as a userspace trusted
half would, in a file of the same format (struct tconn_event of kmod/uapi/tconn.h), and
nothing can tell its records from others.
"""

import hashlib
import os
import struct

from harness import record_mac

EVENT = struct.Struct("<II32sI")
BOOT, RECORD = 1, 4         # enum tconn_event_type
RECORD_SIZE = 480
KERNEL_KEY = slice(84, 116)     # of struct tconn_event_boot
PCR = 13
KERNEL_LOG = "/sys/kernel/security/tconn/log"
USERSPACE_LOG = "/run/records"
# The verifier's, of every dialog of the matrix. An attack knows the public half.
PRIVATE = bytes(range(32))
PUBLIC = record_mac.public_of(PRIVATE)


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
        """[(type, digest, data)]; None if the log is no log."""
        data, at, found = self._guest.get(self._path), 0, []
        while at < len(data):
            if len(data) - at < EVENT.size:
                return None
            _, kind, digest, length = EVENT.unpack_from(data, at)
            at += EVENT.size + length
            if digest != event_digest(kind, data[at - length:at]) or at > len(data):
                return None
            found.append((kind, digest, data[at - length:at]))
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
        data = b"TCNR" + os.urandom(RECORD_SIZE - 4)
        digest = event_digest(RECORD, data)
        self._guest.put("/run/record", EVENT.pack(PCR, RECORD, digest, len(data)) + data)
        self._guest.sh(f"cat /run/record >>{USERSPACE_LOG}; "
                       f"/attack/tools/pcr_extend {PCR} {digest.hex()}")
        self._made.append(digest)

    def _refusal(self, events, foreign):
        """Why a verifier takes none of the foreign records, or None."""
        if self._ours:
            return None
        boots = [data for kind, _, data in events if kind == BOOT]
        if len(boots) != 1:
            return f"{len(boots)} boot events: a verifier refuses the log"
        if any(record_mac.is_authentic(record, boots[0][KERNEL_KEY], PRIVATE)
               for record in foreign.values()):
            return None
        return f"{len(foreign)} forged records, none of them with the kernel's MAC"

    def verdict(self):
        """(outcome, reason) for the judge."""
        events = self._events()
        if events is None or self._before is None:
            return "failed", "the log is no log: a verifier refuses it"
        value = bytes(32)
        for _, digest, _ in events:
            value = hashlib.sha256(value + digest).digest()
        if value != self._pcr():
            return "failed", f"log and PCR {PCR} disagree: a verifier refuses them"
        records = {digest: data for kind, digest, data in events if kind == RECORD}
        known = [digest for kind, digest, _ in self._before if kind == RECORD] + self._made
        foreign = {digest: data for digest, data in records.items() if digest not in known}
        lost = len(set(known) - set(records))
        if foreign and not lost:
            refusal = self._refusal(events, foreign)
            if refusal:
                return "failed", refusal
        if foreign or lost:
            return "succeeded", f"log and PCR agree on {len(foreign)} forged and {lost} lost records"
        return "failed", "log and PCR agree, and tell what has been"
