"""The search for secrets finds what is there: in memory, in packed files, in each spelling, across any boundary."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.guest.find_bytes import search, spellings

SECRET, CONTROL = "Kanari7x", "the-control"
SCRIPT = Path(__file__).parents[2] / "lab/guest/find_bytes.py"


def run(*arguments: str) -> Any:
    command = [sys.executable, str(SCRIPT), SECRET, CONTROL, *arguments]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)  # noqa: S603  # our own program


@given(st.binary(max_size=30), st.binary(max_size=30), st.data())
def test_each_spelling_is_found_wherever_it_is_cut(before: bytes, after: bytes, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*spellings(SECRET)]))
    whole = before + bytes(100) + spellings(SECRET)[name] + bytes(100) + after
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    parts = [whole[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    found, controlled, size = search(parts, SECRET, CONTROL)
    assert name in found
    assert (controlled, size) == (False, len(whole))


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_base64_of_any_text_with_the_secret_in_it_is_found(before: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + SECRET.encode() + after)
    assert [name for name in search([encoded], SECRET, CONTROL)[0] if name.startswith("base64")]
    without = base64.b64encode(before + after)
    assert SECRET.encode() in before + after or search([without], SECRET, CONTROL)[0] == []


def write_gzip(path: Path) -> None:
    """Two members, of which the second has no end, as of a recording that goes on."""
    path.write_bytes(gzip.compress(b"begin\n") + gzip.compress(f"x {SECRET} {CONTROL}".encode() * 50)[:-12])


def write_database(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (?)", ("x" * 5000 + SECRET + CONTROL,))


@pytest.mark.parametrize(
    "write", [write_gzip, write_database, lambda path: path.write_text(f"{SECRET} {CONTROL}")], ids=["gz", "db", "text"]
)
def test_files_and_what_is_packed_in_them(tmp_path: Path, write: Callable[[Path], None]) -> None:
    write(tmp_path / "with")
    (tmp_path / "without").write_text("nothing")
    (tmp_path / "link").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "fifo")
    found = run("files", str(tmp_path), str(tmp_path / "missing"))
    assert found["found"] == {str(tmp_path / "with"): ["as it is"]}
    assert (found["control"], found["places"]) == ([str(tmp_path / "with")], 2)


def test_the_memory_of_processes() -> None:
    program = "import sys; kept = sys.stdin.readline(), 'x' * 3000000; print('read', flush=True); sys.stdin.readline()"
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", program], **pipes) as process:  # noqa: S603  # our own program
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{SECRET} {CONTROL}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "read\n"
        try:
            found = run("memory", str(process.pid), "4194305")
        except subprocess.CalledProcessError:
            pytest.skip("NOT TESTED: the memory of a process of ours may not be read here (ptrace is restricted)")
        finally:
            process.stdin.close()
    name = f"process {process.pid}"
    assert "as it is" in found["found"][name]
    assert [*found["found"]] == found["control"] == [name]
    assert found["bytes"] > 3_000_000
