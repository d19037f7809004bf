#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the test vectors of a record's MAC, by OpenSSL's command line alone: what
kmod/uapi/tconn.h says of struct tconn_record, step by step.

    selftests/lib/record_vectors.py >selftests/lib/data/record_mac/vectors

The inputs are counted, not random, so the same bytes come out each time.
"""

import hashlib
import pathlib
import subprocess
import tempfile

LABEL = b"tconn-record-2"
COVERED = 448               # bytes of a record before its MAC
NONCE, VERIFIER_KEY = 80, 112
PRIVATE_DER = bytes.fromhex("302e020100300506032b656e04220420")   # RFC 8410, X25519
PUBLIC_DER = bytes.fromhex("302a300506032b656e032100")
VECTORS = 4


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


def some_bytes(what, number, length):
    """Bytes that look like any."""
    out = b""
    while len(out) < length:
        out += hashlib.sha256(f"{what} {number} {len(out)}".encode()).digest()
    return out[:length]


def public_of(directory, private):
    path = directory / "private.der"
    path.write_bytes(PRIVATE_DER + private)
    return openssl("pkey", "-inform", "DER", "-in", path, "-pubout", "-outform", "DER")[-32:]


def agree(directory, private, public):
    own, peer = directory / "own.der", directory / "peer.der"
    own.write_bytes(PRIVATE_DER + private)
    peer.write_bytes(PUBLIC_DER + public)
    return openssl("pkeyutl", "-derive", "-keyform", "DER", "-inkey", own, "-peerform", "DER",
                   "-peerkey", peer)


def derive(shared, salt, info):
    return openssl("kdf", "-binary", "-keylen", "32", "-kdfopt", "digest:SHA256",
                   "-kdfopt", f"hexkey:{shared.hex()}", "-kdfopt", f"hexsalt:{salt.hex()}",
                   "-kdfopt", f"hexinfo:{info.hex()}", "HKDF")


def authenticate(directory, key, data):
    path = directory / "data"
    path.write_bytes(data)
    return openssl("mac", "-binary", "-digest", "SHA256", "-macopt", f"hexkey:{key.hex()}",
                   "-in", path, "HMAC")


def vector(directory, number):
    kernel = some_bytes("kernel", number, 32)
    verifier = some_bytes("verifier", number, 32)
    kernel_key, verifier_key = public_of(directory, kernel), public_of(directory, verifier)
    record = bytearray(some_bytes("record", number, COVERED))
    record[VERIFIER_KEY:VERIFIER_KEY + 32] = verifier_key
    shared = agree(directory, verifier, kernel_key)
    assert shared == agree(directory, kernel, verifier_key)
    key = derive(shared, bytes(record[NONCE:NONCE + 32]), LABEL + kernel_key + verifier_key)
    return {"kernel-private": kernel, "kernel-key": kernel_key, "verifier-private": verifier,
            "shared": shared, "mac-key": key, "record": bytes(record),
            "mac": authenticate(directory, key, bytes(record))}


def main():
    print("# Made by selftests/lib/record_vectors.py with the openssl program.")
    with tempfile.TemporaryDirectory() as directory:
        for number in range(VECTORS):
            print(f"vector {number}")
            for name, value in vector(pathlib.Path(directory), number).items():
                print(f"{name} {value.hex()}")


if __name__ == "__main__":
    main()
