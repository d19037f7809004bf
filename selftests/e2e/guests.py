# SPDX-License-Identifier: Apache-2.0
"""Booted guests for end-to-end tests. Derive from one of the classes; the guests
boot once for all tests of the class and end with it.

    class Refusals(guests.ModuleTest):
        def test_something(self):
            self.guest.sh("insmod /usr/lib/tconn/tconn.ko developer=1")

    class Payment(guests.PairTest):
        def test_something(self):
            self.service.sh("tconn-ca ...")
            self.device.sh("tconnctl ...")

Logs and screenshots: self.directory (out/check/e2e/CLASS). How to use a guest
is in scripts/harness/guest.py.
"""

import contextlib
import unittest

from harness import image, paths
from harness.guest import Guest, Wire
from harness.tpm import Manufacturer


class GuestTest(unittest.TestCase):
    extra = {}      # {guest path: file of this tree} that the images get besides
    drivers = ()    # kernel modules, likewise

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.directory = paths.OUT / "check" / "e2e" / cls.__name__
        cls.stack = cls.enterClassContext(contextlib.ExitStack())
        cls.boot()

    @classmethod
    def boot(cls):
        raise NotImplementedError

    @classmethod
    def start(cls, name, **options):
        """Boots one guest that ends with the class."""
        built = image.build(name, cls.extra, drivers=cls.drivers)
        return cls.stack.enter_context(Guest(built, cls.directory / name, **options))


class ModuleTest(GuestTest):
    """self.guest: the small image, tconn.ko not yet loaded, nothing measured by firmware."""

    options = {}

    @classmethod
    def boot(cls):
        cls.guest = cls.start("kmod", firmware="seabios", **cls.options)


class DeviceTest(GuestTest):
    """self.device: weston owns the screen, tconn.ko has its policy; no network."""

    options = {"firmware": "seabios"}

    @classmethod
    def boot(cls):
        cls.device = cls.start("device", **cls.options)


class PairTest(GuestTest):
    """self.service and self.device on one wire, measured boot, TPMs with EK certificates
    by self.manufacturer.
    """

    options = {}

    @classmethod
    def boot(cls):
        cls.manufacturer = Manufacturer(cls.directory / "manufacturer")
        wire = Wire()
        common = {"manufacturer": cls.manufacturer, "wire": wire, "wait": False,
                  **cls.options}
        cls.service = cls.start("service", **common)
        cls.device = cls.start("device", **common)
        cls.service.ready()
        cls.device.ready()
