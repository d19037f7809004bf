# SPDX-License-Identifier: Apache-2.0
"""QEMU's machine protocol: one command at a time, events dropped."""

import json


class QmpError(Exception):
    pass


class Qmp:
    def __init__(self, connection, timeout=30):
        connection.settimeout(timeout)
        self._file = connection.makefile("rwb")
        self._connection = connection
        self._read()    # the greeting
        self("qmp_capabilities")

    def _read(self):
        try:
            line = self._file.readline()
        except OSError as error:
            raise QmpError(f"QEMU does not answer: {error}") from None
        if not line:
            raise QmpError("QEMU has gone")
        return json.loads(line)

    def __call__(self, command, **arguments):
        request = {"execute": command, "arguments": arguments}
        try:
            self._file.write(json.dumps(request).encode() + b"\n")
            self._file.flush()
        except OSError as error:
            raise QmpError(f"QEMU has gone: {error}") from None
        while True:
            reply = self._read()
            if "return" in reply:
                return reply["return"]
            if "error" in reply:
                raise QmpError(f"{command}: {reply['error']['desc']}")

    def close(self):
        try:
            self._file.close()
        except OSError:
            pass    # what was still to be written to a QEMU that is gone
        self._connection.close()
