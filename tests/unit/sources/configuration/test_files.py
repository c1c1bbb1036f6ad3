"""What an administrator has configured, out of a tree of files: all that counts, nothing secret, whatever is there."""

from __future__ import annotations

import errno
import os
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mpathd_watch.core.configuration import Configuration, Reason, Unreadable
from mpathd_watch.core.formats.multipath_conf import Code, Document
from mpathd_watch.core.formats.open_iscsi import Place, Record, keys
from mpathd_watch.sources.configuration import files, read, reader
from mpathd_watch.sources.configuration.reader import MAX_SIZE
from tests.golden import GOLDEN

CONF = GOLDEN / "conf"
IQN = "iqn.2024-01.org.example:lab.disks"
SECRET = "correct-horse-battery"  # noqa: S105
OLD = f"etc/iscsi/nodes/{IQN}"
NEW = f"var/lib/iscsi/nodes/{IQN}"
PORTAL = "192.0.2.10,3260,1"
PLACE = Place(IQN, "192.0.2.10", 3260, 1, "default")
RTO = keys.REPLACEMENT_TIMEOUT
NOTHING = Configuration(iscsid_running=None)


def put(root: Path, path: str, text: str | bytes) -> str:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(file)


def node(timeout: int) -> str:
    return f"""# BEGIN RECORD 2.1.11
node.session.auth.username = {SECRET}
node.session.auth.password = {SECRET}
{RTO} = {timeout}
# END RECORD
"""


def by_place(configuration: Configuration) -> dict[Place, Record]:
    return {node.place: node.record for node in configuration.records}


def timeouts(configuration: Configuration) -> dict[Place, int | str]:
    return {place: record.entries[RTO].value for place, record in by_place(configuration).items()}


def reasons(configuration: Configuration) -> list[tuple[str, Reason]]:
    return [(each.path, each.reason) for each in configuration.unreadable]


def failing(real: Callable[..., Any], error: int, *paths: Path) -> Callable[..., Any]:
    """``real``, but ``paths`` and what is below them fail with ``error``."""

    def call(path: Path, *arguments: Any, **named: Any) -> Any:
        if any(path == each or each in path.parents for each in paths):
            raise OSError(error, os.strerror(error), str(path))
        return real(path, *arguments, **named)

    return call


# --- what is there ----------------------------------------------------------------------------------------------------


def test_a_host_without_any_of_the_files_has_an_empty_configuration(tmp_path: Path) -> None:
    assert read(tmp_path) == read(tmp_path / "none") == NOTHING
    assert Configuration().multipath == Document()
    put(tmp_path, "etc/iscsi", "a file where a directory is expected")
    assert read(tmp_path) == NOTHING


def test_the_main_file_comes_first_and_conf_d_in_the_order_of_its_bytes(tmp_path: Path) -> None:
    text = "defaults {\n\tpolling_interval %d\n}\n"
    names = ["etc/multipath.conf", "etc/multipath/conf.d/B.conf", "etc/multipath/conf.d/a.conf"]
    paths = [put(tmp_path, name, text % number) for number, name in enumerate(names, 1)]
    for ignored in ("c.conf.bak", "conf", "d.confx"):
        put(tmp_path, f"etc/multipath/conf.d/{ignored}", text % 99)
    put(tmp_path, "etc/multipath/conf.d/.conf", text % 4)
    found = read(tmp_path)
    settings = [(section.file, section.settings[0].value) for section in found.multipath.sections]
    hidden = str(tmp_path / "etc/multipath/conf.d/.conf")
    assert settings == [(paths[0], "1"), (hidden, "4"), (paths[1], "2"), (paths[2], "3")]
    assert (found.multipath.problems, found.unreadable) == ((), ())


def test_conf_d_counts_without_the_main_file_and_is_never_taken_for_it(tmp_path: Path) -> None:
    # A bad expression in a blacklist is fatal in the main file only.
    file = put(tmp_path, "etc/multipath/conf.d/a.conf", 'blacklist {\n\tdevnode "["\n}\n')
    found = read(tmp_path).multipath
    assert [(problem.file, problem.code, problem.fatal) for problem in found.problems] == [
        (file, Code.BAD_REGEX, False)
    ]
    put(tmp_path, "etc/multipath.conf", 'blacklist {\n\tdevnode "["\n}\n')
    assert [problem.fatal for problem in read(tmp_path).multipath.problems] == [True, False]


def test_the_version_of_multipath_tools_decides_what_is_wrong(tmp_path: Path) -> None:
    put(tmp_path, "etc/multipath.conf", 'defaults {\n\tbindings_file "/etc/b"\n}\n')
    codes = []
    for version in ("0.9.4-3+deb12u1", "0.15.1-1"):
        package = f"Package: multipath-tools\nStatus: install ok installed\nVersion: {version}\n\n"
        put(tmp_path, "var/lib/dpkg/status", package)
        codes.append([each.code for each in read(tmp_path).multipath.problems])
    assert codes == [[Code.DEPRECATED_KEYWORD], [Code.IGNORED_KEYWORD]]


def test_a_symbolic_link_is_followed_and_a_dangling_one_is_no_file(tmp_path: Path) -> None:
    put(tmp_path, "srv/multipath.conf", "defaults {\n\tpolling_interval 7\n}\n")
    (tmp_path / "etc").mkdir()
    link = tmp_path / "etc/multipath.conf"
    link.symlink_to("../srv/multipath.conf")
    found = read(tmp_path).multipath
    assert [section.file for section in found.sections] == [str(link)]
    (tmp_path / "srv/multipath.conf").unlink()
    assert read(tmp_path) == NOTHING


def test_iscsid_conf_is_read(tmp_path: Path) -> None:
    file = put(tmp_path, "etc/iscsi/iscsid.conf", (CONF / "iscsid-debian13.conf").read_bytes())
    found = read(tmp_path).iscsid
    assert found is not None
    assert (found.file, found.entries[RTO].value, found.problems) == (file, 120, ())


def test_records_of_both_databases_and_both_layouts_are_found(tmp_path: Path) -> None:
    put(tmp_path, f"{OLD}/{PORTAL}/default", node(1))
    put(tmp_path, f"{OLD}/192.0.2.11,3260", node(2))
    put(tmp_path, f"{NEW}/192.0.2.12,3260,1/eth-a", node(3))
    put(tmp_path, f"{NEW}/fd00::1,3260,-1/default", node(4))
    put(tmp_path, f"{NEW}/192.0.2.13,3260", node(5))
    put(tmp_path, f"{NEW}/notes", "not a record")
    put(tmp_path, "var/lib/iscsi/nodes/README", "nor is this")
    (tmp_path / NEW / "192.0.2.14,3260,1").mkdir()
    found = read(tmp_path)
    assert timeouts(found) == {
        PLACE: 1,
        Place(IQN, "192.0.2.11", 3260, None, "default"): 2,
        Place(IQN, "192.0.2.12", 3260, 1, "eth-a"): 3,
        Place(IQN, "fd00::1", 3260, None, "default"): 4,
        Place(IQN, "192.0.2.13", 3260, None, "default"): 5,
    }
    assert by_place(found)[PLACE].file == str(tmp_path / OLD / PORTAL / "default")
    assert found.unreadable == ()


def test_the_newer_place_wins(tmp_path: Path) -> None:
    put(tmp_path, f"{OLD}/{PORTAL}/default", node(1))
    put(tmp_path, f"{NEW}/{PORTAL}/default", node(2))
    assert timeouts(read(tmp_path)) == {PLACE: 2}


def test_a_record_that_cant_be_read_in_the_newer_place_is_not_taken_from_the_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, f"{OLD}/{PORTAL}/default", node(1))
    file = put(tmp_path, f"{NEW}/{PORTAL}/default", node(2))
    monkeypatch.setattr(os, "open", failing(os.open, errno.EACCES, Path(file)))
    found = read(tmp_path)
    assert (timeouts(found), reasons(found)) == ({}, [(file, Reason.NO_PERMISSION)])


# --- what can't be read -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errno.EACCES, (Reason.NO_PERMISSION, "no permission to read it")),
        (errno.EPERM, (Reason.NO_PERMISSION, "no permission to read it")),
        (errno.EIO, (Reason.FAILED, "Input/output error")),
    ],
)
@pytest.mark.parametrize("call", ["open", "scandir"])
def test_files_and_directories_that_cant_be_opened_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: int, expected: tuple[Reason, str]
) -> None:
    files = ["etc/multipath.conf", "etc/multipath/conf.d/a.conf", "etc/iscsi/iscsid.conf", f"{NEW}/{PORTAL}/default"]
    shut = [put(tmp_path, name, "") for name in files]
    if call == "scandir":
        shut = [str(tmp_path / "etc/multipath/conf.d"), str(tmp_path / "var/lib/iscsi/nodes")]
    monkeypatch.setattr(os, call, failing(getattr(os, call), error, *map(Path, shut)))
    found = read(tmp_path)
    assert sorted(found.unreadable, key=lambda each: each.path) == [
        Unreadable(path, *expected) for path in sorted(shut)
    ]
    assert (found.multipath, found.records) == (Document(), ())


def test_an_error_without_a_text_gets_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "etc/multipath.conf", "")

    def fail(*_arguments: object) -> int:
        raise OSError

    monkeypatch.setattr(os, "open", fail)
    assert [each.text for each in read(tmp_path).unreadable] == ["it can't be read"]


def test_what_is_no_regular_file_is_named_and_never_waited_for(tmp_path: Path) -> None:
    kinds: dict[str, Callable[[Path], object]] = {
        "etc/iscsi/iscsid.conf": Path.mkdir,
        "etc/multipath.conf": os.mkfifo,
        "etc/multipath/conf.d/a.conf": os.mkfifo,
        "etc/multipath/conf.d/b.conf": lambda path: path.symlink_to("/dev/zero"),
        f"{NEW}/192.0.2.11,3260": os.mkfifo,
        f"{NEW}/{PORTAL}/default": os.mkfifo,
        f"{NEW}/{PORTAL}/eth-a": Path.mkdir,
    }
    for name, make in kinds.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        make(tmp_path / name)
    found = read(tmp_path)
    assert sorted(reasons(found)) == [(str(tmp_path / name), Reason.NOT_REGULAR) for name in sorted(kinds)]
    assert (found.multipath, found.iscsid, found.records) == (Document(), None, ())


def test_a_file_exchanged_for_a_fifo_before_it_is_opened_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = put(tmp_path, "etc/multipath.conf", "")
    before = Path(file).stat()
    Path(file).unlink()
    os.mkfifo(file)
    real = Path.stat
    monkeypatch.setattr(Path, "stat", lambda path: before if str(path) == file else real(path))
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    found = read(tmp_path)
    monkeypatch.undo()
    assert reasons(found) == [(file, Reason.NOT_REGULAR)]
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208


def test_a_file_may_have_one_mebibyte(tmp_path: Path) -> None:
    text = b"defaults {\n\tpolling_interval 7\n}\n"
    file = put(tmp_path, "etc/multipath.conf", text + b"#" * (MAX_SIZE - len(text)))
    found = read(tmp_path)
    assert (len(found.multipath.sections), found.unreadable) == (1, ())
    with Path(file).open("r+b") as huge:
        huge.truncate(1 << 40)
    found = read(tmp_path)
    assert (found.multipath, reasons(found)) == (Document(), [(file, Reason.TOO_LARGE)])


def test_a_file_that_is_not_utf_8_counts_all_the_same(tmp_path: Path) -> None:
    conf = put(tmp_path, "etc/multipath.conf", b"# pr\xe4zise\ndefaults {\n\tpolling_interval 7 # \xe9\n}\n")
    file = put(tmp_path, f"{NEW}/{PORTAL}/default", node(5).encode() + b"node.session.auth.password = \xff\xfe\n")
    put(tmp_path, "etc/iscsi/iscsid.conf", "# präzise €\n")
    found = read(tmp_path)
    assert [setting.value for setting in found.multipath.sections[0].settings] == ["7"]
    assert timeouts(found) == {PLACE: 5}
    assert reasons(found) == [(conf, Reason.NOT_UTF8), (file, Reason.NOT_UTF8)]
    assert [reason for reason in Reason if reason.counts] == [Reason.NOT_UTF8]


def test_the_number_of_records_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_RECORDS", 3)
    for number in range(3):
        put(tmp_path, f"{NEW}/192.0.2.{number},3260,1/default", node(number))
        put(tmp_path, f"{OLD}/192.0.2.{number},3260,1/default", node(9))
    found = read(tmp_path)
    assert (sorted(timeouts(found).values(), key=str), found.unreadable) == ([0, 1, 2], ())
    put(tmp_path, f"{OLD}/192.0.2.7,3260,1/default", node(7))
    found = read(tmp_path)
    assert (len(found.records), reasons(found)) == (3, [(str(tmp_path / "etc/iscsi/nodes"), Reason.TOO_MANY)])


@pytest.mark.parametrize(
    ("limit", "cut"), [(7, []), (6, [f"{NEW}/b"]), (4, [f"{NEW}/a"]), (3, [f"{NEW}/a"]), (2, [NEW]), (1, [NEW])]
)
def test_the_number_of_names_looked_at_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, cut: list[str]
) -> None:
    for name in ("a", "b"):
        for number in (1, 2):
            put(tmp_path, f"{NEW}/{name}/{number}", "")
    monkeypatch.setattr(reader, "MAX_NAMES", limit)
    assert reasons(read(tmp_path)) == [(str(tmp_path / name), Reason.TOO_MANY) for name in cut]


# --- what is secret ---------------------------------------------------------------------------------------------------


def test_a_secret_is_kept_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "etc/iscsi/iscsid.conf", node(1))
    put(tmp_path, f"{NEW}/{PORTAL}/default", node(2))
    put(tmp_path, f"{NEW}/{PORTAL}/broken", f"{SECRET}\n{RTO} = {SECRET}\n{SECRET} = \n{RTO}{SECRET}\n".encode())
    put(tmp_path, f"{NEW}/{PORTAL}/foreign", node(3).encode() + b"\xff")
    put(tmp_path, f"{NEW}/{PORTAL}/huge", node(4) * (MAX_SIZE // 100))
    found = read(tmp_path)
    problems = [node.record.problems for node in found.records]
    assert {reason for _, reason in reasons(found)} == {Reason.NOT_UTF8, Reason.TOO_LARGE}
    assert any(problems)
    kept = repr(found) + repr(pickle.dumps([found.multipath, found.iscsid and dict(found.iscsid.entries), problems]))
    assert SECRET not in kept
    assert SECRET not in "".join(each.text for each in found.unreadable)

    # Even a mistake of ours must not carry it into a traceback's text.
    def broken(*_arguments: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(files, "parse_record", broken)
    with pytest.raises(RuntimeError) as caught:
        read(tmp_path)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_name_cant_forge_a_line(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(f"{NEW}/{PORTAL}/a\nb".encode() + b"\xff")
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    assert [each.path for each in read(tmp_path).unreadable] == [f"{tmp_path}/{NEW}/{PORTAL}/a\\x0ab\\xff"]
