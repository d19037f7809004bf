#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the owner's keys, once: Secure Boot's and the one that signs images' papers.

    PK, KEK, db     .key .crt .esl .auth    Secure Boot; db signs the boot image, tconn.ko
                                            and the device policy
    image           .key .crt               signs reference values
    boot            .key .crt               signs boot states, to which devices' keys are sealed

They go to out/keys unless --output says otherwise, outside the tree, readable by their owner
alone. Whoever has db.key can make a device run anything: on a real line it belongs on a token
in a locked drawer, and PK.key and KEK.key in another one. What exists is kept.
"""

import argparse
import hashlib
import os
import pathlib
import subprocess
import sys
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[1]
SECURE_BOOT = ("PK", "KEK", "db")
# Who signs the variable's content: each key is let in by the one above it.
SIGNERS = {"PK": "PK", "KEK": "PK", "db": "KEK"}
DATE = "2024-01-01 00:00:00"    # in the signed variable; an update needs a later one


class KeysError(Exception):
    pass


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise KeysError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def certificate(directory, name, kind):
    """A key and its self-signed certificate; RSA where firmware or an image holds signatures."""
    key, crt = directory / f"{name}.key", directory / f"{name}.crt"
    if key.exists() and crt.exists():
        return
    algorithm = ["rsa:2048"] if kind == "rsa" else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    run("openssl", "req", "-x509", "-newkey", *algorithm, "-noenc", "-sha256", "-days", "7300",
        "-subj", f"/CN=tconn owner {name}", "-keyout", key, "-out", crt,
        "-addext", "basicConstraints=critical,CA:FALSE",
        "-addext", "keyUsage=critical,digitalSignature")
    key.chmod(0o600)


def owner(directory):
    """The GUID that says whose the entries of the firmware's variables are."""
    digest = hashlib.sha256((directory / "PK.crt").read_bytes()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def signature_lists(directory):
    """What firmware takes from setup mode: lists, and the same signed."""
    for name in SECURE_BOOT:
        esl, auth = directory / f"{name}.esl", directory / f"{name}.auth"
        if auth.exists():
            continue
        run("cert-to-efi-sig-list", "-g", owner(directory), directory / f"{name}.crt", esl)
        signer = directory / SIGNERS[name]
        run("sign-efi-sig-list", "-t", DATE, "-g", owner(directory), "-k", f"{signer}.key",
            "-c", f"{signer}.crt", name, esl, auth)


def make(directory):
    """All of them; returns the folder."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    mask = os.umask(0o077)
    try:
        for name in SECURE_BOOT:
            certificate(directory, name, "rsa")
        certificate(directory, "image", "ec")
        certificate(directory, "boot", "rsa")
        signature_lists(directory)
    finally:
        os.umask(mask)
    return directory


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "out" / "keys",
                        metavar="FOLDER")
    args = parser.parse_args()
    try:
        print(make(args.output))
    except (KeysError, OSError) as error:
        sys.exit(f"mkkeys: {error}")


if __name__ == "__main__":
    main()
