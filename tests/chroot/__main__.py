"""`python -m tests.chroot [PYTEST OPTION ...]`: run unit, golden and component tests in a chroot of Debian sid.

It needs root. The chroot is cached as the lab's images are, and never written to: the tests work on a copy of the tree.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.lab.kit import cache, debian, host
from tests.lab.kit.errors import LabError

SUITE = "sid"
CHECKOUT = Path(__file__).parent.parent.parent
ENTER = Path(__file__).parent / "enter"
TREE = "/mpathd-watch"
"""Where the copy of the tree is in the chroot."""

TOOLS = {"mmdebstrap": "mmdebstrap", "unshare": "util-linux", "setpriv": "util-linux", "git": "git"}
PACKAGES = (
    *("python3", "python3-h11", "python3-pyudev", "python3-prometheus-client", "python3-structlog", "python3-systemd"),
    *("python3-bcrypt", "python3-yaml", "openssl"),
    *("python3-pytest", "python3-pytest-xdist", "python3-hypothesis"),
    # What some tests need, and are skipped without.
    *("iproute2", "mount", "procps", "systemd"),
)
OWN_OPTIONS = ("-p", "no:cacheprovider", "--dist", "loadfile")


def main(options: list[str]) -> int:
    """Run the tests, print how it went as the last line, and return the exit status."""
    began = time.monotonic()
    # Ended from outside, there are still processes to end and directories to remove.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        host.ensure_root("a chroot")
        host.ensure_tools(TOOLS)
        root = cache.get(f"chroot-{SUITE}", SUITE, _recipe_hash(), _build)
        version = _python_of(root)
        print(f"chroot: {root}, {version}, after {time.monotonic() - began:.0f} s", flush=True)
        status = _test(root, options)
    except LabError as error:
        print(f"test-{SUITE}: FAILED: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    result = "passed" if status == 0 else f"FAILED (exit status {status})"
    print(
        f"test-{SUITE}: {result} after {time.monotonic() - began:.0f} s, on Debian {SUITE} with {version}", flush=True
    )
    return status


def _recipe_hash() -> str:
    digest = hashlib.sha256()
    for source in (__file__, debian.__file__):
        digest.update(Path(source).read_bytes())
    return digest.hexdigest()[:12]


def _build(mirror: str, work: Path) -> Path:
    print(f"making a chroot of Debian {SUITE}", flush=True)
    root = work / "root"
    debian.bootstrap(SUITE, mirror, root, PACKAGES)
    # The tree counts as installed: the daemon's child processes import nothing from their current directory.
    site = host.run("chroot", root, "python3", "-c", "import site; print(site.getsitepackages()[0])").decode().strip()
    packages = root / site.lstrip("/")
    packages.mkdir(parents=True, exist_ok=True)
    (packages / "mpathd-watch.pth").write_text(f"{TREE}\n", encoding="ascii")
    (root / TREE.lstrip("/")).mkdir()
    return root


def _python_of(root: Path) -> str:
    return host.run("chroot", root, "python3", "--version").decode().strip()


def _test(root: Path, options: list[str]) -> int:
    """Run pytest in the chroot; return its exit status."""
    # Most of the tests wait for processes, sockets and deadlines.
    numbers = ("--numprocesses", str(2 * len(os.sched_getaffinity(0))))
    pytest = ("python3", "-m", "pytest", *OWN_OPTIONS, *numbers, *options)
    process = subprocess.Popen([*debian.CONTAINED, ENTER, root, TREE, *pytest], cwd=CHECKOUT)  # noqa: S603  # our own
    try:
        return process.wait()
    finally:
        # All that it has started and mounted goes with it.
        process.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
