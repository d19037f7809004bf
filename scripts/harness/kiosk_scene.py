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
        self.kiosk = self.keys = None

    def _settings(self):
        shell = (image.GUEST / "shell.sh").read_text()
        return {
            "address": b"10.7.0.2/24\n", "issuer": f"{CA_ADDRESS}\n".encode(),
            "ca.pem": self.ca / "ca.pem", "service-reference.json": self.service_reference,
            "tconnd.json": json.dumps(
                {**TCONND, "boot_policy": "/run/tconn/boot.policy"}, indent=1).encode(),
            "shell": (SHELL + shell).encode(),
        }

    def _service_config(self):
        return {**SERVICED, "device_reference": "/etc/tconn/device-reference",
                "reference_signers": "/etc/tconn/reference-signers.pem"}

    def build(self, name, keys=None, **options):
        """An image with this scene's settings, and its signed reference values beside it."""
        built = kiosk.build(self._settings(), keys=keys or self.keys, out=self.directory / name,
                            **options)
        mkimage.papers(built, self.directory / name)
        return built

    def paper(self, name):
        """The signed reference values of the image that build(name) made."""
        return (self.directory / name / "reference.cose").read_bytes()

    def _device_image(self):
        self.keys = mkkeys.make(paths.OUT / "keys")
        self.kiosk = self.build("image")
        self._echo("enrolling the owner's Secure Boot keys in the device's firmware")
        self.machine = Machine(self.directory / "machine", self.maker)
        self.machine.enrol(self.keys)
        self.machine.insert(self.kiosk.disk)
        self._device_options["machine"] = self.machine
        return self.kiosk

    def _put_reference(self):
        """Signed by the owner, as `make image` left it."""
        self.service.sh("mkdir -p /etc/tconn/device-reference")
        self.service.put("/etc/tconn/device-reference/1.cose", self.paper("image"))
        self.service.put("/etc/tconn/reference-signers.pem", (self.keys / "image.crt").read_bytes())

    def _enrol_device(self):
        """It does so by itself, and starts tconnd then."""
        self.device.wait_for("tconnctl --json status", 120)
        return self.device_status()["name"]

    def switch_on(self, other=None):
        """The device, stopped before, with its disk as it is or with another image on it."""
        if other:
            self.machine.update(other.disk)
        self.device = self._start(self.kiosk, manufacturer=self.maker, wire=self._wire,
                                  **self._device_options)

    def connect(self):
        """It has been trying for a while."""
        return self.wait_connected()
