"""node_exporter as a peer: which program is started, and how it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.peers import ABOUT, NODE_EXPORTER, about
from benchmarks.peers.exporter import NAMES, PROGRAM, exporter, program

SYSFS = Path("/simulated/sys")


def installed(directory: Path, name: str, *options: str) -> str:
    """A program that writes a version and options as node_exporter does."""
    path = directory / name
    lines = "\n".join(options)
    path.write_text(
        f'#!/bin/sh\ncase "$1" in\n--version) echo "node_exporter, version 1.5.0 (branch: x)" >&2 ;;\n'
        f"*) cat <<'END'\n{lines}\nEND\nesac\n"
    )
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("option", ["--collector.dmmultipath", "      --[no-]collector.dmmultipath"])
def test_only_its_collector_for_multipath_is_measured_if_it_has_one(option: str, tmp_path: Path) -> None:
    name, command = exporter(installed(tmp_path, "node_exporter", "--collector.cpu", option), 9104, SYSFS)
    assert name == "node_exporter 1.5.0, dmmultipath"
    assert command[1:] == [
        "--web.listen-address=127.0.0.1:9104",
        "--collector.disable-defaults",
        "--collector.dmmultipath",
        "--path.sysfs=/simulated/sys",
    ]
    assert about(name) == ABOUT[NODE_EXPORTER]


def test_another_version_is_measured_with_its_defaults_and_named_so(tmp_path: Path) -> None:
    name, command = exporter(installed(tmp_path, "node_exporter", "--collector.cpu"), 9104, SYSFS)
    assert name == "node_exporter 1.5.0, default collectors"
    assert command[1:] == ["--web.listen-address=127.0.0.1:9104"]


def test_the_program_is_found_by_its_names_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(PROGRAM, raising=False)
    assert program() is None
    found = [installed(tmp_path, name) for name in reversed(NAMES)]
    assert program() == found[-1]
    monkeypatch.setenv(PROGRAM, found[0])
    assert program() == found[0]
