# SPDX-License-Identifier: Apache-2.0
"""The main job's stage (scene.py) with the kiosk image for a device: its firmware starts
nothing that the owner's key did not sign, and it enrols and connects without being asked.

The one thing in its settings that a product has not is the harness' shell: to read what
the tests compare, and to know when it has booted.
"""

import json

from . import image, kiosk, paths
from .machine import Machine
from .scene import CA_ADDRESS, SERVICED, TCONND, Scene

import mkimage      # noqa: E402 pylint: disable=wrong-import-order
import mkkeys       # noqa: E402 pylint: disable=wrong-import-order

SHELL = """#!/bin/sh
set -- /dev/virtio-ports/tconn.shell
"""


class KioskScene(Scene):
    def __init__(self, directory, *, vnc=None, echo=None):
        super().__init__(directory, vnc=vnc, echo=echo)
        self.machine = None     # which keeps its state when the guest is switched off
        self.kiosk = None

    def _settings(self):
        shell = (image.GUEST / "shell.sh").read_text()
        return {
            "address": b"10.7.0.2/24\n", "issuer": f"{CA_ADDRESS}\n".encode(),
            "ca.pem": self.ca / "ca.pem", "service-reference.json": self.service_reference,
            "tconnd.json": json.dumps(TCONND, indent=1).encode(),
            "shell": (SHELL + shell).encode(),
        }

    def _service_config(self):
        return {**SERVICED, "device_reference": "/etc/tconn/device-reference",
                "reference_signers": "/etc/tconn/reference-signers.pem"}

    def _device_image(self):
        keys = mkkeys.make(paths.OUT / "keys")
        self.kiosk = kiosk.build(self._settings(), keys=keys, out=self.directory / "image")
        self.device_reference = mkimage.papers(self.kiosk, self.directory / "image").read_bytes()
        self._echo("enrolling the owner's Secure Boot keys in the device's firmware")
        self.machine = Machine(self.directory / "machine", self.maker)
        self.machine.enrol(keys)
        self.machine.insert(self.kiosk.disk)
        self._device_options["machine"] = self.machine
        return self.kiosk

    def _put_reference(self):
        """Signed by the owner, as `make image` left it."""
        self.service.sh("mkdir -p /etc/tconn/device-reference")
        self.service.put("/etc/tconn/device-reference/kiosk.cose", self.device_reference)
        self.service.put("/etc/tconn/reference-signers.pem",
                         (self.kiosk.keys / "image.crt").read_bytes())

    def _enrol_device(self):
        """It does so by itself, and starts tconnd then."""
        self.device.wait_for("tconnctl --json status", 120)
        return self.device_status()["name"]

    def connect(self):
        """It has been trying for a while."""
        return self.wait_connected()
