# SPDX-License-Identifier: Apache-2.0
"""Where things are. Everything that is made goes below out/."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "out"
BIN = OUT / "bin"
BUILD = OUT / "build"
CACHE = OUT / "cache"


def kernel_release(series=None):
    """The kernel set-up fetched or built: 6.1, or the one of the variable KERNEL."""
    series = series or os.environ.get("KERNEL") or "6.1"
    name = "VERSION" if series == "6.1" else f"VERSION-{series}"
    try:
        return (CACHE / "kernel" / name).read_text().strip()
    except FileNotFoundError:
        raise SystemExit(f"no kernel {series} in {CACHE}/kernel: run scripts/setup"
                         + ("" if series == "6.1" else f" {series}")) from None


def is_debug(release):
    """Is it the one of scripts/debug-kernel?"""
    return "-debug-" in release


def kernel_dir(release):
    return CACHE / "kernel" / release


def module_ko(release):
    """tconn.ko as built for that release."""
    return BUILD / "kmod" / release / "tconn.ko"
