# SPDX-License-Identifier: Apache-2.0
"""A file tree to be: what an image holds, gathered from this machine and the build.

Programs bring the shared libraries they are linked to, kernel modules the
modules they depend on. Files keep the places they have here once links are
resolved, since IMA reports those.
"""

import hashlib
import lzma
import os
import pathlib
import re
import stat
import subprocess

from . import cpio, paths

# Debian's merged /usr.
LINKS = {"bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64"}


def _place(path):
    """Guest name of a path: no leading slash, links of the merged /usr resolved."""
    name = os.path.normpath(str(path)).lstrip("/")
    first, _, rest = name.partition("/")
    return f"{LINKS[first]}/{rest}" if first in LINKS and rest else name


def libraries(program):
    """The files ldd says a program is linked to."""
    run = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)
    if "not found" in run.stdout:
        raise SystemExit(f"{program}: a library is missing:\n{run.stdout}")
    return [match for line in run.stdout.splitlines()
            for match in re.findall(r"(/\S+) \(0x", line)]


class Tree:
    def __init__(self):
        self.entries = {}
        for link, target in LINKS.items():
            self.entries[link] = cpio.symlink(target)

    def _add(self, name, entry):
        parent = os.path.dirname(name)
        if parent and parent not in self.entries:
            self._add(parent, cpio.directory())
        self.entries[name] = entry

    def directory(self, path, permissions=0o755):
        self._add(_place(path), cpio.directory(permissions))

    def symlink(self, path, target):
        self._add(_place(path), cpio.symlink(target))

    def text(self, path, content, permissions=0o644):
        self.data(path, content.encode(), permissions)

    def data(self, path, content, permissions=0o644):
        self._add(_place(path), cpio.file(content, permissions))

    def node(self, path, major, minor, permissions=0o600):
        self._add(_place(path), cpio.node(major, minor, permissions))

    def file(self, source, path=None, permissions=None):
        """One file of this machine; at path, or where it is here with its links."""
        source = pathlib.Path(source)
        real = source.resolve()
        if path is None:
            path = real
            if _place(source) != _place(real):
                self._add(_place(source), cpio.symlink("/" + _place(real)))
        if permissions is None:
            permissions = 0o755 if os.access(real, os.X_OK) else 0o644
        try:
            self._add(_place(path), cpio.file(real.read_bytes(), permissions))
        except FileNotFoundError:
            raise SystemExit(f"{source} does not exist: run make all, or scripts/setup") from None

    def folder(self, source, keep=lambda name: True):
        """A folder of this machine with all that keep(relative name) wants."""
        source = pathlib.Path(source)
        for path in sorted(source.rglob("*")):
            if path.is_file() and keep(str(path.relative_to(source))):
                self.file(path)

    def program(self, source, path=None):
        self.file(source, path, 0o755)
        for library in libraries(source):
            self.file(library)

    def busybox(self):
        self.program("/bin/busybox", "/usr/bin/busybox")
        names = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True,
                               check=True).stdout.split()
        for name in names:
            if name != "busybox":
                self.symlink(f"/usr/bin/{name}", "busybox")

    def modules(self, release, names):
        """Kernel modules with their dependencies; returns paths in load order."""
        order = []
        base = paths.kernel_dir(release)
        for name in names:
            for relative in _dependencies(release, name):
                path = f"/usr/lib/modules/{release}/{relative}"
                source = base / "lib/modules" / release / relative
                if relative.endswith(".xz"):
                    path = path[:-3]
                    self._add(_place(path), cpio.file(lzma.decompress(source.read_bytes())))
                else:
                    self.file(source, path, 0o644)
                if path not in order:
                    order.append(path)
        return order

    def digests(self):
        """{absolute path: SHA-256} of the regular files."""
        return {"/" + name: hashlib.sha256(entry.data).hexdigest()
                for name, entry in sorted(self.entries.items()) if stat.S_ISREG(entry.mode)}

    def without(self, other):
        """The entries that another tree does not have already."""
        return {name: entry for name, entry in self.entries.items()
                if other.entries.get(name) != entry}


def _dependencies(release, name):
    """Relative paths of a module and what it needs, in load order; none if built in."""
    folder = paths.kernel_dir(release) / "lib/modules" / release
    wanted = re.compile(r"/%s\.ko(\.xz)?$" % name.replace("_", "[-_]"))
    for line in (folder / "modules.dep").read_text().splitlines():
        module, _, needs = line.partition(":")
        if wanted.search(module):
            return list(reversed(needs.split())) + [module]
    if any(wanted.search(line) for line in (folder / "modules.builtin").read_text().splitlines()):
        return []
    raise SystemExit(f"kernel {release} has no module {name}")
