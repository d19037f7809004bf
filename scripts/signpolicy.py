#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Signs a device policy for tconn.ko with the owner's Secure Boot key.

    signpolicy.py --key db.key --certificate db.crt device.policy device.policy.signed

The kernel has db on its platform keyring when it was started under Secure Boot, and checks
the policy against that. kmod/uapi/tconn.h says what a signed policy looks like.
"""

import argparse
import pathlib
import struct
import subprocess
import sys

MAGIC = b"TCNSIG1\n"


class SignError(Exception):
    pass


def signature(text, key, certificate, *options):
    """PKCS#7 of the text; without options as the module wants it."""
    done = subprocess.run(
        ["openssl", "cms", "-sign", "-binary", "-md", "sha256", "-outform", "DER", "-inkey", key,
         "-signer", certificate, *(options or ["-noattr"])],
        input=text, capture_output=True, check=False)
    if done.returncode:
        raise SignError(f"openssl: {done.stderr.decode().strip()}")
    return done.stdout


def joined(text, made):
    """Text, signature and struct tconn_signature_end."""
    return text + made + struct.pack("<I", len(made)) + MAGIC


def sign(text, key, certificate):
    return joined(text, signature(text, key, certificate))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--key", required=True, metavar="FILE", help="private key, PEM")
    parser.add_argument("--certificate", required=True, metavar="FILE", help="its certificate, PEM")
    parser.add_argument("policy", help="text, as mkpolicy.py writes it")
    parser.add_argument("output")
    args = parser.parse_args()
    try:
        text = pathlib.Path(args.policy).read_bytes()
        pathlib.Path(args.output).write_bytes(sign(text, args.key, args.certificate))
    except (SignError, OSError) as error:
        sys.exit(f"signpolicy: {error}")


if __name__ == "__main__":
    main()
