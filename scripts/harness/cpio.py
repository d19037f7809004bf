# SPDX-License-Identifier: Apache-2.0
"""cpio archives as the kernel wants an initramfs ("newc"), the same bytes every time.

Entries are written in the order of their names, with time 0, owner 0 and
numbered inodes, so that an archive depends on names, modes and contents alone.
"""

import dataclasses
import stat


@dataclasses.dataclass(frozen=True)
class Entry:
    mode: int              # type and permissions, as st_mode
    data: bytes = b""      # content of a file, target of a link
    device: tuple = (0, 0)  # of a node


def directory(permissions=0o755):
    return Entry(stat.S_IFDIR | permissions)


def file(data, permissions=0o644):
    return Entry(stat.S_IFREG | permissions, bytes(data))


def symlink(target):
    return Entry(stat.S_IFLNK | 0o777, target.encode())


def node(major, minor, permissions=0o600):
    return Entry(stat.S_IFCHR | permissions, b"", (major, minor))


def _record(name, inode, entry):
    encoded = name.encode() + b"\0"
    links = 2 if stat.S_ISDIR(entry.mode) else 1
    fields = (inode, entry.mode, 0, 0, links, 0, len(entry.data), 0, 0,
              *entry.device, len(encoded), 0)
    header = b"070701" + b"".join(b"%08x" % f for f in fields) + encoded
    return _pad(header) + _pad(entry.data)


def _pad(data):
    return data + bytes(-len(data) % 4)


def pack(entries):
    """entries: {name without leading slash: Entry} -> archive."""
    out = [_record(name, i + 1, entries[name]) for i, name in enumerate(sorted(entries))]
    out.append(_record("TRAILER!!!", 0, Entry(0)))
    data = b"".join(out)
    return data + bytes(-len(data) % 512)
