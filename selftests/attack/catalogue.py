# SPDX-License-Identifier: Apache-2.0
"""The attacks that exist: their files and what their first comments say (run.py)."""

import dataclasses
import pathlib
import re

from harness import paths

HERE = pathlib.Path(__file__).resolve().parent
FOLDERS = ("screen", "input", "process", "indicator", "system", "tpm")
PROGRAMS = paths.BUILD / "selftests" / "attack"     # where build.mk puts them

# Keys a comment may have: allowed values (None: any text), and the default (None: required).
KEYS = {
    "attack": (None, None),
    "class": (FOLDERS, None),
    "when": (("before", "session", "idle", "own"), None),
    "judge": (("self", "keys", "picture-read", "picture-write", "picture-hidden", "cursor",
               "lamp", "decided", "unnoticed", "record", "alive", "attention"), None),
    "unprotected": (("bare", "module"), "bare"),
    "dialog": (("tui", "tty"), "tui"),
    "ree": (("picture", "attack"), "picture"),
    "devices": (None, ""),
    "append": (None, ""),
    "head": (("0", "1"), "0"),
    "rounds": (("1", "8"), "1"),
    "spoils": (("yes", "no"), "no"),
    "quick": (("yes", "no"), "no"),
    "defence": (("module", "confinement", "boot", "limit"), None),
    "why": (None, None),
}


class CatalogueError(Exception):
    pass


@dataclasses.dataclass(frozen=True)
class Attack:
    source: pathlib.Path
    name: str
    folder: str         # its class
    when: str
    judge: str
    unprotected: str
    dialog: str
    ree: str
    devices: tuple
    append: str
    head: int
    rounds: int
    spoils: bool
    quick: bool
    defence: str
    why: str

    @property
    def program(self):
        """The file that goes into the guest as /attack/NAME."""
        return self.source if self.source.suffix == ".sh" else PROGRAMS / self.name


def _first_comment(path):
    """Its lines without what makes them a comment."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        match = re.match(r"\s*(//|/\*|\*/|\*|#)(.*)", line)
        if not match:
            break
        lines.append(match[2].rstrip(" */").strip())
    return lines


def _fields(path):
    found, last = {}, None
    for line in _first_comment(path):
        match = re.match(r"([a-z]+):\s*(.*)", line)
        if match and match[1] in KEYS:
            last = match[1]
            found[last] = match[2]
        elif last == "why" and line:
            found["why"] += " " + line
        else:
            last = None
    return found


def _check(path, fields):
    for key, (allowed, default) in KEYS.items():
        value = fields.setdefault(key, default)
        if value is None:
            raise CatalogueError(f"{path}: its first comment has no line '{key}:'")
        if allowed and value not in allowed:
            raise CatalogueError(f"{path}: '{key}: {value}' is none of {', '.join(allowed)}")
    if fields["attack"] != path.stem or fields["class"] != path.parent.name:
        raise CatalogueError(f"{path}: attack and class are not named as file and folder")


def read(path):
    fields = _fields(path)
    _check(path, fields)
    return Attack(
        source=path, name=fields["attack"], folder=fields["class"], when=fields["when"],
        judge=fields["judge"], unprotected=fields["unprotected"], dialog=fields["dialog"],
        ree=fields["ree"], devices=tuple(fields["devices"].split()), append=fields["append"],
        head=int(fields["head"]), rounds=int(fields["rounds"]), spoils=fields["spoils"] == "yes",
        quick=fields["quick"] == "yes",
        defence=fields["defence"], why=fields["why"])


def load():
    """All attacks, in order of class and name."""
    return [read(path) for folder in FOLDERS
            for path in sorted((HERE / folder).iterdir()) if path.suffix in (".c", ".sh")]
