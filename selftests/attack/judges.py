# SPDX-License-Identifier: Apache-2.0
"""Has an attack succeeded? One judge a kind of evidence (run.py lists them).

A judge takes what was seen (scenario.Seen) and returns (outcome, reason).
"""

import re

from harness import paths

from . import picture

RUN, MANY_RUN = 4, 7    # digits in a row that tell the secret: of few digits, of many
MANY = 40
PAINTED = 0.005         # share of magenta on the screen
SETTLE = 0.4            # seconds that VNC may take to report the lamp

SUCCEEDED, FAILED, UNAVAILABLE = "succeeded", "failed", "unavailable"


def _verdict(success, yes, no):
    return (SUCCEEDED, yes) if success else (FAILED, no)


def knows_secret(digits, secret):
    run = RUN if len(digits) <= MANY else MANY_RUN
    return any(secret[i:i + run] in digits for i in range(len(secret) - run + 1))


def own_word(seen):
    outcome, reason = seen.last
    if outcome == SUCCEEDED and seen.digits and not knows_secret(seen.digits, seen.secret):
        return FAILED, f"it says '{reason}', but its digits are not the secret's"
    return outcome, reason


def keys(seen):
    if seen.last[0] == UNAVAILABLE:
        return seen.last
    return _verdict(knows_secret(seen.digits, seen.secret), "it has the digits that were typed",
                    f"it has not the digits that were typed; it says: {seen.last[1]}")


def picture_read(seen):
    if seen.last[0] == UNAVAILABLE:
        return seen.last
    leaked = any(picture.leaked(pixels, shown, seen.ree)
                 for pixels in seen.pictures for shown in seen.shown)
    return _verdict(leaked, "it has the dialog's picture",
                    f"its {len(seen.pictures)} pictures are not the dialog's; it says: "
                    f"{seen.last[1]}")


def picture_write(seen):
    if seen.last[0] == UNAVAILABLE:
        return seen.last
    share = max((shown.share(picture.MAGENTA) for shown in seen.shown), default=0.0)
    return _verdict(share > PAINTED, f"{share:.1%} of the screen is painted",
                    f"nothing of it is on the screen; it says: {seen.last[1]}")


def picture_hidden(seen):
    if seen.last[0] == UNAVAILABLE:
        return seen.last
    gone = any(picture.hidden(seen.first, shown) for shown in seen.shown)
    return _verdict(gone, "the dialog is not to be seen",
                    f"it is still to be seen; the attack says: {seen.last[1]}")


def cursor(seen):
    if seen.last[0] == UNAVAILABLE:
        return seen.last
    return _verdict(any(seen.cursors), "there is a cursor over the dialog",
                    f"there is no cursor; it says: {seen.last[1]}")


def _states(seen, begin, end):
    """Was the lamp lit, was it dark, in that time?"""
    lit = seen.lit_before
    found = set()
    for event in seen.lamp:
        if event.time > end:
            break
        if event.time >= begin:
            found.add(lit)
        lit = event.scroll
    return found | {lit}


def lamp(seen):
    """In a session that ended by itself, dark is as it should be from then on."""
    if seen.last[0] == UNAVAILABLE:
        return seen.last
    if not seen.dialog:
        return _verdict(True in _states(seen, seen.started, seen.ended),
                        "it is lit, and there is no session", "it stayed dark")
    dialog = seen.dialog
    if dialog.shown and dialog.state == "decided" and \
            False in _states(seen, dialog.opened + SETTLE, seen.answered):
        return SUCCEEDED, "it was dark in a session"
    begin = (dialog.closed or seen.answered) + SETTLE
    if begin < seen.ended and True in _states(seen, begin, seen.ended):
        return SUCCEEDED, "it stayed lit after the session"
    return FAILED, f"the lamp told the truth ({describe(dialog)})"


def causes():
    """{number: words} of enum tconn_cause."""
    text = (paths.ROOT / "kmod" / "uapi" / "tconn.h").read_text()
    return {int(number): name.lower().replace("_", " ")
            for name, number in re.findall(r"\bTCONN_CAUSE_(\w+)\s*= (\d+),", text)}


def describe(dialog):
    if not dialog:
        return "no session"
    text = f"session {dialog.outcome or dialog.state}"
    if dialog.cause:
        text += f", cause: {causes().get(dialog.cause, dialog.cause)}"
    if dialog.state == "refused":
        text += f": {dialog.message}"
    return text


def decided(seen):
    if seen.last[0] == UNAVAILABLE:
        return seen.last
    return _verdict(seen.dialog.outcome in ("confirmed", "entered"),
                    f"{seen.dialog.outcome}, and nobody typed", describe(seen.dialog))


def unnoticed(seen):
    if seen.last[0] != SUCCEEDED:
        return seen.last
    return _verdict(seen.dialog.outcome == "entered", f"{seen.last[1]}; the session went on",
                    f"{seen.last[1]}; but the session did not go on: {describe(seen.dialog)}")


def attention(seen):
    """Of the attention key: pressed by others, swallowed, or known to others."""
    if seen.last[0] == UNAVAILABLE:
        return seen.last
    if seen.heard != seen.pressed:
        return SUCCEEDED, f"{seen.heard} presses counted, of {seen.pressed}"
    told = f"all of {seen.pressed} presses counted, no other; it says: {seen.last[1]}"
    return _verdict(seen.last[0] == SUCCEEDED and "it saw" in seen.last[1], told, told)


def record(seen):
    if seen.last[0] == UNAVAILABLE:
        return seen.last
    return seen.records


def alive(seen):
    if seen.last[0] == UNAVAILABLE:
        return seen.last
    if not seen.healthy:
        return SUCCEEDED, "module, policy, lockdown or lamp are not what they were"
    return _verdict(seen.checked != "trusted", f"a session afterwards: {seen.checked}",
                    f"all is as it was; it says: {seen.last[1]}")


JUDGES = {
    "self": own_word, "keys": keys, "picture-read": picture_read, "picture-write": picture_write,
    "picture-hidden": picture_hidden, "cursor": cursor, "lamp": lamp, "decided": decided,
    "unnoticed": unnoticed, "record": record, "alive": alive,
    "attention": attention,
}


def judge(attack, seen):
    outcome, reason = JUDGES[attack.judge](seen)
    # Whatever was to be shown: the secret in its hands is success.
    if outcome != SUCCEEDED and knows_secret(seen.digits, seen.secret):
        return SUCCEEDED, "it has the digits that were typed"
    return outcome, reason


def noticed(seen):
    """How the device told of it: a session ended with a cause, or was refused."""
    if seen.dialog and seen.dialog.state in ("aborted", "refused"):
        return describe(seen.dialog)
    return ""
