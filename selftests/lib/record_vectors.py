#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the test vectors of a record's MAC with the openssl program.

    selftests/lib/record_vectors.py >selftests/lib/data/record_mac/vectors

The inputs are counted, not random, so the same bytes come out each time.
"""

import hashlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

from harness import record_mac      # noqa: E402

VECTORS = 4


def some_bytes(what, number, length):
    """Bytes that look like any."""
    out = b""
    while len(out) < length:
        out += hashlib.sha256(f"{what} {number} {len(out)}".encode()).digest()
    return out[:length]


def vector(number):
    kernel = some_bytes("kernel", number, 32)
    verifier = some_bytes("verifier", number, 32)
    kernel_key, verifier_key = record_mac.public_of(kernel), record_mac.public_of(verifier)
    record = bytearray(some_bytes("record", number, record_mac.COVERED))
    record[record_mac.VERIFIER_KEY] = verifier_key
    record = bytes(record)
    shared = record_mac.agree(verifier, kernel_key)
    assert shared == record_mac.agree(kernel, verifier_key)
    key = record_mac.derive(shared, record, kernel_key)
    return {"kernel-private": kernel, "kernel-key": kernel_key, "verifier-private": verifier,
            "shared": shared, "mac-key": key, "record": record,
            "mac": record_mac.authenticate(key, record)}


def main():
    print("# Made by selftests/lib/record_vectors.py with the openssl program.")
    for number in range(VECTORS):
        print(f"vector {number}")
        for name, value in vector(number).items():
            print(f"{name} {value.hex()}")


if __name__ == "__main__":
    main()
