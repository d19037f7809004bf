# SPDX-License-Identifier: Apache-2.0
"""Each kind of input device, listed by the policy and not: a PS/2, a USB and a virtio keyboard,
a USB tablet and a USB touch screen, all in one guest; and what is plugged in or out during
a session. The policy names them by their place alone: the three USB devices of QEMU's have one
vendor and product.

The REE is a picture and one reader for each event node (`cat`). What a reader must not have seen
is looked for once it has seen what came later.
"""

import re
import struct
import subprocess
import time

from harness import paths
from . import guests

TOOLS = {f"/usr/sbin/{name}": paths.BUILD / "selftests" / "kmod" / name
         for name in ("hold_session", "input_state", "ree_picture")}
HOLD = TOOLS["/usr/sbin/hold_session"]

USB = "/devices/pci0000:00/0000:00:10.0/usb1"
PLACES = {
    "ps2": "/devices/platform/i8042/serio0/*",
    "usb": f"{USB}/1-1/*",
    "tablet": f"{USB}/1-2/*",
    "touch": f"{USB}/1-3/*",
    "late": f"{USB}/1-4/*",         # what is plugged in by the tests
    "virtio": "/devices/pci0000:00/0000:00:12.0/virtio*/*",
}
KEYBOARDS = {"ps2": "0001:0001", "usb": "0627:0001", "virtio": "0627:0001"}
# A keyboard that is bound to one output of the screen has its own address in QEMU; keys
# without address go to one of the others, if there is such a USB keyboard, or to the PS/2's.
ADDRESSES = {"usb": {"device": "gpu", "head": 0}, "virtio": {"device": "gpu", "head": 1}}
DEVICES = ["virtio-gpu-pci,id=gpu,max_outputs=2,xres=640,yres=480", "qemu-xhci,id=usb,addr=0x10",
           "usb-kbd,bus=usb.0,port=1,display=gpu", "usb-tablet,bus=usb.0,port=2", "touch-screen",
           "virtio-keyboard-pci,addr=0x12,display=gpu,head=1"]

EVENT = struct.Struct("<qqHHi")
EV_KEY, EV_ABS = 1, 3
KEY_ESC, KEY_ENTER, KEY_A, KEY_B = 1, 28, 30, 48
BTN_LEFT, BTN_TOUCH = 0x110, 0x14a
ABS_X, ABS_MT_TRACKING_ID = 0, 0x39

NO_INPUT = "refusal 7"
INPUT_LOST, INPUT_NEW = "aborted 5", "aborted 6"


class Devices(guests.ModuleTest):
    extra = TOOLS
    drivers = ("xhci_pci", "usbhid", "hid_generic", "hid_multitouch", "virtio_input")
    options = {"screen": False, "devices": DEVICES}

    @classmethod
    def boot(cls):
        super().boot()
        cls.guest.spawn("exec ree_picture", "/run/ree.log")
        cls.nodes = {}
        for name in PLACES:
            if name != "late":
                cls.read(name)

    @classmethod
    def read(cls, name):
        """Finds a device's event node, and has the REE read it."""
        cls.nodes[name] = cls.guest.wait_for(
            f"for e in /sys/class/input/event*; do case $(readlink -f $e) in /sys{PLACES[name]}) "
            "echo /dev/input/${e##*/}; exit;; esac; done; exit 1", 30).strip()
        pid = cls.guest.spawn(f"exec cat {cls.nodes[name]} >/run/{name}.events")
        cls.guest.wait_for(f"ls -l /proc/{pid}/fd | grep -q {cls.nodes[name]}$", 10)

    def setUp(self):
        self.mark()

    def mark(self):
        """From here on counts what the REE sees."""
        self.marks = {name: len(self.raw(name)) for name in self.nodes}

    # -- the person

    def type(self, keyboard, key):
        for down in (True, False):
            self.guest.qmp("input-send-event", **ADDRESSES.get(keyboard, {}), events=[
                {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": key}}}])
            time.sleep(0.05)

    def move(self, x, y, click=False):
        """Of the tablet; 0 to 32767."""
        buttons = [True, False] if click else []
        events = [[{"type": "abs", "data": {"axis": axis, "value": value}}
                   for axis, value in (("x", x), ("y", y))]]
        events += [[{"type": "btn", "data": {"button": "left", "down": down}}] for down in buttons]
        for batch in events:
            self.guest.qmp("input-send-event", events=batch)
            time.sleep(0.05)

    def tap(self, x, finger):
        self.guest.touch.touch(x, 0.5, finger)
        time.sleep(0.05)
        self.guest.touch.lift(x, 0.5, finger)
        time.sleep(0.05)

    def plug(self):
        self.guest.qmp("device_add", driver="usb-kbd", id="late", bus="usb.0", port="4")
        self.addCleanup(self.unplug)

    def unplug(self):
        """Also where it is gone already."""
        if "late" in [d["name"] for d in self.guest.qmp("qom-list", path="/machine/peripheral")]:
            self.guest.qmp("device_del", id="late")
        self.guest.wait_for(f"[ ! -e /sys{USB}/1-4 ]", 10)
        self.nodes.pop("late", None)

    # -- the REE

    def raw(self, name):
        return self.guest.get(f"/run/{name}.events")

    def seen(self, name, kind, code=None):
        """What its reader saw since the mark: (code, value), or the values of one code."""
        data = self.raw(name)[self.marks.get(name, 0):]
        events = [event[2:] for event in EVENT.iter_unpack(data[:len(data) // EVENT.size
                                                                * EVENT.size])]
        if code is not None:
            return [v for t, c, v in events if (t, c) == (kind, code)]
        return [(c, v) for t, c, v in events if t == kind]

    def wait_seen(self, name, kind, code, values):
        deadline = time.monotonic() + 10
        while self.seen(name, kind, code) != values:
            self.assertLess(time.monotonic(), deadline,
                            f"{name} {code}: {self.seen(name, kind)}, not {values}")
            time.sleep(0.1)

    def wait_typed(self, name, key, code):
        """Types until the REE sees it: a keyboard is given back once it is at rest."""
        for _ in range(20):
            self.type(name, key)
            if (code, 1) in self.seen(name, EV_KEY):
                return
            time.sleep(0.2)
        self.fail(f"the REE does not see {name}: {self.seen(name, EV_KEY)}")

    def state(self, name):
        return self.guest.sh(f"input_state {self.nodes[name]}").output

    # -- the session

    def load(self, *names, hotplug="abort"):
        """The module anew, with a policy that lists these."""
        command = [paths.ROOT / "scripts" / "mkpolicy.py", "--tui", HOLD, "--display",
                   "/devices/pci0000:00/*", "--no-indicator-required", "--grace-ms", "0",
                   "--hotplug", hotplug]
        for name in names:
            command += ["--input", PLACES[name]]
        text = subprocess.run(command, check=True, capture_output=True).stdout
        self.guest.put("/run/policy", text)
        # A test that failed half-way has left a session.
        self.guest.wait_for("killall -9 hold_session 2>/dev/null; rmmod tconn 2>/dev/null; "
                            "insmod /usr/lib/tconn/tconn.ko developer=1 && "
                            "cat /run/policy >/sys/kernel/security/tconn/policy", 20)

    def hold(self):
        self.guest.spawn("exec hold_session", "/run/hold.log")
        self.guest.wait_for("grep -q ^active /run/hold.log || "
                            "{ ! cat /run/hold.log; false; }", 30)

    def said(self):
        return self.guest.get("/run/hold.log").decode()

    def heard(self):
        """The keys whose press the session got, in this order."""
        return [int(code) for code in re.findall(r"^key (\d+) 1$", self.said(), re.M)]

    def wait_said(self, text):
        self.guest.wait_for(f"grep '^{text}' /run/hold.log || {{ cat /run/hold.log; false; }}", 20)

    def answer(self, keyboard, key, text):
        """Types until the session ends with it: a picture that is being drawn is not confirmed."""
        for _ in range(10):
            self.type(keyboard, key)
            time.sleep(0.3)
            if f"\n{text}\n" in self.said():
                return
        self.fail(f"no {text}: {self.said()}")

    # -- the tests

    def test_keyboard_answers_where_it_is_listed(self):
        for listed, identity in KEYBOARDS.items():
            with self.subTest(listed):
                self.mark()
                self.load(listed)
                self.hold()
                for other in KEYBOARDS:
                    if other != listed:
                        self.type(other, "ret")
                        self.wait_seen(other, EV_KEY, KEY_ENTER, [1, 0])
                self.type(listed, "a")
                self.wait_said(f"key {KEY_A} 0")
                self.assertEqual(self.state(listed), "")
                self.answer(listed, "ret", "decided 1")
                self.assertEqual(self.heard()[0], KEY_A)
                self.assertEqual(set(self.heard()[1:]), {KEY_ENTER})
                self.assertIn(f"input {identity}", self.said())
                self.wait_typed(listed, "b", KEY_B)
                self.assertEqual({code for code, _ in self.seen(listed, EV_KEY)}, {KEY_B})

    def test_listed_without_keys_is_silenced_and_answers_nothing(self):
        self.load("ps2", "tablet", "touch")
        self.guest.touch.touch(0.2, 0.2)
        deadline = time.monotonic() + 10
        while not self.seen("touch", EV_ABS, ABS_MT_TRACKING_ID):
            self.assertLess(time.monotonic(), deadline, "the REE does not see the touch screen")
            time.sleep(0.1)
        first = self.seen("touch", EV_ABS, ABS_MT_TRACKING_ID)[0]
        self.assertIn(f"touch 0 {first}\n", self.state("touch"))
        # The finger stays where it is, but for the REE.
        self.hold()
        self.wait_seen("touch", EV_ABS, ABS_MT_TRACKING_ID, [first, -1])
        self.wait_seen("touch", EV_KEY, BTN_TOUCH, [1, 0])
        for place in (0.4, 0.5, 0.6):
            self.tap(place, finger=1)
            self.move(int(place * 10000), 1000, click=True)
        self.assertEqual(self.state("touch") + self.state("tablet"), "")
        self.answer("ps2", "esc", "decided 2")
        self.assertEqual(set(self.heard()), {KEY_ESC})
        # Afterwards it is a new touch, numbered as if there had been none in the session.
        self.guest.touch.touch(0.3, 0.3)
        self.wait_seen("touch", EV_ABS, ABS_MT_TRACKING_ID, [first, -1, first + 1])
        self.assertIn(f"touch 0 {first + 1}\n", self.state("touch"))
        self.guest.touch.lift(0.3, 0.3)
        self.wait_seen("touch", EV_ABS, ABS_MT_TRACKING_ID, [first, -1, first + 1, -1])
        self.wait_seen("touch", EV_KEY, BTN_TOUCH, [1, 0, 1, 0])
        self.assertEqual(self.state("touch"), "")
        self.move(7777, 1000)
        self.wait_seen("tablet", EV_ABS, ABS_X, [7777])
        self.assertEqual(self.seen("tablet", EV_KEY), [])

    def test_not_listed_stays_with_the_ree(self):
        self.load("ps2")
        self.hold()
        self.tap(0.4, finger=0)
        self.wait_seen("touch", EV_KEY, BTN_TOUCH, [1, 0])
        self.move(2222, 2222, click=True)
        self.wait_seen("tablet", EV_ABS, ABS_X, [2222])
        self.wait_seen("tablet", EV_KEY, BTN_LEFT, [1, 0])
        self.answer("ps2", "esc", "decided 2")
        self.assertEqual(set(self.heard()), {KEY_ESC})

    def test_nobody_could_answer_without_keys(self):
        self.load("tablet", "touch")
        result = self.guest.sh("hold_session", check=False)
        self.assertEqual(result.status, 1)
        self.assertIn(NO_INPUT, result.output)

    def test_plugged_in_ends_the_session(self):
        self.load("ps2")
        self.hold()
        self.plug()
        self.wait_said(INPUT_NEW)

    def test_plugged_in_may_be_ignored(self):
        self.load("ps2", hotplug="ignore")
        self.hold()
        self.plug()
        self.read("late")
        self.marks["late"] = 0
        self.type("late", "ret")
        self.wait_seen("late", EV_KEY, KEY_ENTER, [1, 0])
        self.unplug()
        self.answer("ps2", "esc", "decided 2")
        self.assertEqual(set(self.heard()), {KEY_ESC})

    def test_plugged_in_where_it_is_listed_is_never_ignored(self):
        self.load("ps2", "late", hotplug="ignore")
        self.hold()
        self.plug()
        self.wait_said(INPUT_NEW)

    def test_last_with_keys_unplugged_ends_the_session(self):
        self.plug()
        self.read("late")
        self.load("late", "touch")
        self.hold()
        self.unplug()
        self.wait_said(INPUT_LOST)

    def test_other_keyboard_may_be_unplugged(self):
        self.plug()
        self.read("late")
        self.load("late", "ps2")
        self.hold()
        self.unplug()
        self.answer("ps2", "esc", "decided 2")
