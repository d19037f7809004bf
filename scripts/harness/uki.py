# SPDX-License-Identifier: Apache-2.0
"""One EFI program of stub, kernel, initramfs and command line, signed: what Secure Boot checks.

systemd's stub measures its sections into PCR 11 and starts the kernel with them; with
Secure Boot on it takes no other command line. measured() says what PCR 11 will hold.
"""

import hashlib
import pathlib
import struct
import subprocess
import tempfile

STUB = pathlib.Path("/usr/lib/systemd/boot/efi/linuxx64.efi.stub")
PAGE = 4096
# objcopy and sbsign write the time into header and signature, and know the clock's only.
AT = ("faketime", "-f", "2024-01-01 00:00:00")
# In the order in which the stub measures them.
MEASURED = (".linux", ".osrel", ".cmdline", ".initrd")


class UkiError(Exception):
    pass


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UkiError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _sections(data):
    """(name, virtual size, address, size, offset of the content, offset of the header)."""
    pe = struct.unpack_from("<I", data, 0x3c)[0]
    count, = struct.unpack_from("<H", data, pe + 6)
    optional, = struct.unpack_from("<H", data, pe + 20)
    for i in range(count):
        header = pe + 24 + optional + 40 * i
        virtual, address, size, offset = struct.unpack_from("<IIII", data, header + 8)
        yield data[header:header + 8].rstrip(b"\0").decode(), virtual, address, size, offset, header


def assemble(kernel, initrd, command_line, release):
    """The unsigned image's bytes. release: what os-release says of it."""
    parts = {".osrel": release.encode(), ".cmdline": command_line.encode() + b"\0",
             ".linux": pathlib.Path(kernel).read_bytes(), ".initrd": initrd}
    ends = [address + virtual for _, virtual, address, *_ in _sections(STUB.read_bytes())]
    address, arguments = -(-max(ends) // PAGE) * PAGE, []
    with tempfile.TemporaryDirectory(prefix="tconn-uki-") as folder:
        folder = pathlib.Path(folder)
        for name, content in parts.items():
            (folder / name).write_bytes(content)
            # The stub's own sections begin at its image base, 0.
            arguments += ["--add-section", f"{name}={folder / name}",
                          "--change-section-vma", f"{name}={address:#x}"]
            address += -(-len(content) // PAGE) * PAGE
        run(*AT, "objcopy", *arguments, STUB, folder / "uki")
        return (folder / "uki").read_bytes()


def sign(image, key, certificate):
    """The image's bytes with a signature; the same each time."""
    with tempfile.TemporaryDirectory(prefix="tconn-uki-") as folder:
        folder = pathlib.Path(folder)
        (folder / "in").write_bytes(image)
        run(*AT, "sbsign", "--key", key, "--cert", certificate, "--output", folder / "out",
            folder / "in")
        return (folder / "out").read_bytes()


def sections(image):
    """{name: content as the stub sees and measures it}, in its order."""
    found = {name: image[offset:offset + min(virtual, size)] + bytes(max(0, virtual - size))
             for name, virtual, _, size, offset, _ in _sections(image)}
    return {name: found[name] for name in MEASURED}


def place(image, name):
    """Where a section's content is in the file: (offset, size). For tests that change it."""
    for found, virtual, _, size, offset, _ in _sections(image):
        if found == name:
            return offset, min(virtual, size)
    raise UkiError(f"no section {name}")


def measured(image):
    """Digests that the stub extends into PCR 11, each with what it is of."""
    for name, content in sections(image).items():
        yield f"name {name}", hashlib.sha256(name.encode() + b"\0").hexdigest()
        yield f"section {name}", hashlib.sha256(content).hexdigest()
