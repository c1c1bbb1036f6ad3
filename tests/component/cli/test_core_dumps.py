"""A command that dies while it reads passwords leaves no core dump."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.bundles import Copy

DYING = """
import contextlib, ctypes, os, resource, sys
from mpathd_watch.cli import core_dumps, main
from mpathd_watch.sources.configuration import files

os.chdir(sys.argv.pop(1))
if sys.argv.pop(1) == "without":
    core_dumps.forbid = lambda: None

def die(*_arguments):
    print("dumpable", ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), "limit", resource.getrlimit(resource.RLIMIT_CORE)[0])
    sys.stdout.flush()
    # Only root may do this. It is as if the core were piped to a program, which the kernel does whatever the limit is.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    os.abort()

files._records = die
sys.exit(main())
"""
PATTERN = Path("/proc/sys/kernel/core_pattern")


def death(directory: Path, how: str, *arguments: str) -> tuple[bool, str]:
    """Whether the kernel has dumped the memory of a command that dies while it reads records; and what it printed."""
    directory.mkdir()
    printed = directory / "printed"
    redirected = [(os.POSIX_SPAWN_OPEN, 1, str(printed), os.O_WRONLY | os.O_CREAT, 0o600)]
    command = [sys.executable, "-c", DYING, str(directory), how, *arguments]
    # Not by subprocess, which does not return the whole status.
    pid = os.posix_spawn(sys.executable, command, os.environ, file_actions=redirected)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status), printed.read_text()


@pytest.mark.parametrize("command", ["export-config", "check", "status"])
def test_no_core_is_dumped_if_it_dies_with_passwords_in_its_memory(tmp_path: Path, command: str) -> None:
    arguments = (command, "--root", str(Copy(tmp_path).root))
    assert death(tmp_path / "with", "with", *arguments) == (False, "dumpable 0 limit 0\n")
    if os.geteuid() == 0 and not {"|", "/"} & set(PATTERN.read_text(encoding="ascii")):
        # Without the precaution there would be one: the test could have noticed it.
        assert death(tmp_path / "without", "without", *arguments)[0]
