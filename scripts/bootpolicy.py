#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signs a boot state: keys in a TPM that are sealed to the signer can be used in it.

    bootpolicy.py --key boot.key --certificate boot.crt --pcr 7=HEX --pcr 11=HEX boot.policy
    bootpolicy.py ... --add boot.policy --pcr 7=HEX --pcr 11=HEX both.policy

The image build makes such a file for each image, with the PCRs that it can foretell. For a
machine whose firmware measures otherwise, read its PCRs when it has started the genuine image
(tpm2_pcrread) and sign those. The states of --add are kept behind the new one: while an
update is under way either version may start. daemon/lib/boot_policy.h has the file's form.
"""

import argparse
import hashlib
import pathlib
import struct
import subprocess
import sys

REFERENCE = b"tconn-boot-1"
STATES = 8
KEY = 256                           # bytes of modulus and signature
HEADER, STATE = 8 + KEY, 36 + KEY
POLICY_PCR, POLICY_AUTHORIZE = 0x17f, 0x16a     # TPM_CC
ALG_SHA256, ALG_RSA, ALG_RSASSA, ALG_NULL = 0x0b, 0x01, 0x14, 0x10
SIGN, USER_WITH_AUTH = 1 << 18, 1 << 6          # TPMA_OBJECT


class PolicyError(Exception):
    pass


def _sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def _openssl(*command, **options):
    done = subprocess.run(["openssl", *(str(c) for c in command)], capture_output=True, check=False,
                          **options)
    if done.returncode:
        raise PolicyError(f"openssl {command[0]}: {done.stderr.decode().strip()}")
    return done.stdout


def signer(certificate):
    """Modulus of a certificate's RSA-2048 key."""
    name, _, modulus = _openssl("x509", "-in", certificate, "-noout",
                                "-modulus").decode().strip().partition("=")
    if name != "Modulus" or len(modulus) != 2 * KEY:
        raise PolicyError(f"{certificate}: its key is not RSA-2048")
    return bytes.fromhex(modulus)


def replay(digests):
    """A PCR's value after these digests (hex) were extended into it."""
    value = bytes(32)
    for digest in digests:
        value = _sha256(value, bytes.fromhex(digest))
    return value


def pcr_policy(pcrs):
    """policyDigest after TPM2_PolicyPCR; pcrs: {number: value}."""
    mask = sum(1 << number for number in pcrs)
    selection = struct.pack(">IHB", 1, ALG_SHA256, 3) + mask.to_bytes(3, "little")
    values = _sha256(*(pcrs[number] for number in sorted(pcrs)))
    return _sha256(bytes(32), struct.pack(">I", POLICY_PCR), selection, values)


def key_policy(certificate):
    """authPolicy, hex, of the keys that are sealed to this signer."""
    public = struct.pack(">HHIHHHHHIH", ALG_RSA, ALG_SHA256, SIGN | USER_WITH_AUTH, 0, ALG_NULL,
                         ALG_RSASSA, ALG_SHA256, 8 * KEY, 0, KEY) + signer(certificate)
    name = struct.pack(">H", ALG_SHA256) + _sha256(public)
    return _sha256(_sha256(bytes(32), struct.pack(">I", POLICY_AUTHORIZE), name),
                   REFERENCE).hex()


def make(pcrs, key, certificate, older=b""):
    """A file's bytes: this state, then those of an older file of the same signer."""
    policy = pcr_policy(pcrs)
    mask = sum(1 << number for number in pcrs)
    signature = _openssl("dgst", "-sha256", "-sign", key, input=policy + REFERENCE)
    if len(signature) != KEY:
        raise PolicyError(f"{key}: no RSA-2048 key")
    new = _pack(signer(certificate), [struct.pack("<I", mask) + policy + signature])
    return join(new, older) if older else new


def join(new, older):
    """Both files' states; zeroes after them go."""
    modulus, states = _unpack(new)
    other, more = _unpack(older)
    if other != modulus:
        raise PolicyError("the two boot policies are of different signers")
    signed = {state[:36] for state in states}
    return _pack(modulus, (states + [s for s in more if s[:36] not in signed])[:STATES])


def _pack(modulus, states):
    return b"TCBP" + struct.pack("<HH", 1, len(states)) + modulus + b"".join(states)


def _unpack(policy):
    version, count = struct.unpack_from("<HH", policy, 4) if len(policy) >= HEADER else (0, 0)
    end = HEADER + count * STATE
    if policy[:4] != b"TCBP" or version != 1 or len(policy) < end:
        raise PolicyError("no boot policy where one is to be added")
    return policy[8:HEADER], [policy[at:at + STATE] for at in range(HEADER, end, STATE)]


def _pcr(text):
    number, _, value = text.partition("=")
    try:
        if not 0 <= int(number) < 24 or len(bytes.fromhex(value)) != 32:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: NUMBER=64 hexadecimal digits") from None
    return int(number), bytes.fromhex(value)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--key", required=True, metavar="FILE", help="private key, PEM, RSA-2048")
    parser.add_argument("--certificate", required=True, metavar="FILE", help="its certificate, PEM")
    parser.add_argument("--pcr", required=True, action="append", type=_pcr, metavar="N=HEX",
                        help="a PCR of the sha256 bank and its value; repeatable")
    parser.add_argument("--add", type=pathlib.Path, metavar="FILE", help="older boot policy")
    parser.add_argument("output", type=pathlib.Path)
    args = parser.parse_args()
    try:
        older = args.add.read_bytes() if args.add else b""
        args.output.write_bytes(make(dict(args.pcr), args.key, args.certificate, older))
    except (PolicyError, OSError) as error:
        sys.exit(f"bootpolicy: {error}")


if __name__ == "__main__":
    main()
