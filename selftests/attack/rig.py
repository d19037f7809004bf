# SPDX-License-Identifier: Apache-2.0
"""A booted guest that is attacked: its REE, its dialog, its lamp, the attacks in it.

    with Rig.boot("protected", attack, kernel, directory) as rig:
        running = rig.start(attack)             # waits for `ready`
        dialog = rig.open_dialog(attack)        # tconn-tui or a prompt, as the guest has it
        ...
        output = running.finish()

The harness' shell in the guest is the trusted half: it starts the dialog, and the
attacks through tconn-confine.
"""

import contextlib
import copy
import lzma
import re
import struct
import subprocess
import time

from harness import image, paths
from harness.guest import Guest, GuestError

from . import catalogue, picture, record

HARDENED = ("locked", "protected")      # kinds of guests with policy/boot-line
SCREENS = ("bochs-display", "virtio-gpu-pci", "virtio-vga", "VGA")
LIB = catalogue.HERE / "lib"
TOOLS = ("ree_picture",)            # of selftests/kmod
CONFINE = paths.BIN / "tconn-confine"
READY_TIMEOUT = 20                  # seconds, of an attack
SHOWN_TIMEOUT = 12                  # of a dialog
ACTIVE = "grep -q '^state active' /sys/kernel/security/tconn/state"
# Beside the board's: what a device with a USB or virtio keyboard lists.
INPUTS = ("/devices/pci0000:00/*/usb*", "/devices/pci0000:00/*/virtio*/input*")


def _until(condition, seconds):
    """Shell: waits for the condition; its status is the condition's."""
    return (f"i={int(seconds * 10)}; until {condition}; do [ $i -gt 0 ] || exit 1; i=$((i - 1)); "
            "sleep 0.1; done")


def policy():
    """The emulated board's, with more input devices."""
    command = [paths.ROOT / "scripts" / "mkpolicy.py", "--board",
               paths.ROOT / "policy" / "boards" / "qemu", "--tui", paths.BIN / "tconn-tui"]
    for glob in INPUTS:
        command += ["--input", glob]
    return subprocess.run(command, check=True, capture_output=True).stdout


def _kernel_image(release):
    return paths.kernel_dir(release) / "vmlinuz"


def _late_module(release):
    """A module that is not loaded at boot, as insmod wants it."""
    folder = paths.kernel_dir(release) / "lib/modules" / release
    found = next(folder.rglob("pcspkr.ko*"))
    plain = paths.OUT / "attack" / "data" / release / "late.ko"
    plain.parent.mkdir(parents=True, exist_ok=True)
    plain.write_bytes(lzma.decompress(found.read_bytes()) if found.suffix == ".xz"
                      else found.read_bytes())
    return plain


# What an attack finds in /attack/data, if it names it.
DATA = {"vmlinuz": _kernel_image, "late.ko": _late_module}


def _data(attacks, release):
    texts = [attack.source.read_text() for attack in attacks]
    return {f"/attack/data/{name}": make(release) for name, make in DATA.items()
            if any(f"/attack/data/{name}" in text for text in texts)}


def build_image(attacks, kernel):
    extra = {f"/attack/{attack.name}": attack.program for attack in attacks}
    extra.update({f"/attack/lib/{path.name}": path for path in LIB.glob("*.sh")})
    extra.update(_data(attacks, paths.kernel_release(kernel)))
    extra.update({f"/attack/tools/{path.stem}": catalogue.PROGRAMS / "tools" / path.stem
                  for path in (catalogue.HERE / "tools").glob("*.c")})
    extra["/etc/tconn/device.policy"] = policy()
    for tool in TOOLS:
        extra[f"/ree/{tool}"] = paths.BUILD / "selftests" / "kmod" / tool
    return image.build("attack", extra, series=kernel)


class Running:
    """A program of the REE."""

    def __init__(self, ree, identity, ready):
        self.ree, self._id = ree, identity
        self.ready = ready          # it said so before it ended

    def output(self):
        return self.ree.read(f"{self._id}.log")

    def alive(self):
        return not self.ree.has(f"{self._id}.end")

    def finish(self):
        """Asks it to end, waits, and returns all it printed."""
        self.ree.tell(f"stop {self._id}", f"[ -e $at/{self._id}.stopped ]", 8)
        return self.output()


class Ree:
    """The REE: lib/ree.sh, in the protected guest under tconn-confine."""

    COMMANDS = "/run/attack/commands"

    def __init__(self, guest, confined):
        self.guest = guest
        self._serial = 0
        guest.sh(f"mkdir -p /run/attack; rm -f {self.COMMANDS}; mkfifo {self.COMMANDS}")
        launcher = "/usr/sbin/tconn-confine -- " if confined else ""
        self.pid = guest.spawn(f"exec {launcher}/attack/lib/ree.sh <>{self.COMMANDS}",
                               "/run/attack/ree.log")
        self.folder = "/tmp/attack"
        if confined:
            first = guest.wait_for(
                "sed -n 's/.*REE is process \\([0-9]*\\),.*/\\1/p' /run/attack/ree.log | grep .", 20)
            self.folder = f"/proc/{first.strip()}/root/tmp/attack"

    def tell(self, command, until="true", timeout=0.0):
        """Sends a command; true if the shell condition held in time."""
        # The reader holds it open for writing too, so this does not wait.
        return self.guest.sh(f"echo '{command}' >{self.COMMANDS}; at={self.folder}; "
                              + _until(until, timeout), timeout + 30, check=False).status == 0

    def has(self, name):
        return self.guest.sh(f"[ -e {self.folder}/{name} ]", check=False).status == 0

    def read(self, name):
        return self.guest.sh(f"cat {self.folder}/{name} 2>/dev/null", check=False).output

    def start(self, program, word="ready"):
        """Starts it and waits until it prints the word, or its end."""
        self._serial += 1
        log = f"$at/{self._serial}.log"
        over = f"grep -Eqs '^({word}|succeeded:|failed:|unavailable:)' {log}"
        self.tell(f"start {self._serial} {program}", f"{{ [ -e $at/{self._serial}.end ] || {over}; }}",
                  READY_TIMEOUT)
        ready = self.guest.sh(f"at={self.folder}; grep -Eqs '^{word}( |$)' {log}",
                               check=False).status == 0
        return Running(self, self._serial, ready)


class Dialog:
    """One PIN request, on the screen and the keys the guest's kind has."""

    RESULT = struct.Struct("<4sHHiIIIII")       # struct tconn_tui_reply
    OUTCOMES = {1: "confirmed", 2: "denied", 3: "entered", 4: "aborted"}
    STATUS = {0: "decided", 1: "aborted", 2: "refused", 3: "refused", 4: "refused", 5: "refused",
              6: "decided", 7: "refused"}

    def __init__(self, rig, tty):
        self._rig, self._guest, self._tty = rig, rig.guest, tty
        self.shown = False
        self.state = "running"      # decided, aborted, refused, gone
        self.outcome = self.message = self.answer = ""
        self.cause = 0
        self.record = b""
        self.closed = None          # when it had ended, time.monotonic()
        self.opened = None          # when it was seen, the lamp lit

    def start(self):
        self.pid = self._guest.sh(
            "rm -f /run/reply /run/errors /run/status; cat >/run/request; "
            f"setsid sh -c '{self._command()}; echo $? >/run/status.new; "
            "mv /run/status.new /run/status' </dev/null >/dev/null 2>&1 & echo $!",
            stdin=self.request()).output.strip()

    @staticmethod
    def request(timeout_ms=60000):
        """Time for an attack that sleeps at the modeset locks (READY_TIMEOUT), and for the answer."""
        text = b"PIN of the card that ends in 1234"
        statement = b"TCST" + struct.pack("<HHIHH", 1, 2, len(text), 4, 12) + text
        return (b"TCRQ" + struct.pack("<HHII", 2, 0, timeout_ms, len(statement)) + bytes(32)
                + record.PUBLIC + bytes(8) + statement)

    def _command(self):
        if self._tty:
            return "setsid -c sh /attack/lib/prompt.sh <>/dev/tty1 >&0 2>&0"
        dev = " --dev" if self._rig.kind == "bare" else ""
        return f"/usr/sbin/tconn-tui{dev} </run/request >/run/reply 2>/run/errors"

    def wait_end(self, seconds):
        """Has it ended by then? Reads the reply if so."""
        if self.state != "running":
            return True
        status = self._guest.sh(_until("[ -e /run/status ]", seconds) + "; cat /run/status",
                                seconds + 30, check=False)
        if status.status:
            return False
        self.closed = time.monotonic()
        self._read(self._guest.get("/run/reply"), status.output.strip())
        return True

    def poll(self):
        return self.wait_end(0)

    def _read(self, data, code):
        if self._tty:
            self.state, self.outcome = ("decided", "entered") if data else ("gone", "")
            self.answer = data.decode("utf-8", "replace").partition(" ")[2].strip()
            return
        if code != "0" or len(data) < self.RESULT.size:
            self.state, self.message = "gone", f"tconn-tui ended with status {code}"
            return
        _, _, status, _, _, record, answer, message, _ = self.RESULT.unpack_from(data)
        rest = data[self.RESULT.size:]
        self.message = rest[record + answer:].decode("utf-8", "replace")
        self.answer = rest[record:record + answer].hex()    # sealed
        self.state = self.STATUS.get(status, "gone")
        self.record = rest[:record]
        if record:
            outcome, self.cause = struct.unpack_from("<II", rest, 36)
            self.outcome = self.OUTCOMES.get(outcome, "")
        elif status == 6:
            self.outcome = self.message.partition(" ")[0]

    def wait_shown(self):
        """Until it can be seen; its lamp is lit by the module, or by us as any program would."""
        if self._rig.kind == "bare":
            self._wait_picture()
        else:
            self.shown = self._guest.sh(
                _until(f"{{ [ -e /run/status ] || {ACTIVE}; }}", SHOWN_TIMEOUT) + f"; {ACTIVE}",
                SHOWN_TIMEOUT + 30, check=False).status == 0
        self.opened = time.monotonic()
        self.poll()

    def _wait_picture(self):
        deadline = time.monotonic() + SHOWN_TIMEOUT
        while time.monotonic() < deadline and not self.poll():
            if self._rig.picture("shown").differs(self._rig.before):
                self._rig.userspace_lamp(1)
                self.shown = True
                return
            time.sleep(0.2)

    def end(self):
        """Whatever state it is in, it is over afterwards."""
        if not self.poll():
            self._guest.keys("ret" if self._tty else "esc")
        if not self.wait_end(4):
            self._guest.sh(f"killall -KILL tconn-tui; kill -KILL -{self.pid} $(cat /run/prompt); "
                           "rm -f /run/prompt; killall -CONT tconn-tui; true", check=False)
            self.state, self.closed = "gone", time.monotonic()
        if self._rig.kind == "bare" and self.state == "decided":
            self._rig.userspace_lamp(0)


class _Attention:
    """Who waits for the attention key: the module, or a program like any other."""

    COUNT = "/sys/kernel/security/tconn/attention"
    LOG = "/run/attention.log"

    def __init__(self, guest, module):
        self._guest, self._module = guest, module
        if module:
            self._before = self._presses()
        else:
            self._pid = guest.spawn("exec /attack/tools/attention_listener", self.LOG)
            guest.wait_for(f"grep -q ready {self.LOG}", 20)

    def _presses(self):
        return int(self._guest.sh(f"head -n 1 {self.COUNT}").output)

    def count(self):
        """Its presses since."""
        if self._module:
            return self._presses() - self._before
        return int(self._guest.sh(f"grep -c attention {self.LOG}", check=False).output)

    def end(self):
        if not self._module:
            self._guest.sh(f"kill {self._pid}", check=False)


class Rig:
    def __init__(self, guest, kind, confined, directory):
        self.guest, self.kind, self.directory = guest, kind, directory
        self.ree = Ree(guest, confined)
        self.before = None      # the REE's picture
        self.show = None       # the program that shows it
        self.boot_state = self.state()

    @staticmethod
    @contextlib.contextmanager
    def _guest(kind, attack, built, directory, resume=None):
        screen = [d for d in attack.devices if d.split(",")[0] in SCREENS]
        devices = [d for d in attack.devices if d not in screen]
        options = {
            "firmware": "seabios", "hardened": kind in HARDENED, "devices": devices,
            "append": f"attack.guest={kind} {attack.append}".strip(),
            "screen": screen[0] if screen else None, "resume": resume,
        }
        with Guest(built, directory / "guest", **options) as guest:
            guest.qmp("trace-event-set-state", name="virtio_gpu_update_cursor", enable=True)
            guest.expect_trouble()      # judged by trouble(), attack by attack
            yield guest

    @classmethod
    @contextlib.contextmanager
    def boot(cls, kind, attack, built, directory):
        with cls._guest(kind, attack, built, directory) as guest:
            rig = cls(guest, kind, kind == "protected" and CONFINE.exists(), directory)
            rig.start_ree()
            yield rig

    @contextlib.contextmanager
    def resume(self, path, attack, built, directory):
        """This guest as it was when guest.save() wrote the file; needs the same devices."""
        with self._guest(self.kind, attack, built, directory, path) as guest:
            rig = copy.copy(self)
            rig.guest, rig.directory, rig.ree = guest, directory, copy.copy(self.ree)
            rig.ree.guest = guest
            if rig.show:
                rig.show = copy.copy(self.show)
                rig.show.ree = rig.ree
            yield rig

    # -- state of the protection

    def state(self):
        """What must not change while a guest is up and no session is, as one text."""
        return self.guest.sh(
            "cat /sys/kernel/security/lockdown /proc/sys/kernel/modules_disabled "
            "/proc/sys/kernel/random/boot_id; "
            "grep -E '^(policy|tpm|state) ' /sys/kernel/security/tconn/state; "
            "grep -m1 ' boot ' /sys/kernel/security/tconn/log_ascii; "
            f"grep -o '^tconn ' /proc/modules; kill -0 {self.ree.pid} && echo REE",
            check=False).output

    def as_at_boot(self):
        """The protection is what it was, no session is up, the lamp is dark."""
        return self.state() == self.boot_state and (self.kind == "bare" or self.dark())

    def trouble(self):
        """Console lines of a kernel that complained, since asked last."""
        found, self.guest.console.trouble[:] = list(self.guest.console.trouble), []
        return found

    # -- REE and lamp

    def start_ree(self):
        """Someone has to light the screen before a session; in the bare guest fbcon does."""
        if self.kind == "bare" or (self.show and self.show.alive()):
            return
        self.show = self.ree.start("/ree/ree_picture", "shown")
        if not self.show.ready:
            raise GuestError(f"the REE shows nothing: {self.show.output()}")

    def stop_ree(self):
        if self.show:
            self.show.finish()
            self.show = None

    def userspace_lamp(self, on):
        self.guest.sh(f"for led in /sys/class/leds/*::scrolllock; do echo {on} >$led/brightness; "
                      "done", check=False)

    def dark(self):
        """The lamp is off, as seen from outside."""
        return not self.guest.lamp.lit("vnc") and not self.guest.lamp.lit("ps2")

    def picture(self, name, head=0):
        return picture.take(self.guest, self.directory / f"{self.kind}-{name}.ppm", head)

    def has_cursor(self):
        """As the display device was told last: QEMU keeps a cursor out of its pictures."""
        trace = (self.guest.directory / "trace.log").read_text()
        told = re.findall(r"virtio_gpu_update_cursor .*update, res 0x(\w+)", trace)
        return bool(told) and int(told[-1], 16) != 0

    # -- attacks and dialogs

    def prepare(self, attack):
        """The REE as the attack wants to find it."""
        if attack.ree == "attack":
            self.stop_ree()
        else:
            self.start_ree()
        if self.kind == "bare":
            self._clear_console()
            self.userspace_lamp(0)
            # Which took it from the console, to which it belongs.
            self.guest.sh("for led in /sys/class/leds/*::scrolllock; do "
                          "echo kbd-scrolllock >$led/trigger; done", check=False)
        self.before = self.picture("ree")

    def _clear_console(self):
        """Of the last dialog's picture, and of what was typed since."""
        self.guest.sh("chvt 1; { stty -icanon min 0 time 1; dd of=/dev/null bs=4096 count=1; "
                      "stty sane; printf '\\033[0m\\033[2J\\033[H' >&0; } <>/dev/tty1", check=False)

    def start(self, attack):
        return self.ree.start(f"/attack/{attack.name}")

    @contextlib.contextmanager
    def attention(self):
        listening = _Attention(self.guest, self.kind != "bare")
        try:
            yield listening
        finally:
            listening.end()

    def open_dialog(self, attack):
        dialog = Dialog(self, self.kind == "bare" and attack.dialog == "tty")
        dialog.start()
        dialog.wait_shown()
        return dialog
