# SPDX-License-Identifier: Apache-2.0
"""Every program explains itself: --help, a man page, a status for wrong usage."""

import pathlib
import re
import subprocess
import unittest

from . import make

ROOT = make.ROOT


def run(*command):
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=20, check=False)


def plain(page):
    """The text of a man page with its options as they are typed."""
    page = page.replace("\\-", "-").replace("\\&", "")
    return page.replace("Fl Fl ", "--").replace("Fl -", "--")


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.programs = [pathlib.Path(p) for p in make.variable("PROGRAMS").split()]
        if not cls.programs:
            raise AssertionError("make names no programs")

    def test_help(self):
        for path in self.programs:
            with self.subTest(program=path.name):
                done = run(f"./{path}", "--help")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("usage:", done.stdout.lower())
                self.assertIn(path.name, done.stdout)

    def test_unknown_option_is_a_usage_error(self):
        for path in self.programs:
            with self.subTest(program=path.name):
                done = run(f"./{path}", "--no-such-option")
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertNotEqual(done.stderr.strip(), "")

    def test_man_page(self):
        pages = {pathlib.Path(p).name.rpartition(".")[0]: ROOT / p
                 for p in make.variable("MAN_PAGES").split()}
        for path in self.programs:
            with self.subTest(program=path.name):
                self.assertIn(path.name, pages, "no man page")
                text = pages[path.name].read_text()
                self.assertRegex(text, r"(?m)^\.(SH|Sh) \"?NAME")
                options = re.findall(r"(?<![\w-])--[a-z][a-z-]+", run(f"./{path}", "--help").stdout)
                text = plain(text)
                missing = {o for o in options if o not in text} - {"--help", "--version"}
                self.assertEqual(missing, set(), "options the page does not name")

    def test_hardened(self):
        for path in self.programs:
            with self.subTest(program=path.name):
                headers = run("readelf", "-W", "-h", "-l", "-d", str(path)).stdout
                self.assertRegex(headers, r"Type:\s+DYN", "not position independent")
                self.assertIn("GNU_RELRO", headers)
                self.assertRegex(headers, r"GNU_STACK.*RW ", "executable stack")
                self.assertNotRegex(headers, r"R(UN)?PATH")
