"""The configuration as a whole: where the parts that only root can read come from, and when it is read again."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mpathd_watch.core.configuration import Configuration, Reason, Unreadable
from mpathd_watch.core.formats.multipath_conf import NEWEST
from mpathd_watch.core.formats.open_iscsi import keys
from mpathd_watch.sources.configuration import RootOnly, RootOnlyError, dump, read, read_root_only
from mpathd_watch.sources.configuration.survey import Survey

IQN = "iqn.2024-01.org.example:lab.disks"
RECORD = f"var/lib/iscsi/nodes/{IQN}/192.0.2.1,3260,1/default"
OLD_RECORD = f"etc/iscsi/nodes/{IQN}/192.0.2.2,3260"
CONF = "etc/multipath.conf"
CONF_D = "etc/multipath/conf.d/a.conf"
ISCSID = "etc/iscsi/iscsid.conf"
WWIDS = "etc/multipath/wwids"
DPKG = "var/lib/dpkg/status"
DEFAULTS = "defaults {\n\tpolling_interval %d\n}\n"


def put(root: Path, path: str, text: str) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def record(seconds: int) -> str:
    return f"{keys.REPLACEMENT_TIMEOUT} = {seconds}\n"


def timeouts(found: Configuration) -> list[int | str]:
    return [node.record.entries[keys.REPLACEMENT_TIMEOUT].value for node in found.records]


class Host:
    """A tree of files, a handover beside it, and a clock; ``reads`` counts the reads of what is root's alone."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "host"
        self.root.mkdir()
        self.handed_over = directory / "root-only.json"
        self.now = 0.0
        self.reads = 0
        self.survey = Survey(self.root, self.handed_over, self.read, lambda: self.now)
        put(self.root, CONF, DEFAULTS % 5)
        put(self.root, CONF_D, "# nothing\n")
        put(self.root, ISCSID, "# nothing\n")
        put(self.root, RECORD, record(15))

    def read(self, root: Path) -> RootOnly:
        self.reads += 1
        return read_root_only(root)

    def hand_over(self) -> None:
        fresh = self.handed_over.with_suffix(".new")
        fresh.write_text(dump(read_root_only(self.root)))
        fresh.rename(self.handed_over)

    def process(self, pid: int, comm: str) -> None:
        put(self.root, f"proc/{pid}/comm", f"{comm}\n")


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_what_was_handed_over_is_taken_and_the_originals_are_not_read(host: Host) -> None:
    host.hand_over()
    put(host.root, RECORD, record(99))
    found = host.survey.read_changes()
    assert (timeouts(found), found.wwids, host.reads) == ([15], None, 0)
    assert found == read(host.root, host.handed_over)


def test_without_a_handover_what_is_allowed_is_read(host: Host) -> None:
    put(host.root, WWIDS, "/36000/\n")
    found = host.survey.read_changes()
    assert (timeouts(found), found.wwids, host.reads) == ([15], frozenset({"36000"}), 1)
    assert found == read(host.root)


@pytest.mark.parametrize(
    ("content", "reported"), [("{", "truncated"), ('{"format": 2}', "another version"), ("[]", "not")]
)
def test_a_handover_that_makes_no_sense_is_named_with_the_remedy(host: Host, content: str, reported: str) -> None:
    host.handed_over.write_text(content)
    found = host.survey.read_changes()
    assert (found.records, host.reads) == ((), 0)
    (unreadable,) = found.unreadable
    assert (unreadable.path, unreadable.reason) == (str(host.handed_over), Reason.FAILED)
    assert reported in unreadable.text
    assert unreadable.text.endswith("; run 'systemctl reload mpathd-watch'")


@pytest.mark.parametrize(
    ("lay", "reason"),
    [
        (Path.mkdir, Reason.NOT_REGULAR),
        (os.mkfifo, Reason.NOT_REGULAR),
        (lambda path: path.symlink_to("/dev/zero"), Reason.NOT_REGULAR),
        (lambda path: path.symlink_to(path), Reason.FAILED),
        (lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_RDWR), 1 << 40), Reason.TOO_LARGE),
    ],
)
def test_a_handover_that_can_not_be_read_is_named(host: Host, lay: Callable[[Path], object], reason: Reason) -> None:
    lay(host.handed_over)
    found = host.survey.read_changes()
    assert (found.records, host.reads) == ((), 0)
    assert [(each.path, each.reason) for each in found.unreadable] == [(str(host.handed_over), reason)]


def test_a_read_that_fails_is_named(host: Host) -> None:
    def fail(_root: Path) -> RootOnly:
        raise RootOnlyError("it took too long")

    found = Survey(host.root, None, fail).read_changes()
    assert found.unreadable == (Unreadable(str(host.root / ISCSID), Reason.FAILED, "it took too long"),)
    assert found.multipath.sections


def test_what_is_unreadable_is_named_once(host: Host) -> None:
    (host.root / OLD_RECORD).parent.mkdir(parents=True)
    os.mkfifo(host.root / OLD_RECORD)
    found = host.survey.read_changes()
    assert [each.path for each in found.unreadable] == [str(host.root / OLD_RECORD)]


def test_nothing_is_read_again_while_nothing_changes(host: Host) -> None:
    found = host.survey.read_changes()
    assert host.survey.read_changes() is found
    assert host.reads == 1
    assert host.survey.read() == found
    assert host.reads == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda root: put(root, CONF, DEFAULTS % 7),
        lambda root: (root / CONF).unlink(),
        lambda root: (root / CONF).chmod(0o600),
        lambda root: put(root, CONF_D, DEFAULTS % 7),
        lambda root: put(root, "etc/multipath/conf.d/b.conf", ""),
        lambda root: (root / CONF_D).unlink(),
        lambda root: (root / "etc/multipath").rename(root / "etc/multipath-before"),
        lambda root: put(root, ISCSID, "# more\n"),
        lambda root: put(root, WWIDS, ""),
        lambda root: put(root, RECORD, record(10)),
        lambda root: put(root, RECORD.replace("default", "eth-a"), record(10)),
        lambda root: (root / RECORD).unlink(),
        lambda root: put(root, OLD_RECORD, record(10)),
        lambda root: put(root, DPKG, "Package: multipath-tools\n"),
    ],
)
def test_any_change_has_it_read_again(host: Host, change: Callable[[Path], object]) -> None:
    host.survey.read_changes()
    change(host.root)
    host.survey.read_changes()
    assert host.reads == 2
    host.survey.read_changes()
    assert host.reads == 2


def test_an_edit_that_keeps_time_and_size_is_noticed(host: Host) -> None:
    host.survey.read_changes()
    before = (host.root / CONF).stat()
    put(host.root, CONF, DEFAULTS % 7)
    os.utime(host.root / CONF, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [setting.value for setting in host.survey.read_changes().multipath.sections[0].settings] == ["7"]


def test_a_handover_is_noticed_when_it_comes_when_it_changes_and_when_it_goes(host: Host) -> None:
    assert timeouts(host.survey.read_changes()) == [15]
    put(host.root, RECORD, record(10))
    host.hand_over()
    assert (timeouts(host.survey.read_changes()), host.reads) == ([10], 1)
    put(host.root, RECORD, record(20))
    assert timeouts(host.survey.read_changes()) == [10]
    host.hand_over()
    assert timeouts(host.survey.read_changes()) == [20]
    host.handed_over.unlink()
    put(host.root, RECORD, record(30))
    assert (timeouts(host.survey.read_changes()), host.reads) == ([30], 2)


def test_a_change_while_it_is_read_is_not_missed(host: Host) -> None:
    def read_and_change(root: Path) -> RootOnly:
        found = read_root_only(root)
        put(root, RECORD, record(16))
        return found

    survey = Survey(host.root, None, read_and_change)
    assert timeouts(survey.read_changes()) == [15]
    assert timeouts(survey.read_changes()) == [16]


def test_an_update_of_multipath_tools_is_noticed(host: Host) -> None:
    assert host.survey.read_changes().version is None
    assert host.survey.read_changes().grammar == NEWEST
    put(host.root, DPKG, "Package: multipath-tools\nStatus: install ok installed\nVersion: 0.9.4-3\n\n")
    assert host.survey.read_changes().version == (0, 9, 4)


# --- iscsid -----------------------------------------------------------------------------------------------------------


def test_iscsid_is_running_if_the_process_in_its_pidfile_is(host: Host) -> None:
    host.process(227, "iscsid")
    pidfile = put(host.root, "run/iscsid.pid", "227\n")
    assert host.survey.read_changes().iscsid_running is True
    (host.root / "proc/227/comm").write_text("sshd\n")
    assert host.survey.read_changes().iscsid_running is False
    pidfile.write_text("what?")
    assert host.survey.read_changes().iscsid_running is None
    assert host.reads == 1


def test_an_iscsid_without_a_pidfile_is_found_among_the_processes_now_and_then(host: Host) -> None:
    (host.root / "proc").mkdir()
    assert host.survey.read_changes().iscsid_running is False
    host.process(227, "iscsid")
    host.now = 59.0
    assert host.survey.read_changes().iscsid_running is False
    host.now = 60.0
    assert host.survey.read_changes().iscsid_running is True
    host.now = 61.0
    assert host.survey.read_changes().iscsid_running is True
    (host.root / "proc/227/comm").unlink()
    assert host.survey.read_changes().iscsid_running is False


def test_only_a_change_of_iscsid_makes_another_configuration(host: Host) -> None:
    found = host.survey.read_changes()
    host.process(227, "iscsid")
    put(host.root, "run/iscsid.pid", "227\n")
    other = host.survey.read_changes()
    assert other is not found
    assert host.survey.read_changes() is other
    assert (other.multipath, other.records) == (found.multipath, found.records)
