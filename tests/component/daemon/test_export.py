"""``mpathd-watch export-config`` as a process: what root runs for the daemon at each start and reload."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mpathd_watch.core.formats.open_iscsi import keys
from mpathd_watch.daemon import export
from mpathd_watch.sources.configuration import RootOnlyError, files
from mpathd_watch.sources.configuration.root_only import parse
from tests.component.process import PATIENCE

NODE = "var/lib/iscsi/nodes/iqn.2024-01.org.example:disks/192.0.2.1,3260,1/default"
SECRET = "correct-horse-battery"  # noqa: S105


@pytest.fixture
def root(tmp_path: Path) -> Path:
    file = tmp_path / "host" / NODE
    file.parent.mkdir(parents=True)
    file.write_text(f"{keys.REPLACEMENT_TIMEOUT} = 15\nnode.session.auth.password = {SECRET}\n")
    return tmp_path / "host"


def run(*arguments: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "mpathd_watch", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # our own program
    return done.returncode, done.stdout, done.stderr


def test_it_prints_what_it_would_pass_on(root: Path) -> None:
    status, told, errors = run("export-config", "--root", str(root))
    assert (status, errors) == (0, "")
    (node,) = parse(told.encode()).records
    assert node.record.entries[keys.REPLACEMENT_TIMEOUT].value == 15
    assert SECRET not in told
    assert len(told.splitlines()) > 10


def test_it_writes_it_and_says_nothing(root: Path, tmp_path: Path) -> None:
    status, told, errors = run("export-config", "--root", str(root), "--output", str(tmp_path / "root-only.json"))
    assert (status, told, errors) == (0, "", "")
    assert parse((tmp_path / "root-only.json").read_bytes()).records
    assert (tmp_path / "root-only.json").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("output", ["none/export.json", "link/export.json", "open/export.json", "taken"])
def test_what_it_can_not_write_is_one_line(root: Path, tmp_path: Path, output: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "taken").mkdir()
    status, told, errors = run("export-config", "--root", str(root), "--output", str(tmp_path / output))
    assert (status, told) == (1, "")
    assert len(errors.splitlines()) == 1
    assert str(tmp_path) in errors
    assert list((tmp_path / "open").iterdir()) == []


def test_files_on_something_that_hangs_are_one_line(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_arguments: object) -> None:
        os.read(os.pipe()[0], 1)

    monkeypatch.setattr(files, "_records", hang)
    monkeypatch.setattr(export, "DEADLINE", 0.1)
    with pytest.raises(
        RootOnlyError, match=r"has not ended within 0\.1 s; the last file is .*iscsid\.conf; see dmesg$"
    ):
        export.shown(root)
