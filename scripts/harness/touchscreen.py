# SPDX-License-Identifier: Apache-2.0
"""A USB touch screen for several fingers, which QEMU has none of: plugged in at the far
end of its usb-redir device, whose protocol (usbredir, version 0.7) is spoken here as far
as a device with one interrupt endpoint needs it.
"""

import struct
import threading

RANGE = 32767           # of both axes
ENDPOINT = 0x81

# Packets by type.
HELLO, CONNECT, RESET, INTERFACES, ENDPOINTS = 0, 1, 3, 4, 5
SET_CONFIGURATION, GET_CONFIGURATION, CONFIGURATION = 6, 7, 8
SET_ALTERNATE, GET_ALTERNATE, ALTERNATE = 9, 10, 11
START_INTERRUPT, STOP_INTERRUPT, INTERRUPT_STATUS = 15, 16, 17
CONTROL, INTERRUPT = 100, 103

# What both sides can do, as xHCI needs it: sizes of endpoints' packets, serial numbers of
# 64 bits (but for HELLO), long bulk packets.
CAPABILITIES = 1 << 4 | 1 << 5 | 1 << 6
SHORT, LONG = struct.Struct("<III"), struct.Struct("<IIQ")      # headers: type, length, serial

SUCCESS, STALL = 0, 4
FULL_SPEED = 1

REPORT = struct.Struct("<BBHHB")        # down, finger, x, y, fingers in this report
REPORT_DESCRIPTOR = bytes.fromhex(
    "050d0904a101"                      # a touch screen
    "0922a102"                          # with fingers, each of them
    "094215002501750195018102"          # down or not
    "95078103"
    "0951257f750895018102"              # its number
    "050126ff7f751009308102"            # its place
    "09318102c0"
    "050d0954250a750895018102"          # how many there are in a report
    "0955250ab102"                      # and at most
    "b103c0")                           # a second byte: usbhid asks for one less

HID_DESCRIPTOR = struct.pack("<BBHBBBH", 9, 0x21, 0x0111, 0, 1, 0x22, len(REPORT_DESCRIPTOR))
CONFIG_BODY = (struct.pack("<BBBBBBBBB", 9, 4, 0, 0, 1, 3, 0, 0, 0) + HID_DESCRIPTOR
               + struct.pack("<BBBBHB", 7, 5, ENDPOINT, 3, REPORT.size, 10))
CONFIG = struct.pack("<BBHBBBBB", 9, 2, 9 + len(CONFIG_BODY), 1, 1, 0, 0x80, 50) + CONFIG_BODY
DEVICE = struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x0110, 0, 0, 0, 8, 0x1209, 0x0001, 0x0100, 0, 0,
                     0, 1)
DESCRIPTORS = {0x01: DEVICE, 0x02: CONFIG, 0x21: HID_DESCRIPTOR, 0x22: REPORT_DESCRIPTOR}
MAX_FINGERS = b"\x0a"


class TouchScreen(threading.Thread):
    def __init__(self, connection):
        super().__init__(daemon=True)
        self._connection = connection
        self._file = connection.makefile("rb")
        self._lock = threading.Lock()   # of writing
        self._serial = 0
        self.polled = False             # the guest's driver is listening
        self._send(HELLO, 0, b"tconn touch screen".ljust(64, b"\0") + struct.pack("<I", CAPABILITIES))

    # -- what a person does; x and y from 0 to 1

    def touch(self, x, y, finger=0):
        self._report(1, x, y, finger)

    def lift(self, x, y, finger=0):
        self._report(0, x, y, finger)

    def _report(self, down, x, y, finger):
        if self.polled:
            report = REPORT.pack(down, finger, int(x * RANGE), int(y * RANGE), 1)
            self._serial += 1
            self._send(INTERRUPT, self._serial,
                       struct.pack("<BBH", ENDPOINT, SUCCESS, len(report)) + report)

    # -- the protocol

    def _send(self, kind, serial, body):
        header = SHORT if kind == HELLO else LONG
        with self._lock:
            try:
                self._connection.sendall(header.pack(kind, len(body), serial) + body)
            except OSError:
                pass

    def run(self):
        header = SHORT
        while True:
            data = self._file.read(header.size)
            if len(data) < header.size:
                return
            kind, length, serial = header.unpack(data)
            self._take(kind, serial, self._file.read(length))
            header = LONG

    def _take(self, kind, serial, body):
        if kind == HELLO:
            self._plug_in()
        elif kind in (SET_CONFIGURATION, GET_CONFIGURATION):
            self._send(CONFIGURATION, serial, bytes([SUCCESS, 1]))
        elif kind in (SET_ALTERNATE, GET_ALTERNATE):
            self._send(ALTERNATE, serial, bytes([SUCCESS, 0, 0]))
        elif kind in (START_INTERRUPT, STOP_INTERRUPT):
            self.polled = kind == START_INTERRUPT
            self._send(INTERRUPT_STATUS, serial, bytes([SUCCESS, ENDPOINT]))
        elif kind == CONTROL:
            self._control(serial, body)

    def _plug_in(self):
        # Endpoints by number, first those out, then those in: type, interval, interface, size.
        kinds = bytearray(b"\xff" * 32)
        kinds[0] = kinds[16] = 0
        kinds[17] = 3
        intervals = bytearray(32)
        intervals[17] = 10
        sizes = [0] * 32
        sizes[0] = sizes[16] = sizes[17] = 8
        self._send(INTERFACES, 0, struct.pack("<I", 1) + bytes(32) + bytes([3]).ljust(32, b"\0")
                   + bytes(64))
        self._send(ENDPOINTS, 0, bytes(kinds) + bytes(intervals) + bytes(32)
                   + struct.pack("<32H", *sizes))
        self._send(CONNECT, 0, struct.pack("<BBBBHH", FULL_SPEED, 0, 0, 0, 0x1209, 0x0001))

    def _control(self, serial, body):
        endpoint, request, kind, _, value, index, length = struct.unpack_from("<BBBBHHH", body)
        data, status = b"", SUCCESS
        if kind & 0x80:
            data = self._answer(kind, request, value)
            if data is None:
                data, status = b"", STALL
            data = data[:length]
            length = len(data)
        self._send(CONTROL, serial, struct.pack("<BBBBHHH", endpoint, request, kind, status, value,
                                                index, length) + data)

    @staticmethod
    def _answer(kind, request, value):
        if request == 6:                            # GET_DESCRIPTOR
            return DESCRIPTORS.get(value >> 8)
        if kind & 0x60 == 0x20 and request == 1:    # GET_REPORT: of the features
            return MAX_FINGERS
        if request == 0:                            # GET_STATUS
            return b"\0\0"
        return None
