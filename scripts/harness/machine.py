# SPDX-License-Identifier: Apache-2.0
"""A machine that keeps what a real one keeps when it is switched off: the firmware's
variables (Secure Boot's keys among them), a disk and a TPM.

    machine = Machine(directory, manufacturer)
    machine.enrol(keys)             # PK, KEK, db from setup mode: once for a set of keys
    machine.insert(kiosk.disk)      # a copy of it
    machine.update(other.disk)      # another version
    with Guest(kiosk, directory, machine=machine) as guest: ...     # any number of times
    machine = Machine.found(directory)      # the same one again, in another program

The firmware is OVMF with SMM, which alone may write its variables.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from . import disk, image, paths
from .tpm import Tpm

FIRMWARE = pathlib.Path("/usr/share/OVMF")
ENROLLED = paths.BUILD / "kiosk" / "variables"
# The last one ends setup mode: from then on writing takes the signature of a key above.
ORDER = ("db", "KEK", "PK")
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
SECURITY = "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
VARIABLES = "/sys/firmware/efi/efivars"
MOUNT = f"""
insmod /usr/lib/modules/*/kernel/fs/efivarfs/efivarfs.ko 2>/dev/null
mountpoint -q {VARIABLES} || mount -t efivarfs efivarfs {VARIABLES}
"""


WRITE = "dd if=/run/variable of={} bs=1M 2>/dev/null"


class ForeignKeys(Exception):
    """The firmware obeys somebody, and not this owner."""


def _variable(name):
    return f"{VARIABLES}/{name}-{SECURITY if name == 'db' else GLOBAL}"


def _content(guest, name):
    """Of a variable, without its attributes; empty where there is none."""
    path = _variable(name)
    return guest.get(path)[4:] if not guest.sh(f"[ -e {path} ]", check=False).status else b""


def _is_enrolled(guest, keys, name):
    return _content(guest, name) == (keys / f"{name}.esl").read_bytes()


def enrol_in(guest, keys):
    """The owner's keys, from a guest (image "setup") on the machine, checked by reading them back.
    Where it was cut off before, it goes on; setup mode ends with the last of them.
    """
    guest.sh(MOUNT)
    for name in ORDER:
        if _is_enrolled(guest, keys, name):
            continue
        if _content(guest, "SetupMode") != b"\1" or _content(guest, name):
            raise ForeignKeys(f"the firmware's {name} is not this owner's: somebody else had it first")
        guest.put("/run/variable", b"\x27\0\0\0" + (keys / f"{name}.auth").read_bytes())
        guest.sh(WRITE.format(_variable(name)))
        if not _is_enrolled(guest, keys, name):
            raise ForeignKeys(f"the firmware did not take {name}")
    if _content(guest, "SetupMode") != b"\0":
        raise ForeignKeys("the firmware is still in setup mode")


class Machine:
    def __init__(self, directory, manufacturer=None):
        self._take(directory)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        shutil.copyfile(FIRMWARE / "OVMF_VARS_4M.fd", self.variables)
        self._manufacturer = manufacturer
        self.replace_tpm()

    @classmethod
    def found(cls, directory):
        """One that is there already, as it was left."""
        machine = cls.__new__(cls)
        machine._take(directory)    # pylint: disable=protected-access
        disk_file = machine.directory / "disk.img"
        machine.disk = disk_file if disk_file.exists() else None
        return machine

    def _take(self, directory):
        self.directory = pathlib.Path(directory).absolute()
        self.variables = self.directory / "vars.fd"
        self.disk = None
        self.direct = False     # QEMU starts the kernel past the firmware's Secure Boot
        self._manufacturer = None
        # Paths of sockets must be short.
        self._sockets = tempfile.TemporaryDirectory(prefix="tconn-tpm-")
        self.tpm = Tpm(self.directory / "tpm", sockets=self._sockets.name)

    def replace_tpm(self):
        """Another TPM; the first one at the start."""
        shutil.rmtree(self.tpm.directory, ignore_errors=True)
        self.tpm.directory.mkdir()
        if self._manufacturer:
            self._manufacturer.make(self.tpm.directory)

    def clear_tpm(self):
        """As a person does in the firmware's set-up: TPM2_Clear. What is left is EK and certificate."""
        tpm = Tpm(self.tpm.directory, tcti=True, sockets=self._sockets.name).start()
        try:
            subprocess.run(["tpm2_clear", "-T", tpm.tcti], check=True, capture_output=True)
        finally:
            tpm.stop()

    def insert(self, other):
        """A copy of that disk."""
        self.disk = self.directory / "disk.img"
        shutil.copyfile(other, self.disk)

    def update(self, new):
        """Another version's boot image and root, as its owner would write them."""
        disk.update(self.disk, new)

    def firmware_arguments(self):
        code = FIRMWARE / "OVMF_CODE_4M.secboot.fd"
        return ["-global", "ICH9-LPC.disable_s3=1",
                "-global", "driver=cfi.pflash01,property=secure,value=on",
                "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
                "-drive", f"if=pflash,unit=1,format=raw,file={self.variables}"]

    def enrol(self, keys):
        """As a line would: a first boot in setup mode writes the owner's keys."""
        digest = hashlib.sha256(b"".join((keys / f"{name}.auth").read_bytes() for name in ORDER)
                                + (FIRMWARE / "OVMF_VARS_4M.fd").read_bytes()).hexdigest()[:16]
        kept = ENROLLED / f"{digest}.fd"
        if not kept.exists():
            self._write_variables(keys)
            kept.parent.mkdir(parents=True, exist_ok=True)
            temporary = kept.with_name(f"{kept.name}.{os.getpid()}.tmp")
            shutil.copyfile(self.variables, temporary)
            temporary.replace(kept)
        shutil.copyfile(kept, self.variables)

    def _write_variables(self, keys):
        from .guest import Guest    # pylint: disable=import-outside-toplevel
        setup = Machine(self.directory / "setup")
        with Guest(image.build("setup"), self.directory / "enrolment", machine=setup,
                   hardened=False) as guest:
            enrol_in(guest, keys)
            guest.sh("sync")
        shutil.copyfile(setup.variables, self.variables)
