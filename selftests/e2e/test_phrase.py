# SPDX-License-Identifier: Apache-2.0
"""The holder's phrase, seen from outside a device under Secure Boot: set up on its trusted
screen, then in the band of what it shows and nowhere else, and gone where something else booted.

What it shows are notices: the attention key brings one up, no service needed. Which words they
are the test does not know: it compares pictures, and looks for any four words of the list.
Pictures: out/check/e2e/Phrase/{before,offered,after,again,lost}.ppm.
"""

import json
import re
import subprocess
import sys
import time

from attack import picture
from harness import kiosk, paths
from harness.lamp import LampError
from harness.machine import Machine
from harness.tpm import Manufacturer
from . import guests

sys.path.insert(0, str(paths.ROOT / "scripts"))
import mkkeys       # noqa: E402
import signpolicy   # noqa: E402

GRACE = 1.2     # seconds after the last change of picture before a key confirms, and a margin
START = 300     # seconds for a daemon to start, weston starting beside it, on a busy machine
BAND = 120      # thousandths of the screen's height that are not attested
CA = "127.0.0.1:7101"
TCONND = {
    "service": "127.0.0.1:7100", "service_name": "pay.example", "trust": "/etc/tconn/ca.pem",
    "identity": "/var/lib/tconn", "service_reference": "/etc/tconn/reference",
    "indicator": "*::scrolllock",
}
# Of that service, which nobody plays.
REFERENCE = {"tconn-reference-values": 1, "name": "pay.example", "pcr_events": [], "ima": {},
             "ima_required": False, "tconn": {"required": False}}


def four_words():
    """Any phrase, as a pattern."""
    source = (paths.ROOT / "daemon" / "tconnd" / "phrase_words.c").read_text()
    word = b"(?:" + b"|".join(w.encode() for w in re.findall(r'"([a-z]+)",', source)) + b")"
    return re.compile(rb"\b" + b" ".join([word] * 4) + rb"\b")


class Phrase(guests.GuestTest):
    @classmethod
    def boot(cls):
        keys = mkkeys.make(cls.directory / "keys")
        maker = Manufacturer(cls.directory / "manufacturer")
        machine = Machine(cls.directory / "machine", maker)
        machine.enrol(keys)
        cls.extra = {
            "/usr/bin/tpm2": "/usr/bin/tpm2",
            "/usr/bin/tconn-ca": paths.BIN / "tconn-ca",
            "/usr/lib/tconn/tconn.ko": kiosk.signed_module(paths.kernel_release(), keys),
            "/etc/tconn/device.policy": cls.policy(keys),
            "/etc/tconn/tconnd.json": json.dumps(TCONND).encode(),
        }
        cls.device = cls.start("device", machine=machine, developer=False, timeout=900)
        cls.device.put("/run/ek.pem", maker.issuers.read_bytes())
        cls.enrol()
        cls.run_tconnd()

    @classmethod
    def policy(cls, keys):
        text = subprocess.run([
            paths.ROOT / "scripts" / "mkpolicy.py", "--board",
            paths.ROOT / "policy" / "boards" / "qemu", "--tui", paths.BIN / "tconn-tui",
            "--attention-key", "KEY_F12", "--band-permille", str(BAND)],
            check=True, capture_output=True).stdout
        return signpolicy.joined(text, signpolicy.signature(text, keys / "db.key",
                                                            keys / "db.crt"))

    @classmethod
    def enrol(cls):
        cls.device.sh("ifconfig lo up; "
                      "mkdir -p -m 0700 /run/tconn /var/lib/tconn /etc/tconn/reference; "
                      "tconn-ca init --dir /run/ca --name test && cp /run/ca/ca.pem /etc/tconn")
        cls.device.put("/etc/tconn/reference/service.json", json.dumps(REFERENCE).encode())
        cls.device.spawn(f"exec tconn-ca serve --dir /run/ca --listen {CA} --ek-trust /run/ek.pem",
                         "/run/ca.log")
        cls.device.wait_for("netstat -ltn | grep -q :7101 || { cat /run/ca.log; false; }", START)
        # The issuer waits for nobody who is slow, and weston is starting.
        cls.device.wait_for(f"tconnctl enrol --role device --ca {CA} --ca-file /etc/tconn/ca.pem "
                            "|| { cat /run/ca.log; false; }", START)

    @classmethod
    def run_tconnd(cls):
        cls.device.spawn("exec tconnd --config /etc/tconn/tconnd.json", "/run/tconnd.log")
        cls.device.wait_for("tconnctl --json status || { cat /run/tconnd.log; false; }", START)

    def restart(self):
        self.device.sh("killall tconnd; while pidof tconnd; do sleep 0.2; done")
        self.run_tconnd()

    def shown(self, name):
        """The dialog that comes up now, and is confirmed."""
        try:
            self.device.lamp.wait(lit=True, timeout=START)
        except LampError:
            self.fail(self.device.sh("cat /run/tconnd.log /sys/kernel/security/tconn/state "
                                     "/sys/kernel/security/tconn/attention").output)
        time.sleep(GRACE)
        seen = picture.take(self.device, self.directory / f"{name}.ppm")
        self.device.keys("ret")
        self.device.lamp.wait(lit=False, timeout=START)
        return seen

    def notice(self, name):
        """What a person sees who presses the attention key."""
        self.device.keys("f12")
        seen = self.shown(name)
        self.device.wait_for("grep 'attention: ' /run/tconnd.log", START)
        return seen

    def set_up(self):
        self.device.spawn("tconnctl phrase new; echo exit $?", "/run/phrase.log")
        self.shown("offered")
        self.device.wait_for("grep exit /run/phrase.log", START)
        said = self.device.get("/run/phrase.log").decode()
        self.assertIn("phrase: in force", said)
        self.assertIn("exit 0", said)

    def assert_status(self, text):
        self.assertIn(f"phrase: {text}\n", self.device.sh("tconnctl status").output)

    def assert_only_the_band_differs(self, one, other):
        row = 3 * one.width
        rows = [y for y in range(one.height)
                if one.data[row * y:row * (y + 1)] != other.data[row * y:row * (y + 1)]]
        self.assertNotEqual(rows, [])
        self.assertLess(max(rows), one.height * BAND // 1000)

    def assert_nowhere_in_clear(self):
        pattern = four_words()
        self.assertTrue(pattern.search(b"x acorn actor album alley x"))
        for command in ("dmesg", "find /run/tconn /var/lib/tconn /run/*.log -type f -exec cat {} +",
                        "cat /sys/kernel/security/tconn/log"):
            text = self.device.sh(command, check=False, timeout=120).output
            self.assertGreater(len(text), 100)
            self.assertIsNone(pattern.search(text.encode()), command)

    def assert_out_of_the_rees_reach(self):
        """What root of the REE has before it: no file, no socket to ask for another, no TPM."""
        self.device.sh("test -s /var/lib/tconn/phrase && test -S /run/tconn/tconnd.sock && "
                       "set -- $(pidof weston) && ree=/proc/$1/root && "
                       "test -d $ree/var/lib/tconn && test -z \"$(ls -A $ree/var/lib/tconn)\" && "
                       "! test -e $ree/run/tconn && test -c $ree/dev/null && "
                       "! ls $ree/dev | grep tpm")

    def test_set_up_shown_kept_and_lost(self):
        self.assert_status("not set up")
        before = self.notice("before")
        self.set_up()
        self.assert_status("in force")
        after = self.notice("after")
        self.assert_only_the_band_differs(before, after)

        self.restart()
        self.assert_status("in force")
        self.assertEqual(self.notice("again"), after)
        self.assert_nowhere_in_clear()
        self.assert_out_of_the_rees_reach()

        self.device.sh("TPM2TOOLS_TCTI=device:/dev/tpmrm0 tpm2 pcrextend 7:sha256=" + "a5" * 32)
        self.restart()
        self.assert_status("cannot be unsealed: the boot state is another")
        self.assertEqual(self.notice("lost"), before)
