# SPDX-License-Identifier: Apache-2.0
"""What the tree promises of its files."""

import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def files():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0")
            if name and (ROOT / name).is_file()]


def texts():
    for path in files():
        try:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


class Tree(unittest.TestCase):
    def test_every_file_has_its_licence(self):
        run = subprocess.run(["scripts/check-licences"], cwd=ROOT, capture_output=True, text=True,
                             check=False)
        self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_no_paths_of_somebodys_machine(self):
        pattern = re.compile(r"/(home|work|Users)/\w+")
        found = [f"{path}: {match[0]}" for path, text in texts()
                 for match in [pattern.search(text)] if match]
        self.assertEqual(found, [])

    def test_nothing_is_left_for_later(self):
        words = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
        found = [str(path) for path, text in texts()
                 if path.parts[0] != "LICENSES" and words.search(text)]
        self.assertEqual(found, [])

    def test_links_between_documents_lead_somewhere(self):
        found = []
        for path, text in texts():
            if path.suffix != ".md":
                continue
            for target in re.findall(r"\]\(([^)#:]+)\)", text):
                if not (ROOT / path.parent / target).exists():
                    found.append(f"{path}: {target}")
        self.assertEqual(found, [])
