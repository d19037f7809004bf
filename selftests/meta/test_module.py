# SPDX-License-Identifier: Apache-2.0
"""What tconn.ko says of itself, before anything loads it."""

import subprocess
import unittest

from harness import paths


def output(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          check=True).stdout


class Module(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.release = paths.kernel_release()
        cls.module = paths.module_ko(cls.release)

    def info(self, field):
        return output("/sbin/modinfo", "-F", field, self.module).strip()

    def test_exports_nothing(self):
        symbols = output("nm", self.module)
        self.assertNotIn("__ksymtab", symbols)
        self.assertNotIn("__export_symbol", symbols)

    def test_is_for_the_guests_kernel(self):
        self.assertEqual(self.info("vermagic").split()[0], self.release)

    def test_licence_and_description(self):
        self.assertEqual(self.info("license"), "GPL")
        self.assertNotEqual(self.info("description"), "")
        self.assertNotEqual(self.info("version"), "")

    def test_claims_nothing_it_is_not(self):
        self.assertEqual(self.info("intree"), "")

    def test_carries_no_paths_of_the_build(self):
        # Sections that are loaded; debugging data may name sources.
        self.assertNotIn(str(paths.ROOT), output("strings", "-d", self.module))
