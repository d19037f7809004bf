# SPDX-License-Identifier: Apache-2.0
"""The table a person reads, and matrix.json."""

import json

from .plan import SIDES
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
            "unprotected": row.outcome("unprotected"), "protected": row.outcome("protected"),
            "defence": row.attack.defence, "why": why}


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
    if write:
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
