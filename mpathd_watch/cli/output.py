"""What a command prints for people: one line when it fails, and colour only where it is wanted."""

from __future__ import annotations

import os
import sys


class UsageError(Exception):
    """An option or the configuration is wrong, in one line for people. The command exits 2."""


def fail(text: str, status: int = 1) -> int:
    """Print why the command fails. Returns ``status``, the exit status."""
    print(f"mpathd-watch: {text}", file=sys.stderr)
    return status


def is_colourful() -> bool:
    """Whether to print colours: on a terminal only, and only if NO_COLOR is not set (no-color.org)."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ
