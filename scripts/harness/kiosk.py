# SPDX-License-Identifier: Apache-2.0
"""The kiosk image: a disk that Secure Boot starts, and what a verifier needs to know of it.

    kiosk = build(settings, keys=mkkeys.make("out/keys"))
    kiosk.disk, kiosk.uki       files; kiosk.manifest maps paths to digests
    kiosk.command_line          as signed
    kiosk.policy                the device policy, a file; in the image it is signed
    kiosk.early                 {path: digest} of the initramfs: what runs before the module has spoken
    kiosk.boot_policy           its boot state, signed: what the device's keys are sealed to

settings: {path below /etc/tconn: bytes, or a file}, the owner's: tconnd.json, ca.pem,
service-reference.json, "address" (10.7.0.2/24), "issuer" (ADDRESS:PORT: enrol there without
being asked). They are in the signed initramfs, so two devices of one owner run the same image.
"""

import collections
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import bootpolicy
import mkpolicy
import refvals
import signpolicy

from . import cpio, disk, image, paths, tree, uki
from .guest import boot_line

SOURCES = paths.ROOT / "scripts" / "kiosk"
KIOSKS = paths.BUILD / "kiosk"
STORAGE = ["virtio_blk", "dm_verity", "squashfs", "crc32c_generic", "ext4", "efivarfs"]
CONSOLE = "console=ttyS0 no_timer_check"     # of the emulated machine

Kiosk = collections.namedtuple(
    "Kiosk", "name version release disk uki initrd command_line policy boot_policy manifest early "
    "kernel root keys")


def root_tree(release):
    """What is on the dm-verity root: Debian's content, our programs."""
    t = tree.Tree()
    image.base(t)
    image.device(t)
    for program, path in image.PROGRAMS["device"].items():
        t.program(paths.BIN / program, path)
    t.file(image.GUEST / "kiosk", "/usr/lib/tconn-guest/kiosk", 0o755)
    t.file(image.GUEST / "ree.sh", "/usr/lib/tconn-guest/ree.sh", 0o755)
    t.file(SOURCES / "start", "/usr/lib/tconn-kiosk/start", 0o755)
    t.text("/etc/os-release", f"ID=tconn-kiosk\nNAME=tconn\nVERSION_ID={release}\n")
    for path in ("/etc/tconn", "/var/lib/tconn", "/run"):
        t.directory(path)
    return t


def signed_module(release, keys, kept=KIOSKS):
    """tconn.ko with the db key's signature, as the kernel's own tool appends it."""
    module = paths.module_ko(release)
    key = hashlib.sha256((keys / "db.key").read_bytes() + module.read_bytes()).hexdigest()[:16]
    out = kept / "modules" / f"tconn-{key}.ko"
    if not out.exists():
        series = ".".join(release.split(".")[:2])
        tool = pathlib.Path(f"/usr/lib/linux-kbuild-{series}/scripts/sign-file")
        if not tool.exists():
            tool = next(pathlib.Path("/usr/lib").glob(f"linux-kbuild-{series}*/scripts/sign-file"))
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = out.with_name(f"{out.name}.{os.getpid()}.tmp")
        stripped = temporary.with_suffix(".stripped")
        subprocess.run(["objcopy", "--strip-debug", module, stripped], check=True)
        subprocess.run([tool, "sha256", keys / "db.key", keys / "db.crt", stripped, temporary],
                       check=True)
        stripped.unlink()
        temporary.replace(out)
    return out


def _device_policy(settings):
    """The board's; where the owner says who issues identities, no other's requests are shown."""
    policy = (paths.BUILD / "policy" / "device.policy").read_bytes()
    issuer = settings.get("ca.pem")
    if issuer is None:
        return policy
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(issuer if isinstance(issuer, bytes) else pathlib.Path(issuer).read_bytes())
        file.flush()
        return policy + f"{mkpolicy.service_ca(file.name)}\n".encode()


def _initramfs(release, module, settings, signed_policy, keys, init):
    t = tree.Tree()
    t.busybox()
    for path in ("/proc", "/sys", "/dev", "/run", "/sysroot", "/tmp"):
        t.directory(path)
    t.node("/dev/console", 5, 1)
    t.node("/dev/null", 1, 3, 0o666)
    t.program("/usr/sbin/veritysetup")
    t.program(paths.BIN / "tconn-notice", "/usr/sbin/tconn-notice")
    order = t.modules(release, image.DRIVERS + image.SCREEN + image.CRYPTO + image.NETWORK +
                      STORAGE)
    t.text("/etc/kiosk/modules", "".join(f"{path}\n" for path in order))
    t.text("/init", init, 0o755)
    t.file(image.POLICY / "ima-policy", "/etc/ima/ima-policy", 0o644)
    t.file(image.POLICY / "sysctl" / "60-tconn.conf", "/etc/sysctl.d/60-tconn.conf", 0o644)
    t.file(module, "/usr/lib/tconn/tconn.ko", 0o644)
    t.file(image.POLICY / "ree.policy", "/etc/tconn/ree.policy", 0o755)
    t.file(keys / "boot.crt", "/etc/tconn/boot-signer.pem", 0o644)
    t.data("/etc/tconn/device.policy", signed_policy)
    for path, content in settings.items():
        mode = 0o755 if path == "shell" else 0o644
        if isinstance(content, bytes):
            t.text(f"/etc/tconn/{path}", content.decode(), mode)
        else:
            t.file(content, f"/etc/tconn/{path}", mode)
    return t


def _pack(entries):
    return subprocess.run(["zstd", "-q", "-9", "-T1", "-c"], input=cpio.pack(entries),
                          stdout=subprocess.PIPE, check=True).stdout


def _manifest(*parts):
    """{path: digests it has in the initramfs, in the root file system, or in both}."""
    manifest = {}
    for part in parts:
        for path, digest in part.items():
            manifest.setdefault(path, set()).add(digest)
    return {path: sorted(digests) for path, digests in manifest.items()}


def command_line(root):
    """What the owner signs: boot line, and the root that goes with it."""
    return (f"{CONSOLE} {boot_line(signed=True)} tconn.root={root.hash} "
            f"tconn.root_size={root.blocks * disk.BLOCK}")


def first_program():
    """The initramfs' /init, as text."""
    return (SOURCES / "init").read_text()


def build(settings, *, keys, version="1", series=None, module=None, append="", signer="db",
          policy_signer="db", alter_policy=bytes, init=None, out=None, kept=KIOSKS):
    """A kiosk image in out (beside others by its content in kept otherwise).

    module: another tconn.ko than the signed one; append: more kernel parameters; signer:
    another key than db, policy_signer: the same of the device policy; alter_policy: what becomes of
    it after it was signed; init: another first program. Tests build what must not start with these.
    kept: what builds have in common, the root and the signed module; nothing there: all is made anew.
    """
    release = paths.kernel_release(series)
    keys = pathlib.Path(keys)
    content = root_tree(release)
    root = disk.root(content.entries, kept / "roots")
    policy = _device_policy(settings)
    signed_policy = alter_policy(signpolicy.sign(policy, keys / f"{policy_signer}.key",
                                                 keys / f"{policy_signer}.crt"))
    initramfs = _initramfs(release, module or signed_module(release, keys, kept), settings,
                           signed_policy, keys, init or first_program())
    initrd, line = _pack(initramfs.entries), f"{command_line(root)} {append}".strip()
    kernel = paths.kernel_dir(release) / "vmlinuz"
    unsigned = uki.assemble(kernel, initrd, line, f"ID=tconn-kiosk\nVERSION_ID={version}\n")
    signed = uki.sign(unsigned, keys / f"{signer}.key", keys / f"{signer}.crt") if signer else unsigned
    digest = hashlib.sha256(signed + root.hash.encode()).hexdigest()[:12]
    folder = pathlib.Path(out) if out else kept / f"{release}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kiosk.efi").write_bytes(signed)
    (folder / "initrd").write_bytes(initrd)
    (folder / "device.policy").write_bytes(policy)
    (folder / "boot.policy").write_bytes(bootpolicy.make(
        refvals.boot_state(signed, keys), keys / "boot.key", keys / "boot.crt"))
    disk.build(folder / "disk.img.tmp", signed, root, folder / "boot.policy", folder / "parts")
    (folder / "disk.img.tmp").replace(folder / "disk.img")
    shutil.rmtree(folder / "parts")
    manifest = _manifest(content.digests(), initramfs.digests())
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    return Kiosk("device", version, release, folder / "disk.img", folder / "kiosk.efi",
                 folder / "initrd", line, folder / "device.policy", folder / "boot.policy",
                 manifest, initramfs.digests(), kernel, root, keys)
