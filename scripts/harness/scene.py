# SPDX-License-Identifier: Apache-2.0
"""A device and a service that trust each other: the main job's stage.

    with Scene("out/demo") as scene:            # both guests are up
        scene.enrol()                           # tconn-ca, both identities
        scene.serve()                           # tconn-serviced, knows the device
        scene.connect()                         # tconnd, until both verdicts are in
        ask = scene.ask("confirm", "Pay 120.00 EUR to ACME Ltd?")
        scene.device.lamp.wait(lit=True)
        scene.device.keys("ret")
        print(ask.result())                     # what tconnctl --json printed

The issuer's key and the TPMs are new each time; the device's policy names that issuer
(service-ca), so its trusted screen shows nothing that no service signed. The service's
reference values are part of the device's image (hence measured with it); the device's are
given to the service by its operator when it runs, because each image's digest depends on
what is in it.
"""

import contextlib
import json
import pathlib
import shutil
import subprocess
import sys
import time

from . import image, paths
from .guest import Guest, GuestError, Wire, command_line
from .tpm import Manufacturer

sys.path.insert(0, str(paths.ROOT / "scripts"))
import mkpolicy     # noqa: E402
import refvals      # noqa: E402

SERVICE = "pay.example"
MEMORY = 1 << 30     # bytes, of each guest; QEMU writes where it put the initrd into the kernel
CA_ADDRESS, SERVICE_ADDRESS = "10.7.0.1:7101", "10.7.0.1:7100"

SERVICED = {
    "listen": SERVICE_ADDRESS, "name": SERVICE, "identity": "/var/lib/tconn/identity",
    "trust": "/etc/tconn/ca.pem", "device_reference": "/etc/tconn/device-reference.json",
    "database": "/var/lib/tconn/serviced.db",
}
TCONND = {
    "service": SERVICE_ADDRESS, "service_name": SERVICE, "identity": "/var/lib/tconn/identity",
    "trust": "/etc/tconn/ca.pem", "service_reference": "/etc/tconn/service-reference.json",
    "indicator": "*::scrolllock", "retry_min_ms": 500, "retry_max_ms": 5000,
}


class Ask:
    """One request under way; tconnctl waits for the answer in the service's guest."""

    def __init__(self, service, arguments, number):
        self._service = service
        self._base = f"/run/ask-{number}"
        self.started = time.monotonic()
        service.put(f"{self._base}.sh", _shell_words(arguments).encode())
        service.spawn(f"sh {self._base}.sh >{self._base}.out 2>{self._base}.err; "
                      f"echo $? >{self._base}.tmp; mv {self._base}.tmp {self._base}.status")

    def result(self, timeout=120):
        """(exit status, decoded JSON or None, standard error)."""
        status = int(self._service.wait_for(f"cat {self._base}.status", timeout))
        text = self._service.get(f"{self._base}.out").decode()
        errors = self._service.get(f"{self._base}.err").decode()
        return status, json.loads(text) if text.strip() else None, errors


def _shell_words(arguments):
    return " ".join("'" + a.replace("'", "'\\''") + "'" for a in arguments) + "\n"


class Scene:
    def __init__(self, directory, *, device_extra=None, device_drivers=(), device_options=None,
                 policy=None, vnc=None, echo=None):
        self.directory = pathlib.Path(directory).absolute()
        self.device = self.service = None
        self.device_id = None
        self._device_extra = device_extra or {}
        self._device_drivers = device_drivers
        self._device_options = {"vnc": vnc, **(device_options or {})}
        self._base_policy = policy or paths.BUILD / "policy" / "device.policy"
        self._echo = echo or (lambda text: None)
        self._asked = 0
        self._stack = contextlib.ExitStack()

    # -- images

    def _issuer(self):
        """A certification authority of this scene's own."""
        directory = self.directory / "ca"
        shutil.rmtree(directory, ignore_errors=True)
        subprocess.run([paths.BIN / "tconn-ca", "init", "--dir", directory, "--name",
                        "tconn demo issuer"], check=True, stdout=subprocess.DEVNULL)
        return directory

    def _device_policy(self):
        """The one given, and who vouches for services."""
        path = self.directory / "device.policy"
        path.write_text(self._base_policy.read_text() + mkpolicy.service_ca(self.ca / "ca.pem")
                        + "\n")
        return path

    def _images(self):
        service = self._service_image()
        return service, self._device_image()

    def _service_image(self):
        built = image.build("service", {
            "/etc/tconn/ca.pem": self.ca / "ca.pem",
            "/etc/tconn/serviced.json": json.dumps(self._service_config(), indent=1).encode(),
            **self._service_extra(),
        })
        self.service_reference = self._reference(built)
        return built

    def _service_config(self):
        return SERVICED

    def _service_extra(self):
        return {}

    def _serviced(self):
        return "tconn-serviced"

    def _device_config(self):
        return TCONND

    def _device_image(self):
        self._policy = self._device_policy()
        built = image.build("device", {
            "/etc/tconn/ca.pem": self.ca / "ca.pem",
            "/etc/tconn/tconnd.json": json.dumps(self._device_config(), indent=1).encode(),
            "/etc/tconn/service-reference.json": self.service_reference,
            "/etc/tconn/device.policy": self._policy.read_bytes(),
            **self._device_extra,
        }, drivers=self._device_drivers)
        self.device_reference = self._reference(built)
        return built

    def _reference(self, built):
        """Reference values of an image as it was built, as JSON bytes."""
        device = built.name == "device"
        values = refvals.generate(
            name=f"{built.name} {built.release}", kernel=built.release, manifest=built.manifest,
            kernel_image=built.kernel, initrd=built.initrd, command_line=self._command_line(built),
            developer=True, qemu_memory=MEMORY,
            policies=[self._policy] if device else [],
            apps=[paths.BIN / "tconn-tui"] if device else [])
        text = refvals.to_json(values)
        (self.directory / f"{built.name}-reference.json").write_text(text)
        return text.encode()

    def _command_line(self, built):
        options = self._device_options if built.name == "device" else {}
        return command_line(options.get("append", ""), options.get("hardened", True))

    # -- life

    def __enter__(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        self.ca = self._issuer()
        self.maker = Manufacturer(self.directory / "tpm-maker")
        self._echo("building the images of device and service")
        service, device = self._images()
        self._wire = Wire()
        common = {"manufacturer": self.maker, "wire": self._wire, "wait": False,
                  "memory": f"{MEMORY >> 20}M"}
        self._echo("booting device and service (each with a TPM of its own)")
        try:
            self.service = self._start(service, **common)
            self.device = self._start(device, **common, **self._device_options)
            self.service.ready()
            self.device.ready()
        except BaseException:
            self._stack.close()
            raise
        return self

    def _start(self, built, **options):
        return self._stack.enter_context(Guest(built, self.directory / built.name, **options))

    def __exit__(self, *details):
        return self._stack.__exit__(*details)

    # -- the main job's steps

    def enrol(self):
        """tconn-ca in the service's guest; EK, AK, TLS and data keys of both."""
        self._serve_issuer()
        self._enrol(self.service, f"--role service --name {SERVICE}")
        self.device_id = self._enrol_device()

    def _serve_issuer(self, options=""):
        self.service.sh("mkdir -p -m 0700 /var/lib/tconn-ca /var/lib/tconn")
        for path in self.ca.iterdir():
            self.service.put(f"/var/lib/tconn-ca/{path.name}", path.read_bytes(), 0o600)
        self.service.put("/etc/tconn/ek-issuers.pem", self.maker.issuers.read_bytes())
        self.service.spawn(f"exec tconn-ca serve --dir /var/lib/tconn-ca --listen {CA_ADDRESS} "
                           f"--ek-trust /etc/tconn/ek-issuers.pem {options}", "/run/tconn-ca.log")
        self.service.wait_for("netstat -ltn | grep -q 10.7.0.1:7101", 30)

    def _enrol_device(self):
        return self._enrol(self.device, "--role device")["name"]

    def _enrol(self, guest, role):
        guest.sh("mkdir -p -m 0700 /var/lib/tconn")
        output = guest.sh(f"tconnctl --json enrol {role} --ca {CA_ADDRESS} --ca-file "
                          "/etc/tconn/ca.pem --identity /var/lib/tconn/identity", timeout=120).output
        return json.loads(output)

    def serve(self, enrolled=True):
        """Starts the service with the device's reference values; lets the device in."""
        self._put_reference()
        self.service.sh("mkdir -p -m 0700 /run/tconn")
        self.service.spawn(f"exec {self._serviced()} --config /etc/tconn/serviced.json",
                           "/run/serviced.log")
        self.service.wait_for("tconnctl --json status", 30)
        if enrolled:
            self.service.sh(f"tconnctl device add {self.device_id}")

    def _put_reference(self):
        self.service.put("/etc/tconn/device-reference.json", self.device_reference)

    def connect(self):
        """Starts tconnd; returns its status once both sides trust each other."""
        self.device.sh("mkdir -p -m 0700 /run/tconn")
        self.device.spawn("exec tconnd --config /etc/tconn/tconnd.json", "/run/tconnd.log")
        return self.wait_connected()

    def wait_connected(self, timeout=90):
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            status = self.device_state()
            if status.get("connected") and status.get("trusted"):
                return status
            time.sleep(0.5)
        raise GuestError("device and service do not trust each other:\n" + self.logs())

    def device_state(self):
        """What the service knows of the device."""
        output = self.service.sh(f"tconnctl --json device show {self.device_id}").output
        return json.loads(output)["device"]

    def device_status(self):
        """What tconnd says of itself and of the service."""
        return json.loads(self.device.sh("tconnctl --json status").output)

    def logs(self):
        return ("--- tconnd\n" + self.device.sh("tail -n 60 /run/tconnd.log", check=False).output
                + "--- tconn-serviced\n"
                + self.service.sh("tail -n 60 /run/serviced.log", check=False).output)

    def ask(self, kind, text, timeout=60, extra=()):
        self._asked += 1
        return Ask(self.service, ["tconnctl", "--json", "request", kind, "--device",
                                  self.device_id, "--text", text, "--timeout", str(timeout),
                                  *extra], self._asked)
