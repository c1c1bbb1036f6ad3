"""Simulated outages, recorded as they were and played again: nothing is different."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from mpathd_watch.core.effects import Alert, Effect
from mpathd_watch.core.events import Event
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import Health
from mpathd_watch.core.recording.codec import encode_event
from mpathd_watch.core.state import State
from mpathd_watch.core.step import step
from mpathd_watch.daemon.replay import Playback
from mpathd_watch.sinks.metrics import Exposition
from mpathd_watch.sinks.recording_file import RecordingFile
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.status.screen import render
from mpathd_watch.sinks.view import View
from mpathd_watch.sources.recording import read
from tests.sim.clock import Clock
from tests.sim.product import Product
from tests.sim.world.host import World
from tests.sim.world.shape import Shape

WHOLE = 1 << 30


@dataclass
class Live:
    """What a daemon did: its events, and the effects of each."""

    story: list[tuple[Event, Instant]] = field(default_factory=list)
    effects: list[tuple[Effect, ...]] = field(default_factory=list)
    state: State = field(default_factory=State)

    def alerts(self) -> list[Alert]:
        return [effect for effects in self.effects for effect in effects if isinstance(effect, Alert)]


@pytest.fixture(scope="module", params=["a", "b", "c"])
def live(request: pytest.FixtureRequest) -> Live:
    """A link is lost and returns, a target resets its connections, and both happen once more."""
    clock, random = Clock(), Random(request.param)  # noqa: S311  # a simulation, not a secret
    world = World(clock, random, Shape.drawn(random))
    product, live = Product(clock, random, world), Live()

    def watch(_before: State, after: State, event: Event, effects: tuple[Effect, ...]) -> None:
        live.story.append((event, clock.instant))
        live.effects.append(effects)
        live.state = after

    product.observers.append(watch)
    product.start()
    for _ in range(2):
        clock.run(clock.now + 70.0)
        world.set_link(world.portals[0].link, carrier=False)
        clock.run(clock.now + 45.0)
        world.set_link(world.portals[0].link, carrier=True)
        clock.run(clock.now + 60.0)
        world.refuse(world.portals[-1])
        clock.run(clock.now + 5.0)
        world.revive_portal(world.portals[-1])
    clock.run(clock.now + 130.0)
    assert len(live.alerts()) > 10
    return live


def recorded(live: Live, path: Path, most: int) -> int:
    """Record all of it, and return its bytes."""
    file = RecordingFile(path, "0.1.0", most)
    for event, now in live.story:
        file.add(event, now)
    file.end()
    return path.stat().st_size


def shown(state: State, now: Instant) -> str:
    """All that people and Prometheus read of a state."""
    view = View(state, now)
    exposition = Exposition(lambda: view)
    scrape = b"".join(exposition.render(exposition.format())).decode()
    own = "\n".join(line for line in scrape.splitlines() if " process_" not in line and not line.startswith("process_"))
    return own + render(document(view), colour=False)


def test_a_replay_has_the_same_events_effects_state_and_text(live: Live, tmp_path: Path) -> None:
    recorded(live, tmp_path / "run", WHOLE)
    replayed, state = list(read(tmp_path / "run")), State()
    assert replayed == live.story
    for (event, now), (lived, at) in zip(replayed, live.story, strict=True):
        assert (repr(encode_event(event)), repr(now)) == (repr(encode_event(lived)), repr(at))
    for (event, now), effects in zip(replayed, live.effects, strict=True):
        state, again = step(state, event, now)
        assert repr(again) == repr(effects)
    assert repr(state) == repr(live.state)
    now = live.story[-1][1]
    assert shown(state, now) == shown(live.state, now)


def test_two_parts_replay_as_one(live: Live, tmp_path: Path) -> None:
    size = recorded(live, tmp_path / "whole", WHOLE)
    recorded(live, tmp_path / "run", size * 2 // 3)
    alerts: list[Alert] = []
    playback = Playback(alerts.append)
    for event, now in read(tmp_path / "run.1", tmp_path / "run"):
        playback.play(event, now)
    assert repr(alerts) == repr(live.alerts())
    assert repr(playback.engine.state) == repr(live.state)


def test_a_later_part_alone_comes_to_the_same_healths(live: Live, tmp_path: Path) -> None:
    size = recorded(live, tmp_path / "whole", WHOLE)
    recorded(live, tmp_path / "run", size * 2 // 3)
    alone = Playback(lambda _: None)
    for event, now in read(tmp_path / "run"):
        alone.play(event, now)
    assert healths(alone.engine.state) == healths(live.state)
    assert alone.engine.state.maps.keys() == live.state.maps.keys()
    assert repr(alone.engine.state.settings) == repr(live.state.settings)
    assert {name: source.up for name, source in alone.engine.state.sources.items()} == {
        name: source.up for name, source in live.state.sources.items()
    }


def healths(state: State) -> dict[str, dict[str, Health]]:
    return {
        wwid: {label: path.health for label, path in sorted(found.paths.items())}
        for wwid, found in sorted(state.maps.items())
    }
