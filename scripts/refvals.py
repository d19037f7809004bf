#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reference values from a built image: what a verifier accepts, computed, not observed.

    refvals.py --name "kiosk 7" --kernel-release 6.1.0-56-amd64 --kernel vmlinuz \\
        --initrd initrd --command-line "console=ttyS0 rdinit=/init" --manifest manifest.json \\
        --policy device.policy --app tconn-tui --output kiosk-7.json

The form is described in daemon/lib/appraise.h. The same inputs give the same bytes.

Firmware measures into PCR 4 the Authenticode digest of the kernel, a PE file; the kernel's
EFI stub measures into PCR 9 its command line (UTF-16, terminator included) and the initrd.
QEMU's -kernel option changes fields of the kernel's header in memory before OVMF measures
it, and OVMF adds "initrd=initrd" to the command line: --qemu-memory says that the image is
booted so, and in a machine of how many bytes. Without it the values are those of a machine
whose boot loader starts the kernel's EFI stub and changes nothing.
"""

import argparse
import hashlib
import json
import pathlib
import struct
import sys
import uuid

import bootpolicy
from harness import uki

MIB = 1 << 20


class RefvalsError(Exception):
    pass


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def _u16(data, at):
    return struct.unpack_from("<H", data, at)[0]


def _u32(data, at):
    return struct.unpack_from("<I", data, at)[0]


# -- the kernel, a PE file (Microsoft PE/COFF and "Windows Authenticode PE Signature Format")

def _pe_layout(data):
    """Offsets of checksum and certificate entry, size of headers, section ranges."""
    pe = _u32(data, 0x3c) if data[:2] == b"MZ" else 0
    if not pe or data[pe:pe + 4] != b"PE\0\0":
        raise RefvalsError("the kernel is no PE file: it lacks CONFIG_EFI_STUB")
    sections, optional_size, optional = _u16(data, pe + 6), _u16(data, pe + 20), pe + 24
    plus = _u16(data, optional) == 0x20b
    certificate = optional + (112 if plus else 96) + 4 * 8
    ranges = []
    for i in range(sections):
        size, start = struct.unpack_from("<II", data, optional + optional_size + 40 * i + 16)
        if size:
            ranges.append((start, size))
    return optional + 64, certificate, _u32(data, optional + 60), sorted(ranges)


def authenticode(data):
    """SHA-256 over all but the checksum, the certificate entry and the certificates."""
    checksum, certificate, headers, ranges = _pe_layout(data)
    digest = hashlib.sha256(data[:checksum])
    digest.update(data[checksum + 4:certificate])
    digest.update(data[certificate + 8:headers])
    hashed = headers
    for start, size in ranges:
        digest.update(data[start:start + size])
        hashed += size
    digest.update(data[hashed:len(data) - _u32(data, certificate + 4)])
    return digest.hexdigest()


def as_qemu_loads_it(kernel, initrd_size, memory):
    """What QEMU 7.2 (-kernel, -initrd, machine q35) makes of the header in memory.

    Fields of the x86 boot protocol (Documentation/x86/boot.rst), which a boot loader
    fills in: type_of_loader, loadflags, ramdisk, heap_end_ptr, cmd_line_ptr.
    """
    header = bytearray(kernel)
    if header[0x202:0x206] != b"HdrS" or _u16(header, 0x206) < 0x203:
        raise RefvalsError("the kernel's boot protocol is older than 2.03")
    real_mode, command_line, acpi = 0x10000, 0x20000, 0x28000
    below_4g = memory if memory < 0xb0000000 else 0x80000000
    highest = min(_u32(header, 0x22c), below_4g - acpi - 1)
    header[0x210] = 0xb0                                    # QEMU, version 0
    header[0x211] |= 0x80                                   # CAN_USE_HEAP
    struct.pack_into("<II", header, 0x218, (highest - initrd_size) & ~4095, initrd_size)
    struct.pack_into("<H", header, 0x224, command_line - real_mode - 0x200)
    struct.pack_into("<I", header, 0x228, command_line)
    return bytes(header)


# -- Secure Boot (UEFI 2.10, 32.4.1; TCG PC Client Platform Firmware Profile, 3.3.4.8)

GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
SECURITY = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
LIST_HEADER = 28        # of a signature list; its entries follow
OWNER = 16              # of an entry: who put it there


def _variable(guid, name, data):
    """UEFI_VARIABLE_DATA, which PCR 7 has the digest of."""
    return guid.bytes_le + struct.pack("<QQ", len(name), len(data)) + name.encode("utf-16-le") + data


def _secure_boot_events(keys):
    """What firmware measures where it enforces the owner's keys (mkkeys.py's folder)."""
    lists = {name: (keys / f"{name}.esl").read_bytes() for name in ("PK", "KEK", "db")}
    variables = [(GLOBAL, "SecureBoot", b"\1"), (GLOBAL, "PK", lists["PK"]),
                 (GLOBAL, "KEK", lists["KEK"]), (SECURITY, "db", lists["db"]),
                 (SECURITY, "dbx", b"")]
    events = [{"pcr": 7, "type": "EV_EFI_VARIABLE_DRIVER_CONFIG", "what": name,
               "digest": sha256(_variable(guid, name, data))} for guid, name, data in variables]
    return events + [{"pcr": 7, "type": "EV_EFI_VARIABLE_AUTHORITY", "what": "db's key, which signed",
                      "digest": sha256(_variable(SECURITY, "db", lists["db"][LIST_HEADER:]))}]


def secure_boot(keys):
    """The certificates that may be in the firmware's lists, by digest."""
    certificates = {name: sha256((keys / f"{name}.esl").read_bytes()[LIST_HEADER + OWNER:])
                    for name in ("PK", "KEK", "db")}
    return {"required": True, "pk": [certificates["PK"]], "kek": [certificates["KEK"]],
            "db": [certificates["db"]], "dbx": []}


def boot_image_events(image, initrd, command_line, keys):
    """Events of a signed boot image (harness/uki.py) under the owner's Secure Boot keys."""
    stub = [{"pcr": 11, "type": "EV_IPL", "what": what, "digest": digest}
            for what, digest in uki.measured(image)]
    return ([{"pcr": 4, "type": "EV_EFI_BOOT_SERVICES_APPLICATION", "what": "boot image",
              "digest": authenticode(image)}]
            + _secure_boot_events(keys) + _stub_events(command_line, initrd) + stub)


# What the image decides and no setting of the machine: Secure Boot's state and keys, the boot
# image's parts, what was added beside it, keys of the machine's owner.
BOOT_STATE = (7, 11, 12, 14)
SEPARATOR = hashlib.sha256(bytes(4)).hexdigest()    # between the variables and what they let start


def boot_state(image, keys):
    """{PCR: value} once this boot image has started, for bootpolicy.py."""
    events = [e["digest"] for e in _secure_boot_events(keys)]
    events.insert(-1, SEPARATOR)
    return {7: bootpolicy.replay(events),
            11: bootpolicy.replay(digest for _, digest in uki.measured(image)),
            12: bytes(32), 14: bytes(32)}


# -- the values

def _stub_events(command_line, ramdisk):
    return [
        {"pcr": 9, "type": "EV_EVENT_TAG", "what": "command line",
         "digest": sha256((command_line + "\0").encode("utf-16-le"))},
        {"pcr": 9, "type": "EV_EVENT_TAG", "what": "initrd", "digest": sha256(ramdisk)},
    ]


def _boot_events(kernel_image, initrd, command_line, qemu_memory):
    kernel = pathlib.Path(kernel_image).read_bytes()
    ramdisk = pathlib.Path(initrd).read_bytes()
    if qemu_memory:
        kernel = as_qemu_loads_it(kernel, len(ramdisk), qemu_memory)
        command_line += " initrd=initrd"
    return [
        {"pcr": 4, "type": "EV_EFI_BOOT_SERVICES_APPLICATION", "what": "kernel",
         "digest": authenticode(kernel)},
        *_stub_events(command_line, ramdisk),
    ]


def _policy_pcr(text):
    """The PCR a device policy names, 13 if it names none."""
    for line in text.decode().splitlines():
        words = line.split("#")[0].split()
        if words[:1] == ["pcr"]:
            return int(words[1])
    return 13


def _module(policies, apps, developer):
    texts = [pathlib.Path(p).read_bytes() for p in policies]
    pcrs = {_policy_pcr(text) for text in texts}
    if len(pcrs) > 1:
        raise RefvalsError(f"the policies name different PCRs: {sorted(pcrs)}")
    values = {"required": bool(policies or apps)}
    if values["required"]:
        values.update(pcr=pcrs.pop() if pcrs else 13, policy=sorted({sha256(t) for t in texts}),
                      app=sorted({sha256(pathlib.Path(a).read_bytes()) for a in apps}))
        if developer:
            values["developer"] = True
    return values


def generate(*, name, kernel, manifest, kernel_image, initrd, command_line, policies=(), apps=(),
             developer=False, qemu_memory=1024 * MIB, closed_pcrs=(2,)):
    """Reference values as a dictionary.

    manifest: {path: sha256} of the files in the image. policies, apps: files that a device
    with tconn.ko uses (text, without signature); none of both: a machine without it. developer:
    the module may be in developer mode, its policy not signed. qemu_memory: 0 for a real machine.
    closed_pcrs: PCRs in which no event but separators and remarks may be, besides 4 and 9;
    2 has option ROMs and EFI drivers, of which the emulated machine has none.
    """
    # IMA writes blanks in names as underscores.
    files = {}
    for path, digest in manifest.items():
        files.setdefault(path.replace(" ", "_"), set()).update(
            [digest] if isinstance(digest, str) else digest)
    return {
        "tconn-reference-values": 1, "name": name, "kernel": kernel,
        "pcr_events": _boot_events(kernel_image, initrd, command_line, qemu_memory),
        "pcr_closed": sorted(closed_pcrs),
        "ima": {path: sorted(digests) for path, digests in files.items()},
        "ima_required": True, "tconn": _module(policies, apps, developer),
    }


# What the integrator's page asks for, as a device says it (daemon/lib/system.h).
HARDENED = {
    "debugfs": "off", "framebuffer-console": "off", "ima-policy": "loaded", "kexec": "off",
    "lockdown": "confidentiality", "modules": "fixed", "ptrace": "nobody", "ree": "confined",
}


def generate_kiosk(kiosk, *, policies, apps, firmware=()):
    """Those of a kiosk image (harness/kiosk.py). firmware: events of PCR 0, seen when its keys
    were enrolled; none: any firmware that enforces them.
    """
    values = generate(
        name=f"kiosk {kiosk.version} {kiosk.release}", kernel=kiosk.release,
        manifest=kiosk.manifest, kernel_image=kiosk.kernel, initrd=kiosk.initrd, command_line="",
        policies=policies, apps=apps, qemu_memory=0)
    values["pcr_events"] = list(firmware) + boot_image_events(
        kiosk.uki.read_bytes(), kiosk.initrd.read_bytes(), kiosk.command_line, kiosk.keys)
    # 12: files beside the boot image that its stub would hand to the initramfs; 14: shim's keys.
    values["pcr_closed"] = [2, 3, 6, 12, 14]
    values["pcr_exact"] = [11, 12, 14]
    values["secure_boot"] = secure_boot(kiosk.keys)
    values["ima_before_module"] = {path.replace(" ", "_"): [digest]
                                   for path, digest in kiosk.early.items()}
    values["key_policy"] = [bootpolicy.key_policy(kiosk.keys / "boot.crt")]
    values["system"] = dict(HARDENED)
    return values


def to_json(values):
    return json.dumps(values, indent=1, sort_keys=True) + "\n"


def _read_manifest(path):
    """{path: sha256}, or the file that harness/image.py writes."""
    content = json.loads(pathlib.Path(path).read_text())
    files = content.get("files", content)
    if not isinstance(files, dict) or not all(isinstance(d, str) for d in files.values()):
        raise RefvalsError(f"{path}: no map of paths to digests")
    return files


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True, help="of the image, for people")
    parser.add_argument("--kernel-release", required=True, help="uname -r")
    parser.add_argument("--kernel", required=True, help="vmlinuz")
    parser.add_argument("--initrd", required=True)
    parser.add_argument("--command-line", required=True)
    parser.add_argument("--manifest", required=True, help="JSON, path -> sha256 of each file")
    parser.add_argument("--policy", action="append", default=[], help="device policy; repeatable")
    parser.add_argument("--app", action="append", default=[], help="trusted app; repeatable")
    parser.add_argument("--developer", action="store_true",
                        help="accept the module in developer mode: for tests")
    parser.add_argument("--qemu-memory", type=int, default=0, metavar="BYTES",
                        help="booted by QEMU with -kernel in a machine of this size")
    parser.add_argument("--closed-pcr", action="append", type=int, default=[], metavar="N",
                        help="nothing may be measured into this PCR; repeatable")
    parser.add_argument("--output", help="file; standard output by default")
    return parser.parse_args()


def main():
    args = _arguments()
    try:
        text = to_json(generate(
            name=args.name, kernel=args.kernel_release, manifest=_read_manifest(args.manifest),
            kernel_image=args.kernel, initrd=args.initrd, command_line=args.command_line,
            policies=args.policy, apps=args.app, developer=args.developer, qemu_memory=args.qemu_memory,
            closed_pcrs=args.closed_pcr))
    except (RefvalsError, OSError, ValueError, struct.error) as error:
        sys.exit(f"refvals: {error}")
    if args.output:
        pathlib.Path(args.output).write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
