# SPDX-License-Identifier: Apache-2.0
"""What the makefiles say, asked of make itself."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def variable(name):
    run = subprocess.run(["make", "-s", "--no-print-directory", "--eval",
                          f"print-variable: ; @echo '$({name})'", "print-variable"],
                         cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.strip()
