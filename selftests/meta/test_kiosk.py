# SPDX-License-Identifier: Apache-2.0
"""The kiosk image: the same bytes each time, and papers that fit it. KERNEL=6.12: of that series."""

import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import bench
import bootpolicy
import mkimage
import mkkeys
import mkpolicy
import refvals
from harness import disk, kiosk, paths, uki


class Kiosk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.keys = mkkeys.make(cls.folder / "keys")
        subprocess.run([paths.BIN / "tconn-ca", "init", "--dir", cls.folder / "ca", "--name",
                        "an issuer"], check=True, stdout=subprocess.DEVNULL)
        settings = {"address": b"10.7.0.2/24\n", "ca.pem": cls.folder / "ca" / "ca.pem"}
        # Nothing of the one is in the other: root, module and all are made twice.
        cls.first, cls.second = (
            kiosk.build(settings, keys=cls.keys, out=cls.folder / name,
                        kept=cls.folder / f"{name}-kept") for name in ("first", "second"))

    def test_two_builds_give_the_same_disk(self):
        for name in ("disk.img", "kiosk.efi", "boot.policy", "manifest.json"):
            digests = {hashlib.sha256((self.folder / build / name).read_bytes()).hexdigest()
                       for build in ("first", "second")}
            self.assertEqual(len(digests), 1, name)

    def test_kernel_and_module_are_of_the_series_asked_for(self):
        series = os.environ.get("KERNEL") or "6.1"
        self.assertRegex(self.first.release, f"^{re.escape(series)}[.]")
        self.assertIn(f"{self.first.release} (".encode(),
                      uki.sections(self.first.uki.read_bytes())[".linux"])
        self.assertIn(f"vermagic={self.first.release} ".encode(), self.initramfs())

    def initramfs(self):
        return subprocess.run(["zstd", "-dc", self.first.initrd], capture_output=True,
                              check=True).stdout

    def test_boot_image_is_signed_with_db_and_no_other_key(self):
        for name, good in (("db", True), ("KEK", False)):
            done = subprocess.run(["sbverify", "--cert", self.keys / f"{name}.crt", self.first.uki],
                                  capture_output=True, check=False)
            self.assertEqual(done.returncode == 0, good, done.stderr)

    def test_command_line_names_the_root_on_the_disk(self):
        line = uki.sections(self.first.uki.read_bytes())[".cmdline"].rstrip(b"\0").decode()
        self.assertEqual(line, self.first.command_line)
        self.assertIn(f"tconn.root={self.first.root.hash}", line)
        self.assertIn("lockdown=confidentiality", line)
        root = self.folder / "root"
        offset, size = disk.partition(2)
        with open(self.first.disk, "rb") as f:
            f.seek(offset)
            root.write_bytes(f.read(size))
        verify = ["/usr/sbin/veritysetup", "verify", root, root, self.first.root.hash,
                  f"--hash-offset={self.first.root.blocks * disk.BLOCK}"]
        subprocess.run(verify, check=True)
        disk.flip(root, 1 << 20)
        self.assertNotEqual(subprocess.run(verify, capture_output=True, check=False).returncode, 0)

    def test_papers_are_signed_and_have_the_boot_image(self):
        signed = mkimage.papers(self.first, self.folder / "first").read_bytes()
        values = json.loads((self.folder / "first" / "reference.json").read_text())
        self.assertIn(json.dumps(values, indent=1, sort_keys=True).encode(), signed)
        self.assertEqual({e["pcr"] for e in values["pcr_events"]}, {4, 7, 9, 11})

    def test_boot_policy_on_the_disk_is_the_boot_images(self):
        start, size = disk.partition(4)
        policy = self.first.boot_policy.read_bytes()
        on_disk = self.first.disk.read_bytes()[start:start + size]
        self.assertEqual(on_disk, policy.ljust(size, b"\0"))
        state = refvals.boot_state(self.first.uki.read_bytes(), self.keys)
        self.assertIn(bootpolicy.pcr_policy(state), policy)

    def test_update_keeps_the_older_boot_state(self):
        later = kiosk.build({}, keys=self.keys, version="2", out=self.folder / "later")
        updated = self.folder / "updated.img"
        shutil.copyfile(self.first.disk, updated)
        disk.update(updated, later.disk)
        for number in (1, 2):
            self.assertEqual(disk.read(updated, number), disk.read(later.disk, number))
        policy = disk.read(updated, 4)
        for built in (self.first, later):
            state = refvals.boot_state(built.uki.read_bytes(), self.keys)
            self.assertIn(bootpolicy.pcr_policy(state), policy)

    def test_policy_names_the_issuer_and_the_papers_know_it(self):
        line = mkpolicy.service_ca(self.folder / "ca" / "ca.pem")
        self.assertIn(line, self.first.policy.read_text().splitlines())
        self.assertIn(f"{line}\n".encode(), self.initramfs())
        mkimage.papers(self.first, self.folder / "first")
        values = json.loads((self.folder / "first" / "reference.json").read_text())
        self.assertEqual(values["tconn"]["policy"],
                         [hashlib.sha256(self.first.policy.read_bytes()).hexdigest()])

    def test_bench_finds_what_measures_in_the_first_program(self):
        left = bench.unmeasured_program()
        self.assertNotIn("/sys/kernel/security/ima/policy", left)
        self.assertNotRegex(left, "(?m)^load_tconn$")
        self.assertRegex(kiosk.first_program(), "(?m)^load_tconn$")

    def test_keys_are_the_owners_alone(self):
        for path in self.keys.glob("*.key"):
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)
