"""Certificates for tests, made by openssl: an authority, a server and a client."""

import subprocess
from pathlib import Path

SERVER = "subjectAltName=IP:127.0.0.1,DNS:localhost"


class Certificates:
    """In a folder: `ca.crt`, and key and certificate of each who was `issued`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = folder / "ca.crt"
        self._openssl("req", "-x509", *_new("ca", folder), "-out", self.authority, "-days", "2")

    def issued(self, name: str, extension: str = "") -> tuple[Path, Path]:
        """Certificate and key of this name."""
        request, made, more = self.folder / f"{name}.csr", self.folder / f"{name}.crt", self.folder / f"{name}.ext"
        more.write_text(extension)
        self._openssl("req", *_new(name, self.folder), "-out", request)
        signer = ("-CA", self.authority, "-CAkey", self.folder / "ca.key", "-CAcreateserial")
        self._openssl("x509", "-req", "-in", request, *signer, "-out", made, "-days", "2", "-extfile", more)
        return made, self.folder / f"{name}.key"

    def _openssl(self, *words: object) -> None:
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, cwd=self.folder)


def _new(name: str, folder: Path) -> tuple[object, ...]:
    return "-newkey", "rsa:2048", "-nodes", "-keyout", folder / f"{name}.key", "-subj", f"/CN={name}"
