# SPDX-License-Identifier: Apache-2.0
"""Results of earlier runs, each with a digest of all that decided it: the attack, the guest
it ran in, and the programs that ran and judged it. One whose digest is another's is no result.
"""

import hashlib
import json
import pathlib

from harness import paths

from . import catalogue

HERE = pathlib.Path(__file__).resolve().parent
JUDGING = ("judges", "picture", "plan", "record", "rig", "scenario")
HARNESS = ("console", "guest", "lamp", "qmp", "shell", "touchscreen", "tpm")


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _harness():
    return [_digest(HERE / f"{name}.py") for name in JUDGING] + \
        [_digest(paths.ROOT / "scripts" / "harness" / f"{name}.py") for name in HARNESS]


class Kept:
    """Those of one kernel. image: any that was built for attacks on it."""

    def __init__(self, directory, image):
        self._directory = directory
        self.release = image.release
        common = sorted((path, digest) for path, digest in image.manifest.items()
                        if not path.startswith("/attack/") or path.startswith("/attack/lib/"))
        self._common = json.dumps([_digest(image.kernel), common, _harness()])
        self._tools = [_digest(catalogue.PROGRAMS / "tools" / path.stem)
                       for path in sorted((HERE / "tools").glob("*.c"))]

    def _path(self, attack, side):
        return self._directory / attack.name / f"{side}.json"

    def _inputs(self, attack):
        text = json.dumps([self._common, self._tools, _digest(attack.source),
                           _digest(attack.program)])
        return hashlib.sha256(text.encode()).hexdigest()

    def put(self, attack, side, result):
        path = self._path(attack, side)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"inputs": self._inputs(attack), **result._asdict()}) + "\n")

    def get(self, attack, side):
        """What Result has, as a dictionary; None if there is none of these inputs."""
        try:
            found = json.loads(self._path(attack, side).read_text())
        except (OSError, ValueError):
            return None
        return found if found.pop("inputs", None) == self._inputs(attack) else None
