# SPDX-License-Identifier: Apache-2.0
"""mkpolicy.py --service-ca: the digest of one issuer's certificate, or a refusal that says why."""

import base64
import hashlib
import pathlib
import ssl
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


class ServiceCa(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.issuer = self.certificate("issuer", "CA:TRUE")

    def certificate(self, name, constraint):
        path = self.folder / f"{name}.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.folder / f"{name}.key",
                        "-out", path, "-subj", f"/CN={name}",
                        "-addext", f"basicConstraints=critical,{constraint}"],
                       check=True, capture_output=True)
        return path.read_text()

    def run_mkpolicy(self, content):
        path = self.folder / "given.pem"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return subprocess.run([ROOT / "scripts" / "mkpolicy.py", "--board",
                               ROOT / "policy" / "boards" / "qemu", "--tui", __file__,
                               "--service-ca", path], capture_output=True, text=True, check=False)

    def assert_refused(self, content, why):
        run = self.run_mkpolicy(content)
        self.assertNotEqual(run.returncode, 0)
        self.assertEqual(run.stdout, "")
        self.assertRegex(run.stderr, f"^mkpolicy: .*given.pem: .*{why}")
        self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)

    def test_one_issuer(self):
        run = self.run_mkpolicy(self.issuer)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(self.issuer)).hexdigest()
        self.assertIn(f"\nservice-ca sha256 {digest}\n", run.stdout)

    def test_several_certificates(self):
        self.assert_refused(self.issuer + self.certificate("other", "CA:TRUE"), "one certificate")
        self.assert_refused(self.issuer + self.issuer, "one certificate")

    def test_a_key_beside_it(self):
        self.assert_refused(self.issuer + (self.folder / "issuer.key").read_text(),
                            "one certificate")

    def test_none(self):
        self.assert_refused("", "one certificate")
        self.assert_refused((self.folder / "issuer.key").read_text(), "no certificate")

    def test_invalid_ones(self):
        der = ssl.PEM_cert_to_DER_cert(self.issuer)
        for broken in (der[:-1], der + b"\0", b"\x30\x03\x02\x01\x01"):
            text = base64.encodebytes(broken).decode()
            self.assert_refused("-----BEGIN CERTIFICATE-----\n" + text
                                + "-----END CERTIFICATE-----\n", "no certificate|not an issuer's")
        self.assert_refused(self.issuer.replace("M", "*"), "no certificate")
        self.assert_refused(der, "no certificate")

    def test_not_an_issuers(self):
        self.assert_refused(self.certificate("service", "CA:FALSE"), "not an issuer's")

    def test_no_file(self):
        run = subprocess.run([ROOT / "scripts" / "mkpolicy.py", "--board",
                              ROOT / "policy" / "boards" / "qemu", "--tui", __file__,
                              "--service-ca", self.folder / "absent.pem"],
                             capture_output=True, text=True, check=False)
        self.assertIn("absent.pem: No such file", run.stderr)


if __name__ == "__main__":
    unittest.main()
