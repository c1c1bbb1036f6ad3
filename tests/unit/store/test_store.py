"""The store: what waits for the disk, what a restart reads of it, and its bounds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from math import inf
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.effects import (
    FindingsAnnounced,
    IncidentChanged,
    IncidentEnded,
    Kept,
    MapChanged,
    MapDropped,
    NexusAnnounced,
    OutageChanged,
    OutageDropped,
    OutageEnded,
    Remember,
)
from mpathd_watch.core.model.incident import Incident
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import ExpectedMap, ExpectedPath, KeptMap, Memory, OpenOutage
from mpathd_watch.core.model.outage import Gap, Judgement, Outage, PathStates
from mpathd_watch.core.model.vocabulary import Cause, Health, MapHealth, Verdict
from mpathd_watch.immutable import replace
from mpathd_watch.store import pending as pending_module
from mpathd_watch.store import writer
from mpathd_watch.store.database import NAME, StoreError
from mpathd_watch.store.directly import replace_expected
from mpathd_watch.store.drills import kept_drill
from mpathd_watch.store.expected import read_expected
from mpathd_watch.store.lock import Lock, TakenError
from mpathd_watch.store.opening import open_to_write
from mpathd_watch.store.pending import Contents, Pending
from mpathd_watch.store.pruning import Limits, prune, size
from mpathd_watch.store.reopening import Opened, open_store
from mpathd_watch.store.rows import MOST_STATES, OUTAGE_COLUMNS, KeptOutage, outage_row
from mpathd_watch.store.schema import APPLICATION, MIGRATIONS, VERSION
from mpathd_watch.store.writer import Run, Writer
from tests.histories import BEGAN, drill_report

NOW = Instant(5_000.0, 1_700_000_000.0)
Value = TypeVar("Value")
WWID, MAP, PATH = "36001405a", "mpatha", "192.168.2.1:3260"
LIMITS = Limits(730, 100)


def outage(number: int = 0, **fields: object) -> Outage:
    return replace(Outage(f"{number:016x}", NOW.later(number), Cause.NOP_TIMEOUT), **fields)  # type: ignore[arg-type]


def changed(of: Outage, health: Health = Health.STALLED, at: Instant = NOW) -> OutageChanged:
    return OutageChanged(
        OpenOutage(WWID, MAP, f"{PATH}-{of.id}", of, health, at, health), PathStates(health.value, "active"), at
    )


def ended(of: Outage, end: Instant = NOW) -> OutageEnded:
    final = replace(of, reinstated=end, judgement=Judgement(verdict=Verdict.WITHIN_BUDGET))
    return OutageEnded(WWID, MAP, f"{PATH}-{of.id}", final, PathStates("up", "active"))


def map_changed(health: MapHealth, was: MapHealth = MapHealth.HEALTHY, at: Instant = NOW) -> MapChanged:
    return MapChanged(WWID, MAP, was, KeptMap(health, at, health, at), at)


class Store:
    """A store in a directory, as one daemon has it."""

    def __init__(self, directory: Path, limits: Limits = LIMITS, boot: str = "one", began: Instant = NOW) -> None:
        self.path = directory / NAME
        opened = open_store(self.path, boot)
        self.opened: Opened = opened
        self.pending = Pending(opened.contents)
        self.writer = Writer(directory, self.pending, Run("0", boot, began), limits)
        self.writer.begin(opened)
        self.writer.watch()

    def keep(self, *kept: Kept, at: Instant = NOW) -> Store:
        for each in kept:
            self.pending.put(each)
        self.writer.write(at)
        return self

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.path)) as database:
            return database.execute(query).fetchall()


def again(directory: Path, boot: str = "one") -> Opened:
    opened = open_store(directory / NAME, boot)
    opened.connection.close()
    return opened


def open_of(memory: Memory) -> list[OpenOutage]:
    return [known for paths in memory.outages.values() for known in paths.values()]


# --- what is read again -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("replacement", [inf, 5.0, None])
def test_an_outage_is_kept_whatever_the_timeouts_were(tmp_path: Path, replacement: float | None) -> None:
    timeouts = frozen({"replacement_timeout": replacement, "noop_out_interval": 5.0})
    store = Store(tmp_path).keep(changed(outage(timeouts=timeouts)))
    assert [known.outage.timeouts for known in open_of(again(tmp_path).memory)] == [timeouts]
    stored = None if replacement == inf else replacement
    [(text,)] = store.rows("SELECT timeouts FROM outages")
    assert json.loads(str(text)) == {"replacement_timeout": stored, "noop_out_interval": 5.0}


def test_what_goes_on_is_read_as_it_was(tmp_path: Path) -> None:
    gap = Gap(NOW.earlier(5), NOW, booted=True)
    of = outage(stalled=NOW, unwatched=(gap,))
    expected = ExpectedMap(MAP, {PATH: ExpectedPath(proven=1.5)})
    Store(tmp_path).keep(
        changed(of), map_changed(MapHealth.AT_RISK), NexusAnnounced("n", "NIC eth1"), Remember(WWID, expected)
    )
    memory = again(tmp_path).memory
    assert [known.outage for known in open_of(memory)] == [of]
    assert memory.maps[WWID].health is MapHealth.AT_RISK
    assert memory.lost == {"n": "NIC eth1"}
    assert memory.expected == {WWID: expected}
    assert (memory.alive, memory.same_boot) == (NOW, True)
    assert not again(tmp_path, "two").memory.same_boot
    assert not again(tmp_path, "").memory.same_boot


def test_an_outage_that_an_older_version_kept_goes_on(tmp_path: Path) -> None:
    Store(tmp_path).keep(changed(outage(stalled=NOW)))
    with closing(sqlite3.connect(tmp_path / NAME)) as database, database:
        database.execute("UPDATE outages SET resume = json_set(resume, '$.outage.shared', json('true'))")
    assert [known.outage for known in open_of(again(tmp_path).memory)] == [outage(stalled=NOW)]


def test_the_findings_that_were_announced_are_the_last_ones(tmp_path: Path) -> None:
    store = Store(tmp_path).keep(FindingsAnnounced(frozenset({"a", "b"})))
    assert again(tmp_path).memory.findings == {"a", "b"}
    store.keep(FindingsAnnounced(frozenset({"b"})))
    store.keep(NexusAnnounced("n", ""))
    assert again(tmp_path).memory.findings == {"b"}


@pytest.mark.parametrize("value", ["{", "{}", "[1]", 7, None])
def test_findings_that_make_no_sense_are_none(tmp_path: Path, value: object) -> None:
    Store(tmp_path).keep(FindingsAnnounced(frozenset({"a"}))).writer.end(NOW)
    with closing(sqlite3.connect(tmp_path / NAME, isolation_level=None)) as other:
        other.execute("UPDATE meta SET value = ? WHERE key = 'findings'", (value,))
    assert again(tmp_path).memory.findings == frozenset()


def test_the_evidence_of_an_outage_is_that_of_its_beginning_over_restarts(tmp_path: Path) -> None:
    of = outage(stalled=NOW)
    store = Store(tmp_path).keep(replace(changed(of), evidence="NIC eth1 has no carrier"), changed(of))
    assert store.rows("SELECT evidence FROM outages") == [("NIC eth1 has no carrier",)]
    later = Store(tmp_path).keep(changed(of, Health.FAILED), ended(of))
    assert later.rows("SELECT evidence FROM outages") == [("NIC eth1 has no carrier",)]


def test_what_is_expected_is_not_read_while_another_process_changes_it(tmp_path: Path) -> None:
    Store(tmp_path).keep(Remember(WWID, ExpectedMap(MAP))).writer.end(NOW)
    with closing(sqlite3.connect(tmp_path / NAME, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="locked"):
            read_expected(tmp_path)
    assert read_expected(tmp_path).keys() == {WWID}


def test_what_is_over_is_not_read_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.keep(changed(outage(1)), changed(outage(2)), changed(outage(3, failed=NOW)), map_changed(MapHealth.LOST))
    store.keep(NexusAnnounced("n", ""), Remember(WWID, ExpectedMap(MAP)))
    store.keep(ended(outage(1)), OutageDropped(outage(2).id, real=False), OutageDropped(outage(3).id, real=True))
    store.keep(MapDropped(WWID), NexusAnnounced("n", None), Remember(WWID, None), OutageDropped("unknown", real=True))
    memory = again(tmp_path).memory
    assert (memory.outages, memory.maps, memory.lost, memory.expected) == ({}, {}, {}, {})
    assert store.rows("SELECT id, verdict, reinstated_most IS NULL FROM outages ORDER BY id") == [
        (outage(1).id, "within_budget", 0),
        (outage(3).id, "unobserved", 1),
    ]
    assert store.rows("SELECT was, health FROM map_changes") == [("healthy", "lost")]


def test_a_range_is_stored_as_one_and_as_unbounded_across_a_boot() -> None:
    end = NOW.later(10)
    seen = outage(failed=end, unwatched=(Gap(NOW.later(2), end),))
    names = dict(zip(OUTAGE_COLUMNS, outage_row(KeptOutage(WWID, MAP, PATH, seen)), strict=True))
    assert (names["failed_least"], names["failed_most"]) == (2_000_000, 10_000_000)
    booted = replace(seen, unwatched=(Gap(NOW.later(2), end, booted=True),))
    assert booted.between(NOW, end).most == inf
    names = dict(zip(OUTAGE_COLUMNS, outage_row(KeptOutage(WWID, MAP, PATH, booted)), strict=True))
    assert (names["failed_least"], names["failed_most"]) == (2_000_000, None)
    inherited = replace(seen, inherited=True, unwatched=(Gap(NOW.earlier(3), NOW),))
    names = dict(zip(OUTAGE_COLUMNS, outage_row(KeptOutage(WWID, MAP, PATH, inherited)), strict=True))
    assert (names["began_earliest"], names["began"]) == (1_699_999_997_000_000, 1_700_000_000_000_000)


def test_the_states_of_a_path_are_kept_one_for_each_change_and_not_without_end(tmp_path: Path) -> None:
    store, of = Store(tmp_path), outage()
    store.keep(changed(of), changed(of), changed(of, Health.FAILED, NOW.later(2)))
    (text,) = store.rows("SELECT states FROM outages")[0]
    assert json.loads(str(text)) == [
        [0, "stalled", "active", "", "", "", ""],
        [2000000, "failed", "active", "", "", "", ""],
    ]
    for second in range(2 * MOST_STATES):
        health = Health.FAILED if second % 2 else Health.RECOVERING
        store.pending.put(changed(of, health, NOW.later(3.0 + second)))
    store.writer.write(NOW)
    (text,) = store.rows("SELECT states FROM outages")[0]
    states = json.loads(str(text))
    assert len(states) == MOST_STATES
    assert (states[0][0], states[-1][0]) == (0, (3 + 2 * MOST_STATES - 1) * 1_000_000)
    # They go on after a restart.
    assert len(again(tmp_path).contents.outages[of.id].states) == MOST_STATES  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["\udcff\udc80", "a\0b", "漢字" * 50, "'; DROP TABLE outages; --", ""])
def test_names_of_any_bytes_are_stored(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path)
    of = outage()
    store.keep(
        OutageChanged(OpenOutage(name, name, name, of, Health.FAILED, NOW, Health.UP), PathStates("failed"), NOW)
    )
    store.keep(Remember(name, ExpectedMap(name, {name: ExpectedPath(nexus=name)})), NexusAnnounced(name, name))
    assert len(open_of(again(tmp_path).memory)) == 1
    assert again(tmp_path).skipped == 0


# --- incidents, and an older database ---------------------------------------------------------------------------------

INCIDENT = Incident(
    "00c0ffee00c0ffee",
    began=NOW,
    until=NOW.later(20),
    ties=frozenset({"nexus s", "map w"}),
    maps=frozenset({"w"}),
    took=2,
    out=1,
    real=NOW.later(1),
    causes=frozenset({Cause.NOP_TIMEOUT}),
    what="session s",
    worst=MapHealth.AT_RISK,
    entries=2,
)


def test_an_incident_that_goes_on_is_read_as_it_was_and_one_that_is_over_stays_in_the_history(tmp_path: Path) -> None:
    over = replace(INCIDENT, id="1" * 16)
    store = Store(tmp_path).keep(IncidentChanged(INCIDENT), IncidentChanged(over), IncidentEnded(over, NOW.later(9)))
    opened = again(tmp_path)
    assert opened.memory.incidents == {INCIDENT.id: INCIDENT}
    assert opened.skipped == 0
    assert sorted(store.rows("SELECT id, ended IS NULL, worst, causes, paths, maps FROM incidents")) == [
        (INCIDENT.id, 1, "at_risk", '["nop_timeout"]', 2, 1),
        ("1" * 16, 0, "at_risk", '["nop_timeout"]', 2, 1),
    ]
    store.keep(IncidentEnded(INCIDENT, NOW.later(9)))
    assert again(tmp_path).memory.incidents == {}


def test_an_outage_has_its_incident(tmp_path: Path) -> None:
    of = changed(outage())
    known = replace(of, open=replace(of.open, incident=INCIDENT.id))
    store = Store(tmp_path).keep(known)
    assert open_of(again(tmp_path).memory)[0].incident == INCIDENT.id
    store.keep(replace(ended(outage()), incident=INCIDENT.id))
    assert store.rows("SELECT incident FROM outages") == [(INCIDENT.id,)]


def test_a_database_of_the_first_version_is_taken_over_with_all_that_is_in_it(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / NAME, isolation_level=None)) as first:
        for statement in MIGRATIONS[0]:
            first.execute(statement)
        first.execute(f"PRAGMA application_id = {APPLICATION}")
        first.execute("PRAGMA user_version = 1")
        columns = [name for name in OUTAGE_COLUMNS if name != "incident"]
        row = [value for name, value in zip(OUTAGE_COLUMNS, outage_row(kept()), strict=True) if name != "incident"]
        marks = ", ".join("?" * len(columns))
        first.execute(f"INSERT INTO outages ({', '.join(columns)}) VALUES ({marks})", row)  # noqa: S608  # names of ours
    opened = again(tmp_path)
    assert opened.note == ""
    assert len(open_of(opened.memory)) == 1
    store = Store(tmp_path).keep(IncidentChanged(INCIDENT))
    assert store.rows("PRAGMA user_version") == [(VERSION,)]
    assert not list(tmp_path.glob("*.corrupt"))


def kept() -> KeptOutage:
    of = changed(outage())
    return KeptOutage(WWID, MAP, of.open.path, of.open.outage, (), of.open)


# --- what waits -------------------------------------------------------------------------------------------------------

things = st.one_of(
    st.builds(lambda number: changed(outage(number, failed=NOW)), st.integers(0, 3)),
    st.builds(lambda number: ended(outage(number, failed=NOW)), st.integers(0, 3)),
    st.builds(lambda number, real: OutageDropped(outage(number).id, real), st.integers(0, 3), st.booleans()),
    st.builds(map_changed, st.sampled_from(MapHealth), st.sampled_from(MapHealth)),
    st.just(MapDropped(WWID)),
    st.builds(NexusAnnounced, st.sampled_from("ab"), st.sampled_from(["", "x", None])),
    st.builds(FindingsAnnounced, st.frozensets(st.sampled_from("abc"))),
    st.builds(
        lambda number, out: IncidentChanged(replace(INCIDENT, id=f"{number:016x}", out=out)),
        st.integers(0, 3),
        st.integers(0, 2),
    ),
    st.builds(lambda number: IncidentEnded(replace(INCIDENT, id=f"{number:016x}"), NOW), st.integers(0, 3)),
    st.builds(Remember, st.sampled_from("ab"), st.sampled_from([ExpectedMap("m"), None])),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(things, st.booleans(), st.booleans())))
def test_whatever_fails_meanwhile_the_same_is_written_in_the_end(steps: list[tuple[Kept, bool, bool]]) -> None:
    """With every write at once, and with writes that fail and are tried again later."""
    direct, waiting = Pending(Contents.nothing()), Pending(Contents.nothing())
    written, late = Contents.nothing(), Contents.nothing()
    for kept, write, fails in steps:
        direct.put(kept)
        written = _apply(written, direct.take())
        waiting.put(kept)
        if write:
            taken = waiting.take()
            if fails:
                waiting.give_back(taken)
            else:
                late = _apply(late, taken)
    late = _apply(late, waiting.take())
    written = _apply(written, direct.take())
    assert late == written
    assert waiting.waiting == 0


def _apply(database: Contents, taken: Contents) -> Contents:
    """What a database does with what is written to it."""
    _put(database.outages, taken.outages)
    database.incidents.update(taken.incidents)
    _put(database.maps, taken.maps)
    _put(database.expected, taken.expected)
    _put(database.lost, taken.lost)
    database.changes.extend(taken.changes)
    return database if taken.findings is None else replace(database, findings=taken.findings)


def _put(present: dict[str, Value | None], changes: dict[str, Value | None]) -> None:
    for key, value in changes.items():
        if value is None:
            present.pop(key, None)
        else:
            present[key] = value


def test_the_oldest_of_the_past_is_lost_when_too_much_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_module, "MOST_PAST", 3)
    pending = Pending(Contents.nothing())
    for number in range(5):
        pending.put(ended(outage(number)))
        pending.put(map_changed(MapHealth.LOST, at=NOW.later(number)))
    for number in range(10, 20):
        pending.put(changed(outage(number)))
    taken = pending.take()
    assert pending.lost == 4
    assert {int(key, 16) for key in taken.outages} == {2, 3, 4, *range(10, 20)}
    assert [change.at for change in taken.changes] == [NOW.later(number) for number in (2, 3, 4)]


def test_what_waits_is_bounded_also_where_it_only_has_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with paths that were suspect for a moment, again and again, while the disk is full."""
    monkeypatch.setattr(pending_module, "MOST_PAST", 3)
    pending = Pending(Contents.nothing())
    for number in range(20):
        pending.put(changed(outage(number)))
        pending.put(OutageDropped(outage(number).id, real=False))
        pending.give_back(pending.take())
    assert pending.waiting == 3
    assert pending.lost == 17
    assert set(pending.take().outages) == {outage(number).id for number in (17, 18, 19)}


def test_an_outage_that_goes_on_after_all_is_not_among_those_that_may_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_module, "MOST_PAST", 1)
    pending = Pending(Contents.nothing())
    pending.put(changed(outage(1)))
    pending.put(OutageDropped(outage(1).id, real=False))
    pending.put(changed(outage(1)))
    pending.put(ended(outage(2)))
    pending.put(ended(outage(3)))
    assert set(pending.take().outages) == {outage(1).id, outage(3).id}


def test_much_is_taken_in_parts_the_oldest_first_and_drills_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_module, "AT_ONCE", 3)
    pending = Pending(Contents.nothing())
    made = kept_drill(drill_report(), BEGAN + 120)
    assert pending.put_drill(made)
    pending.put(NexusAnnounced("n", ""))
    for number in range(5):
        pending.put(ended(outage(number)))
        pending.put(map_changed(MapHealth.LOST, at=NOW.later(number)))
    first = pending.take()
    assert [*first.outages] == [outage(number).id for number in range(3)]
    assert ([change.at for change in first.changes], first.drills) == ([NOW.later(n) for n in range(3)], [])
    assert first.lost == {"n": ""}
    pending.give_back(first)
    assert pending.take().outages == first.outages
    second = pending.take()
    assert [*second.outages] == [outage(3).id, outage(4).id]
    assert ([change.at for change in second.changes], second.drills) == ([NOW.later(3), NOW.later(4)], [made])
    assert pending.waiting == 0
    assert pending.take().is_empty()


def test_the_end_writes_all_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_module, "AT_ONCE", 2)
    store = Store(tmp_path)
    for number in range(5):
        store.pending.put(ended(outage(number)))
    store.writer.end(NOW)
    assert store.rows("SELECT count(*) FROM outages") == [(5,)]
    assert store.rows("SELECT clean FROM runs") == [(1,)]


def test_a_database_that_is_gone_is_made_again_with_all_that_goes_on(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    store = Store(directory).keep(changed(outage(1)), map_changed(MapHealth.LOST), NexusAnnounced("n", ""))
    for file in directory.iterdir():
        file.unlink()
    directory.rmdir()
    store.keep(changed(outage(2)))
    memory = again(directory).memory
    assert {known.outage.id for known in open_of(memory)} == {outage(1).id, outage(2).id}
    assert memory.maps.keys() == {WWID}
    assert memory.lost == {"n": ""}


def test_what_can_not_be_written_is_written_later(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    store = Store(directory)
    store.path.rename(tmp_path / "elsewhere")
    store.path.mkdir()
    with pytest.raises(StoreError) as raised:
        store.keep(changed(outage(1)))
    assert str(store.path) in str(raised.value)
    assert store.pending.waiting == 1
    store.path.rmdir()
    store.keep()
    assert [known.outage.id for known in open_of(again(directory).memory)] == [outage(1).id]


def test_an_outage_that_nobody_knows_when_the_store_is_back_has_an_unseen_end(tmp_path: Path) -> None:
    Store(tmp_path).keep(changed(outage(1)), map_changed(MapHealth.LOST), NexusAnnounced("n", "")).writer.end(NOW)
    late = Writer(tmp_path, Pending(Contents.nothing()), Run("0", "two", NOW), LIMITS)
    late.write(NOW)
    memory = again(tmp_path).memory
    assert (memory.outages, memory.maps, memory.lost) == ({}, {}, {})
    with closing(sqlite3.connect(tmp_path / NAME)) as database:
        assert database.execute("SELECT verdict FROM outages").fetchall() == [("unobserved",)]
    late.end(NOW)


def test_an_outage_keeps_its_drill_when_it_is_written_again(tmp_path: Path) -> None:
    store = Store(tmp_path).keep(changed(outage()))
    path = {"wwid": WWID, "map": MAP, "path": f"{PATH}-{outage().id}", "proven": True}
    began = NOW.wall - 1
    made = kept_drill(drill_report(began, paths=[path]), NOW.wall + 120)
    assert store.pending.put_drill(made)
    assert store.pending.waiting == 1
    store.keep(changed(outage(), Health.FAILED))
    store.keep(ended(outage(), NOW.later(9)))
    assert store.rows("SELECT drill, verdict FROM outages") == [("d" * 16, "within_budget")]


def test_a_drill_that_could_not_be_written_waits() -> None:
    pending = Pending(Contents.nothing())
    made = [kept_drill(drill_report(id=f"{number:016x}"), BEGAN + 120) for number in range(2)]
    assert pending.put_drill(made[0])
    taken = pending.take()
    assert not taken.is_empty()
    assert pending.put_drill(made[1])
    pending.give_back(taken)
    pending.write_all_again()
    assert pending.take().drills == made
    assert pending.take().is_empty()


def test_a_run_is_clean_only_if_it_ended_in_order(tmp_path: Path) -> None:
    Store(tmp_path).keep()
    store = Store(tmp_path, began=NOW.later(50))
    store.writer.end(NOW.later(60))
    assert store.rows("SELECT clean, alive_mono FROM runs ORDER BY id") == [(0, 5_000_000_000), (1, 5_060_000_000)]


def test_a_daemon_that_ends_before_it_knows_the_present_is_not_the_last_to_watch(tmp_path: Path) -> None:
    Store(tmp_path).keep(at=NOW.later(20)).writer.end(NOW.later(30))
    opened = open_store(tmp_path / NAME, "one")
    writer = Writer(tmp_path, Pending(opened.contents), Run("0", "one", NOW.later(50)), LIMITS)
    writer.begin(opened)
    writer.write(NOW.later(51))
    writer.end(NOW.later(52))
    assert again(tmp_path).memory.alive == NOW.later(30)
    Store(tmp_path, began=NOW.later(60)).writer.end(NOW.later(61))
    assert again(tmp_path).memory.alive == NOW.later(61)


# --- bounds -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Five hundred outages, one a day, of which the last goes on."""
    store = Store(tmp_path)
    for number in range(500):
        of = outage(number * 86_400, failed=NOW)
        store.pending.put(changed(of) if number == 499 else ended(of))
        store.pending.put(map_changed(MapHealth.LOST, at=of.began))
    store.writer.end(NOW)
    connection, _ = open_to_write(tmp_path / NAME)
    yield connection
    connection.close()


def test_what_is_too_old_goes_and_what_goes_on_stays(filled: sqlite3.Connection) -> None:
    assert prune(filled, Limits(10, 100), NOW.wall + 1000 * 86_400, None)
    assert filled.execute("SELECT count(*) FROM outages").fetchone() == (1,)
    assert filled.execute("SELECT count(*) FROM map_changes").fetchone() == (0,)


@pytest.mark.parametrize("limits", [Limits(10, 100), Limits(36_500, 1)])
def test_it_takes_several_turns_if_it_takes_long(
    filled: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, limits: Limits
) -> None:
    monkeypatch.setattr("mpathd_watch.store.pruning.AT_ONCE", 100)
    monkeypatch.setattr("mpathd_watch.store.pruning.PAGES_AT_ONCE", 40)
    monkeypatch.setattr("mpathd_watch.store.pruning.LEFT", 0.1)
    filled.execute("CREATE TABLE filler (data)")
    filled.execute("INSERT INTO filler VALUES (zeroblob(1000000))")
    filled.execute("DROP TABLE filler" if limits.days == 10 else "SELECT 1")
    turns, days = 1, 1000 if limits.days == 10 else 0
    while not prune(filled, limits, NOW.wall + days * 86_400, None, seconds=0.0):
        turns += 1
    assert turns > 3
    assert filled.execute("SELECT count(*) FROM outages").fetchone() < (500,)
    assert filled.execute("PRAGMA freelist_count").fetchone() == (0,)


def test_the_oldest_go_if_it_is_too_much(filled: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpathd_watch.store.pruning.AT_ONCE", 20)
    filled.execute("CREATE TABLE filler (data)")
    filled.execute("INSERT INTO filler VALUES (zeroblob(550000))")
    before = size(filled)
    assert before < 1 << 20
    prune(filled, Limits(36_500, 1), NOW.wall, None)
    assert filled.execute("SELECT count(*) FROM outages").fetchone() == (500,)
    filled.execute("INSERT INTO filler VALUES (zeroblob(300000))")
    prune(filled, Limits(36_500, 1), NOW.wall, None)
    count, oldest = filled.execute("SELECT count(*), min(began) FROM outages").fetchone()
    assert 1 < count < 500
    assert oldest > NOW.wall * 1e6
    assert size(filled) <= 1 << 20


def test_too_much_goes_within_a_minute_also_while_outages_come_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mpathd_watch.store.pruning.AT_ONCE", 50)
    monkeypatch.setattr(writer, "SIZED_AFTER", 10_000)
    store = Store(tmp_path, Limits(36_500, 1)).keep()  # the first write looks at what there is
    for number in range(6_000):
        store.pending.put(ended(outage(number, failed=NOW)))
    with closing(sqlite3.connect(store.path)) as connection:
        while store.pending.waiting:
            store.keep(at=NOW.later(30))
        assert size(connection) > 1 << 20
        store.keep(at=NOW.later(61))
        assert size(connection) <= 1 << 20
    assert store.rows("SELECT count(*) FROM outages") == [(store.writer.outages,)]


def test_too_much_goes_sooner_if_much_has_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpathd_watch.store.pruning.AT_ONCE", 50)
    monkeypatch.setattr(writer, "SIZED_AFTER", 2_000)
    store = Store(tmp_path, Limits(36_500, 1)).keep()
    for number in range(6_000):
        store.pending.put(ended(outage(number, failed=NOW)))
    with closing(sqlite3.connect(store.path)) as connection:
        while store.pending.waiting:
            store.keep()
        assert size(connection) <= 1 << 20


@pytest.mark.parametrize(("leap", "left"), [(365 * 86_400.0 * 3, 1), (-86_400.0, 1)])
def test_a_clock_that_is_set_wrong_removes_nothing(tmp_path: Path, leap: float, left: int) -> None:
    Store(tmp_path).keep(ended(outage(1))).writer.end(NOW)
    began = Instant(NOW.monotonic + 60, NOW.wall + leap)
    store = Store(tmp_path, began=began)
    store.keep(at=began)
    assert store.rows("SELECT count(*) FROM outages") == [(left,)]


# --- one daemon, and commands beside it -------------------------------------------------------------------------------


def test_only_one_holds_the_lock(tmp_path: Path) -> None:
    first = Lock(tmp_path)
    with pytest.raises(TakenError):
        Lock(tmp_path)
    first.release()
    Lock(tmp_path).release()
    with pytest.raises(OSError, match="directory"):
        Lock(tmp_path / "none")


def test_what_is_expected_is_read_and_replaced_without_a_daemon(tmp_path: Path) -> None:
    assert read_expected(tmp_path) == {}
    replace_expected(tmp_path, WWID, ExpectedMap(MAP, {PATH: ExpectedPath()}))
    assert read_expected(tmp_path) == {WWID: ExpectedMap(MAP, {PATH: ExpectedPath()})}
    replace_expected(tmp_path, WWID, None)
    assert read_expected(tmp_path) == {}
    lock = Lock(tmp_path)
    with pytest.raises(StoreError, match="a daemon uses it"):
        replace_expected(tmp_path, WWID, None)
    lock.release()
    with closing(sqlite3.connect(tmp_path / NAME)) as database:
        database.execute("INSERT INTO expected VALUES (x'00', 'm', '{}')")
        database.execute("PRAGMA user_version = 99")
        database.commit()
    with pytest.raises(StoreError, match="not a store of this version"):
        read_expected(tmp_path)
    with closing(sqlite3.connect(tmp_path / NAME)) as database:
        database.execute("PRAGMA user_version = 1")
    assert read_expected(tmp_path) == {}
    (tmp_path / NAME).write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError):
        read_expected(tmp_path)
