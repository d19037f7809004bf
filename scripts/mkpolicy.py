#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a device policy for tconn.ko (kmod/uapi/tconn.h says what its lines mean).

The digest of the trusted app is taken from the file given, so the policy fits
the program as built or installed. With --board FILE, the arguments in that file
come first (policy/boards/ has one for the emulated machine).
"""

import argparse
import hashlib
import os
import pathlib
import ssl
import sys

CODES = pathlib.Path("/usr/include/linux/input-event-codes.h")


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tui", required=True, action="append", metavar="FILE",
                        help="a program that may hold a session; may be repeated")
    parser.add_argument("--board", metavar="FILE", help="arguments that describe the hardware")
    parser.add_argument("--display", action="append", default=[], metavar="GLOB",
                        help="sysfs path of a display device, without /sys; may be repeated")
    parser.add_argument("--input", action="append", default=[], metavar="GLOB",
                        help="sysfs path of an input device; may be repeated")
    parser.add_argument("--hotplug", choices=("abort", "ignore"),
                        help="what a new input device does to a session (abort)")
    parser.add_argument("--attention-key", nargs="+", metavar="KEY",
                        help="secure attention key, such as KEY_F12, after up to two that have to "
                        "be held; names as in linux/input-event-codes.h, or numbers")
    parser.add_argument("--indicator", metavar="GLOB", help="sysfs path of the LED")
    parser.add_argument("--no-indicator-required", action="store_true",
                        help="allow sessions where no lamp is armed: think twice")
    parser.add_argument("--pcr", type=int, choices=range(8, 16), metavar="8..15",
                        help="the module's own PCR (13)")
    parser.add_argument("--timeout-max-ms", type=int, metavar="N",
                        help="longest session (90000)")
    parser.add_argument("--confirm", metavar="'KEY [hold|double MS]'",
                        help="what confirms (KEY_ENTER)")
    parser.add_argument("--deny", metavar="'KEY [hold|double MS]'", help="what denies (KEY_ESC)")
    parser.add_argument("--grace-ms", type=int, metavar="N",
                        help="how long a picture stands before it can be confirmed (750)")
    parser.add_argument("--band-permille", type=int, metavar="N",
                        help="height of the band that is not attested, in thousandths of the "
                             "screen's shorter side (0)")
    parser.add_argument("--service-ca", metavar="FILE",
                        help="the one certificate (PEM) that vouches for services: the trusted "
                             "screen then shows requests of these alone. All of them: it names "
                             "an issuer, not one service")
    parser.add_argument("--output", metavar="FILE", help="instead of standard output")
    args = parser.parse_args()
    if args.board:
        args = parser.parse_args(board(args.board) + sys.argv[1:])
    if not args.display or not args.input:
        parser.error("a policy needs at least one --display and one --input")
    if not args.indicator and not args.no_indicator_required:
        parser.error("name the lamp with --indicator, or say --no-indicator-required")
    return args


def board(path):
    words = []
    for line in pathlib.Path(path).read_text().splitlines():
        if line and not line.startswith("#"):
            words += line.split(None, 1)
    return words


def key_code(name):
    """KEY_F12 -> 88."""
    if name.isdecimal():
        return int(name)
    for line in CODES.read_text().splitlines():
        words = line.split()
        if words[:2] == ["#define", name] and words[2:3]:
            return key_code(words[2]) if words[2].startswith("KEY_") else int(words[2], 0)
    sys.exit(f"mkpolicy: {name} is not in {CODES}")


def certificate_digest(path):
    """SHA-256 of the DER form of an issuer's certificate, which is alone in its file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        text = pathlib.Path(path).read_text("ascii").strip()
        if text.count("-----BEGIN ") != 1:
            sys.exit(f"mkpolicy: {path}: has to hold one certificate and nothing else")
        der = ssl.PEM_cert_to_DER_cert(text)
        context.load_verify_locations(cadata=der)
    except (ValueError, ssl.SSLError) as error:
        sys.exit(f"mkpolicy: {path}: no certificate (PEM): {error}")
    if context.get_ca_certs(binary_form=True) != [der]:
        sys.exit(f"mkpolicy: {path}: not an issuer's certificate")
    return hashlib.sha256(der).hexdigest()


def service_ca(path):
    """The policy's line."""
    return f"service-ca sha256 {certificate_digest(path)}"


def policy(args):
    lines = ["tconn-policy 1"]
    if args.pcr:
        lines.append(f"pcr {args.pcr}")
    for path in args.tui:
        digest = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
        lines.append(f"app sha256 {digest} {pathlib.Path(path).name}")
    lines += [f"display {glob}" for glob in args.display]
    lines += [f"input {glob}" for glob in args.input]
    if args.hotplug:
        lines.append(f"hotplug {args.hotplug}")
    if args.attention_key:
        codes = " ".join(str(key_code(name)) for name in args.attention_key)
        lines.append(f"attention-key {codes}    # {' '.join(args.attention_key)}")
    if args.indicator:
        lines.append(f"indicator {args.indicator}")
    lines.append(f"indicator-required {'no' if args.no_indicator_required else 'yes'}")
    if args.timeout_max_ms:
        lines.append(f"timeout-max-ms {args.timeout_max_ms}")
    if args.confirm:
        lines.append(f"confirm {args.confirm}")
    if args.deny:
        lines.append(f"deny {args.deny}")
    if args.grace_ms is not None:
        lines.append(f"grace-ms {args.grace_ms}")
    if args.band_permille is not None:
        lines.append(f"band-permille {args.band_permille}")
    if args.service_ca:
        lines.append(service_ca(args.service_ca))
    return "\n".join(lines) + "\n"


def main():
    args = arguments()
    try:
        text = policy(args)
    except OSError as error:
        sys.exit(f"mkpolicy: {error.filename}: {error.strerror}")
    if not args.output:
        sys.stdout.write(text)
        return
    temporary = f"{args.output}.{os.getpid()}.tmp"
    pathlib.Path(temporary).write_text(text)
    os.replace(temporary, args.output)


if __name__ == "__main__":
    main()
