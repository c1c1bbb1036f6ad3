"""Files below a directory: links never lead out of it, and nothing that is read blocks or raises."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpathd_watch.sources.reading import tree as reading
from mpathd_watch.sources.reading.tree import Tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host in ``root``, and beside it what must not be read: the host that reads."""
    (tmp_path / "outside").write_text("outside")
    directory = tmp_path / "root"
    (directory / "etc").mkdir(parents=True)
    (directory / "etc/fstab").write_text("inside")
    return directory


@pytest.fixture
def tree(root: Path) -> Tree:
    return Tree(root)


def test_a_file_is_read_by_its_path_with_or_without_a_slash(tree: Tree) -> None:
    assert tree.text("etc/fstab") == tree.text("/etc/./fstab") == tree.text("/etc/../etc//fstab") == "inside"
    assert tree.names("etc") == ["fstab"]
    assert tree.exists("etc/fstab")
    assert tree.mark("etc/fstab") == tree.mark("/etc/fstab") != ()


def test_what_does_not_exist_is_nothing(tree: Tree) -> None:
    for path in ("none", "etc/none/x", "etc/fstab/x", "a\0b", "x" * 5000):
        assert tree.content(path) is None
        assert tree.text(path) is None
        assert tree.names(path) == []
        assert tree.link(path) == ""
        assert not tree.exists(path)
        assert tree.mark(path) == ()


@pytest.mark.parametrize(
    "target", ["../../outside", "/../outside", "/outside", "../../../../../../../../outside", "{out}"]
)
def test_a_link_never_leads_out_of_the_directory(root: Path, tree: Tree, target: str) -> None:
    (root / "etc/link").symlink_to(target.format(out=root.parent / "outside"))
    assert tree.text("etc/link") is None
    (root / "outside").write_text("of the other host")
    assert tree.text("etc/link") == (None if target == "{out}" else "of the other host")


def test_an_absolute_link_means_the_file_of_the_same_host(root: Path, tree: Tree) -> None:
    (root / "usr/lib").mkdir(parents=True)
    (root / "usr/lib/unit").write_text("a unit")
    (root / "lib").symlink_to("usr/lib")
    (root / "etc/units").symlink_to("/lib")
    (root / "etc/unit").symlink_to("/lib/unit")
    assert tree.text("etc/unit") == tree.text("etc/units/unit") == "a unit"
    assert tree.names("etc/units") == ["unit"]
    assert tree.link("etc/unit") == "/lib/unit"
    assert tree.link("etc/fstab") == ""


def test_a_parent_of_a_link_is_that_of_its_target(root: Path, tree: Tree) -> None:
    (root / "a/b").mkdir(parents=True)
    (root / "a/file").write_text("a")
    (root / "link").symlink_to("a/b")
    assert tree.text("link/../file") == "a"


def test_cycles_of_links_end(root: Path, tree: Tree) -> None:
    (root / "self").symlink_to("self")
    (root / "one").symlink_to("two/x")
    (root / "two").symlink_to("one")
    (root / "up").symlink_to(".")
    for path in ("self", "self/x", "one", "two/y"):
        assert tree.content(path) is None
        assert tree.names(path) == []
        assert tree.mark(path) == ()
        assert not tree.exists(path)
    assert tree.link("self/x") == ""
    assert tree.text("up/" * (reading.MAX_LINKS - 1) + "etc/fstab") == "inside"
    assert tree.text("up/" * (reading.MAX_LINKS + 1) + "etc/fstab") is None


def test_what_is_no_regular_file_is_not_opened(root: Path, tree: Tree) -> None:
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(root / "socket"))
    (root / "null").symlink_to("/dev/null")
    for path in ("fifo", "socket", "etc", "null", ""):
        assert tree.content(path) is None
    assert tree.names("fifo") == []


def test_a_file_that_is_exchanged_before_it_is_opened(root: Path, tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(root / "fifo")
    plain = os.lstat(root / "etc/fstab")
    monkeypatch.setattr(os, "lstat", lambda _path: plain)
    assert tree.content("fifo") is None
    (root / "link").symlink_to(root.parent / "outside")
    monkeypatch.setattr(os, "readlink", lambda _path: (_ for _ in ()).throw(OSError))
    assert tree.content("link") is None


def test_a_file_that_is_too_large_is_not_read(root: Path, tree: Tree) -> None:
    (root / "etc/fstab").write_bytes(b"x" * 5)
    assert tree.content("etc/fstab", 5) == b"x" * 5
    assert tree.content("etc/fstab", 4) is None
    with (root / "huge").open("wb") as file:
        file.truncate(1 << 40)
    assert tree.content("huge") is None


def test_a_directory_with_very_many_names_is_read_in_part(root: Path, tree: Tree) -> None:
    for number in range(20):
        (root / f"etc/{number}").touch()
    assert len(tree.names("etc", 10)) == 10
    assert len(tree.names("etc")) == 21


def test_a_file_that_can_not_be_read_does_not_exist(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_more: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", refuse)
    assert tree.content("etc/fstab") is None
    monkeypatch.setattr(os, "scandir", refuse)
    assert tree.names("etc") == []


def test_below_the_root_of_this_host_links_are_followed_as_ever(root: Path) -> None:
    (root / "link").symlink_to(root.parent / "outside")
    (root / "self").symlink_to("self")
    tree = Tree(Path("/"))
    assert tree.text(f"{root}/link") == tree.text(f"{root}/link".lstrip("/")) == "outside"
    assert tree.mark(f"{root}/link") == tree.mark(f"{root.parent}/outside")
    assert tree.link(f"{root}/link") == f"{root.parent}/outside"
    assert tree.names(f"{root}/etc/../etc") == ["fstab"]
    for path in ("self", "none", "etc"):
        assert tree.content(f"{root}/{path}") is None


def test_a_text_may_be_no_utf_8(root: Path, tree: Tree) -> None:
    (root / "etc/fstab").write_bytes(b"\xff\xc3\xa9")
    assert tree.text("etc/fstab") == "\udcff\u00e9"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="/.ae\0", max_size=20))
def test_no_path_leads_out(root: Path, path: str) -> None:
    found = Tree(root).resolved(path)
    assert found is None or found == root or root in found.parents
