# SPDX-License-Identifier: Apache-2.0
"""A guest under QEMU: TPM, PS/2 keyboard, screen, LED, console; no way to the host's network.

    from harness import image
    from harness.guest import Guest

    with Guest(image.build("kmod"), "out/check/mytest", firmware="seabios") as guest:
        result = guest.sh("insmod /usr/lib/tconn/tconn.ko developer=1")    # raises if status is not 0
        result = guest.sh("false", check=False)                # result.status, result.output
        guest.put("/tmp/file", b"...")                         # and guest.get(path)
        guest.spawn("/tests/hold_session", "/tmp/log")         # in the background
        guest.keys("1", "2", "ret")                            # QEMU's names of keys, one by one
        guest.screenshot("out/check/mytest/screen.png")        # true scanout
        guest.lamp.wait(lit=True)                              # see lamp.py
        guest.ktap("/tests/name")                              # runs it; KTAP text, over its own port

Two guests on one wire (addresses 10.7.0.2 and 10.7.0.1, "device" and "service"):

    with Guest(image.build("service"), "out/x/service", manufacturer=maker, wire=wire) as service, \
         Guest(image.build("device"), "out/x/device", manufacturer=maker, wire=wire) as device:

where wire = Wire() and maker = tpm.Manufacturer(directory); maker.issuers then is the PEM file
of EK issuers for tconn-ca. A guest with a role "device" takes one end of the wire, any other the
other end.

Files in the directory: console.log (with times), qemu.log, trace.log, command. Everything has a
deadline. Leaving the block ends QEMU and swtpm; a console that shows WARNING, BUG, Oops, ...
raises GuestError there, unless guest.expect_trouble() was called.
The accelerator is TCG; TCONN_ACCEL=kvm asks for KVM. `scripts/vm` boots an image by hand.
"""

import os
import pathlib
import select
import shutil
import socket
import subprocess
import tempfile
import time

from . import paths, process
from .console import DEBUG_TROUBLE, TROUBLE, Console
from .lamp import Lamp
from .qmp import Qmp, QmpError
from .shell import KILLED, Result, Shell
from .touchscreen import TouchScreen
from .tpm import Tpm

FIRMWARE = pathlib.Path("/usr/share/OVMF")
WIDTH, HEIGHT = 1280, 800
DEBUG_WIDTH, DEBUG_HEIGHT = 640, 480    # the debug kernel is slow with pixels
DEBUG_MEMORY = "1536M"
# Without fast string moves: an emulated one goes byte by byte, and kernels that see it announced
# copy and clear pages with it. Without, they move eight bytes at a time.
EMULATED_CPU = "max,-erms,-fsrm"
BOOT_TIMEOUT = 240      # seconds; 15 to 40 on an idle machine
DEBUG_BOOT_TIMEOUT = 900
# KASAN finds what these look for; under TCG they cost more than all the rest.
DEBUG_APPEND = "kasan_multi_shot no_debug_objects slub_debug=- tsc=reliable"


class GuestError(Exception):
    pass


class Wire:
    """An Ethernet cable between two guests: two datagram sockets."""

    def __init__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="tconn-wire-")

    def ends(self, role):
        ours, theirs = ("device", "other") if role == "device" else ("other", "device")
        return f"{self._directory.name}/{ours}", f"{self._directory.name}/{theirs}"


def boot_line(signed=False):
    """policy/boot-line as one line; [signed] ones need a signed module."""
    text = (paths.ROOT / "policy" / "boot-line").read_text()
    common, _, needs_signature = text.partition("\n[signed]\n")
    lines = (common + (needs_signature if signed else "")).splitlines()
    return " ".join(line.strip() for line in lines if line.strip() and line[0] != "#")


def command_line(append="", hardened=True, developer=True):
    """What a guest's kernel is told, as PCR 9 sees it but for what firmware adds.

    Without hardened: not policy/boot-line, but the digests of IMA that tconn.ko asks for.

    developer: tconn.ko takes a policy that is not signed; guests' scripts hand it on.
    no_timer_check: on a busy host an emulated timer tick comes late, which the
    kernel would take for a broken machine; under KVM it skips that test by itself.
    """
    line = boot_line() if hardened else "ima_hash=sha256 panic=-1"
    mode = "tconn.developer=1 " if developer else ""
    return f"console=ttyS0 rdinit=/init no_timer_check {mode}{line} {append}".strip()


class Guest:
    def __init__(self, image, directory, *, firmware="ovmf", manufacturer=None, wire=None,
                 screen=None, tpm=True, append="", memory="1G", echo=None, vnc=None, timeout=None,
                 wait=True, hardened=True, developer=True, devices=(), size=None, machine=None,
                 resume=None, data=None):
        """firmware: "ovmf" measures kernel, command line and initrd; "seabios" boots faster.
        screen: None as the image needs, or False, or a QEMU device such as "bochs-display".
        tpm: False for a machine without; a Tpm that outlasts this run. append: more kernel parameters.
        echo: called with each console line. vnc: ADDRESS:DISPLAY of a further VNC server, for a person.
        wait: False returns before it has booted, so that several boot at once; call ready().
        hardened: False boots without policy/boot-line. size: the screen's (width, height).
        developer: see command_line().
        devices: more QEMU devices, or "touch-screen" after one with a USB bus: guest.touch
        then is it (touchscreen.py).
        machine: firmware variables, disk and TPM that outlast this run (machine.py). With a
        disk in it, that is what boots, by UEFI Secure Boot where keys are enrolled; image
        says the guest's name only.
        resume: a file that save() wrote of a guest with the same options: it goes on from there.
        data: a file that is its first disk, though not what boots.
        """
        self.image = image
        self.is_debug = paths.is_debug(image.release)
        self.directory = pathlib.Path(directory).absolute()
        self.firmware = firmware
        self.wire = wire
        self.append = f"{append} {DEBUG_APPEND}" if self.is_debug else append
        self.memory = DEBUG_MEMORY if self.is_debug else memory
        self.qmp = self.lamp = self.console = self.touch = None
        self._screen = image.name != "service" if screen is None else screen
        self._size = size or ((DEBUG_WIDTH, DEBUG_HEIGHT) if self.is_debug else (WIDTH, HEIGHT))
        self._manufacturer = manufacturer
        self._has_tpm = tpm
        self._data = data
        self.tpm = None
        self._echo = echo
        self._vnc = vnc
        self._timeout = timeout or (DEBUG_BOOT_TIMEOUT if self.is_debug else BOOT_TIMEOUT)
        self._wait = wait
        # The boot line takes debugfs away, and the first complaint would be the last.
        self._hardened = hardened and not self.is_debug
        self._developer = developer
        self._devices = devices
        self.machine = machine
        self._resume = resume
        self._qemu = self._shell = self._ktap = None
        self._trouble_is_fine = False

    def __enter__(self):
        # Socket paths must be short, whatever the directory is.
        self._sockets = tempfile.TemporaryDirectory(prefix="tconn-vm-")
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        try:
            if self.machine:
                self.tpm = self.machine.tpm.start()
            elif isinstance(self._has_tpm, Tpm):
                self.tpm = self._has_tpm.start()
            elif self._has_tpm:
                self.tpm = Tpm(f"{self._sockets.name}/tpm", self._manufacturer)
                self.tpm.__enter__()
            self._boot()
            if self._wait:
                self.ready()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind, *_):
        trouble = self.console.trouble if self.console else []
        self._end()
        if kind is None and trouble and not self._trouble_is_fine:
            raise GuestError(f"the kernel complained: {trouble[0]}\n"
                             f"see {self.directory}/console.log")

    # -- starting

    def _socket(self, name):
        return f"{self._sockets.name}/{name}"

    def _arguments(self):
        accel = os.environ.get("TCONN_ACCEL", "tcg")
        arguments = [
            "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
            "-machine", f"q35,smm={'on' if self.machine else 'off'},vmport=off",
            "-accel", accel + (",thread=multi" if accel == "tcg" else ""),
            "-cpu", "host" if accel == "kvm" else EMULATED_CPU, "-m", self.memory, "-smp", "2",
            "-display", "none", "-msg", "timestamp=on",
            "-D", self.directory / "trace.log", "-d", "trace:ps2_set_ledstate",
            "-chardev", f"socket,id=qmp,path={self._socket('qmp')}", "-mon", "qmp,mode=control",
            "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
            "-device", "virtio-rng-pci", "-device", "virtio-serial-pci,id=ports",
        ]
        for name in ("ktap", "shell"):
            arguments += ["-chardev", f"socket,id={name},path={self._socket(name)}", "-device",
                          f"virtserialport,bus=ports.0,chardev={name},name=tconn.{name}"]
        for device in self._devices:
            if device == "touch-screen":
                arguments += ["-chardev", f"socket,id=touch,path={self._socket('touch')}"]
                device = "usb-redir,chardev=touch"
            arguments += ["-device", device]
        if self._resume:
            arguments += ["-incoming", f"exec:cat {self._resume}"]
        return (arguments + self._boot_arguments() + self._firmware_arguments()
                + self._screen_arguments() + self._tpm_arguments() + self._wire_arguments())

    def _boot_arguments(self):
        if self.machine and self.machine.disk:
            drive = ["-drive", f"if=none,id=disk,format=raw,file={self.machine.disk}", "-device"]
            if not self.machine.direct:
                return [*drive, "virtio-blk-pci,drive=disk,bootindex=0"]
            return [*drive, "virtio-blk-pci,drive=disk", "-kernel", self.image.kernel, "-initrd",
                    self.image.initrd, "-append", self.image.command_line]
        data = ["-drive", f"if=virtio,format=raw,file={self._data}"] if self._data else []
        return [*data, "-kernel", self.image.kernel, "-initrd", self.image.initrd,
                "-append", command_line(self.append, self._hardened, self._developer)]

    def _firmware_arguments(self):
        if self.machine:
            return self.machine.firmware_arguments()
        if self.firmware == "seabios":
            return []
        variables = self._socket("vars.fd")
        shutil.copyfile(FIRMWARE / "OVMF_VARS_4M.fd", variables)
        return ["-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE}/OVMF_CODE_4M.fd",
                "-drive", f"if=pflash,format=raw,file={variables}"]

    def _screen_arguments(self):
        vnc = ["-vnc", f"unix:{self._socket('vnc')}"]
        if self._vnc:
            vnc += ["-vnc", self._vnc]
        if not self._screen:
            return vnc + ["-vga", "none"]
        device = self._screen if isinstance(self._screen, str) else "virtio-gpu-pci"
        width, height = self._size
        return vnc + ["-vga", "none", "-device", f"{device},xres={width},yres={height}"]

    def _tpm_arguments(self):
        if not self.tpm:
            return []
        return ["-chardev", f"socket,id=tpm,path={self.tpm.control}",
                "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", "tpm-crb,tpmdev=tpm0"]

    def _wire_arguments(self):
        if not self.wire:
            return []
        local, remote = self.wire.ends(self.image.name)
        last = "02" if self.image.name == "device" else "01"
        return ["-netdev", f"dgram,id=wire,local.type=unix,local.path={local},"
                f"remote.type=unix,remote.path={remote}",
                "-device", f"virtio-net-pci,netdev=wire,romfile=,mac=52:54:00:07:00:{last}"]

    def _boot(self):
        listeners = {name: self._listen(name) for name in ("qmp", "ktap", "shell", "touch")}
        arguments = [str(a) for a in self._arguments()]
        (self.directory / "command").write_text(" ".join(arguments) + "\n")
        with open(self.directory / "qemu.log", "wb") as log:
            self._qemu = process.start(arguments, stdout=subprocess.PIPE, stderr=log)
        self.console = Console(self._qemu.stdout, self.directory / "console.log", self._echo,
                               DEBUG_TROUBLE if self.is_debug else TROUBLE)
        self.console.start()
        if "touch-screen" in self._devices:
            self.touch = TouchScreen(self._accept(listeners["touch"]))
            self.touch.start()
        self.qmp = Qmp(self._accept(listeners["qmp"]))
        self._ktap = self._accept(listeners["ktap"])
        self._shell = Shell(self._accept(listeners["shell"]))
        self.lamp = Lamp(self._socket("vnc"), self.directory / "trace.log")

    def _listen(self, name):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self._socket(name))
        listener.listen(1)
        return listener

    def _accept(self, listener):
        deadline = time.monotonic() + 30
        while not select.select([listener], [], [], 0.2)[0]:
            if self._qemu.poll() is not None:
                raise GuestError("QEMU did not start: "
                                 + (self.directory / "qemu.log").read_text().strip())
            if time.monotonic() > deadline:
                raise GuestError("QEMU did not connect in 30 s")
        connection, _ = listener.accept()
        listener.close()
        return connection

    def ready(self):
        """Waits until the guest has booted and its shell answers."""
        try:
            if self._resume:
                self._wait_resumed()
            else:
                self._shell.wait_ready(self._timeout)
        except Exception as error:
            raise GuestError(f"{self.image.name} did not boot ({error}); its console ended with:\n"
                             + self.console.tail()) from None

    def _wait_resumed(self):
        deadline = time.monotonic() + self._timeout
        while self.qmp("query-status")["status"] == "inmigrate":
            if time.monotonic() > deadline:
                raise GuestError(f"{self._resume} did not load in {self._timeout} s")
            time.sleep(0.05)
        self.qmp("cont")

    def save(self, path):
        """Writes the state of a guest at rest, its TPM's included, and stops it for good."""
        self.qmp("stop")
        self.qmp("migrate", uri=f"exec:cat >{path}")
        deadline = time.monotonic() + 120
        while True:
            state = self.qmp("query-migrate")
            if state.get("status") == "completed":
                return
            if state.get("status") == "failed" or time.monotonic() > deadline:
                raise GuestError(f"cannot save to {path}: {state.get('error-desc', state)}")
            time.sleep(0.05)

    # -- ending

    def stop(self):
        """Switches it off before its block ends."""
        self._end()
        self._end = lambda: None

    def _end(self):
        for part in (self.lamp, self._shell, self._ktap):
            if part:
                part.close()
        if self.qmp:
            try:
                self.qmp("quit")
            except (QmpError, OSError):
                pass
            self.qmp.close()
        process.stop(self._qemu)
        if self.console:
            self.console.join(10)
        if self.tpm:
            self.tpm.stop()
        self._sockets.cleanup()

    def cpu_seconds(self):
        """What QEMU has used of this machine's processors since power-on."""
        fields = pathlib.Path(f"/proc/{self._qemu.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def expect_trouble(self):
        """For a test that makes the kernel complain on purpose."""
        self._trouble_is_fine = True

    # -- doing things in it

    def sh(self, script, timeout=60, check=True, stdin=b""):
        """Runs a shell script as root; output is text, errors included."""
        result = self._shell.run(script, timeout, stdin)
        result = Result(result.status, result.output.decode("utf-8", "replace"))
        if check and result.status:
            reason = f"took over {timeout} s" if result.status == KILLED else \
                f"ended with status {result.status}"
            raise GuestError(f"in {self.image.name}: {script!r} {reason}:\n{result.output}")
        return result

    def spawn(self, script, log="/dev/null"):
        """Runs a script in the background; returns its process id."""
        self.put("/run/shell/spawn", f"#!/bin/sh\nexec >{log} 2>&1 </dev/null\n{script}\n".encode())
        return int(self.sh("mv /run/shell/spawn /run/shell/spawned.$$; "
                           "setsid sh /run/shell/spawned.$$ >/dev/null 2>&1 & echo $!").output)

    def put(self, path, data, mode=None):
        """Writes a file."""
        self.sh(f"cat >'{path}'" + (f" && chmod {mode:o} '{path}'" if mode else ""),
                stdin=bytes(data))

    def get(self, path):
        """Reads a file, as bytes."""
        result = self._shell.run(f"cat '{path}'", 60)
        if result.status:
            raise GuestError(f"in {self.image.name}: cannot read {path}: "
                             + result.output.decode("utf-8", "replace"))
        return result.output

    def wait_for(self, script, timeout=60):
        """Until the script succeeds; returns its output."""
        deadline = time.monotonic() + timeout
        while True:
            result = self.sh(script, check=False)
            if result.status == 0:
                return result.output
            if time.monotonic() > deadline:
                raise GuestError(f"in {self.image.name}: {script!r} did not succeed in {timeout} s: "
                                 f"{result.output}")
            time.sleep(0.1)

    def ktap(self, command, timeout=120):
        """Runs a test; returns (status, KTAP text) as they came over the results' port."""
        end = f"tconn-end-{time.monotonic_ns()}"
        result = self.sh(f"exec >/dev/virtio-ports/tconn.ktap 2>&1; cd /tests; timeout -s KILL "
                         f"{timeout} {command} </dev/null; status=$?; echo; echo {end}; "
                         "exit $status", timeout + 30, check=False)
        self._ktap.settimeout(10)
        text = b""
        while not text.endswith(f"\n{end}\n".encode()):
            try:
                part = self._ktap.recv(1 << 16)
            except TimeoutError:
                break
            if not part:
                break
            text += part
        return result.status, text.decode("utf-8", "replace").replace(f"\n{end}\n", "")

    # -- what a person at the device does and sees

    def keys(self, *names, hold=0.05, gap=0.1):
        """Presses keys one after the other; "shift-a" presses both together."""
        for name in names:
            codes = [{"type": "qcode", "data": part} for part in name.split("-")]
            self.qmp("send-key", keys=codes, **{"hold-time": int(hold * 1000)})
            time.sleep(hold + gap)

    def screenshot(self, path):
        """What the screen shows now, as a PNG file; returns its path."""
        path = pathlib.Path(path).absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.qmp("screendump", filename=str(path), format="png")
        return path
