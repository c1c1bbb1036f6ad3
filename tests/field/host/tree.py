"""Files below one directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tree:
    """What is below ``root``; every path is relative to it."""

    root: Path

    def write(self, path: str, text: str) -> Path:
        """Write a file, with its directories."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return target

    def append(self, path: str, text: str) -> None:
        """Add to a file that may not exist yet."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("a", encoding="utf-8") as file:
            file.write(text)

    def link(self, path: str, to: str) -> None:
        """A symbolic link, to what may not be there; one that exists is replaced."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.symlink_to(to)


def attributes(directory: Path, **values: object) -> None:
    """Write attributes of sysfs, one a file; a ``/`` in a name makes a directory."""
    for place in {directory.joinpath(name).parent for name in values}:
        place.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        (directory / name).write_text(f"{value}\n", encoding="utf-8")


def relative_link(link: Path, to: Path) -> None:
    """A link as sysfs has them."""
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(to, link.parent))
