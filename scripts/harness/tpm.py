# SPDX-License-Identifier: Apache-2.0
"""A TPM 2.0 (swtpm) with an EK certificate, new each time.

    maker = Manufacturer(directory)     # a private CA, as a TPM vendor has
    maker.issuers                       # PEM file for tconn-ca: trusted EK issuers
    with Tpm(directory, maker) as tpm:  # for a guest: tpm.control is QEMU's socket
        ...
    with Tpm(directory, maker, tcti=True) as tpm:   # for programs on this machine
        run(["tconnctl", "--tpm", tpm.tcti, ...])
"""

import pathlib
import subprocess
import threading
import time

from . import process


class TpmError(Exception):
    pass


class Manufacturer:
    """Issues EK certificates; nothing of it is shared with this machine's swtpm."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory).absolute()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.issuers = self.directory / "issuers.pem"
        self._lock = threading.Lock()   # the first certificate makes the CA's files
        d = self.directory
        (d / "localca.conf").write_text(
            f"statedir = {d}\nsigningkey = {d}/signkey.pem\n"
            f"issuercert = {d}/issuercert.pem\ncertserial = {d}/certserial\n")
        (d / "localca.options").write_text(
            "--platform-manufacturer tconn\n--platform-version 1\n--platform-model QEMU\n")
        (d / "setup.conf").write_text(
            f"create_certs_tool = /usr/bin/swtpm_localca\n"
            f"create_certs_tool_config = {d}/localca.conf\n"
            f"create_certs_tool_options = {d}/localca.options\nactive_pcr_banks = sha256\n")

    def make(self, state):
        """A TPM's state with an EK and its certificate, locked."""
        with self._lock:
            self._make(state)

    def _make(self, state):
        run = process.complete(
            ["swtpm_setup", "--tpm2", "--tpmstate", state, "--config",
             self.directory / "setup.conf", "--createek", "--create-ek-cert", "--lock-nvram",
             "--pcr-banks", "sha256", "--overwrite"], 120)
        (state / "setup.log").write_text(run.stdout)
        if run.returncode:
            raise TpmError(f"swtpm_setup failed:\n{run.stdout}")
        names = ("issuercert.pem", "swtpm-localca-rootca-cert.pem")
        self.issuers.write_text("".join((self.directory / n).read_text() for n in names))


class Tpm:
    def __init__(self, directory, manufacturer=None, tcti=False, sockets=None):
        """Without a manufacturer: empty state, no EK certificate, quicker. sockets: another
        folder for these, whose names must be short.
        """
        self.directory = pathlib.Path(directory).absolute()
        self.manufacturer = manufacturer
        self._sockets = pathlib.Path(sockets or self.directory).absolute()
        # Where libtss2's TCTI looks for it.
        self.control = self._sockets / ("server.ctrl" if tcti else "control")
        self.tcti = f"swtpm:path={self._sockets}/server" if tcti else None
        self.child = None

    def __enter__(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        if self.manufacturer:
            self.manufacturer.make(self.directory)
        return self.start()

    def start(self):
        """Also again, after stop(): a machine switched off and on."""
        flags = "not-need-init" + (",startup-clear" if self.tcti else "")
        command = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.directory}", "--ctrl",
                   f"type=unixio,path={self.control}", "--flags", flags]
        if self.tcti:
            command += ["--server", f"type=unixio,path={self._sockets}/server"]
        else:
            command.append("--terminate")
        self.control.unlink(missing_ok=True)
        with open(self.directory / "swtpm.log", "ab") as log:
            self.child = process.start(command, stdout=log, stderr=log)
        self._wait()
        return self

    def _wait(self):
        deadline = time.monotonic() + 20
        while not self.control.is_socket():
            if self.child.poll() is not None or time.monotonic() > deadline:
                raise TpmError(f"swtpm did not start; see {self.directory}/swtpm.log")
            time.sleep(0.01)

    def stop(self):
        process.stop(self.child)

    def __exit__(self, *_):
        self.stop()
