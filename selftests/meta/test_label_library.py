# SPDX-License-Identifier: Apache-2.0
"""libtconn-label: what its headers declare is what it exports, and a user can build with it."""

import pathlib
import re
import subprocess
import tempfile
import unittest

from . import make

ROOT = make.ROOT
HEADERS = "".join((ROOT / "daemon/lib" / name).read_text() for name in ("label.h", "label_client.h"))
VERSION = (ROOT / "daemon/lib/version.h").read_text()

USER = r"""
#include <stdio.h>
#include <tconn/label_client.h>
int main(void)
{
	struct tconn_error err = { "" };
	struct tconn_label_connection *c;
	struct tconn_label *l;

	if (tconn_label_connect("/nowhere", 0, &c, &err) != -2)
		return 1;
	puts(tconn_label_fault(tconn_label_decode("\xd2", 1, &l, &err)));
	return 0;
}
"""


def output(*command, **options):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=True,
                          **options).stdout


def declared():
    text = re.sub(r"/\*.*?\*/", "", HEADERS, flags=re.S)
    return set(re.findall(r"\b(tconn_label_\w+)\(", text)) | {"tconn_bytes_free"}


class LabelLibrary(unittest.TestCase):
    def test_shared_library_exports_what_the_header_declares(self):
        listed = output("nm", "-D", "--defined-only", ROOT / make.variable("LABEL_SHARED"))
        self.assertEqual({line.split()[-1].split("@")[0] for line in listed.splitlines()
                          if " T " in line}, declared())

    def test_static_library_exports_the_same(self):
        listed = output("nm", "-g", "--defined-only", ROOT / make.variable("LABEL_STATIC"))
        self.assertEqual({line.split()[-1] for line in listed.splitlines() if " T " in line},
                         declared())

    def test_version_is_the_projects(self):
        version = re.search(r'TCONN_VERSION "([^"]+)"', VERSION)[1]
        self.assertIn(f"\nVersion: {version}\n", (ROOT / "daemon/tconn-label.pc").read_text())

    def test_a_user_builds_and_runs_with_pkg_config(self):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            subprocess.run(["make", "-s", "install", f"DESTDIR={root}"], cwd=ROOT, check=True,
                           capture_output=True, timeout=300)
            lib = root / "usr/lib/x86_64-linux-gnu"
            env = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": str(lib),
                   "PKG_CONFIG_PATH": f"{lib}/pkgconfig"}
            (root / "user.c").write_text(USER)
            for static in ([], ["--static"]):
                flags = output("pkg-config", "--cflags", "--libs", *static, "tconn-label",
                               env=env).split()
                if static:
                    flags = [str(lib / "libtconn-label.a") if f == "-ltconn-label" else f
                             for f in flags]
                output("gcc", "-Wall", "-Werror", "-o", root / "user", root / "user.c", *flags,
                       env=env)
                self.assertEqual(output(root / "user", env=env), "truncated\n")
