# SPDX-License-Identifier: Apache-2.0
"""daemon/STANDARD.md: every row of the standard is there, every test it names exists."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "daemon" / "STANDARD.md"

ROWS = ("6.1-a 6.1-b 6.1-c 6.1-d 6.1-e 6.2-a 6.2-b 6.2-c 6.3-a 6.3-d 6.4-a 6.4-b 6.4-c 6.5-a "
        "6.5-b 6.6-a 6.6-b 6.6-c 6.7-a 6.7-b A.2.2.1 A.2.2.2 A.2.2.3 A.2.2.4 A.2.3.1 A.2.3.2 "
        "A.2.3.3 A.2.3.4 A.2.4.1 A.2.4.2 A.2.4.3 A.2.4.4").split() + ["6.3-b, c"]


def rows():
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        found = re.match(r"\| ((?:6\.\d-|A\.2)[^|]*?) \|(.*)", line)
        if found:
            yield found[1], found[2]


class Standard(unittest.TestCase):
    def test_no_row_is_missing_or_made_up(self):
        self.assertEqual(sorted(name for name, _ in rows()), sorted(ROWS))

    def test_each_row_has_a_test_or_says_why_not(self):
        bare = [name for name, text in rows()
                if "`selftests/" not in text and "no test" not in text]
        self.assertEqual(bare, [])

    def test_every_test_that_is_named_exists(self):
        missing = []
        for _, row in rows():
            for path, name in re.findall(r"`(selftests/[^:`]+)(?::(\w+))?`", row):
                text = (ROOT / path).read_text() if (ROOT / path).is_file() else None
                if text is None or (name and not any(
                        part in text for part in (f" {name})", f"({name})", f"def {name}("))):
                    missing.append(f"{path}:{name}")
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
