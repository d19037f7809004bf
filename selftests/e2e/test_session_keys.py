# SPDX-License-Identifier: Apache-2.0
"""Session keys stay in the process that made them (clause 6.4): not in another's memory, not
within reach of root in an REE, in no core dump and in no file.

What to look for the service tells, whose OpenSSL writes its secrets down here (keylog.c). The
same program that finds them in tconnd, run by root of the trusted side, finds nothing as root
of an REE; and a program that does not protect itself leaves a core.
"""

import hmac
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from harness import paths           # noqa: E402
from harness.scene import Scene     # noqa: E402
from . import memory                # noqa: E402

FIND = "/usr/bin/find_bytes"
NEEDLES = "/etc/needles"      # the REE sees it, too
WAIT = 180      # seconds; a busy machine


class KeyScene(Scene):
    def _service_extra(self):
        return {"/usr/lib/keylog.so": paths.BUILD / "selftests" / "e2e" / "keylog.so"}

    def _serviced(self):
        return "env LD_PRELOAD=/usr/lib/keylog.so tconn-serviced"


def expanded(secret, label, size):
    """HKDF-Expand-Label with an empty context, RFC 8446 section 7.1; no longer than the hash."""
    label = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0"
    digest = "sha384" if len(secret) == 48 else "sha256"
    return hmac.digest(secret, info + b"\1", digest)[:size]


def secrets_of(keylog):
    """{name: bytes} of the newest connection in it: traffic secrets, and the keys made of them."""
    found = {}
    for line in keylog.splitlines():
        name, _, secret = line.split()
        found[name] = bytes.fromhex(secret)
    secrets = {name: found[name] for name in ("CLIENT_TRAFFIC_SECRET_0",
                                              "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET")}
    for name in ("CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"):
        # AES-256-GCM's and ChaCha20's, or AES-128-GCM's.
        size = 32 if len(secrets[name]) == 48 else 16
        secrets[f"key of {name}"] = expanded(secrets[name], b"key", size)
    return secrets


class SessionKeys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = paths.OUT / "check" / "e2e" / "SessionKeys"
        tool = paths.BUILD / "selftests" / "attack" / "tools" / "find_bytes"
        cls.scene = cls.enterClassContext(KeyScene(cls.directory, device_extra={FIND: tool}))
        cls.device = cls.scene.device
        cls.scene.enrol()
        cls.scene.serve()
        cls.scene.connect()
        cls.secrets = secrets_of(cls.scene.service.get("/run/keylog").decode())
        cls.device.put(NEEDLES, "".join(f"{secret.hex()}\n" for secret in cls.secrets.values())
                       .encode())

    def find(self, command, timeout=WAIT):
        """(what was found, how many were looked at)"""
        *found, last = self.device.sh(command, timeout=timeout).output.splitlines()
        self.assertRegex(last, r"^looked at \d+$")
        return found, int(last.split()[-1])

    def test_10_are_in_one_process(self):
        found, looked = self.find(f"{FIND} {NEEDLES}")
        self.assertGreater(looked, 2)
        self.assertEqual({line.split()[1] for line in found}, {"tconnd"})
        # The exporter's secret, the keys: else the search would show nothing.
        self.assertGreaterEqual(len({line.split()[-1] for line in found}), 3, found)

    def test_20_are_in_memory_where_the_search_finds_them(self):
        """Seen from outside."""
        data = memory.dump(self.device, self.directory)
        held = [name for name, secret in self.secrets.items() if secret in data]
        self.assertGreaterEqual(len(held), 3, held)

    def test_30_are_out_of_the_rees_reach(self):
        """The same search as root of an REE, of processes and of all it has as files."""
        found, _ = self.find(f"tconn-confine -- {FIND} {NEEDLES} 2>/dev/null")
        self.assertEqual(found, [])
        result = self.device.sh(f"tconn-confine -- {FIND} {NEEDLES} /proc/kcore /dev/mem "
                                "/dev/vda 2>/dev/null")
        self.assertEqual(result.output.splitlines(), ["looked at 0"])

    def test_40_are_in_no_file(self):
        files = " ".join(f"$(find {top} -xdev -type f ! -path {NEEDLES})"
                         for top in ("/", "/run", "/tmp", "/var", "/dev/shm"))
        found, looked = self.find(f"{FIND} {NEEDLES} {files}")
        self.assertEqual(found, [])
        self.assertGreater(looked, 100)
        # Were they in one, they would be found.
        self.device.put(f"{NEEDLES}.bin", b"x".join(self.secrets.values()))
        found, _ = self.find(f"{FIND} {NEEDLES} {NEEDLES}.bin")
        self.assertEqual(len(found), len(self.secrets))

    def test_50_are_in_no_core_dump(self):
        # To a pipe: no limit of the process's keeps it from it.
        self.device.sh("echo '|/bin/busybox dd of=/run/core.%P' >/proc/sys/kernel/core_pattern")
        self.device.sh("sleep 100 & echo $! >/run/sleep.pid; kill -SEGV $!")
        self.device.wait_for("test -s /run/core.$(cat /run/sleep.pid)", 60)
        self.device.sh("pidof tconnd >/run/tconnd.pid")
        self.device.sh("kill -SEGV $(pidof tconnd)")
        self.device.wait_for("! pidof tconnd", 60)
        self.device.sh("! ls /run/core.$(cat /run/tconnd.pid)")
