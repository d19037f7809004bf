# SPDX-License-Identifier: Apache-2.0
"""Uninstall takes away what install put there, all of it and nothing else."""

import pathlib
import subprocess
import tempfile
import unittest

from . import make


class Install(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def make(self, target):
        run = subprocess.run(["make", "-s", target, f"DESTDIR={self.root}"], cwd=make.ROOT,
                             capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)

    def files(self):
        return {path for path in self.root.rglob("*") if path.is_file()}

    def test_install_then_uninstall_leaves_nothing(self):
        other = self.root / "usr/share/tconn-other/file"
        other.parent.mkdir(parents=True)
        other.write_text("not ours")
        self.make("install")
        names = {path.name for path in self.files()}
        for program in make.variable("PROGRAMS").split():
            self.assertIn(pathlib.Path(program).name, names)
        self.assertIn("tconn.ko", names)
        self.assertIn("tconnd.service", names)
        self.make("uninstall")
        self.assertEqual(self.files(), {other})
        self.assertFalse((self.root / "usr/share/tconn").exists())

    def test_units_name_installed_programs(self):
        self.make("install")
        for unit in self.root.rglob("*.service"):
            for line in unit.read_text().splitlines():
                if line.startswith("ExecStart=/usr/sbin/tconn"):
                    program = line.partition("=")[2].split()[0]
                    self.assertTrue((self.root / program[1:]).exists(), line)

    def test_installed_policy_tool_works(self):
        self.make("install")
        tui = self.root / "usr/sbin/tconn-tui"
        run = subprocess.run([self.root / "usr/share/tconn/mkpolicy.py", "--tui", tui, "--display",
                              "/devices/d", "--input", "/devices/i", "--indicator", "/devices/l"],
                             capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertTrue(run.stdout.startswith("tconn-policy 1\n"))
