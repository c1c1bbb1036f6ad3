"""The journal's entries about one outage, with a library in place of python-systemd that returns what that returns."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from types import ModuleType, TracebackType
from typing import Any, ClassVar, Self

import pytest

from mpathd_watch.sources.journal import MOST, JournalEntry, JournalError, entries_of

BEGAN = 1_795_388_995.0


class Reader:
    """The part of systemd.journal.Reader that is used."""

    entries: ClassVar[list[dict[str, Any]]] = []
    others: ClassVar[int] = 1
    failure: ClassVar[OSError | None] = None
    asked: ClassVar[list[object]] = []

    def __init__(self, path: str | None = None) -> None:
        if self.failure is not None:
            raise self.failure
        self.asked.append(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.asked.append("closed")

    def get_previous(self) -> dict[str, Any]:
        return {}

    def get_next(self) -> dict[str, Any]:
        return {"MESSAGE": "another"} if self.others else {}

    def add_match(self, match: str) -> None:
        self.asked.append(match)

    def seek_realtime(self, seconds: float) -> None:
        self.asked.append(seconds)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.entries)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> type[Reader]:
    class Fresh(Reader):
        entries: ClassVar[list[dict[str, Any]]] = []
        asked: ClassVar[list[object]] = []

    module = ModuleType("systemd.journal")
    module.Reader = Fresh  # type: ignore[attr-defined]
    package = ModuleType("systemd")
    package.journal = module  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "systemd", package)
    monkeypatch.setitem(sys.modules, "systemd.journal", module)
    return Fresh


def test_entries_are_read_by_the_id_from_before_the_outage_on(reader: type[Reader]) -> None:
    reader.entries[:] = [
        {
            "__REALTIME_TIMESTAMP": datetime.fromtimestamp(BEGAN + 15, UTC),
            "PRIORITY": 4,
            "MPATHD_WATCH_EVENT": "path_stalled",
            "MESSAGE": "mpio: stalled",
        }
    ]
    assert entries_of("1f0c", BEGAN) == [JournalEntry(BEGAN + 15, "warning", "path_stalled", "mpio: stalled")]
    assert reader.asked == [None, "MPATHD_WATCH_OUTAGE=1f0c", BEGAN - 3600, "closed"]


def test_what_other_programs_write_is_text_or_left_out(reader: type[Reader]) -> None:
    reader.entries[:] = [
        {"MESSAGE": b"\xff", "PRIORITY": "high", "MPATHD_WATCH_EVENT": ["first", "second"]},
        {"MESSAGE": [], "PRIORITY": 99},
        {"MESSAGE": 7, "PRIORITY": []},
    ]
    assert entries_of("1f0c", BEGAN) == [
        JournalEntry(0.0, "", "first", "\udcff"),
        JournalEntry(0.0, "", "", ""),
        JournalEntry(0.0, "", "", ""),
    ]


def test_no_more_entries_are_read_than_can_be_shown(reader: type[Reader]) -> None:
    reader.entries[:] = [{"MESSAGE": "again"}] * (MOST + 1)
    assert len(entries_of("1f0c", BEGAN)) == MOST


def test_a_journal_that_cannot_be_read_is_one_line(reader: type[Reader], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "failure", PermissionError(13, "Permission denied"))
    with pytest.raises(JournalError, match=r"can't be read: .*Permission denied"):
        entries_of("1f0c", BEGAN)


def test_a_journal_without_any_entry_is_one_that_this_user_may_not_read(
    reader: type[Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "others", 0)
    with pytest.raises(JournalError, match="members of the group systemd-journal may"):
        entries_of("1f0c", BEGAN)


def test_a_host_without_the_library_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "systemd.journal", None)
    with pytest.raises(JournalError, match="python3-systemd is not installed"):
        entries_of("1f0c", BEGAN)


def test_the_real_library_reads_an_empty_directory(tmp_path: Any) -> None:
    pytest.importorskip("systemd.journal")
    with pytest.raises(JournalError, match="there is no journal"):
        entries_of("1f0c", BEGAN, str(tmp_path))
    with pytest.raises(JournalError, match="No such file"):
        entries_of("1f0c", BEGAN, str(tmp_path / "none"))
