# SPDX-License-Identifier: Apache-2.0
"""What the tree says of the attack matrix is what is there: selftests/attack/MATRIX.md has
every attack and no other, and each documented limit is argued in SECURITY.md.
"""

import re
import unittest

from attack import catalogue
from harness import paths

TABLE = catalogue.HERE / "MATRIX.md"
SECURITY = paths.ROOT / "SECURITY.md"
HEADS = re.compile(r"(?m)^\* Linux (\S+) \(")


def rows():
    """{attack: its cells} of the table."""
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
             for line in TABLE.read_text().splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in cells}


class Matrix(unittest.TestCase):
    def test_table_and_catalogue_agree(self):
        table = rows()
        self.assertEqual(set(table), {attack.name for attack in catalogue.load()})
        for attack in catalogue.load():
            outcomes, defence = table[attack.name][:2], table[attack.name][2]
            with self.subTest(attack.name):
                self.assertEqual(defence, attack.defence)
                limit = attack.defence == "limit"
                for outcome in outcomes:
                    self.assertIn(outcome, ("gets through" if limit else "stopped", "not here", "-"))

    def test_both_kernels_are_there(self):
        self.assertEqual(HEADS.findall(TABLE.read_text()), ["6.1", "6.12"])

    def test_security_links_the_table_and_argues_limits(self):
        text = SECURITY.read_text()
        self.assertIn("(selftests/attack/MATRIX.md)", text)
        for attack in catalogue.load():
            if attack.defence == "limit":
                self.assertIn(f"`{attack.name}`", text)
