# SPDX-License-Identifier: Apache-2.0
"""Files that are there in whole or not at all, whenever the program or the power is cut off."""

import os


def sync_folder(path):
    """Names in it are on the disk."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _beside(path, data):
    """The data on the disk, under a name of its own."""
    temporary = path.with_name(f".{path.name}.new")
    with open(temporary, "wb") as f:
        f.write(data)
        f.flush()
        os.fsync(f.fileno())
    return temporary


def write(path, data):
    """Who reads it finds the old bytes or these."""
    _beside(path, data).replace(path)
    sync_folder(path.parent)


def create(path, data):
    """The same; FileExistsError where there is one already."""
    temporary = _beside(path, data)
    try:
        os.link(temporary, path)
    finally:
        temporary.unlink()
    sync_folder(path.parent)
