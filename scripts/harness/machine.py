# SPDX-License-Identifier: Apache-2.0
"""A machine that keeps what a real one keeps when it is switched off: the firmware's
variables (Secure Boot's keys among them), a disk and a TPM.

    machine = Machine(directory, manufacturer)
    machine.enrol(keys)             # PK, KEK, db from setup mode: once for a set of keys
    machine.insert(kiosk.disk)      # a copy of it
    machine.update(other.disk)      # another version
    with Guest(kiosk, directory, machine=machine) as guest: ...     # any number of times

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
WRITE = """
insmod /usr/lib/modules/*/kernel/fs/efivarfs/efivarfs.ko 2>/dev/null
mount -t efivarfs efivarfs /sys/firmware/efi/efivars &&
dd if=/run/variable of=/sys/firmware/efi/efivars/%s bs=1M 2>/dev/null
status=$?; umount /sys/firmware/efi/efivars; exit $status
"""


class Machine:
    def __init__(self, directory, manufacturer=None):
        self.directory = pathlib.Path(directory).absolute()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.variables = self.directory / "vars.fd"
        self.disk = None
        self.direct = False     # QEMU starts the kernel past the firmware's Secure Boot
        shutil.copyfile(FIRMWARE / "OVMF_VARS_4M.fd", self.variables)
        self._manufacturer = manufacturer
        self.replace_tpm()

    def replace_tpm(self):
        """Another TPM; the first one at the start."""
        # Paths of sockets must be short.
        self._state = tempfile.TemporaryDirectory(prefix="tconn-tpm-")
        self.tpm = Tpm(self._state.name, self._manufacturer)
        if self._manufacturer:
            self._manufacturer.make(self.tpm.directory)

    def clear_tpm(self):
        """As a person does in the firmware's set-up: TPM2_Clear. What is left is EK and certificate."""
        tpm = Tpm(self.tpm.directory, tcti=True).start()
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
            for name in ORDER:
                guest.put("/run/variable", b"\x27\0\0\0" + (keys / f"{name}.auth").read_bytes())
                guest.sh(WRITE % f"{name}-{SECURITY if name == 'db' else GLOBAL}")
            guest.sh("sync")
        shutil.copyfile(setup.variables, self.variables)
