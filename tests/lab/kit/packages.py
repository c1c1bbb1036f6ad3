"""Debian packages that only one scenario needs: downloaded on the host, because the guest has no network."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.lab.kit import host
from tests.lab.kit.errors import LabError
from tests.lab.kit.guest import Guest

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def install(guest: Guest, names: tuple[str, ...], work: Path) -> None:
    """Install packages of the guest's suite in it. `names` includes every package that the image lacks.

    Raises:
        LabError: a package can't be downloaded.
    """
    packages = _download(guest.image.suite, names, work)
    for package in packages:
        guest.write_file(f"/root/{package.name}", package.read_bytes())
    files = " ".join(f"/root/{package.name}" for package in packages)
    guest.run(f"DEBIAN_FRONTEND=noninteractive dpkg -i {files}", timeout=300)


def _download(suite: str, names: tuple[str, ...], work: Path) -> list[Path]:
    for directory in ("lists/partial", "cache/archives/partial", "packages"):
        (work / directory).mkdir(parents=True, exist_ok=True)
    (work / "status").touch()
    (work / "sources.list").write_text(f"deb [signed-by={KEYRING}] {host.debian_mirror()} {suite} main\n", "utf-8")
    options = {
        "Dir::Etc::SourceList": work / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": work / "lists",
        "Dir::State::status": work / "status",
        "Dir::Cache": work / "cache",
        "APT::Sandbox::User": "root",
    }
    given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    for command in (["update"], ["download", *names]):
        done = subprocess.run(
            ["apt-get", "-qq", *given, *command], cwd=work / "packages", capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise LabError(f"apt-get {command[0]}: {done.stderr.strip()}")
    return sorted((work / "packages").glob("*.deb"))
