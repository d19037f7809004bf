# SPDX-License-Identifier: Apache-2.0
"""The kiosk's disk: the same bytes from the same inputs, made without root or loop devices.

    1 esp    FAT, the signed boot image at the place where firmware looks for it
    2 root   squashfs, its dm-verity tree after it
    3 state  ext4, empty at first: certificates and what else a device keeps
    4 boot   the boot states that the owner signed (scripts/bootpolicy.py), zeroes after them

Partitions are found by their names. Their sizes are the same in all versions, so
that an update writes 1, 2 and 4 of the new disk over the old ones and leaves 3.
"""

import collections
import contextlib
import hashlib
import io
import json
import os
import pathlib
import stat
import struct
import subprocess
import tarfile
import tempfile
import uuid

import bootpolicy

MIB = 1 << 20
SECTOR = 512
BLOCK = 4096
# name, type, first MiB, size in MiB
PARTITIONS = (
    ("tconn-esp", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", 1, 64),
    ("tconn-root", "4f68bce3-e8cd-4db1-96e7-fbcaf984b709", 65, 192),
    ("tconn-state", "0fc63daf-8483-4772-8e79-3d69d8477de4", 257, 16),
    ("tconn-boot", "0fc63daf-8483-4772-8e79-3d69d8477de4", 273, 1),
)
SIZE = 275 * MIB
NAMESPACE = uuid.UUID("7d0c1f6e-3c55-4a52-9f0b-6f9d3b8f2a11")

Root = collections.namedtuple("Root", "data hash blocks salt")


class DiskError(Exception):
    pass


def epoch():
    """The one time in all of an image; SOURCE_DATE_EPOCH, as reproducible-builds.org has it."""
    return int(os.environ.get("SOURCE_DATE_EPOCH", "1700000000"))


def run(*command, **options):
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch()), "TZ": "UTC",
                   "MTOOLS_SKIP_CHECK": "1", "E2FSPROGS_FAKE_TIME": str(epoch())}
    environment["PATH"] += ":/usr/sbin:/sbin"
    done = subprocess.run([str(c) for c in command], capture_output=True, env=environment,
                          check=False, **options)
    if done.returncode:
        raise DiskError(f"{command[0]} failed:\n{(done.stdout + done.stderr).decode()}")
    return done.stdout.decode()


# -- root: squashfs with a hash tree

def _tar(entries):
    types = {stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFREG: tarfile.REGTYPE,
             stat.S_IFLNK: tarfile.SYMTYPE, stat.S_IFCHR: tarfile.CHRTYPE}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, entry in sorted(entries.items()):
            info = tarfile.TarInfo(name)
            info.type = types[stat.S_IFMT(entry.mode)]
            info.mode, info.mtime = stat.S_IMODE(entry.mode), epoch()
            if info.type == tarfile.SYMTYPE:
                info.linkname = entry.data.decode()
            elif info.type == tarfile.CHRTYPE:
                info.devmajor, info.devminor = entry.device
            else:
                info.size = len(entry.data)
            archive.addfile(info, io.BytesIO(entry.data) if info.size else None)
    return out.getvalue()


def root(entries, folder):
    """A file tree (cpio.py's entries) as a partition's content; kept by what goes into it."""
    archive = _tar(entries)
    digest = hashlib.sha256(archive).hexdigest()
    kept, note = folder / f"{digest}.root", folder / f"{digest}.verity"
    if not note.exists():
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{digest}.{os.getpid()}.tmp"
        temporary.unlink(missing_ok=True)
        run("sqfstar", "-quiet", "-no-progress", "-comp", "zstd",
            "-b", "256K", "-root-mode", "755",
            "-all-root", temporary, input=archive)
        blocks = -(-temporary.stat().st_size // BLOCK)
        os.truncate(temporary, blocks * BLOCK)
        output = run("veritysetup", "format", "--hash=sha256", f"--salt={digest}",
                     f"--uuid={uuid.uuid5(NAMESPACE, digest)}", f"--data-blocks={blocks}",
                     f"--hash-offset={blocks * BLOCK}", temporary, temporary)
        lines = dict(line.split(":", 1) for line in output.splitlines() if ":" in line)
        temporary.replace(kept)
        note.write_text(json.dumps({"hash": lines["Root hash"].strip(), "blocks": blocks}))
    for path in (kept, note):
        path.touch()
    facts = json.loads(note.read_text())
    return Root(kept, facts["hash"], facts["blocks"], digest)


# -- the other partitions

def _esp(image, folder):
    """FAT with one file."""
    path = folder / "esp"
    with open(path, "wb") as f:
        f.truncate(PARTITIONS[0][3] * MIB)
    loader = folder / "BOOTX64.EFI"
    loader.write_bytes(image)
    os.utime(loader, (epoch(), epoch()))
    run("mkfs.vfat", "--invariant", "-F", "32", "-i", "7c0ee51e", "-n", "TCONN", path)
    run("mmd", "-i", path, "::/EFI", "::/EFI/BOOT")
    run("mcopy", "-m", "-i", path, loader, "::/EFI/BOOT/BOOTX64.EFI")
    return path


def _state(folder):
    path = folder / "state"
    with open(path, "wb") as f:
        f.truncate(PARTITIONS[2][3] * MIB)
    identity = uuid.uuid5(NAMESPACE, "state")
    # With a journal: a device is switched off when somebody pulls its plug.
    run("mke2fs", "-q", "-t", "ext4", "-U", identity, "-L", "tconn-state", "-J", "size=1",
        "-m", "0", "-E", f"hash_seed={identity},root_owner=0:0,lazy_itable_init=0", path)
    return path


def _table():
    lines = [f"label: gpt\nlabel-id: {uuid.uuid5(NAMESPACE, 'disk')}\nunit: sectors\n"
             f"first-lba: 2048"]
    for name, kind, start, size in PARTITIONS:
        lines.append(f"start={start * MIB // SECTOR}, size={size * MIB // SECTOR}, type={kind}, "
                     f"uuid={uuid.uuid5(NAMESPACE, name)}, name={name}")
    return "\n".join(lines) + "\n"


def partition(number):
    """(offset, size) in bytes."""
    _, _, start, size = PARTITIONS[number - 1]
    return start * MIB, size * MIB


def _is_zero(chunk):
    return chunk == bytes(len(chunk))


def _put(disk, number, path, new=True):
    offset, size = partition(number)
    if path.stat().st_size > size:
        raise DiskError(f"{path.name} of {path.stat().st_size} bytes does not fit into partition "
                        f"{number} of {size}")
    with open(disk, "r+b") as out, open(path, "rb") as source:
        out.seek(offset)
        while chunk := source.read(MIB):
            if new and _is_zero(chunk):
                out.seek(len(chunk), os.SEEK_CUR)   # stays a hole
            else:
                out.write(chunk)


def build(path, image, root_fs, boot_policy, folder):
    """Writes the disk: image goes into the ESP, root_fs into the root partition."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as f:
        f.truncate(SIZE)
    run("sfdisk", "-q", "--no-reread", "--no-tell-kernel", path, input=_table().encode())
    _put(path, 1, _esp(image, folder))
    _put(path, 2, pathlib.Path(root_fs.data))
    _put(path, 3, _state(folder))
    _put(path, 4, boot_policy)


def replace_loader(path, image, folder):
    """What an updater or an attacker with the disk does: another boot image."""
    folder.mkdir(parents=True, exist_ok=True)
    _put(path, 1, _esp(image, folder), new=False)


def read(path, number):
    """A partition's bytes."""
    offset, size = partition(number)
    with open(path, "rb") as f:
        f.seek(offset)
        return f.read(size)


def write(path, number, content):
    """Over a partition's first bytes."""
    with open(path, "r+b") as f:
        f.seek(partition(number)[0])
        f.write(content)


def overwrite(old, new):
    """What somebody with the disk in hand does: another image with its boot states; 3 stays."""
    for number in (1, 2, 4):
        write(old, number, read(new, number))


def update(old, new):
    """Another disk's image over this one's. Cut off in between, either version still has its
    signed boot state.
    """
    write(old, 4, bootpolicy.join(read(new, 4), read(old, 4)))
    for number in (2, 1):
        write(old, number, read(new, number))


# -- on the line: a new device's disk

def blank(path):
    """One that nothing was ever written to."""
    with open(path, "wb") as f:
        f.truncate(SIZE)


def is_blank(path):
    with open(path, "rb") as f:
        return all(_is_zero(chunk) for chunk in iter(lambda: f.read(MIB), b""))


def digest(path, number=None):
    """SHA-256 of it all, or of one partition."""
    offset, size = partition(number) if number else (0, os.path.getsize(path))
    total = hashlib.sha256()
    with open(path, "rb") as f:
        f.seek(offset)
        while size and (chunk := f.read(min(MIB, size))):
            total.update(chunk)
            size -= len(chunk)
    return total.hexdigest()


def install(path, image):
    """The whole image over a disk, on the medium when this returns. Where the disk has the same
    already nothing is written, so that one cut off goes on where it was.
    """
    with open(path, "r+b") as out, open(image, "rb") as source:
        while chunk := source.read(MIB):
            at = out.tell()
            if out.read(len(chunk)) != chunk:
                out.seek(at)
                out.write(chunk)
        out.flush()
        os.fsync(out.fileno())


def state_files(path, names):
    """{name: bytes} of what a device, now switched off, keeps on its state partition."""
    with tempfile.TemporaryDirectory() as folder:
        state = pathlib.Path(folder) / "state"
        state.write_bytes(read(path, 3))
        with contextlib.suppress(DiskError):    # 1: what was under way is finished from the journal
            run("e2fsck", "-p", state)
        return {name: run("debugfs", "-R", f"cat {name}", state).encode() for name in names}


def flip(path, offset, bit=0):
    """One bit of a file."""
    with open(path, "r+b") as f:
        f.seek(offset)
        byte, = struct.unpack("B", f.read(1))
        f.seek(offset)
        f.write(struct.pack("B", byte ^ 1 << bit))
