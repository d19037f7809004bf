# SPDX-License-Identifier: Apache-2.0
"""Guest images: a kernel and an initramfs, the same bytes from the same inputs.

    image = build("device")             # or "kmod", "service"
    image = build("kmod", extra={"/tests/mine": "out/build/selftests/mine"})
    image = build("kmod", drivers=["usbhid"])       # more modules, loaded at boot

image.initrd is a file, image.manifest maps each regular file in it to its
SHA-256 (also written beside it as .json), image.kernel is the vmlinuz.

    kmod	busybox, drivers, tconn.ko, tconn-tui, all GUEST_TESTS in /tests
    device	weston as the confined REE, udevd, tconn.ko, tconnd, tconn-tui, tconnctl
    service	tconn-serviced, tconn-ca, tconnctl; no screen
    setup	busybox and efivarfs: writes the firmware's keys, before there are any
    attack	as kmod, with more drivers and tconn-confine; the attack matrix adds the rest

What rarely changes (system) and what a build makes (project) are two archives
one after the other: the first is packed once and kept.
"""

import argparse
import collections
import hashlib
import json
import os
import pathlib
import subprocess
import time

from . import cpio, paths, tree

IMAGES = paths.BUILD / "images"
GUEST = paths.ROOT / "scripts" / "guest"
POLICY = paths.ROOT / "policy"

Image = collections.namedtuple("Image", "name release kernel initrd manifest")

LIB = "/usr/lib/x86_64-linux-gnu"
DRIVERS = ["virtio_pci", "virtio_console", "virtio_rng", "evdev", "uinput"]
SCREEN = ["virtio_gpu", "bochs"]
# What tconn.ko depends on besides the screen's core; the debug kernel has it built in.
CRYPTO = ["curve25519_x86_64"]
NETWORK = ["virtio_net"]
# What attacks use: loaded at boot, since a device that is locked later loads nothing.
ATTACKED = ["bochs", "xhci_pci", "usbhid", "hid_generic", "hid_multitouch", "virtio_input", "uhid",
            "usbmon", "vhci_hcd", "dummy_hcd", "usb_f_hid", "serio_raw", "serport", "msr", "zram",
            "binfmt_misc"]

# Programs by image, with their places in the guest. A program the build has
# not made is left out; what needs it then fails and says so.
PROGRAMS = {
    "kmod": {"tconn-tui": "/usr/sbin/tconn-tui"},
    "setup": {},
    "attack": {"tconn-tui": "/usr/sbin/tconn-tui", "tconn-confine": "/usr/sbin/tconn-confine"},
    "device": {"tconn-tui": "/usr/sbin/tconn-tui", "tconnd": "/usr/sbin/tconnd",
               "tconn-confine": "/usr/sbin/tconn-confine", "tconnctl": "/usr/bin/tconnctl"},
    "service": {"tconn-serviced": "/usr/sbin/tconn-serviced", "tconn-ca": "/usr/sbin/tconn-ca",
                "tconnctl": "/usr/bin/tconnctl"},
}

XKB = ("rules/evdev", "rules/evdev.lst", "keycodes/evdev", "keycodes/aliases", "geometry/pc",
       "types/", "compat/", "symbols/us", "symbols/pc", "symbols/inet", "symbols/srvr_ctrl",
       "symbols/keypad", "symbols/altwin", "symbols/capslock", "symbols/ctrl", "symbols/group",
       "symbols/latin", "symbols/level3", "symbols/level5", "symbols/shift", "symbols/terminate")


def base(t):
    """What any system of ours has."""
    t.busybox()
    for path in ("/proc", "/sys", "/dev", "/run", "/etc", "/root", "/var/lib"):
        t.directory(path)
    t.directory("/tmp", 0o1777)
    t.node("/dev/console", 5, 1)
    t.node("/dev/null", 1, 3, 0o666)
    t.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n")
    t.text("/etc/group", "root:x:0:\ntty:x:5:\nvideo:x:44:\ninput:x:105:\nrender:x:106:\n"
                         "kvm:x:107:\nnogroup:x:65534:\n")
    t.text("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n")
    t.text("/etc/hosts", "127.0.0.1 localhost\n10.7.0.1 service\n10.7.0.2 device\n")


def _common(t, role, release, modules):
    base(t)
    if paths.is_debug(release):
        modules = [name for name in modules if name not in CRYPTO]
    order = t.modules(release, modules)
    t.text("/etc/tconn-guest/modules", "".join(f"{path}\n" for path in order))
    t.text("/etc/tconn-guest/role", f"{role}\n")


def _udev(t):
    t.program("/bin/udevadm", "/usr/bin/udevadm")
    t.symlink("/usr/lib/systemd/systemd-udevd", "/usr/bin/udevadm")
    for rule in ("50-udev-default", "60-drm", "60-input-id", "60-evdev", "70-touchpad"):
        path = pathlib.Path(f"/usr/lib/udev/rules.d/{rule}.rules")
        if path.exists():
            t.file(path)


def _weston(t):
    for name in ("weston", "weston-terminal", "weston-simple-shm", "weston-flower"):
        t.program(f"/usr/bin/{name}")
    for name in ("libweston-10/drm-backend.so", "weston/kiosk-shell.so", "weston/desktop-shell.so",
                 "weston-desktop-shell", "weston-keyboard"):
        t.program(f"{LIB}/{name}")
    t.folder("/usr/share/X11/xkb", lambda name: name.startswith(XKB))
    t.folder("/usr/share/libinput")
    t.folder("/usr/share/weston", lambda name: name.endswith(".png"))
    for name in ("DejaVuSans", "DejaVuSansMono"):
        t.file(f"/usr/share/fonts/truetype/dejavu/{name}.ttf")
    t.text("/etc/fonts/fonts.conf",
           '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>'
           "<dir>/usr/share/fonts</dir><cachedir>/run/fontconfig</cachedir></fontconfig>\n")
    t.text("/etc/xdg/weston/weston.ini", (GUEST / "weston.ini").read_text())


def _system(name, release, drivers):
    """What comes from Debian."""
    t = tree.Tree()
    drivers = DRIVERS + list(drivers)
    if name == "kmod":
        _common(t, name, release, drivers + SCREEN + CRYPTO)
        t.directory("/tests")
        return t
    if name == "attack":
        _common(t, name, release, drivers + SCREEN + CRYPTO + ATTACKED)
        return t
    if name == "setup":
        _common(t, name, release, drivers + ["efivarfs"])
        return t
    if name == "service":
        _common(t, name, release, drivers + NETWORK)
        t.program(f"{LIB}/libtss2-tcti-device.so.0")
        return t
    _common(t, name, release, drivers + SCREEN + CRYPTO + NETWORK)
    device(t)
    return t


def device(t):
    """What a device with a screen has besides, from Debian."""
    _udev(t)
    _weston(t)
    t.program(f"{LIB}/libtss2-tcti-device.so.0")


def _project(name, release, extra):
    """What comes from this tree and its build."""
    t = tree.Tree()
    t.file(GUEST / "init", "/init", 0o755)
    for script in ("common.sh", "shell.sh", f"{name}.sh"):
        t.file(GUEST / script, f"/usr/lib/tconn-guest/{script}", 0o755)
    for program, path in PROGRAMS[name].items():
        if (paths.BIN / program).exists():
            t.program(paths.BIN / program, path)
    t.file(POLICY / "ima-policy", "/etc/ima/ima-policy", 0o644)
    if name in ("service", "setup"):
        return _extra(t, extra)
    if name == "attack":
        for path in sorted((POLICY / "sysctl").iterdir()):
            t.file(path, f"/etc/sysctl.d/{path.name}", 0o644)
    if name == "device":
        t.file(GUEST / "kiosk", "/usr/lib/tconn-guest/kiosk", 0o755)
        t.file(GUEST / "ree.sh", "/usr/lib/tconn-guest/ree.sh", 0o755)
    if "tconn-confine" in PROGRAMS[name]:
        t.file(POLICY / "ree.policy", "/etc/tconn/ree.policy", 0o755)
        t.directory("/var/lib/tconn", 0o700)        # what that policy hides must be there
    if paths.module_ko(release).exists():
        t.file(paths.module_ko(release), "/usr/lib/tconn/tconn.ko", 0o644)
    device_policy = paths.BUILD / "policy" / "device.policy"
    if device_policy.exists():
        t.file(device_policy, "/etc/tconn/device.policy", 0o644)
    return _extra(t, extra)


def _extra(t, extra):
    for path, source in extra.items():
        if isinstance(source, bytes):
            t.data(path, source)
        else:
            t.program(paths.ROOT / source, path)
    return t


def _write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)


def _packed(entries):
    """Archive, compressed; the kernel takes several, one after the other."""
    archive = cpio.pack(entries)
    digest = hashlib.sha256(archive).hexdigest()
    kept = IMAGES / "layers" / f"{digest}.zst"
    if not kept.exists():
        data = subprocess.run(["zstd", "-q", "-9", "-c"], input=archive, stdout=subprocess.PIPE,
                              check=True).stdout
        _write(kept, data)
    kept.touch()
    return kept.read_bytes()


def _forget_old():
    """Each change makes new files; those of yesterday are not asked for again."""
    yesterday = time.time() - 86400
    for path in IMAGES.glob("**/*"):
        if path.is_file() and path.stat().st_mtime < yesterday:
            path.unlink(missing_ok=True)


def build(name, extra=None, series=None, drivers=()):
    """extra: {guest path: file of this tree (its libraries come along), or bytes}.
    drivers: names of more modules.
    """
    release = paths.kernel_release(series)
    _forget_old()
    system = _system(name, release, drivers)
    project = _project(name, release, extra or {})
    initrd = _packed(system.entries) + _packed(project.without(system))
    manifest = {**system.digests(), **project.digests()}
    base = IMAGES / f"{name}-{release}-{hashlib.sha256(initrd).hexdigest()[:12]}"
    _write(base.with_name(base.name + ".initrd"), initrd)
    text = json.dumps({"name": name, "kernel": release, "files": manifest}, indent=1)
    _write(base.with_name(base.name + ".json"), text.encode())
    return Image(name, release, paths.kernel_dir(release) / "vmlinuz",
                 base.with_name(base.name + ".initrd"), manifest)


def main():
    parser = argparse.ArgumentParser(description="Build a guest image and print where it is.")
    parser.add_argument("name", choices=sorted(PROGRAMS))
    image = build(parser.parse_args().name)
    print(f"{image.initrd} {image.initrd.stat().st_size} bytes, {len(image.manifest)} files")


if __name__ == "__main__":
    main()
