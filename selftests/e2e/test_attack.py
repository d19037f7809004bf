# SPDX-License-Identifier: Apache-2.0
"""A subset of the attack matrix (those marked "quick: yes"); `make attack` runs all."""

import os
import unittest

from attack import catalogue, plan

KERNEL = os.environ.get("KERNEL") or "6.1"


class Catalogue(unittest.TestCase):
    def test_every_attack_says_what_it_is(self):
        attacks = catalogue.load()
        self.assertGreaterEqual(len(attacks), 55)
        self.assertEqual(len(attacks), len({a.name for a in attacks}), "two have the same name")


class Attacks(unittest.TestCase):
    def test_quick_ones_succeed_unprotected_and_fail_protected(self):
        attacks = [a for a in catalogue.load() if a.quick]
        for row in plan.run(attacks, KERNEL, plan.SIDES, jobs=2):
            with self.subTest(attack=row.attack.name):
                self.assertEqual(row.wrong(plan.SIDES), "")
                self.assertTrue(row.counts, "it is unavailable")
