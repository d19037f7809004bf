# SPDX-License-Identifier: Apache-2.0
"""The MAC of a record as a verifier computes it, by OpenSSL's command line alone: what
kmod/uapi/tconn.h says of struct tconn_record, step by step.
"""

import pathlib
import subprocess
import tempfile

LABEL = b"tconn-record-2"
COVERED = 448               # bytes of a record before its MAC
NONCE, VERIFIER_KEY = slice(80, 112), slice(112, 144)
PRIVATE_DER = bytes.fromhex("302e020100300506032b656e04220420")   # RFC 8410, X25519
PUBLIC_DER = bytes.fromhex("302a300506032b656e032100")


def _openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


def public_of(private):
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "private"
        path.write_bytes(PRIVATE_DER + private)
        return _openssl("pkey", "-inform", "DER", "-in", path, "-pubout", "-outform", "DER")[-32:]


def agree(private, public):
    with tempfile.TemporaryDirectory() as directory:
        own, peer = pathlib.Path(directory) / "own", pathlib.Path(directory) / "peer"
        own.write_bytes(PRIVATE_DER + private)
        peer.write_bytes(PUBLIC_DER + public)
        return _openssl("pkeyutl", "-derive", "-keyform", "DER", "-inkey", own, "-peerform", "DER",
                        "-peerkey", peer)


def derive(shared, record, kernel_key):
    info = LABEL + kernel_key + record[VERIFIER_KEY]
    return _openssl("kdf", "-binary", "-keylen", "32", "-kdfopt", "digest:SHA256",
                    "-kdfopt", f"hexkey:{shared.hex()}", "-kdfopt", f"hexsalt:{record[NONCE].hex()}",
                    "-kdfopt", f"hexinfo:{info.hex()}", "HKDF")


def authenticate(key, record):
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "data"
        path.write_bytes(record[:COVERED])
        return _openssl("mac", "-binary", "-digest", "SHA256", "-macopt", f"hexkey:{key.hex()}",
                        "-in", path, "HMAC")


def is_authentic(record, kernel_key, private):
    """Did the module with that key make it, for the holder of that private key?"""
    if record[VERIFIER_KEY] != public_of(private):
        return False
    key = derive(agree(private, kernel_key), record, kernel_key)
    return authenticate(key, record) == record[COVERED:]
