# SPDX-License-Identifier: Apache-2.0
"""COSE_Sign1 (RFC 9052) with ES256, as daemon/lib/cose.h reads it: signed reference values."""

import subprocess

CONTENT_TYPE = "application/vnd.tconn.reference-values+json"
WITHDRAWN = "application/vnd.tconn.withdrawn+json"
COORDINATE = 32     # bytes of r and of s on P-256


def _head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * size:
            return bytes([major << 5 | code]) + value.to_bytes(size, "big")
    raise ValueError("over 64 bits")


def _bytes(data):
    return _head(2, len(data)) + data


def _text(text):
    return _head(3, len(text.encode())) + text.encode()


def _integers(der):
    """The two integers of an ECDSA signature in DER, padded."""
    at, out = (3 if der[1] & 0x80 else 2), b""
    for _ in range(2):
        size = der[at + 1]
        out += int.from_bytes(der[at + 2:at + 2 + size], "big").to_bytes(COORDINATE, "big")
        at += 2 + size
    return out


def sign(payload, key, certificate, content_type=CONTENT_TYPE):
    """payload, signed with a P-256 key in a PEM file; its certificate goes along."""
    der = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"],
                         stdout=subprocess.PIPE, check=True).stdout
    protected = (_head(5, 3) + _head(0, 1) + _head(1, 6) + _head(0, 3) + _text(content_type)
                 + _head(0, 33) + _bytes(der))
    to_sign = (_head(4, 4) + _text("Signature1") + _bytes(protected) + _bytes(b"")
               + _bytes(payload))
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=to_sign,
                               stdout=subprocess.PIPE, check=True).stdout
    return (_head(6, 18) + _head(4, 4) + _bytes(protected) + _head(5, 0) + _bytes(payload)
            + _bytes(_integers(signature)))
