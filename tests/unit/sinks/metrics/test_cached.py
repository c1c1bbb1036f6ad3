"""What is cached equals what prometheus_client writes of the same state, after any sequence of changes."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.exposition import choose_encoder

from mpathd_watch.core.model.facts import AccessFacts, IoFacts
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.tally import Tally
from mpathd_watch.core.model.vocabulary import (
    AccessState,
    AttentionKind,
    Cause,
    CheckerState,
    DeviceState,
    DmState,
    Health,
)
from mpathd_watch.core.state import MapState, State
from mpathd_watch.core.verdicts.flapping import Flaps
from mpathd_watch.core.verdicts.io_latency import Latency
from mpathd_watch.core.verdicts.slow_path import Slowness
from mpathd_watch.daemon.replay import SHIPPED, Playback
from mpathd_watch.sinks.metrics import cached
from mpathd_watch.sinks.metrics.exposition import PLAIN_KEPT, Exposition, rendered
from mpathd_watch.sinks.metrics.path import PATHS
from mpathd_watch.sinks.view import View
from mpathd_watch.sources.recording import read
from tests.factories import NOW, make_map, make_outage, make_path, make_session, make_state, with_changes

ACCEPTS = ("", "application/openmetrics-text;version=1.0.0")
PORTALS = ("192.168.1.1:3260", "192.168.2.1:3260", "192.168.10.1:3260")


class Scraper:
    """Scrapes the same exposition again and again, in every format, and has prometheus_client judge each answer."""

    def __init__(self) -> None:
        self.view = View(make_state(), NOW)
        self._exposition = Exposition(lambda: self.view)
        self._packed = Exposition(lambda: self.view)
        """Of this one nobody ever wants plain text."""

    def check(self, state: State, now: Instant = NOW) -> None:
        self.view = View(state, now)
        for accept in ACCEPTS:
            right = rendered(self.view, choose_encoder(accept)[0]).removesuffix(b"# EOF\n")
            plain = b"".join(self._exposition.render(self._exposition.format(accept)))
            ours, _, process = plain.partition(b"# HELP process_")
            assert ours.splitlines() == right.splitlines()
            assert process
            packed = b"".join(self._exposition.render(self._exposition.format(accept, "gzip")))
            assert gzip.decompress(packed).startswith(right)
            if not accept:
                packed = b"".join(self._packed.render(self._packed.format(accept, "gzip")))
                assert gzip.decompress(packed).startswith(right)


@pytest.fixture(params=[1, 2, 32])
def _group(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "GROUP", request.param)


@pytest.mark.usefixtures("_group")
def test_a_whole_story_is_written_as_prometheus_client_writes_it() -> None:
    scraper, playback = Scraper(), Playback(lambda _: None)
    for number, (event, at) in enumerate(read(Path(str(files("mpathd_watch") / "recordings" / SHIPPED)))):
        playback.play(event, at)
        if number % 17 == 0:
            scraper.check(playback.engine.state, at)


NAMES = st.text(st.sampled_from('ab"\\\n2#é'), max_size=3)
PATH_CHANGES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "health": st.sampled_from(Health),
        "reinstatements": st.integers(0, 10**7),
        "dm": st.sampled_from(DmState),
        "io": st.none() | st.builds(IoFacts, *[st.integers(0, 10**9)] * 4),
        "failures": st.dictionaries(st.sampled_from(Cause), st.integers(0, 10**6), max_size=2).map(frozen),
        "deadline": st.none() | st.floats(0, 100).map(NOW.later),
    },
)


class Host:
    """A state that changes by itself."""

    def __init__(self, draw: st.DataObject) -> None:
        self._draw = draw
        self.state = make_state([make_map(f"lun{number}", map(make_path, PORTALS[:2])) for number in range(3)])
        self.now = NOW

    def change(self) -> None:
        """Change anything, or nothing."""
        kind = self._draw.draw(st.sampled_from(("path", "path", "path", "map", "maps", "sessions", "time", "state")))
        getattr(self, f"_change_{kind}")()

    def _maps(self, maps: Iterable[MapState]) -> None:
        self.state = replace(self.state, maps=frozen({map_.wwid: map_ for map_ in maps}))

    def _some_map(self) -> MapState | None:
        maps = list(self.state.maps.values())
        return self._draw.draw(st.sampled_from(maps)) if maps else None

    def _change_path(self) -> None:
        map_ = self._some_map()
        if map_ is None or not map_.paths:
            return
        path = self._draw.draw(st.sampled_from(list(map_.paths.values())))
        after = with_changes(path, **self._draw.draw(PATH_CHANGES))
        self._put(replace(map_, paths=frozen({**map_.paths, path.label: after})))

    def _change_map(self) -> None:
        map_ = self._some_map()
        if map_ is None:
            return
        portals = self._draw.draw(st.lists(st.sampled_from(PORTALS), unique=True))
        attentions = self._draw.draw(st.dictionaries(st.sampled_from(AttentionKind), st.integers(0, 9), max_size=2))
        self._put(
            replace(
                map_,
                label=self._draw.draw(NAMES),
                paths=frozen({portal: map_.paths.get(portal, make_path(portal)) for portal in portals}),
                attentions=frozen(attentions),
            )
        )

    def _put(self, map_: MapState) -> None:
        self._maps({**self.state.maps, map_.wwid: map_}.values())

    def _change_maps(self) -> None:
        names = self._draw.draw(st.lists(st.integers(0, 5), unique=True))
        known = {map_.wwid: map_ for map_ in self.state.maps.values()}
        fresh = [make_map(f"lun{number}", map(make_path, PORTALS[:2])) for number in names]
        self._maps(known.get(map_.wwid, map_) for map_ in fresh)

    def _change_sessions(self) -> None:
        portals = self._draw.draw(st.lists(st.sampled_from(PORTALS), unique=True))
        sessions = [make_session(portal, sid=number) for number, portal in enumerate(portals)]
        self.state = replace(self.state, nexuses=frozen({each.label: each for each in sessions}))

    def _change_time(self) -> None:
        self.now = self.now.later(self._draw.draw(st.floats(0, 100)))

    def _change_state(self) -> None:
        self.state = replace(self.state)


@pytest.mark.usefixtures("_group")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_changes_it_is_written_as_prometheus_client_writes_it(data: st.DataObject) -> None:
    scraper, host = Scraper(), Host(data)
    scraper.check(host.state, host.now)
    for _ in range(data.draw(st.integers(1, 6))):
        for _ in range(data.draw(st.integers(0, 2))):
            host.change()
        scraper.check(host.state, host.now)


CHANGES: dict[str, Any] = {
    "dev": "sdz",
    "health": Health.FAILED,
    "since": NOW,
    "deadline": NOW.later(5),
    "dm": DmState.FAILED,
    "checker": CheckerState.FAULTY,
    "marginal": True,
    "multipathd_failures": 3,
    "device": DeviceState.OFFLINE,
    "access": AccessFacts(state=AccessState.STANDBY),
    "io": IoFacts(1, 2, 3, 4),
    "io_errors": Tally(1, 1),
    "io_timeouts": Tally(1, 1),
    "failures": frozen({Cause.CHECKER: 1}),
    "reinstatements": 2,
    "outage": make_outage(),
    "flaps": Flaps((1.0,), NOW),
    "slowness": Slowness(by_latency=Latency(slow=True)),
}
"""What is exported of a path, each with another value than the path of the test has."""


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_of_a_path_that_is_exported_is_written(name: str) -> None:
    state = make_state([make_map("lun0", map(make_path, PORTALS[:2])), make_map("lun1", map(make_path, PORTALS[:2]))])
    wwid = next(iter(state.maps))
    scraper = Scraper()
    scraper.check(state)
    before = rendered(scraper.view, choose_encoder("")[0])
    scraper.check(with_path(state, wwid, **{name: CHANGES[name]}))
    assert rendered(scraper.view, choose_encoder("")[0]) != before


# --- what is written again --------------------------------------------------------------------------------------------


def pieces(block: cached.CachedBlock[Any]) -> dict[str, list[int]]:
    return {row.name: [id(piece) for piece in text.pieces] for row, text in block.texts()}


def written_again(block: cached.CachedBlock[Any], state: State) -> dict[str, int]:
    """How many pieces of each row are others after an update, where any are."""
    before = pieces(block)
    block.update(View(state, NOW), lambda: None)
    after = pieces(block)
    changed = {name: sum(one != other for one, other in zip(before[name], after[name], strict=True)) for name in after}
    return {name: number for name, number in changed.items() if number}


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> tuple[cached.CachedBlock[Any], State]:
    monkeypatch.setattr(cached, "GROUP", 2)
    state = make_state([make_map(f"lun{number}", map(make_path, PORTALS[:2])) for number in range(6)])
    block = cached.CachedBlock(PATHS)
    block.update(View(state, NOW), lambda: None)
    return block, state


def with_path(state: State, wwid: str, **changes: Any) -> State:
    map_ = state.maps[wwid]
    path = with_changes(map_.paths[PORTALS[0]], **changes)
    changed = replace(map_, paths=frozen({**map_.paths, path.label: path}))
    return replace(state, maps=frozen({**state.maps, wwid: changed}))


def test_nothing_is_written_again_while_nothing_changes(host: tuple[cached.CachedBlock[Any], State]) -> None:
    block, state = host
    assert written_again(block, replace(state, maps=frozen(dict(state.maps)))) == {}


def test_new_counters_of_a_disk_change_its_io_and_nothing_else(host: tuple[cached.CachedBlock[Any], State]) -> None:
    block, state = host
    wwid = next(iter(state.maps))
    again = written_again(block, with_path(state, wwid, io=IoFacts(1, 2, 3, 4)))
    assert again == {"path_ios_total": 1, "path_io_seconds_total": 1}


def test_a_deadline_is_written_at_each_scrape(host: tuple[cached.CachedBlock[Any], State]) -> None:
    block, state = host
    waiting = with_path(state, next(iter(state.maps)), deadline=NOW.later(5))
    written_again(block, waiting)
    assert written_again(block, waiting) == {"path_deadline_timestamp_seconds": 1}


def test_who_wants_compressed_text_only_has_no_other_kept() -> None:
    exposition = Exposition(lambda: View(make_state([make_map(f"lun{number}") for number in range(64)]), NOW))
    plain, packed = exposition.format(), exposition.format("", "gzip")

    def kept(renderings: int) -> int:
        """Bytes that a plain answer does not have to make: parts that are the same objects as the last time."""
        for _ in range(renderings):
            exposition.render(packed)
        tracemalloc.start()
        answer = exposition.render(plain)
        made = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return sum(map(len, answer)) - made

    exposition.render(packed)
    assert kept(0) < 0
    assert kept(PLAIN_KEPT) > 0
    assert kept(PLAIN_KEPT + 1) < 0


def test_an_error_in_a_row_spoils_no_later_scrape(monkeypatch: pytest.MonkeyPatch) -> None:
    view = View(make_state([make_map()]), NOW)
    exposition = Exposition(lambda: view)
    wanted = exposition.format()
    right = b"".join(exposition.render(wanted)).partition(b"# HELP process_")[0]
    with monkeypatch.context() as patched:
        patched.setattr(cached, "lines", lambda *_: 1 / 0)
        view = View(make_state([make_map(), make_map("other")]), NOW)
        with pytest.raises(ZeroDivisionError):
            exposition.render(wanted)
    view = View(make_state([make_map()]), NOW)
    assert b"".join(exposition.render(wanted)).partition(b"# HELP process_")[0] == right
