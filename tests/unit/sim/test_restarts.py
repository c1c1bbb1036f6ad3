"""Restarts in the simulation: what is kept over them, and a host that is booted in the middle of a run."""

from __future__ import annotations

from random import Random

import pytest

from mpathd_watch.core.effects import NexusAnnounced, Remember
from mpathd_watch.core.model.memory import ExpectedMap
from tests.sim.clock import Clock
from tests.sim.faults import Fault
from tests.sim.product import Product
from tests.sim.run import Plan, play
from tests.sim.store import Store
from tests.sim.world.host import World
from tests.sim.world.shape import Shape


def passed(seconds: float) -> tuple[Clock, Store]:
    """A store that was written to, and so many seconds later."""
    clock = Clock()
    store = Store(clock)
    store.watch()
    store.put(NexusAnnounced("one", "eth1"))
    store.put(Remember("36000", ExpectedMap("mpatha")))
    clock.run(clock.now + seconds)
    return clock, store


@pytest.mark.parametrize(("seconds", "before"), [(0.0, 0.0), (9.0, 9.0), (25.0, 5.0), (1200.5, 0.5)])
def test_a_daemon_that_is_killed_was_alive_at_its_last_note(seconds: float, before: float) -> None:
    clock, store = passed(seconds)
    store.ended(killed=True)
    alive = store.memory().alive
    assert alive is not None
    assert alive.monotonic == pytest.approx(clock.now - before)


def test_a_daemon_that_ends_in_order_was_alive_until_then() -> None:
    clock, store = passed(25.0)
    store.ended(killed=False)
    assert store.memory().alive == clock.instant


def test_a_daemon_that_has_not_seen_the_present_leaves_no_note() -> None:
    clock, store = passed(25.0)
    store.ended(killed=False)
    ended = clock.instant
    clock.run(clock.now + 5.0)
    store.put(NexusAnnounced("one", None))
    store.ended(killed=False)
    assert store.memory().alive == ended


def test_what_was_kept_is_remembered_and_a_boot_is_noticed() -> None:
    _, store = passed(1.0)
    memory = store.memory()
    assert (dict(memory.lost), set(memory.expected), memory.same_boot) == ({"one": "eth1"}, {"36000"}, True)
    store.booted(Clock())
    assert not store.memory().same_boot
    store.put(NexusAnnounced("one", None))
    assert not store.memory().lost
    assert store.memory().same_boot


def test_the_next_daemon_remembers_what_the_one_before_has_learned() -> None:
    clock = Clock()
    random = Random("remembered")  # noqa: S311  # a simulation, not a secret
    world = World(clock, random, Shape())
    product = Product(clock, random, world)
    product.start()
    assert not product.memory.expected
    clock.run(clock.now + 80.0)
    product.end(killed=True)
    clock.run(clock.now + 5.0)
    product.start()
    assert [len(known.paths) for known in product.memory.expected.values()] == [2]
    assert product.ended_at == clock.now - 5.0


def test_a_world_after_a_boot_has_the_same_maps_and_lacks_what_is_dead() -> None:
    random = Random("booted")  # noqa: S311  # a simulation, not a secret
    world = World(Clock(), random, Shape(portals=2), luns=[(3, "named")], dead=[2])
    assert [(map_.number, map_.name, len(map_.members)) for map_ in world.maps] == [(3, "named", 1)]
    assert [portal.listening for portal in world.portals] == [True, False]


def test_a_run_with_a_reboot_takes_the_same_steps_each_time() -> None:
    cut = Fault("cut", 280.0, 60.0)
    plan = Plan("boot", Shape(busy=True), (cut, Fault("daemon_killed", 400.0, 20.0)), reboot=300.0)
    first, second = (play(plan, told=True) for _ in range(2))
    assert first.violations == second.violations == []
    assert first.steps == second.steps > 100
    assert first.restarts == 2
    assert first.chronicle is not None
    assert [at for at, _, _ in first.chronicle.lines] == sorted(at for at, _, _ in first.chronicle.lines)
