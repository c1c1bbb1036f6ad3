"""What root passes on to the daemon: all that counts and nothing secret; and what the daemon takes for such."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mpathd_watch
from mpathd_watch.core.formats.multipath_conf import resolver
from mpathd_watch.core.formats.open_iscsi import keys
from mpathd_watch.sources.configuration import RootOnly, RootOnlyError, dump, read, read_root_only
from mpathd_watch.sources.configuration import root_only as module
from mpathd_watch.sources.configuration.root_only import from_child, parse

IQN = "iqn.2024-01.org.example:lab.disks"
SECRET = "correct-horse-battery"  # noqa: S105
NODES = f"var/lib/iscsi/nodes/{IQN}"
WWID = "360000000000000000e00000000010001"


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.fixture
def host(tmp_path: Path) -> Path:
    for number in range(3):
        put(
            tmp_path,
            f"{NODES}/192.0.2.{number},3260,1/default",
            f"# BEGIN RECORD 2.1.11\nnode.name = {IQN}\nnode.startup = automatic\n"
            f"{keys.REPLACEMENT_TIMEOUT} = {number}\n"
            f"node.session.auth.password = {SECRET}\n{keys.NOOP_OUT_TIMEOUT} = {SECRET}\n# END RECORD\n",
        )
    put(tmp_path, "etc/iscsi/iscsid.conf", f"{keys.NOOP_OUT_TIMEOUT} = 5\nnode.session.auth.username = {SECRET}\n")
    put(tmp_path, "etc/multipath/wwids", f"# Multipath wwids, Version : 1.0\n#/{SECRET}/\n/{WWID}/\n/two\n//\n x/3/\n")
    (tmp_path / NODES / "192.0.2.9,3260").symlink_to("/dev/null")
    return tmp_path


def document(host: Path) -> Any:
    return json.loads(dump(read_root_only(host)))


def test_what_is_read_is_what_is_passed_on(host: Path) -> None:
    found = read_root_only(host)
    assert parse(dump(found).encode()) == parse(dump(found, indent=2).encode()) == found
    assert [node.record.entries[keys.REPLACEMENT_TIMEOUT].value for node in found.records] == [0, 1, 2]
    assert found.iscsid is not None
    assert found.wwids == frozenset({WWID})
    assert [each.path.rpartition("/")[2] for each in found.unreadable] == ["192.0.2.9,3260"]
    assert any(node.record.problems for node in found.records)
    assert dump(found).isascii()


def test_no_secret_is_passed_on(host: Path) -> None:
    assert SECRET not in dump(read_root_only(host))
    assert SECRET not in dump(read_root_only(host), indent=2)


def test_a_host_without_any_of_it(tmp_path: Path) -> None:
    found = read_root_only(tmp_path)
    assert found == RootOnly(1, found.read_at, None, (), None, (), ())
    assert parse(dump(found).encode()) == found


def test_a_process_of_its_own_reads_the_same(
    host: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where the tests run before anything is installed, as for the package.
    monkeypatch.setenv("PYTHONPATH", str(Path(mpathd_watch.__file__).parents[1]))
    found, read = from_child(host), read_root_only(host)
    assert found == RootOnly(1, found.read_at, read.iscsid, read.records, read.wwids, read.conf_d, read.unreadable)
    # What lies where we happen to be is not run.
    trap = tmp_path_factory.mktemp("trap")
    (trap / "json.py").write_text("raise SystemExit(7)\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(trap)
        assert from_child(host).records == read.records


def test_the_process_finds_the_program_where_it_is_installed_apart(
    host: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = tmp_path_factory.mktemp("apart")
    put(apart, "mpathd_watch/__init__.py", "")
    put(apart, "mpathd_watch/cli.py", "import sys\n\ndef main():\n    return len(sys.argv)\n")
    monkeypatch.setattr(module, "_MODULES", str(apart))
    with pytest.raises(RootOnlyError, match="status 4"):
        from_child(host)


@pytest.mark.parametrize(
    ("program", "reported"),
    [("/bin/false", "status 1"), ("/nonexistent", "No such file"), ("/bin/true", "truncated")],
)
def test_a_process_that_fails_is_one_clause(
    host: Path, monkeypatch: pytest.MonkeyPatch, program: str, reported: str
) -> None:
    monkeypatch.setattr("sys.executable", program)
    with pytest.raises(RootOnlyError, match=reported) as caught:
        from_child(host)
    assert str(caught.value).isprintable()


def test_a_process_that_hangs_is_not_waited_for(host: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "hang"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(program))
    monkeypatch.setattr(module, "CHILD_DEADLINE", 0.2)
    with pytest.raises(RootOnlyError, match=r"longer than 0\.2 s"):
        from_child(host)


def changed(path: str, value: object) -> Callable[[Any], None]:
    """Sets what ``path`` leads to."""

    def change(found: Any) -> None:
        *way, last = path.split("/")
        for step in way:
            found = found[int(step)] if isinstance(found, list) else found[step]
        found[int(last) if isinstance(found, list) else last] = value

    return change


ENTRIES = "records/0/record/entries"


@pytest.mark.parametrize(
    "change",
    [
        changed("records/0/place/port", 65536),
        changed("records/0/place/port", -1),
        changed("records/0/place/tpgt", 10**4000),
        changed("records/0/place/address", None),
        changed("records/1/place/address", "192.0.2.0"),  # the same place twice
        changed("records/0", {}),
        changed("records", None),
        changed("iscsid", []),
        changed("wwids", "x"),
        changed("wwids", [1]),
        changed("read_at", "now"),
        changed("read_at", float("nan")),
        changed("unreadable/0/reason", "boredom"),
        changed("more", 1),
        changed(f"{ENTRIES}/node.session.auth.password", {"value": SECRET, "line": 1}),
        changed(f"{ENTRIES}/{keys.REPLACEMENT_TIMEOUT}", {"value": SECRET, "line": 1}),
        changed(f"{ENTRIES}/{keys.REPLACEMENT_TIMEOUT}", {"value": 2**31, "line": 1}),
        changed(f"{ENTRIES}/{keys.REPLACEMENT_TIMEOUT}", {"value": True, "line": 1}),
        changed(f"{ENTRIES}/{keys.STARTUP}", {"value": SECRET, "line": 1}),
        changed(f"{ENTRIES}/{keys.STARTUP}", {"value": 1, "line": 1}),
        changed(f"{ENTRIES}/{keys.STARTUP}", {"value": "manual", "line": -1}),
        changed(f"{ENTRIES}/{keys.STARTUP}", {"value": "manual", "line": 10**9}),
        changed(f"{ENTRIES}/node.name", {"value": "x", "line": 1}),
        changed("records/0/record/problems/0/line", -3),
    ],
)
def test_what_root_would_not_write_is_refused_and_not_repeated(host: Path, change: Callable[[Any], None]) -> None:
    found = document(host)
    change(found)
    with pytest.raises(RootOnlyError) as caught:
        parse(json.dumps(found).encode())
    assert "mpathd-watch export-config" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("version", [0, 2, None, "1", [], {}])
def test_another_version_is_called_that(host: Path, version: object) -> None:
    found = document(host)
    found["format"] = version
    found["what only it knows"] = True
    with pytest.raises(RootOnlyError, match="another version"):
        parse(json.dumps(found).encode())


@pytest.mark.parametrize(
    "raw",
    [b"", b"\0", b"{", b"[]", b"null", b"1" * 5000, b'"x"', b"\xff", b"[" * 100_000, b'{"format": 1' + b"0" * 5000],
)
def test_what_is_no_handover_at_all_is_refused(raw: bytes) -> None:
    with pytest.raises(RootOnlyError):
        parse(raw)


def test_one_that_was_cut_short_anywhere_is_refused(host: Path) -> None:
    raw = dump(read_root_only(host)).encode().rstrip()
    for length in range(0, len(raw), 7):
        with pytest.raises(RootOnlyError):
            parse(raw[:length])


def test_a_name_in_it_can_not_forge_a_line(host: Path) -> None:
    found = document(host)
    found["unreadable"][0]["path"] = "/x\nMESSAGE=forged\ud800"
    assert parse(json.dumps(found).encode()).unreadable[0].path.isprintable()


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(data=st.data())
def test_any_change_is_refused_or_harmless(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    root = tmp_path_factory.getbasetemp() / "any-handover"
    put(root, f"{NODES}/192.0.2.1,3260,1/default", f"{keys.REPLACEMENT_TIMEOUT} = x\nnode.startup = manual\n")
    put(root, "etc/iscsi/iscsid.conf", f"{keys.NOOP_OUT_TIMEOUT} = 5\n")
    found = place = document(root)
    while isinstance(place, (dict, list)) and place:
        step = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        inner = place[step]
        if not isinstance(inner, (dict, list)) or not inner or data.draw(st.booleans()):
            place[step] = data.draw(values)
            break
        place = inner
    try:
        taken = parse(json.dumps(found).encode())
    except RootOnlyError:
        return
    assert parse(dump(taken).encode()) == taken
    for record in (*(node.record for node in taken.records), *filter(None, [taken.iscsid])):
        assert record.entries.keys() <= keys.KEYS.keys()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(RootOnlyError):
        parse(raw)


def test_conf_d_is_handed_over_where_the_daemon_may_not_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's /etc/multipath is root's alone, for the bindings in it."""
    root, output = tmp_path / "root", tmp_path / "root-only.json"
    conf_d = root / "etc/multipath/conf.d"
    conf_d.mkdir(parents=True)
    (root / "etc/multipath.conf").write_text("defaults {\n\tpolling_interval 7\n}\n")
    (conf_d / "10.conf").write_text("defaults {\n\tpolling_interval 9\n}\n")
    (conf_d / "README").write_text("not read\n")
    output.write_text(dump(read_root_only(root)))
    real = os.scandir

    def forbidden(path: Path) -> Any:
        if Path(path) == conf_d:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr("os.scandir", forbidden)
    found = read(root, output)
    assert found.unreadable == ()
    assert resolver(found.multipath).resolve(wwid="", vendor=None, product=None).polling_interval.value == 9
    output.unlink()
    assert [each.path for each in read(root, tmp_path / "none").unreadable] == [str(conf_d)]
