"""What takes long to make from Debian packages is kept, under a key of the recipe and the state of the archive."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.kit import debian, host
from tests.lab.kit.errors import LabError

Builder = Callable[[str, Path], Path]
"""Makes something from the packages of a mirror, in a work directory; returns the directory that is to be kept."""

COMPLETE = "complete"


def cache_directory() -> Path:
    """Return where images, chroots and saved guests are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mpathd-watch-lab"


def get(name: str, suite: str, recipe: str, build: Builder) -> Path:
    """Return the directory that `build` makes, from the cache if it is there for this recipe and this archive state.

    `name` and `recipe` name it. Several processes may ask at the same time: one builds, the others wait.

    Raises:
        LabError: a build step failed, or the archive can't be reached and nothing is cached.
    """
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f"{name}.lock"):
        mirror = host.debian_mirror()
        release = host.fetch(f"{mirror}/dists/{suite}/InRelease")
        if release is None:
            # Offline: one of the same recipe is better than none.
            cached = sorted(cache.glob(f"{name}-{recipe}-*/{COMPLETE}"), key=lambda path: path.stat().st_mtime)
            if not cached:
                raise LabError(f"the Debian archive can't be reached and no {name} is cached")
            return cached[-1].parent
        directory = cache / f"{name}-{recipe}-{hashlib.sha256(release).hexdigest()[:8]}"
        if not (directory / COMPLETE).exists():
            _remove_outdated(cache, name, days=1.0 if suite == debian.UNSTABLE else 7.0)
            _keep(build, mirror, directory)
        return directory


def _keep(build: Builder, mirror: str, directory: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="mpathd-watch-lab-image-") as work:
        result = build(mirror, Path(work))
        shutil.rmtree(directory, ignore_errors=True)
        # The cache may be on another file system than the work directory.
        staging = directory.with_name(f".{directory.name}.new")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        host.run("cp", "-a", "--sparse=always", f"{result}/.", staging)
        staging.rename(directory)
        (directory / COMPLETE).touch()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_outdated(cache: Path, name: str, days: float) -> None:
    for directory in cache.glob(f"{name}-*-*"):
        if directory.is_dir() and time.time() - directory.stat().st_mtime > days * 86400:
            shutil.rmtree(directory)
