# SPDX-License-Identifier: Apache-2.0
"""Committed test vectors are what their makers make."""

import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Vectors(unittest.TestCase):
    def test_record_mac(self):
        made = subprocess.run(["selftests/lib/record_vectors.py"], cwd=ROOT, check=True,
                              capture_output=True).stdout
        self.assertEqual(made, (ROOT / "selftests/lib/data/record_mac/vectors").read_bytes())
