"""Which multipath-tools is installed, out of dpkg's database."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.formats.multipath_conf import Version
from mpathd_watch.sources.configuration import dpkg
from mpathd_watch.sources.configuration.dpkg import STATUS, installed_version

OTHER = """Package: multipath-tools-boot
Status: install ok installed
Architecture: all
Version: 0.8.5-2
Depends: multipath-tools (>= 0.8.5)
Description: Support booting from multipath devices
 Package: multipath-tools
 .
 Version: 9.9.9

"""


def package(version: str = "0.9.4-3+deb12u1", status: str = "install ok installed") -> str:
    return f"""Package: multipath-tools
Status: {status}
Priority: optional
Source: multipath-tools
Version: {version}
Config-Version: 0.1.2-3
Description: maintain multipath block device access

"""


def installed(root: Path, text: str | bytes) -> Version | None:
    file = root / STATUS
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return installed_version(root)


@pytest.mark.parametrize(
    ("spelled", "version"),
    [
        ("0.9.4-3+deb12u1", (0, 9, 4)),
        ("0.11.1-2", (0, 11, 1)),
        ("0.15.1", (0, 15, 1)),
        ("1:0.9.4-3", (0, 9, 4)),
        ("0.9.4~git2-1", (0, 9, 4)),
        ("0.12-1", (0, 12, 0)),
        ("0.12+dfsg-1", (0, 12, 0)),
    ],
)
def test_the_upstream_version_is_what_counts(tmp_path: Path, spelled: str, version: Version) -> None:
    assert installed(tmp_path, OTHER + package(spelled) + OTHER) == version
    assert installed(tmp_path, package(spelled).rstrip("\n") + "\n") == version  # no empty line behind the last


@pytest.mark.parametrize(
    "spelled", ["", "git", "0", "0.9.4.1-1", "0x9.1", "99999999.0.1", "-1", "1:2:0.9.4", "\u0660.\u0669.\u0664"]
)
def test_a_version_that_makes_no_sense_is_none(tmp_path: Path, spelled: str) -> None:
    assert installed(tmp_path, package(spelled)) is None


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ("install ok installed", True),
        ("hold ok installed", True),
        ("deinstall ok config-files", False),
        ("install ok unpacked", False),
        ("install reinstreq installed", False),
        ("install ok not-installed", False),
    ],
)
def test_only_what_is_installed_counts(tmp_path: Path, status: str, counts: bool) -> None:
    assert (installed(tmp_path, package(status=status)) is not None) is counts


def test_other_packages_do_not_count_nor_the_text_of_a_description(tmp_path: Path) -> None:
    assert installed(tmp_path, OTHER) is None
    assert installed(tmp_path, f"Package: multipath-tools\n\n{OTHER}") is None
    assert installed(tmp_path, "") is None


def test_a_database_that_is_none_is_no_error(tmp_path: Path) -> None:
    assert installed_version(tmp_path) is None
    (tmp_path / STATUS).mkdir(parents=True)
    assert installed_version(tmp_path) is None
    (tmp_path / STATUS).rmdir()
    os.mkfifo(tmp_path / STATUS)
    assert installed_version(tmp_path) is None


@pytest.mark.parametrize("size", [1, 2, 7, 40, 100, 1000])
def test_it_does_not_matter_where_a_piece_of_the_file_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(dpkg, "_CHUNK", size)
    assert installed(tmp_path, "Depends:Package: multipath-tools\nStatus: install ok installed\nVersion: 9.9\n") is None
    assert installed(tmp_path, OTHER + package("0.8.8-1", "deinstall ok config-files") + package() + OTHER) == (0, 9, 4)
    assert installed(tmp_path, OTHER + package()) == (0, 9, 4)


def test_the_text_of_a_large_database_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed(tmp_path, f"Conffiles: {'x' * 1_000_000}\n\n{package()}") == (0, 9, 4)
    monkeypatch.setattr(dpkg, "_CHUNK", 100)
    monkeypatch.setattr(dpkg, "_LONGEST", 300)
    endless = "Package: multipath-tools\n" + "Depends: x\n" * 100
    assert installed(tmp_path, endless + package()) is None


def test_the_amount_that_is_read_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = package()
    monkeypatch.setattr(dpkg, "MAX_BYTES", len(text) + 1)
    assert installed(tmp_path, text) == (0, 9, 4)
    assert installed(tmp_path, OTHER + text) is None


@settings(deadline=None, max_examples=50)
@given(st.permutations(package().splitlines(keepends=True)), st.binary(max_size=30))
def test_whatever_the_file_holds_there_is_a_version_or_none(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], more: bytes
) -> None:
    root = tmp_path_factory.getbasetemp() / "any-dpkg"
    assert installed(root, "".join(lines).encode() + more) in (None, (0, 9, 4))
