#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The attack matrix: every attack twice, as root in the REE of an emulated device.

    selftests/attack/run.py [--kernel 6.1|6.12] [--quick] [PATTERN...]
    make attack             both kernels, all attacks; out/attack/matrix.json

Against the unprotected guest an attack must succeed, or it is no test; against the
protected one it must fail. "unavailable" does not count and says why.

Guests (rig.py boots them; one boot serves many attacks)
    bare        no tconn.ko, nothing confined. The dialog is `tconn-tui --dev`, a
                program like any other, or a prompt on the console ("dialog: tty").
                Its lamp is switched by the harness, as a userspace dialog would.
    module      tconn.ko with its policy; nothing confined, no lockdown.
    protected   module, policy, lamp, then lockdown=confidentiality, policy/sysctl,
                modules_disabled=1, policy/boot-line; whatever belongs to the REE,
                and so every attack, is started by tconn-confine. The dialog is not.

With --alone, what an attack names as its defence is tried without the others: module in
the guest of that name, boot in one more (locked: all of protected but tconn-confine).

An attack is one file, CLASS/NAME.c (static, with lib/*.h) or CLASS/NAME.sh (busybox sh,
begins with ". /attack/lib/attack.sh"), named after what it does. It never knows the
secret. In its first comment the runner reads, one a line:

    attack: NAME            as the file
    class: screen | input | process | indicator | system | tpm      as the folder
    when: before | session | idle | own     started before the dialog comes up and left
                            running; once it is up; with no dialog at all; it brings up a
                            dialog itself, which is answered if the lamp is lit
    judge:                  how success is told, from outside the guest where possible:
        self                by its last line, which must show the evidence; if it printed
                            `digits`, these must be of the secret as well
        keys                the `digits` it printed have 4 consecutive ones of the secret (7, if it
                            printed over 40)
        picture-read        the `pixel`s it printed are the dialog's where the REE's differ
        picture-write       it paints magenta (ff00ff): over 0.5 % of the screen is, in a session
        picture-hidden      what the dialog's first picture showed is gone, in a session
        cursor              the display has a cursor over the dialog's picture
        lamp                the lamp is lit outside a session, or dark in one
        decided             the dialog was confirmed or got a PIN though nobody typed
        unnoticed           it says `succeeded` and the session went on as if nothing had happened
        record              a record is lost or forged, and log and PCR still agree
        attention           the attention key's presses by others count, a person's do not, or it
                            says that it saw them; who counts is the module, or in the bare guest
                            a program like any other (tools/attention_listener.c)
        alive               the protection is gone: module, policy, lockdown, or a session
                            that is possible without the lamp
    unprotected: bare | module      where it must succeed (bare)
    dialog: tui | tty       in the bare guest (tui)
    ree: picture | attack   who lights the screen before a session: a program of the harness,
                            or the attack, which is DRM master then (picture). In the bare
                            guest nobody but fbcon does.
    devices: ...            further QEMU devices, e.g. "qemu-xhci usb-kbd" or "qemu-xhci
                            touch-screen", on which the secret is tapped, too, as on a row
                            of ten digits across the screen; bochs-display or
                            virtio-gpu-pci with options replaces the screen (none)
    head: 0 | 1             the output that is looked at (0); 1 needs a screen with "id=gpu"
    rounds: 1 | 8           sessions that come and go during it, in a guest with the module (1)
    append: ...             more kernel parameters, for both guests; policy.KEYWORD=VALUE is one
                            more line of the device policy (none)
    spoils: yes | no        the guest is good for nothing afterwards (no)
    quick: yes | no         part of make check (no)
    defence: module | confinement | boot | limit    what is expected to stop it; limit: nothing
                            does, and SECURITY.md says so
    why: one line: what it does and what stops it

Its standard output, line by line: `ready` once it attacks, then findings: `digits 8365`,
`pixel X Y RRGGBB` (after `picture` of another picture), `note ...`; last `succeeded: REASON`, `failed: REASON` or `unavailable:
REASON`. At SIGTERM it finishes up, prints that last line and ends within 2 s. What the
dialog types is 8 digits, then Enter; with the judge `decided` nothing is typed.

To try one:  make attacks && selftests/attack/run.py NAME -v
Logs: out/attack/KERNEL/NAME/{bare,module,locked,protected}.log, pictures beside them;
consoles in out/attack/KERNEL/guests/; SIDE.json is for --resume. A matrix may be put together
from several runs, such as one a class: the last without a PATTERN and with --resume writes it.
"""

import argparse
import fnmatch
import math
import pathlib
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "selftests")]

from attack import catalogue, matrix, plan      # noqa: E402
from harness import paths                       # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN",
                        help="attacks whose CLASS/NAME contain one of these")
    parser.add_argument("--kernel", action="append", choices=("6.1", "6.12"),
                        help="may be repeated (6.1)")
    parser.add_argument("--quick", action="store_true", help="only those marked quick")
    parser.add_argument("--list", action="store_true", help="names only")
    parser.add_argument("--alone", action="store_true",
                        help="also try module and boot line each without the other defences")
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="N",
                        help="guests that are up at the same time (1)")
    parser.add_argument("--resume", action="store_true",
                        help="take what earlier runs found, as long as attack, guest and harness "
                        "are the same bytes, and run the rest")
    parser.add_argument("--minutes", type=float, default=math.inf, metavar="N",
                        help="begin no attack after that; with --resume it goes on another time")
    parser.add_argument("--markdown", action="store_true",
                        help="write the table of selftests/attack/MATRIX.md, too (with --resume "
                        "--minutes 0: of what is there already)")
    parser.add_argument("--only", choices=(*plan.SIDES, plan.ALONE), help="one side only")
    parser.add_argument("-v", "--verbose", action="store_true", help="what each attack printed")
    return parser.parse_args()


def select(args):
    wanted = [f"*{p}*" for p in args.patterns] or ["*"]
    return [a for a in catalogue.load()
            if any(fnmatch.fnmatch(f"{a.folder}/{a.name}", w) for w in wanted)
            and (a.quick or not args.quick)]


def main():
    args = arguments()
    attacks = select(args)
    if not attacks:
        sys.exit("no attack is named like that")
    if args.list:
        print("\n".join(f"{a.folder}/{a.name}" for a in attacks))
        return 0
    sides = [args.only] if args.only else list(plan.SIDES)
    if args.alone:
        sides.append(plan.ALONE)
    rows, end = [], time.monotonic() + 60 * args.minutes
    for kernel in args.kernel or ["6.1"]:
        start = time.monotonic()
        rows += plan.run(attacks, kernel, sides, args.verbose, args.jobs, args.resume,
                         end)
        print(f"kernel {kernel}: {len(attacks)} attacks in {time.monotonic() - start:.0f} s")
    if args.markdown:
        (catalogue.HERE / "MATRIX.md").write_text(matrix.markdown(rows))
    return matrix.report(rows, sides, write=not args.patterns and not args.only and not args.quick,
                         directory=paths.OUT / "attack")


if __name__ == "__main__":
    sys.exit(main())
