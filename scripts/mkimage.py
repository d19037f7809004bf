#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds the kiosk image (make image): a disk that Secure Boot starts, and its papers.

    disk.img            write it to the device's disk; harness/disk.py says what is in it
    disk.sha256         its digest, for sha256sum -c where it is written
    kiosk.efi           the signed boot image by itself
    reference.cose      signed reference values: for the service, one file for each version
    reference.json      the same, to read
    device.policy       what its module is told, to read
    boot.policy         its signed boot state, to which the device's keys are sealed
    manifest.json       digests of all files in it

The same tree, keys and settings give the same disk. The owner's keys come from mkkeys.py;
settings is a folder whose files go to /etc/tconn on the device: tconnd.json, ca.pem,
service-reference.json, address (10.7.0.2/24), issuer (ADDRESS:PORT of tconn-ca, if the device is
to enrol by itself). ca.pem has the one issuer's certificate; requests of services that it
does not vouch for are not shown. Without settings the device starts its REE and talks to nobody.
"""

import argparse
import pathlib
import sys
import time

import mkkeys
import refvals
from harness import cose, disk, kiosk, paths
from harness.disk import DiskError
from harness.uki import UkiError


def papers(built, folder, firmware=()):
    """The digest of a built image's disk; its reference values, plain and signed. Returns the
    signed file.
    """
    text = refvals.to_json(refvals.generate_kiosk(
        built, policies=[built.policy],
        apps=[paths.BIN / "tconn-tui"], firmware=firmware)).encode()
    (folder / "reference.json").write_bytes(text)
    (folder / "disk.sha256").write_text(f"{disk.digest(built.disk)}  disk.img\n")
    signed = folder / "reference.cose"
    signed.write_bytes(cose.sign(text, built.keys / "image.key", built.keys / "image.crt"))
    return signed


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--keys", type=pathlib.Path, metavar="FOLDER", default=paths.OUT / "keys")
    parser.add_argument("--version", default="1", help="of the image, for people (1)")
    parser.add_argument("--output", type=pathlib.Path, metavar="FOLDER",
                        help="out/image/KERNEL by default")
    return parser.parse_args()


def main():
    args = arguments()
    started = time.monotonic()
    settings = {} if not args.settings else {
        path.name: path for path in sorted(args.settings.iterdir()) if path.is_file()}
    output = args.output or paths.OUT / "image" / paths.kernel_release()
    try:
        built = kiosk.build(settings, keys=mkkeys.make(args.keys), version=args.version,
                            out=output)
        papers(built, output)
    except (mkkeys.KeysError, DiskError, UkiError, refvals.RefvalsError, OSError) as error:
        sys.exit(f"mkimage: {error}")
    used = built.disk.stat().st_blocks * 512
    print(f"{built.disk}: kernel {built.release}, {used >> 20} MiB used of "
          f"{built.disk.stat().st_size >> 20}, {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
