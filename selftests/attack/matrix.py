# SPDX-License-Identifier: Apache-2.0
"""The table a person reads, and matrix.json."""

import json

from .plan import NOT_TRIED, SIDES
from .rig import CONFINE

WANTED = 55         # attacks that count, on each kernel


def entry(row):
    """A line of matrix.json."""
    why = row.attack.why
    for side in SIDES:
        if row.outcome(side) == "unavailable" and side in row.sides:
            why = f"unavailable: {row.sides[side].reason}"
            break
    return {"attack": row.attack.name, "class": row.attack.folder, "kernel": row.kernel,
            "release": row.release, "unprotected": row.outcome("unprotected"),
            "protected": row.outcome("protected"), "defence": row.attack.defence,
            "noticed": row.noticed, "why": why}


HEAD = """<!-- SPDX-License-Identifier: Apache-2.0 -->
# The attack matrix

Made by `selftests/attack/run.py --markdown` from what runs of `make attack` found: do not edit.
Each attack ran as root in the rich environment (REE), first where nothing stops it, then on a
protected device (`selftests/attack/run.py --help` says what that is). *stopped*: it succeeds there
and fails here. *gets through*: a documented limit, see SECURITY.md. *not here*: these virtual
machines cannot host it; it does not count. *-*: not tried as it is now. "By" is what stops it first: the module, the confinement
of the REE, or boot line and lockdown; often the others would as well.
"""
SHORT = {("succeeded", "failed"): "stopped", ("succeeded", "succeeded"): "gets through"}


def markdown(rows):
    """The committed table of both kernels."""
    entries = [entry(row) for row in rows]
    kernels = sorted({e["kernel"] for e in entries}, key=lambda k: [int(n) for n in k.split(".")])
    found = {(e["attack"], e["kernel"]): e for e in entries}
    names = {(e["class"], e["attack"]): None for e in entries}      # in order
    lines = [HEAD]
    for kernel in kernels:
        own = [e for e in entries if e["kernel"] == kernel]
        told = [_short(e) for e in own]
        lines.append(f"* Linux {kernel} ({own[0]['release']}): {len(own)} attacks, "
                     f"{told.count('stopped')} stopped, {told.count('gets through')} get through, "
                     f"{told.count('not here')} not here, {told.count('-')} not tried.")
    for folder in dict.fromkeys(folder for folder, _ in names):
        lines += ["", f"## {folder}", "", f"| attack | {' | '.join(kernels)} | by | what it does, what stops it | noticed |",
                  "|---" * (len(kernels) + 4) + "|"]
        lines += [_line(name, [found[name, kernel] for kernel in kernels])
                  for this, name in names if this == folder]
    return "\n".join(lines) + "\n"


def _short(entry):
    outcomes = entry["unprotected"], entry["protected"]
    if "unavailable" in outcomes:
        return "not here"
    return "-" if NOT_TRIED in outcomes else SHORT.get(outcomes, "WRONG")


def _line(name, own):
    """own: its entry for each kernel."""
    noticed = "; ".join(dict.fromkeys(e["noticed"] for e in own if e["noticed"]))
    cells = [f"`{name}`", *map(_short, own), own[0]["defence"], own[0]["why"], noticed]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _table(rows, sides):
    width = max(len(row.attack.name) for row in rows)
    for row in rows:
        outcomes = "  ".join(f"{row.outcome(side) if side in row.sides else '-':11}"
                             for side in sides)
        mark = row.wrong(sides)
        print(f"{row.kernel:5} {row.attack.folder:9} {row.attack.name:{width}}  {outcomes}  "
              f"{row.attack.defence:11} {'WRONG: ' + mark if mark else row.attack.why}")


def report(rows, sides, write, directory):
    """Prints, writes matrix.json if it is a whole run; the exit status."""
    print()
    _table(rows, sides)
    wrong = [row for row in rows if row.wrong(sides)]
    status = 1 if wrong else 0
    left = sum(row.missing(sides) for row in rows)
    if left:
        print(f"{left} attacks are left for another time: no matrix.json is written")
    if write and not left:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "matrix.json").write_text(
            json.dumps([entry(row) for row in rows], indent=1) + "\n")
        for kernel in sorted({row.kernel for row in rows}):
            counting = sum(row.counts for row in rows if row.kernel == kernel)
            print(f"kernel {kernel}: {counting} attacks count")
            status = status if counting >= WANTED else 1
    if not CONFINE.exists():
        print("no tconn-confine was built: the protected guest had the module, boot line and "
              "lockdown only")
        status = 1
    print(f"{len(rows) - len(wrong)} as expected, {len(wrong)} not")
    return status
