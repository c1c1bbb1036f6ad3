"""What the host must have: tools from Debian packages, and a Debian mirror."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.lab.kit.errors import LabError

TOOLS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "xz": "xz-utils",
    "zstd": "zstd",
    "mkfs.ext4": "e2fsprogs",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
"""Command on the host -> the Debian package that brings it."""

APT_DIR = Path("/etc/apt")


def ensure_root(what: str) -> None:
    """Raise LabError unless running as root. `what` is what needs it."""
    if os.geteuid() != 0:
        raise LabError(f"{what} needs root")


def ensure_tools(tools: Mapping[str, str] = TOOLS) -> None:
    """Install the Debian packages whose tools are missing when running as root on Debian.

    Raises:
        LabError: tools are missing and can't be installed from here; the one line names the packages.
    """
    packages = sorted({package for tool, package in tools.items() if shutil.which(tool, path=_path()) is None})
    if not packages:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LabError(f"these Debian packages are needed: {' '.join(packages)}")
    print(f"installing {' '.join(packages)}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "-qq", "update"],
        ["apt-get", "-qq", "-y", "--no-install-recommends", "install", *packages],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"{' '.join(command)}: {done.stderr.strip()}")


def debian_mirror() -> str:
    """Return the URI of the Debian archive that this host's own apt uses.

    Raises:
        LabError: no apt source of this host serves the Debian archive.
    """
    codename = _os_release().get("VERSION_CODENAME", "")
    for uri, suite in _apt_sources():
        if suite == codename and not uri.rstrip("/").endswith("-security"):
            return uri.rstrip("/")
    raise LabError(f"no source of the Debian archive for '{codename}' among the apt sources of this host")


def accepts_old_archives() -> bool:
    """Return whether this host's own apt accepts a Release file whose Valid-Until has passed."""
    return b"'false'" in run("apt-config", "shell", "VALUE", "Acquire::Check-Valid-Until/b")


def run(*command: str | Path, cwd: Path | None = None, stdin: bytes | None = None) -> bytes:
    """Run a command of the host and return its output.

    Raises:
        LabError: it failed; with the end of its standard error.
    """
    done = subprocess.run([str(word) for word in command], cwd=cwd, input=stdin, capture_output=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{command[0]} failed: {done.stderr.decode(errors='replace').strip()[-2000:]}")
    return done.stdout


def fetch(uri: str, timeout: float = 10.0) -> bytes | None:
    """Return the contents of `uri`, or None when it can't be had within `timeout` seconds per read."""
    try:
        with urllib.request.urlopen(uri, timeout=timeout) as reply:  # noqa: S310 - the URI is from root's apt sources
            contents: bytes = reply.read()
    except OSError:
        return None
    return contents


def _path() -> str:
    # Administrators' tools are off the PATH of an ordinary user.
    return f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"


def _os_release() -> dict[str, str]:
    values = {}
    for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        key, separator, value = line.partition("=")
        if separator:
            values[key] = value.strip('"')
    return values


def _apt_sources() -> Iterator[tuple[str, str]]:
    """Yield (URI, suite) for each binary source of this host, in both formats of apt."""
    lists = [APT_DIR / "sources.list", *sorted((APT_DIR / "sources.list.d").glob("*.list"))]
    for path in lists:
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                match = re.match(r"deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)", line)
                if match:
                    yield match[1], match[2]
    for path in sorted((APT_DIR / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text(encoding="utf-8")):
            fields = dict(re.findall(r"^(\S+):\s*(.*)$", stanza, re.MULTILINE))
            if "deb" in fields.get("Types", "").split() and fields.get("Enabled", "yes") != "no":
                for uri in fields.get("URIs", "").split():
                    for suite in fields.get("Suites", "").split():
                        yield uri, suite
