# SPDX-License-Identifier: Apache-2.0
"""Labelled data from a camera to the service: taken by video4linux (vivid), labelled in the
trusted environment, sent over the attested channel, kept by the service; changed on the way
or by the REE, refused with the item and the reason. And the service's data to the device.

Tests run in the order of their names and share one scene.
"""

import hashlib
import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from harness import paths                               # noqa: E402
from harness.scene import SERVICED, TCONND, Scene       # noqa: E402

SOCKET = "/run/tconn-label/socket"
# Where the trusted side and the REE hand things over, and the policy of an REE that may write there.
HANDOVER = "/srv/handover"
REE_POLICY = "/etc/tconn/handover.policy"
OUTBOX = "/var/lib/tconn/outbox"
WAIT = 180          # seconds; a busy machine
LABELD = {
    "identity": "/var/lib/tconn/identity", "trust": "/etc/tconn/ca.pem", "socket": SOCKET,
    "policy": "/etc/tconn/label-policy.json", "evidence": "/var/lib/tconn/label-evidence",
    "latency_ms": 300,
}


def sensor_digest():
    """tconnctl asks for the labels: it is the sensor's program here."""
    return hashlib.sha256((paths.BIN / "tconnctl").read_bytes()).hexdigest()


def label_policy():
    return {"tconn-label-policy": 1, "clients": [
        {"executable": "/usr/bin/tconnctl", "digest": [sensor_digest()], "uid": 0,
         "sources": ["camera/..."], "content_types": ["image/x-raw"],
         "items_per_second": 10, "burst": 20}]}


def service_policy():
    return {"tconn-item-policy": 1, "sources": [
        {"source": "camera/...", "content_types": ["image/x-raw"], "programs": [sensor_digest()],
         "environment": True, "max_age_s": 3600}]}


class ItemScene(Scene):
    def _start(self, built, **options):
        return super()._start(built, timeout=900, **options)

    def _service_config(self):
        return {**SERVICED, "items": "/var/lib/tconn/items", "items_s": 1,
                "item_policy": "/etc/tconn/item-policy.json"}

    def _device_config(self):
        return {**TCONND, "outbox": OUTBOX, "items": "/var/lib/tconn/items",
                "item_policy": "/etc/tconn/item-policy.json"}


class Items(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = paths.OUT / "check" / "e2e" / "Items"
        cls.scene = cls.enterClassContext(ItemScene(
            cls.directory, device_drivers=["vivid"], device_extra={
                "/usr/sbin/tconn-labeld": paths.BIN / "tconn-labeld",
                "/etc/tconn/labeld.json": json.dumps(LABELD).encode(),
                "/etc/tconn/label-policy.json": json.dumps(label_policy()).encode(),
                REE_POLICY: (paths.ROOT / "policy" / "ree.policy").read_bytes() +
                f"\nwritable {HANDOVER}\n".encode(),
                "/etc/tconn/item-policy.json":
                    b'{"tconn-item-policy":1,"sources":[{"source":"prices/..."}]}'}))
        cls.device, cls.service = cls.scene.device, cls.scene.service
        cls.scene.enrol()
        cls.service.put("/etc/tconn/item-policy.json", json.dumps(service_policy()).encode())
        cls.device.sh(f"mkdir -p {OUTBOX} {HANDOVER} /run/frames /run/tconn-label "
                      "/var/lib/tconn/label-evidence")
        cls.scene.serve()
        cls.scene.connect()
        cls.device.spawn("exec tconn-labeld --config /etc/tconn/labeld.json", "/run/labeld.log")
        cls.device.wait_for("grep 'labels within' /run/labeld.log", WAIT)
        cls.kept = f"/var/lib/tconn/items/{cls.scene.device_id}"

    # -- helpers

    def take_picture(self, name):
        """One frame, and its label; its SHA-256."""
        path = f"/run/frames/{name}"
        self.device.sh(f"dd if=/dev/video0 of={path} bs=8M count=1 && [ $(wc -c <{path}) -gt 100000 ]",
                       timeout=WAIT)
        self.device.sh(f"tconnctl label sign --socket {SOCKET} --source camera/front --type image/x-raw "
                       f"--parameter driver=vivid {path}", timeout=WAIT)
        return self.device.sh(f"sha256sum {path}").output.split()[0]

    def put_out(self, name, folder="/run/frames"):
        """Into the outbox, the label last."""
        self.device.sh(f"cp {folder}/{name} {OUTBOX}/{name}; cp {folder}/{name}.label {OUTBOX}/tmp; "
                       f"mv {OUTBOX}/tmp {OUTBOX}/{name}.label")

    def refused(self, name, fault, item):
        """Both ends say so; what the service has is as before."""
        self.service.wait_for(f"grep 'refused ({fault}): item {item}' /run/serviced.log", WAIT)
        self.device.wait_for(f"ls {OUTBOX}/refused/{name}", WAIT)
        self.device.sh(f"grep 'outbox: {name}: refused: item {item}' /run/tconnd.log")

    def kept_digests(self):
        output = self.service.sh(f"sha256sum {self.kept}/*.data", check=False).output
        return {line.split()[0] for line in output.splitlines() if line}

    # -- the device's data

    def test_10_picture_is_labelled_sent_and_kept(self):
        digest = self.take_picture("one")
        self.put_out("one")
        file = f"{self.kept}/camera%2Ffront-*-1"
        self.service.wait_for(f"ls {file}.label", WAIT)
        self.assertEqual(self.kept_digests(), {digest})
        shown = json.loads(self.service.sh("tconnctl --json label verify --trust /etc/tconn/ca.pem --who "
                                           f"urn:tconn:device:{self.scene.device_id} "
                                           f"{file}.label {file}.data").output)
        (item,) = shown["items"]
        self.assertEqual((item["source"], item["program"]), ("camera/front", "/usr/bin/tconnctl"))
        self.assertEqual(item["parameters"], {"driver": "vivid"})
        self.assertTrue(shown["data_checked"])
        self.assertIn("environment: kernel 6.", self.service.sh(f"tconnctl label show {file}.label").output)
        self.device.wait_for(f"! ls {OUTBOX}/one", WAIT)

    def test_20_changed_on_the_way(self):
        self.take_picture("two")
        self.device.sh("printf X | dd of=/run/frames/two bs=1 seek=5000 conv=notrunc")
        before = self.kept_digests()
        self.put_out("two")
        self.refused("two", "data", "camera/front #2: the data is not what was labelled")
        self.assertEqual(self.kept_digests(), before)

    def test_30_changed_by_root_in_the_ree(self):
        """The trusted side lets the REE see a picture, and takes it back."""
        self.take_picture("three")
        self.device.sh(f"cp /run/frames/three /run/frames/three.label {HANDOVER}")
        self.ree(f"printf X | dd of={HANDOVER}/three bs=1 seek=100 conv=notrunc")
        before = self.kept_digests()
        self.put_out("three", HANDOVER)
        self.refused("three", "data", "camera/front #3: the data is not what was labelled")
        self.assertEqual(self.kept_digests(), before)

    def ree(self, command, status=0):
        """As root of an REE."""
        self.device.put(f"{HANDOVER}/command", f"exec >{HANDOVER}/output 2>&1\n{command}\n".encode())
        got = self.device.sh(f"tconn-confine --policy {REE_POLICY} -- /bin/sh {HANDOVER}/command",
                             check=False, timeout=WAIT)
        output = self.device.sh(f"cat {HANDOVER}/output", check=False).output
        self.assertEqual(got.status, status, output + got.output)
        return output

    def test_40_ree_gets_no_label(self):
        """Neither the daemon's socket nor the TPM is there for it."""
        self.ree(f"echo false >{HANDOVER}/false; tconnctl label sign --socket {SOCKET} --source camera/front "
                 f"--type image/x-raw {HANDOVER}/false && exit 3\n"
                 "tconnctl label sign --identity /var/lib/tconn/identity --source camera/front "
                 f"--type image/x-raw {HANDOVER}/false && exit 4\nexit 0")
        self.device.sh(f"! ls {HANDOVER}/false.label")

    def test_50_again(self):
        self.put_out("one")
        self.service.wait_for("grep 'refused (duplicate): item camera/front #1' /run/serviced.log", WAIT)
        self.device.wait_for(f"! ls {OUTBOX}/one.label", WAIT)

    def test_60_another_sensors_name(self):
        result = self.device.sh(f"tconnctl label sign --socket {SOCKET} --source microphone/1 "
                                "--type image/x-raw /run/frames/one", check=False)
        self.assertNotEqual(result.status, 0)
        self.assertIn("may not speak for source microphone/1", result.output)

    def test_70_what_was_derived_names_its_source(self):
        self.device.sh("head -c 1000 /run/frames/one >/run/frames/part; "
                       f"tconnctl label sign --socket {SOCKET} --source camera/part --type image/x-raw "
                       "--algorithm head --algorithm-version 1 --input /run/frames/one.label /run/frames/part",
                       timeout=WAIT)
        self.put_out("part")
        file = f"{self.kept}/camera%2Fpart-*-1"
        self.service.wait_for(f"ls {file}.label", WAIT)
        self.assertIn("inputs: 1 labels verified too",
                      self.service.sh("tconnctl label verify --trust /etc/tconn/ca.pem "
                                      f"{file}.label {file}.data").output)
        tree = self.service.sh(f"tconnctl label show --tree {file}.label").output
        self.assertRegex(tree, r"(?m)^camera/part #1\b")
        self.assertRegex(tree, r"(?m)^    camera/front #1\b")

    # -- the service's data

    def send(self, label, data):
        return self.service.sh(f"tconnctl item send --device {self.scene.device_id} {label} {data}",
                               check=False, timeout=WAIT)

    def test_80_service_sends_and_the_device_checks(self):
        self.service.sh("echo bread 2.10 >/run/prices; tconnctl label sign --identity "
                        "/var/lib/tconn/identity --source prices/today --type text/plain /run/prices",
                        timeout=WAIT)
        self.service.sh("sed s/2.10/9.99/ /run/prices >/run/dear")
        result = self.send("/run/prices.label", "/run/dear")
        self.assertEqual(result.status, 4, result.output)
        self.assertIn("refused (data): the device refused: item prices/today #1", result.output)
        self.device.sh("! ls /var/lib/tconn/items/*/*.data")
        result = self.send("/run/prices.label", "/run/prices")
        self.assertEqual(result.status, 0, result.output)
        self.assertEqual(self.device.sh("cat /var/lib/tconn/items/pay.example/*.data").output.strip(),
                         "bread 2.10")
        self.assertTrue(self.scene.device_state()["trusted"])
