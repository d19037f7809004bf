#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The main job from firmware log to receipt, told in plain words (make demo).

Boots a device and a service, enrols both, connects them, asks for a confirmation
and a PIN, and watches screen and lamp from outside the device. Leaves pictures and
report.json in out/demo/. With --interactive a person presses the keys, over VNC.
With --secure (make demo-secure) the device is the kiosk image, from Secure Boot on, and what
is left is in out/demo-secure/.

Exit codes: 0 everything was as it should be, 1 something was not, 2 usage.
"""

import argparse
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness import paths                   # noqa: E402
from harness.guest import GuestError        # noqa: E402
from harness.kiosk_scene import KioskScene  # noqa: E402
from harness.lamp import LampError          # noqa: E402
from harness.scene import Scene             # noqa: E402

DEMO, SECURE = paths.OUT / "demo", paths.OUT / "demo-secure"
STATEMENT = "Pay 120.00 EUR to ACME Ltd?"
PIN_TEXT = "Enter your PIN to pay 120.00 EUR to ACME Ltd."
PIN = "4711"
GRACE = 1.2     # seconds a new picture must have stood before a key confirms, and a margin


class DemoError(Exception):
    pass


class Demo:
    def __init__(self, folder):
        self.folder = folder
        self.started = time.monotonic()
        self.report = {"verdict": "not trusted", "checks": {}, "confirmation": None, "pin": None,
                       "led": [], "screenshots": {}, "pcr": [], "kernel": None, "seconds": None}

    def say(self, text):
        print(f"[{time.monotonic() - self.started:6.1f} s] {text}", flush=True)

    @property
    def place(self):
        """For people."""
        return f"out/{self.folder.name}"

    # -- looking at the device from outside

    def picture(self, scene, name):
        path = scene.device.screenshot(self.folder / f"{name}.png")
        self.report["screenshots"][name.replace("-", "_")] = f"{self.place}/{name}.png"
        return path.read_bytes()

    def wait_for_ree(self, scene):
        """Until the REE's picture stands still: the same twice, a second apart, and not blank."""
        deadline = time.monotonic() + 90
        previous = None
        while time.monotonic() < deadline:
            current = self.picture(scene, "ree-before")
            if current == previous and len(current) > 8192:
                return current
            previous = current
            time.sleep(1)
        raise DemoError(f"the REE's picture never stood still; see {self.place}/ree-before.png")

    def wait_for_takeover(self, scene, before, timeout=60):
        """The time at which the screen first showed something else, to within one look at it."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            now = time.monotonic()
            if scene.device.screenshot(self.folder / "watch.png").read_bytes() != before:
                (self.folder / "watch.png").unlink()
                return now
        raise DemoError("the trusted screen did not come up; " + scene.logs())

    def wait_for_giveback(self, scene, before, timeout=30):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.picture(scene, "ree-after") == before:
                return
            time.sleep(0.2)
        raise DemoError(f"the REE's picture did not come back; see {self.place}/ree-after.png")

    def note_lamp(self, scene, session, takeover):
        for event in scene.device.lamp.events(since=takeover - 1):
            self.report["led"].append({"session": session, "source": event.source,
                                       "lit": event.scroll,
                                       "after_takeover_s": round(event.time - takeover, 3)})
        changes = [e["lit"] for e in self.report["led"]
                   if e["session"] == session and e["source"] == "ps2"]
        if changes.count(True) < 1 or changes[-1]:
            raise DemoError(f"the lamp was not lit and put out again in the {session} session: "
                            f"{changes}")

    # -- the sessions

    def session(self, scene, name, ask, before, keys):
        """One trusted session: takeover, what keys() does in it, giveback; what tconnctl said."""
        takeover = self.wait_for_takeover(scene, before)
        scene.device.lamp.wait(lit=True, timeout=30)
        self.say("the module holds screen and keyboard; the lamp is lit (seen from outside)")
        time.sleep(GRACE)
        keys()
        status, answer, errors = ask.result()
        scene.device.lamp.wait(lit=False, timeout=30)
        self.wait_for_giveback(scene, before)
        self.note_lamp(scene, name, takeover)
        if status or not answer or not answer.get("ok"):
            raise DemoError(f"tconnctl ended with {status}: {errors.strip()} {answer}")
        self.say("lamp dark, screen and keyboard are back: the REE's picture is as before")
        return answer

    def confirm(self, scene, before):
        self.say(f'the service asks: "{STATEMENT}"')
        ask = scene.ask("confirm", STATEMENT)

        def keys():
            self.picture(scene, "confirmation")
            scene.device.keys("ret")
        answer = self.session(scene, "confirmation", ask, before, keys)
        self.report["confirmation"] = answer["outcome"]
        self.tell_answer("the confirmation", answer)

    def pin(self, scene, before):
        self.say("the service asks for a PIN")
        ask = scene.ask("pin", PIN_TEXT, extra=["--pin-min", "4", "--pin-max", "8"])

        def keys():
            scene.device.keys(*PIN[:2])
            time.sleep(0.7)
            self.picture(scene, "pin-half")
            scene.device.keys(*PIN[2:])
            time.sleep(GRACE)
            scene.device.keys("ret")
        answer = self.session(scene, "pin", ask, before, keys)
        self.report["pin"] = answer.get("pin")
        self.tell_answer("the PIN", answer)

    def tell_answer(self, what, answer):
        failed = [c for c in answer["checks"] if not c["pass"]]
        self.report["checks"][f"answer to {what}"] = as_map(answer["checks"])
        self.say(f"{what}: {answer['outcome']}; {len(answer['checks'])} checks, "
                 f"{len(failed)} failed; receipt {answer['receipt']} signed by the service")

    def tell_checks(self, who, checks):
        self.report["checks"][who] = as_map(checks)
        for check in checks:
            mark = "FAIL" if not check["pass"] else "warn" if check.get("warning") else "pass"
            print(f"             {mark}  {check['name']:18} {check['reason']}")

    # -- the whole

    def run(self, scene):
        self.report["kernel"] = scene.device.sh("uname -r").output.strip()
        before = self.wait_for_ree(scene)
        self.say("the REE (weston) shows its picture")
        if "signed no" in scene.device.sh("cat /sys/kernel/security/tconn/state").output:
            self.say("developer mode: the device policy is not signed; screen, status and the "
                     "service's verdict say so")
        elif self.folder == SECURE:
            self.say("Secure Boot started the owner's image; module and device policy are signed, the "
                     "root file system is verified block by block")
        scene.enrol()
        self.say(f"tconn-ca has issued identities for device {scene.device_id[:16]}... and "
                 "service; keys are in their TPMs")
        scene.serve()
        state = scene.connect()
        status = scene.device_status()
        self.say("TLS 1.3 with TPM keys on both sides; the device about the service:")
        self.tell_checks("service", status["service"]["checks"])
        self.say("the service about the device:")
        self.tell_checks("device", state["checks"])
        self.confirm(scene, before)
        self.pin(scene, before)
        self.report["pcr"] = read_pcrs(scene.device)
        self.keep_receipts(scene)
        passed = all(ok == "pass" for group in self.report["checks"].values()
                     for ok in group.values())
        if passed and self.report["confirmation"] == "confirmed" and self.report["pin"] == "received":
            self.report["verdict"] = "trusted"

    def keep_receipts(self, scene):
        for receipt in json.loads(scene.service.sh("tconnctl --json receipt list").output)["receipts"]:
            number = receipt["receipt"]
            text = scene.service.sh(f"tconnctl --json receipt show {number}").output
            (self.folder / f"receipt-{number}.json").write_text(text)

    def finish(self, problem=None):
        self.report["seconds"] = round(time.monotonic() - self.started, 1)
        if problem:
            self.report["problem"] = str(problem)
        (self.folder / "report.json").write_text(json.dumps(self.report, indent=1) + "\n")
        print()
        if problem or self.report["verdict"] != "trusted":
            print(f"The demo FAILED: {problem or 'a check did not pass'}", file=sys.stderr)
            print(f"See {self.place}/ (console.log of both guests, report.json).", file=sys.stderr)
            return 1
        print(f"""\
In plain words
  Device and service proved to each other, with keys that never left their TPMs, who they are and
  what they have run since power-on. A person was asked "{STATEMENT}" on a
  screen that the ordinary programs had lost, with the lamp lit, and pressed Enter; then typed a PIN
  that the screen showed as dots. The service checked the record of both sessions against the
  device's TPM and signed receipts. Then everything went back to the ordinary programs.

  Verdict: {self.report['verdict']}. Pictures, receipts and report.json: {self.place}/""")
        return 0


def as_map(checks):
    return {c["name"]: "pass" if c["pass"] else "fail" for c in checks}


def read_pcrs(guest):
    lines = guest.sh("cd /sys/class/tpm/tpm0/pcr-sha256 && for i in $(seq 0 14); do "
                     "echo $i $(cat $i); done").output.split()
    return [{"index": int(i), "value": value.lower()} for i, value in zip(lines[::2], lines[1::2])]


def interactive(scene, say):
    """A person plays the device holder; this terminal plays the service's operator."""
    scene.enrol()
    scene.serve()
    scene.connect()
    say("ready. Show the device's screen with any VNC viewer at 127.0.0.1:5907.")
    print("Type: c TEXT (confirmation), p TEXT (PIN), n TEXT (notice), q (quit)")
    for line in sys.stdin:
        kind, _, text = line.strip().partition(" ")
        if kind == "q":
            return
        if kind not in ("c", "p", "n"):
            print("c TEXT, p TEXT, n TEXT or q")
            continue
        extra = ["--pin-min", "4", "--pin-max", "8"] if kind == "p" else []
        name = {"c": "confirm", "p": "pin", "n": "notice"}[kind]
        tell_person(*scene.ask(name, text or STATEMENT, extra=extra).result(180))


def tell_person(status, answer, errors):
    """What came of a request, in a line or two."""
    if not answer or not answer.get("ok"):
        print(f"refused ({status}): {answer['error'] if answer else errors.strip()}")
        return
    failed = [f"{c['name']}: {c['reason']}" for c in answer["checks"] if not c["pass"]]
    cause = f" ({answer['cause']})" if answer["outcome"] == "aborted" else ""
    print(f"{answer['outcome']}{cause}; {len(answer['checks'])} checks, {len(failed)} failed; "
          f"receipt {answer['receipt']}")
    print("".join(f"  FAIL {line}\n" for line in failed), end="")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interactive", action="store_true",
                        help="a person presses the keys, over VNC on this machine")
    parser.add_argument("--secure", action="store_true", help="the device is the kiosk image")
    options = parser.parse_args()
    folder, stage = (SECURE, KioskScene) if options.secure else (DEMO, Scene)
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob("*.png"), *folder.glob("*.json")]:
        old.unlink()
    demo = Demo(folder)
    vnc = "127.0.0.1:7" if options.interactive else None
    try:
        with stage(folder / "guests", vnc=vnc, echo=demo.say) as scene:
            demo.say("both guests are up")
            if options.interactive:
                interactive(scene, demo.say)
                return 0
            demo.run(scene)
    except (DemoError, GuestError, LampError, OSError, ValueError, KeyError) as error:
        return demo.finish(problem=error)
    return demo.finish()


if __name__ == "__main__":
    sys.exit(main())
