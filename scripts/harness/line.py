# SPDX-License-Identifier: Apache-2.0
"""The line that provisions kiosks: issuer, service and what else outlives a device on it.

    line = Line("out/provision/line", keys)     # made when first used, then always the same one
    line.maker                  whose TPMs new devices have, and line.issuers, its CA store
    line.image                  folder of the kiosk image (scripts/mkimage.py), with this line's settings
    line.claim(ID, NAME)        one TPM is one device's
    with line: ...              the service's machine is on, and the service runs
        line.open_desk()        tconn-ca enrols who comes

The service's machine keeps its TPM and a disk with all that issuer and service know, so both may
be cut off with everything else.
"""

import contextlib
import json
import shutil
import tempfile
import time

from . import disk, durable, image, paths
from .guest import GuestError, Wire
from .kiosk_scene import KioskScene
from .scene import CA_ADDRESS, MEMORY, SERVICE
from .tpm import Manufacturer, Tpm

DRIVERS = ("virtio_blk", "crc32c_generic", "ext4")
DATA = 64 << 20     # bytes of the service's disk
NOT_YET = 5         # exit status of tconnctl enrol --check


class Claimed(Exception):
    """A TPM that is another device's."""


class Line(KioskScene):
    def __init__(self, directory, keys, echo=None):
        super().__init__(directory, echo=echo)
        self.keys = keys
        self.ca = self.directory / "ca"
        self.image = self.directory / "image"
        self.wire = self._wire = Wire()
        self._note = self.directory / "line.json"
        self._is_on = False
        if not self._note.exists():
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory.mkdir(parents=True, exist_ok=True)
        self.maker = Manufacturer(self.directory / "tpm-maker")
        if not self._note.exists():
            self._make()
        self.note = json.loads(self._note.read_text())
        # Paths of sockets must be short.
        self._sockets = tempfile.TemporaryDirectory(prefix="tconn-tpm-")
        self._tpm = Tpm(self.directory / "tpm", sockets=self._sockets.name)

    @property
    def issuers(self):
        return self.maker.issuers

    # -- made once

    def _settings(self):
        """As a product has them: nobody gets a shell."""
        return {path: content for path, content in super()._settings().items() if path != "shell"}

    def _service_image(self):
        built = image.build("service", {
            "/etc/tconn/ca.pem": self.ca / "ca.pem",
            "/etc/tconn/serviced.json": json.dumps(self._service_config(), indent=1).encode(),
        }, drivers=DRIVERS)
        self.service_reference = self._reference(built)
        return built

    def _make(self):
        """The note comes last: without it there is no line yet, and nobody was enrolled by it."""
        self._echo("line: setting up issuer, service and kiosk image, once")
        self._issuer()
        service = self._service_image()
        for path, name in ((service.kernel, "vmlinuz"), (service.initrd, "initrd")):
            shutil.copyfile(path, self.directory / name)
        kiosk = self.build("image")
        (self.directory / "claims").mkdir()
        (self.directory / "tpm").mkdir()
        self.maker.make(self.directory / "tpm")
        with open(self.directory / "data.img", "wb") as f:
            f.truncate(DATA)
        disk.run("mke2fs", "-q", "-t", "ext4", "-m", "0", self.directory / "data.img")
        durable.write(self._note, json.dumps({
            "service": SERVICE, "service_kernel": service.release, "kernel": kiosk.release,
            "version": kiosk.version, "disk": disk.digest(self.image / "disk.img"),
        }, indent=1).encode())

    def claim(self, device_id, name):
        """Devices are known by their TPMs: this one is name's from now on, and nobody else's."""
        path = self.directory / "claims" / device_id
        with contextlib.suppress(FileExistsError):
            durable.create(path, name.encode())
        owner = path.read_text()
        if owner != name:
            raise Claimed(f"this TPM is device {owner}'s (id {device_id})")

    # -- while it is on

    def __enter__(self):
        """Returns at once; wait() until it serves."""
        built = image.Image("service", self.note["service_kernel"], self.directory / "vmlinuz",
                            self.directory / "initrd", {})
        self.service = self._start(built, tpm=self._tpm, data=self.directory / "data.img",
                                   wire=self.wire, wait=False, memory=f"{MEMORY >> 20}M")
        return self

    def wait(self):
        if self._is_on:
            return
        self.service.ready()
        self.service.sh("mount -t ext4 -o nosuid,nodev,noexec /dev/vda /var/lib")
        self.service.sh("mkdir -p -m 0700 /var/lib/tconn")
        self._enrol_service()
        self.serve(enrolled=False)
        self._is_on = True

    def _enrol_service(self):
        check = "tconnctl enrol --check --role service --ca-file /etc/tconn/ca.pem --identity " \
                "/var/lib/tconn/identity"
        if self.service.sh(check, check=False).status == NOT_YET:
            self._serve_issuer("--once 1")
            self._enrol(self.service, f"--role service --name {SERVICE}")
            self.service.wait_for("! netstat -ltn | grep -q 10.7.0.1:7101", 30)
        self.service.sh(check)

    def open_desk(self):
        """Who comes with a TPM of a maker that is believed is enrolled."""
        if self.service.sh(f"netstat -ltn | grep -q {CA_ADDRESS}", check=False).status:
            self._serve_issuer()

    def enrolled(self, device_id):
        """The issuer's line about a device (tconn-ca list), or None."""
        for line in self.service.sh("tconn-ca list --dir /var/lib/tconn-ca").output.splitlines():
            name, _, rest = line.partition(" ")
            if name == f"device:{device_id}":
                return dict(field.partition("=")[::2] for field in rest.split())
        return None

    def register(self, device_id):
        """With the service; done before does no harm."""
        self.device_id = device_id
        if self.service.sh(f"tconnctl device show {device_id}", check=False).status:
            self.service.sh(f"tconnctl device add {device_id}")
        self.service.sh("sync")
        return self.device_state()

    def attest(self, timeout):
        """The device connected and was attested anew; what the service says of it then."""
        self.wait_connected(timeout)
        self.service.sh(f"tconnctl device attest {self.device_id}", check=False)
        return self.device_state()

    def wait_device(self, done, timeout, what):
        """Until done() is something; its result."""
        deadline = time.monotonic() + timeout
        while not (result := done()):
            if time.monotonic() > deadline:
                raise GuestError(f"{what} did not happen in {timeout} s:\n{self.logs()}")
            time.sleep(0.5)
        return result

    def logs(self):
        """The line's side: a product lets nobody look into it."""
        return self.service.sh("for log in tconn-ca serviced; do echo --- $log; "
                               "tail -n 20 /run/$log.log; done", check=False).output
