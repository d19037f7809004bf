# SPDX-License-Identifier: Apache-2.0
"""KTAP (Documentation/dev-tools/ktap.rst), as kselftest programs print it."""

import collections
import re

Case = collections.namedtuple("Case", "name outcome detail")    # outcome: pass, fail, skip

_RESULT = re.compile(r"^(ok|not ok) (\d+)\s*-?\s*([^#]*)(?:#\s*(\w+)\s*(.*))?$")
_PLAN = re.compile(r"^1\.\.(\d+)")


def parse(text, status=0, name="test"):
    """The cases of one program. What a program promised and did not deliver fails:
    no plan, fewer results than planned, or a bad status with no failed case.
    """
    cases, planned, said = [], None, []
    for line in text.splitlines():
        plan, result = _PLAN.match(line), _RESULT.match(line)
        if plan:
            planned = int(plan[1])
            if planned == 0:
                cases.append(Case(name, "skip", line.partition("#")[2].strip()))
        elif result:
            cases.append(_case(result, said))
            said = []
        elif line.strip():
            said.append(line)
    return cases + _broken_promises(name, cases, planned, status, said)


def _case(match, said):
    directive = (match[4] or "").upper()
    if directive == "SKIP":
        outcome = "skip"
    elif match[1] == "ok" or directive == "XFAIL":
        outcome = "pass"
    else:
        outcome = "fail"
    detail = match[5] if outcome == "skip" else "\n".join(said)
    return Case(match[3].strip() or match[2], outcome, detail or "")


def _broken_promises(name, cases, planned, status, said):
    detail = "\n".join(said[-10:])
    if planned is None:
        return [Case(name, "fail", f"no plan; status {status}\n{detail}")]
    if planned > len(cases):
        return [Case(name, "fail", f"{len(cases)} of {planned} results; status {status}\n{detail}")]
    if status not in (0, 4) and not any(case.outcome == "fail" for case in cases):
        return [Case(name, "fail", f"status {status} though no case failed\n{detail}")]
    return []
