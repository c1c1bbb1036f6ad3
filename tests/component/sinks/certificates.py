"""Certificates for tests, made by the openssl command. Their keys are on the curve P-256 unless a test needs RSA."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

SERVER_NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"
_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
_RSA = ("-newkey", "rsa:2048")
_KEYS = "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
"""Python asks for these from 3.13 on."""


@dataclass(frozen=True)
class Pair:
    """The files of a certificate and of its key."""

    cert: Path
    key: Path


def openssl(*arguments: str | Path) -> None:
    """Run openssl; skip the test where there is none."""
    if shutil.which("openssl") is None:
        pytest.skip("NOT TESTED: certificates are made by the command openssl, which is not installed")
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # arguments of our own
    assert done.returncode == 0, done.stderr


class Authority:
    """A CA with what it has signed, in a directory of its own."""

    def __init__(self, name: str) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="mpathd-watch-ca-"))
        self._name = name
        self._own = self._files("ca")
        openssl(
            *("req", "-x509", *_EC, "-nodes", "-days", "30", "-subj", f"/CN={name}"),
            *("-addext", "keyUsage=critical,keyCertSign", "-keyout", self._own.key, "-out", self._own.cert),
        )

    @property
    def cert(self) -> Path:
        """The CA's own certificate."""
        return self._own.cert

    @functools.cache  # noqa: B019  # an authority lives as long as the tests
    def issue(
        self, name: str, names: str = "", *, usage: str = "serverAuth", rsa: bool = False, days: int = 30
    ) -> Pair:
        """A certificate with these subject alternative names. Of ``days`` below 0 it has expired."""
        made = self._files(f"{name}-{len(list(self._directory.iterdir()))}")
        request, extensions = made.cert.with_suffix(".csr"), made.cert.with_suffix(".ext")
        extensions.write_text(f"extendedKeyUsage={usage}\n{_KEYS}" + (f"subjectAltName={names}\n" if names else ""))
        openssl(
            *("req", "-new", *(_RSA if rsa else _EC), "-nodes", "-subj", f"/CN={name}"),
            *("-keyout", made.key, "-out", request),
        )
        openssl(
            *("x509", "-req", "-in", request, "-CA", self._own.cert, "-CAkey", self._own.key, "-CAcreateserial"),
            *("-days", str(days), "-extfile", extensions, "-out", made.cert),
        )
        return made

    def _files(self, name: str) -> Pair:
        return Pair(self._directory / f"{name}.crt", self._directory / f"{name}.key")

    def remove(self) -> None:
        """Remove all files."""
        shutil.rmtree(self._directory, ignore_errors=True)
