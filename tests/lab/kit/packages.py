"""Debian packages that only one scenario needs: downloaded on the host, because the guest has no network.

The product's own packages of earlier commits are built on the host.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from tests.lab.kit import host
from tests.lab.kit.errors import LabError
from tests.lab.kit.guest import Guest
from tests.lab.kit.image import EXCLUDED_FILES

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
TREE = Path(__file__).parents[3]
LISTS, ARCHIVES = "/var/lib/apt/lists", "/var/cache/apt/archives"
"""Where apt keeps what it has downloaded."""

QUIET = (
    *("-y", "-qq", "--no-download", "-o", "APT::Install-Recommends=false", "-o", "Dpkg::Options::=--force-confold"),
    *("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-unsafe-io"),
)
"""How apt works in the guest: with what it has, and without a question."""


def install(guest: Guest, names: tuple[str, ...], work: Path) -> None:
    """Install packages of the guest's suite in it. `names` includes every package that the image lacks.

    Raises:
        LabError: a package can't be downloaded.
    """
    options = _prepared(guest.image.suite, work)
    (work / "packages").mkdir()
    _apt_get(options, "download", *names, directory=work / "packages")
    packages = sorted((work / "packages").glob("*.deb"))
    for package in packages:
        guest.write_file(f"/root/{package.name}", package.read_bytes())
    files = " ".join(f"/root/{package.name}" for package in packages)
    guest.run(f"DEBIAN_FRONTEND=noninteractive dpkg -i {files}", timeout=300)


def provide(guest: Guest, suite: str, request: tuple[str, ...], work: Path) -> list[str]:
    """Give the guest all that its apt needs for `request` from `suite`, and return the packages that were downloaded.

    `request` is what apt-get is asked for later, for example ("full-upgrade",). apt computes on the host what the
    guest lacks, by the guest's own list of packages.

    Raises:
        LabError: a package can't be downloaded, or the request can't be met.
    """
    options = _prepared(suite, work, guest.read_file("/var/lib/dpkg/status"))
    _apt_get(options, "-y", "-o", "APT::Install-Recommends=false", "--download-only", *request)
    guest.write_file("/etc/apt/sources.list", (work / "sources.list").read_bytes())
    # What the image lacks need not come with the packages either.
    excluded = "".join(f"path-exclude={pattern}\n" for pattern in EXCLUDED_FILES)
    guest.write_file("/etc/dpkg/dpkg.cfg.d/lab", excluded)
    guest.run(f"rm -rf /etc/apt/sources.list.d/* {LISTS}/*; mkdir -p {LISTS}/partial {ARCHIVES}/partial")
    packages = sorted((work / "cache/archives").glob("*.deb"))
    for directory, files in ((LISTS, sorted((work / "lists").iterdir())), (ARCHIVES, packages)):
        for file in files:
            if file.is_file() and file.name != "lock":
                guest.write_file(f"{directory}/{file.name}", file.read_bytes())
    return [package.name.partition("_")[0] for package in packages]


def apt(guest: Guest, request: tuple[str, ...], log: str, timeout: float) -> None:
    """Let apt in the guest do what was provided for. What it prints is in the guest's file `log`."""
    words = " ".join((*QUIET, *request))
    guest.run(f"DEBIAN_FRONTEND=noninteractive apt-get {words} >{log} 2>&1 </dev/null", timeout=timeout)


def built(commit: str) -> bytes:
    """Return the product's Debian package of a commit, built without its tests.

    Raises:
        LabError: the history lacks the commit, or the package can't be built.
    """
    with tempfile.TemporaryDirectory(prefix="mpathd-watch-lab-built-") as name:
        host.run("git", "clone", "-q", "--no-checkout", TREE, name)
        host.run("git", "-C", name, "checkout", "-q", commit)
        environment = {**os.environ, "DEB_BUILD_OPTIONS": "nocheck"}
        done = subprocess.run(
            ["tools/build-deb"], cwd=name, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise LabError(f"the package of {commit} can't be built: {done.stderr.strip()[-2000:]}")
        return next(Path(name).glob("dist/mpathd-watch_*_all.deb")).read_bytes()


def _prepared(suite: str, work: Path, status: bytes = b"") -> list[str]:
    """Fetch the lists of a suite into `work`; return apt's options for it. `status`: what dpkg has installed."""
    for directory in ("lists/partial", "cache/archives/partial"):
        (work / directory).mkdir(parents=True, exist_ok=True)
    (work / "status").write_bytes(status)
    (work / "sources.list").write_text(f"deb [signed-by={KEYRING}] {host.debian_mirror()} {suite} main\n", "utf-8")
    options = {
        "Dir::Etc::SourceList": work / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Dir::State::Lists": work / "lists",
        "Dir::State::status": work / "status",
        "Dir::State::extended_states": work / "extended_states",
        "Dir::Cache": work / "cache",
        "Dir::Log": work,
        "APT::Sandbox::User": "root",
        "APT::Keep-Downloaded-Packages": "true",
        "Acquire::Languages": "none",
        "Debug::NoLocking": "true",
    }
    given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    _apt_get(given, "update")
    return given


def _apt_get(options: list[str], *command: str, directory: Path | None = None) -> None:
    done = subprocess.run(
        ["apt-get", "-qq", *options, *command], cwd=directory, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise LabError(f"apt-get {' '.join(command)}: {done.stderr.strip()}")
