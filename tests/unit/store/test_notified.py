"""What mails and hooks have been sent about survives a restart; a file that makes no sense is as none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.alerting.notices import Ledger, Standing, Wish, restored
from mpathd_watch.core.alerting.pairs import Entry
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.immutable import replace
from mpathd_watch.store.files import WriteError
from mpathd_watch.store.notified import load, path, save
from tests.factories import NOW, at

ENTRY = Entry("map_lost", Priority.CRIT, "mpatha is lost.", {"WWID": "3600", "MAP": "ü"})
STANDING = Standing(ENTRY, at(-7200), at(-60), made=3, delivered=True)


@pytest.mark.parametrize(
    "standing",
    [
        STANDING,
        replace(STANDING, delivered=False),
        replace(STANDING, end=replace(ENTRY, event="map_recovered")),
        replace(STANDING, end=replace(ENTRY, event="path_reinstated"), settles=at(30).monotonic),
    ],
)
def test_what_is_saved_is_loaded_and_goes_on(tmp_path: Path, standing: Standing) -> None:
    file = path(tmp_path, "mail")
    save(file, {"mail": {"map 3600": standing}})
    loaded = load(file)
    now = at(100)
    assert restored(loaded["mail"], now) == restored({"map 3600": standing}, now)
    known = restored(loaded["mail"], now).standing["map 3600"]
    assert known.since.monotonic == pytest.approx(at(-7200).monotonic)
    assert known.entry == ENTRY


def test_everybody_may_read_it_and_nothing_else_is_left(tmp_path: Path) -> None:
    save(path(tmp_path, "hooks"), {})
    assert [(each.name, each.stat().st_mode & 0o777) for each in tmp_path.iterdir()] == [("notified-hooks.json", 0o644)]


def test_a_directory_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(WriteError):
        save(path(tmp_path / "gone", "mail"), {})
    with pytest.raises(FileNotFoundError):
        load(path(tmp_path / "gone", "mail"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
good = json.loads(
    '{"entry": {"event": "e", "priority": 2, "message": "m", "fields": {}}, "since": 1, "sent": 2, "made": 1,'
    ' "delivered": true, "end": null, "settles": false}'
)


@settings(deadline=None)  # it writes a file
@given(st.sampled_from(sorted(good)), json_values)
def test_a_damaged_file_is_a_value_error_or_makes_sense(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    file = tmp_path_factory.mktemp("state") / "notified-mail.json"
    file.write_text(json.dumps({"mail": {"x": {**good, key: value}}}))
    try:
        loaded = load(file)
    except ValueError:
        return
    ledger = restored(loaded["mail"], NOW)
    assert isinstance(ledger, Ledger)
    ledger.due(Wish(Priority.WARNING, frozenset(), 60.0), NOW)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"{", b'{"mail": 1}', b'{"mail": {"x": 1}}', b"[" * 100_000])
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes) -> None:
    file = path(tmp_path, "mail")
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        load(file)


def test_a_file_that_is_far_too_large_is_refused(tmp_path: Path) -> None:
    file = path(tmp_path, "mail")
    with file.open("wb") as opened:
        opened.truncate((64 << 20) + 1)
    with pytest.raises(ValueError, match="too large"):
        load(file)
