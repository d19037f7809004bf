# SPDX-License-Identifier: Apache-2.0
"""Guest images: the same bytes each time, and a manifest that tells the truth."""

import hashlib
import subprocess
import unittest

from harness import image


class Image(unittest.TestCase):
    def test_same_inputs_same_bytes(self):
        first = image.build("service").initrd.read_bytes()
        self.assertEqual(image.build("service").initrd.read_bytes(), first)

    def test_manifest_matches_the_archive(self):
        built = image.build("kmod")
        unpacked = subprocess.run(["zstd", "-dcq", built.initrd], stdout=subprocess.PIPE,
                                  check=True).stdout
        entries = read_newc(unpacked)
        regular = {f"/{name}": hashlib.sha256(data).hexdigest()
                   for name, (mode, data) in entries.items() if mode & 0o170000 == 0o100000}
        self.assertEqual(regular, built.manifest)

    def test_an_extra_file_changes_the_manifest(self):
        built = image.build("kmod", {"/tests/x": b"text\n"})
        self.assertNotIn("/tests/x", image.build("kmod").manifest)
        self.assertEqual(built.manifest["/tests/x"], hashlib.sha256(b"text\n").hexdigest())


def read_newc(data):
    """{name: (mode, content)} of archives one after the other, read independently of cpio.py."""
    entries, at = {}, 0
    while at < len(data):
        if data[at:at + 6] != b"070701":
            at += 1     # padding between archives
            continue
        fields = [int(data[at + 6 + 8 * i:at + 14 + 8 * i], 16) for i in range(13)]
        mode, size, length = fields[1], fields[6], fields[11]
        name = data[at + 110:at + 110 + length - 1].decode()
        start = (at + 110 + length + 3) & ~3
        if name != "TRAILER!!!":
            entries[name] = (mode, data[start:start + size])
        at = (start + size + 3) & ~3
    return entries
