# SPDX-License-Identifier: Apache-2.0
"""What the screen shows, as QEMU scans it out."""

import collections
import re

MAGENTA = b"\xff\x00\xff"
ENOUGH = 8              # pixels that tell something
COLOURS = 3             # of them at least, so that an empty buffer is no hit
STEP = 4                # every so many pixels are looked at, in both directions


class Picture(collections.namedtuple("Picture", "width height data")):
    """24 bits a pixel, row after row."""

    def at(self, x, y):
        start = 3 * (y * self.width + x)
        return self.data[start:start + 3]

    def samples(self):
        for y in range(0, self.height, STEP):
            row = self.data[3 * y * self.width:3 * (y + 1) * self.width]
            yield [row[i:i + 3] for i in range(0, len(row), 3 * STEP)]

    def share(self, colour):
        """How much of the picture has this colour, 0 to 1."""
        rows = list(self.samples())
        return sum(row.count(colour) for row in rows) / sum(len(row) for row in rows)

    def differs(self, other, share=0.02):
        """Do more than this share of the samples differ?"""
        if (self.width, self.height) != (other.width, other.height):
            return True
        total = different = 0
        for mine, theirs in zip(self.samples(), other.samples()):
            total += len(mine)
            different += sum(a != b for a, b in zip(mine, theirs))
        return different > share * total


def take(guest, path, head=0):
    """A screendump of the guest, kept at path (PPM)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    where = {"device": "gpu", "head": head} if head else {}
    guest.qmp("screendump", filename=str(path.absolute()), **where)
    return load(path)


def load(path):
    data = path.read_bytes()
    match = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    return Picture(int(match[1]), int(match[2]), data[match.end():])


def hidden(first, now):
    """Is what stood out in the first picture gone?"""
    if (first.width, first.height) != (now.width, now.height):
        return True
    before = [colour for row in first.samples() for colour in row]
    ground = collections.Counter(before).most_common(1)[0][0]
    after = (colour for row in now.samples() for colour in row)
    ink = [a == b for a, b in zip(before, after) if a != ground]
    return bool(ink) and sum(ink) < 0.2 * len(ink)


def leaked(pixels, dialog, ree):
    """Do the pixels, {(x, y): colour}, show the dialog where it differs from the REE's picture?"""
    telling = {at: colour for at, colour in pixels.items()
               if at[0] < dialog.width and at[1] < dialog.height
               and (at[0] >= ree.width or at[1] >= ree.height or ree.at(*at) != dialog.at(*at))}
    hits = [colour for at, colour in telling.items() if dialog.at(*at) == colour]
    return (len(hits) >= ENOUGH and len(hits) >= 0.8 * len(telling)
            and len(set(hits)) >= COLOURS)
