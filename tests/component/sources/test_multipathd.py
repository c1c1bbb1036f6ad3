"""The source: what it asks, when, and what it makes of the answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest

from mpathd_watch.core.events import (
    Event,
    MapsListed,
    MultipathdConfigured,
    PathsListed,
    SourceAnswered,
    SourceDown,
    SourceErrors,
    SourceUp,
)
from mpathd_watch.core.formats.multipath_conf import NEWEST, Version
from mpathd_watch.core.model.vocabulary import DmState, SourceName
from mpathd_watch.sources.multipathd.client import MultipathdClient, MultipathdError
from mpathd_watch.sources.multipathd.presence import Presence
from mpathd_watch.sources.multipathd.replies import CONFIGURATION_COMMAND, MAPS_COMMAND, PATHS_COMMAND
from mpathd_watch.sources.multipathd.source import MultipathdSource
from tests.fakes.multipathd import CONFIGURATION, Behaviour, CloseMidReply, FakeMultipathd, Hang, Late

PATHS = "3600a|mpatha|sda|8:0|active|ready|tur|normal|0\n3600a|mpatha|sdb|8:16|active|ready|tur|normal|0\n"
PATHS_FAILED = PATHS.replace("8:16|active|ready", "8:16|failed|faulty")
MAPS = '{"maps": [{"name": "mpatha", "uuid": "3600a", "sysfs": "dm-0", "queueing": "off", "path_groups": []}]}'
NO_MAPS = '{"major_version": 0, "minor_version": 1, "maps": []}'
HOUR = 3600.0

E = TypeVar("E")


class Watch:
    """A running source and the events it emitted."""

    def __init__(self, fake: FakeMultipathd, **options: float) -> None:
        self.fake = fake
        self.events: list[Event] = []
        self.times: list[float] = []
        timing = {
            "paths_every": HOUR,
            "maps_every": HOUR,
            "wake_spacing": 0.1,
            "settle": 0.0,
            "shortest_backoff": 0.1,
            "longest_backoff": 0.4,
            "presence_every": 0.05,
            "configuration_spacing": 0.1,
            "deadline": 0.2,
        }
        client = MultipathdClient(fake.socket_name, presence=fake.presence, grace=0.0)
        timing.update(options)
        self.version: Version | None = NEWEST
        self.source = MultipathdSource(
            self.emit,
            client,
            time.monotonic,
            version=lambda: self.version,
            **timing,
        )

    def emit(self, event: Event) -> None:
        """Take an event from the source."""
        self.events.append(event)
        self.times.append(time.monotonic())

    def of(self, kind: type[E]) -> list[E]:
        """All events of one kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, enough: Callable[[], bool], seconds: float = 5.0) -> None:
        """Wait until there is enough to see."""
        for _ in range(int(seconds / 0.005)):
            if enough():
                return
            await asyncio.sleep(0.005)
        pytest.fail(f"nothing came of it: {self.events}")

    async def until_kind(self, kind: type[E], count: int = 1) -> list[E]:
        """Wait for ``count`` events of one kind."""
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)


def watch(fake: FakeMultipathd, scenario: Callable[[Watch], Awaitable[None]], **options: float) -> None:
    async def run() -> None:
        watching = Watch(fake, **options)
        running = asyncio.create_task(watching.source.run())
        try:
            await scenario(watching)
            assert not running.done()
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    assert fake.most_in_flight <= 1
    assert fake.pipelined == 0


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeMultipathd]:
    with FakeMultipathd(tmp_path, replies={PATHS_COMMAND: PATHS, MAPS_COMMAND: MAPS}) as fake:
        yield fake


def test_at_start_maps_then_paths_and_the_configuration_at_last(fake: FakeMultipathd) -> None:
    async def scenario(watching: Watch) -> None:
        begun = time.monotonic()
        (paths,) = await watching.until_kind(PathsListed)
        await watching.until_kind(MultipathdConfigured)
        assert [type(event) for event in watching.events] == [SourceUp, MapsListed, PathsListed, MultipathdConfigured]
        assert [request.command for request in fake.requests] == [MAPS_COMMAND, PATHS_COMMAND, CONFIGURATION_COMMAND]
        assert begun - 0.1 <= paths.requested <= fake.asked(PATHS_COMMAND)[0]
        assert [path.dev for path in paths.paths] == ["sda", "sdb"]

    watch(fake, scenario)


def test_a_routine_listing_is_reported_only_when_it_differs(fake: FakeMultipathd) -> None:
    async def scenario(watching: Watch) -> None:
        await watching.until_kind(SourceAnswered, 3)
        assert len(watching.of(PathsListed)) == 1
        fake.replies[PATHS_COMMAND] = PATHS_FAILED
        listings = await watching.until_kind(PathsListed, 2)
        assert listings[1].paths[1].dm_state is DmState.FAILED
        assert watching.of(SourceAnswered)[0].source is SourceName.MULTIPATHD

    watch(fake, scenario, paths_every=0.03)
    assert fake.connections == 1


def test_a_reply_may_take_as_long_as_multipathd_itself_allows_and_no_longer(fake: FakeMultipathd) -> None:
    """Its own limit for a command is uxsock_timeout, at least 4 s; then it replies that it timed out."""
    fake.replies[MAPS_COMMAND] = fake.replies[PATHS_COMMAND] = Hang()

    async def run() -> SourceDown:
        events: asyncio.Queue[Event] = asyncio.Queue()
        client = MultipathdClient(fake.socket_name, presence=fake.presence)
        begun = time.monotonic()
        running = asyncio.create_task(MultipathdSource(events.put_nowait, client, time.monotonic).run())
        try:
            async with asyncio.timeout(20):
                down = await events.get()
            assert time.monotonic() - begun >= 4.1
            with pytest.raises(MultipathdError, match=r"did not answer within 4\.1 s"):
                async with asyncio.timeout(20):
                    await client.ask(MAPS_COMMAND)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert isinstance(down, SourceDown)
        return down

    down = asyncio.run(run())
    assert (down.reason, down.detail.partition(":")[0]) == ("timeout", "multipathd did not answer within 4.1 s")


def test_routine_listings_keep_their_rhythm(fake: FakeMultipathd) -> None:
    async def scenario(watching: Watch) -> None:
        await asyncio.sleep(0.55)
        assert 4 <= len(fake.asked(PATHS_COMMAND)) <= 6
        assert 2 <= len(fake.asked(MAPS_COMMAND)) <= 3
        assert watching.of(SourceDown) == []

    watch(fake, scenario, paths_every=0.1, maps_every=0.25)


def test_a_woken_listing_is_reported_even_when_it_is_the_same(fake: FakeMultipathd) -> None:
    async def scenario(watching: Watch) -> None:
        await watching.until_kind(PathsListed)
        before = time.monotonic()
        watching.source.wake_paths()
        listings = await watching.until_kind(PathsListed, 2)
        assert before <= listings[1].requested <= before + 0.05
        watching.source.wake_maps()
        await watching.until_kind(MapsListed, 2)

    watch(fake, scenario)


def test_wakes_are_answered_at_once_and_then_spaced(fake: FakeMultipathd) -> None:
    async def scenario(watching: Watch) -> None:
        await watching.until_kind(PathsListed)
        begun = time.monotonic()
        while time.monotonic() - begun < 0.5:
            watching.source.wake_paths()
            await asyncio.sleep(0.001)
        asked = fake.asked(PATHS_COMMAND)[1:]
        assert asked[0] - begun < 0.05
        assert 4 <= len(asked) <= 6
        assert all(later - earlier > 0.08 for earlier, later in pairwise(asked))

    watch(fake, scenario)


def test_a_wake_during_a_request_asks_again(fake: FakeMultipathd) -> None:
    async def scenario(watching: Watch) -> None:
        await watching.until_kind(PathsListed)
        fake.replies[PATHS_COMMAND] = Late(0.1, PATHS)
        watching.source.wake_paths()
        await watching.until(lambda: len(fake.asked(PATHS_COMMAND)) == 2)
        woken = time.monotonic()
        watching.source.wake_paths()
        listings = await watching.until_kind(PathsListed, 3)
        assert listings[2].requested >= woken

    watch(fake, scenario)


def test_problems_are_counted_and_the_rest_is_reported(fake: FakeMultipathd) -> None:
    fake.replies[PATHS_COMMAND] = PATHS + "nonsense\n"

    async def scenario(watching: Watch) -> None:
        (listing,) = await watching.until_kind(PathsListed)
        assert len(listing.paths) == 2
        assert watching.of(SourceErrors) == [SourceErrors(SourceName.MULTIPATHD, "bad_line", 1)]

    watch(fake, scenario)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Hang(), "timeout"),
        (CloseMidReply(), "closed"),
        ("timeout\n", "timeout"),
        ("fail\npermission deny: need to be root\n", "no_permission"),
        ("gibberish\n", "unintelligible"),
        ("", "empty"),
    ],
)
def test_down_is_reported_once_and_recovery_with_everything(
    fake: FakeMultipathd, behaviour: Behaviour, reason: str
) -> None:
    async def scenario(watching: Watch) -> None:
        await watching.until_kind(PathsListed)
        fake.replies[PATHS_COMMAND] = behaviour
        watching.source.wake_paths()
        (down,) = await watching.until_kind(SourceDown)
        assert (down.source, down.reason) == (SourceName.MULTIPATHD, reason)
        assert down.detail.endswith(".")
        await watching.until(lambda: len(fake.asked(PATHS_COMMAND)) >= 4)
        assert len(watching.of(SourceDown)) == 1
        assert len(watching.of(SourceUp)) == 1
        reported = len(watching.events)
        fake.replies[PATHS_COMMAND] = PATHS
        await watching.until_kind(MultipathdConfigured, 2)
        kinds = [type(event) for event in watching.events[reported:]]
        assert kinds == [SourceUp, MapsListed, PathsListed, MultipathdConfigured]

    watch(fake, scenario)


def test_down_from_the_start(tmp_path: Path) -> None:
    fake = FakeMultipathd(tmp_path, replies={PATHS_COMMAND: PATHS, MAPS_COMMAND: MAPS})
    fake.listen()

    async def scenario(watching: Watch) -> None:
        (down,) = await watching.until_kind(SourceDown)
        assert down.reason == "not_running"
        assert "systemctl start multipathd" in down.detail
        await asyncio.sleep(0.3)
        assert fake.connections == 0
        assert len(watching.events) == 1
        fake.stop()
        fake.start()
        await watching.until_kind(PathsListed)
        assert watching.of(SourceUp) == [SourceUp(SourceName.MULTIPATHD)]

    watch(fake, scenario)
    fake.stop()


def test_tries_back_off_and_wakes_do_not_hammer(fake: FakeMultipathd) -> None:
    async def scenario(watching: Watch) -> None:
        await watching.until_kind(PathsListed)
        fake.replies[PATHS_COMMAND] = "timeout\n"
        watching.source.wake_paths()
        begun = time.monotonic()
        while time.monotonic() - begun < 1.6:
            watching.source.wake_paths()
            watching.source.wake_maps()
            await asyncio.sleep(0.002)
        asked = fake.asked(PATHS_COMMAND)[1:]
        gaps = [later - earlier for earlier, later in pairwise(asked)]
        assert 4 <= len(asked) <= 6
        assert gaps[0] >= 0.09
        assert gaps[1] >= 0.19
        assert all(gap >= 0.39 for gap in gaps[2:])

    watch(fake, scenario)


def test_a_stop_is_reported_and_a_restart_is_noticed_before_the_backoff_ends(fake: FakeMultipathd) -> None:
    async def scenario(watching: Watch) -> None:
        await watching.until_kind(PathsListed)
        fake.kill()
        watching.source.wake_paths()
        await watching.until(lambda: any(down.reason == "not_running" for down in watching.of(SourceDown)))
        connections = fake.connections
        await asyncio.sleep(0.2)
        assert fake.connections == connections
        begun = time.monotonic()
        fake.start()
        await watching.until_kind(PathsListed, 2)
        assert time.monotonic() - begun < 1.0

    watch(fake, scenario, shortest_backoff=50.0, longest_backoff=100.0)


def test_a_hung_multipathd_that_is_replaced(fake: FakeMultipathd) -> None:
    async def scenario(watching: Watch) -> None:
        await watching.until_kind(PathsListed)
        fake.replies[PATHS_COMMAND] = Hang()
        watching.source.wake_paths()
        assert (await watching.until_kind(SourceDown))[0].reason == "timeout"
        fake.kill()
        fake.replies[PATHS_COMMAND] = PATHS
        fake.start()
        await watching.until_kind(PathsListed, 2)

    watch(fake, scenario, shortest_backoff=50.0, longest_backoff=100.0)


def test_maps_that_vanish_while_listed_are_asked_for_again_at_once(fake: FakeMultipathd) -> None:
    fake.replies[MAPS_COMMAND] = ["fail\n", NO_MAPS]

    async def scenario(watching: Watch) -> None:
        (listing,) = await watching.until_kind(MapsListed)
        assert listing.maps == ()
        assert watching.of(SourceErrors) == []
        assert watching.of(SourceDown) == []
        first, second = fake.asked(MAPS_COMMAND)
        assert second - first < 0.1

    watch(fake, scenario)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [("fail\n", "fail"), ("{", "bad_json"), (Hang(), "timeout"), ("fail\ntimeout\n", "timeout")],
)
def test_trouble_with_maps_alone_is_counted_while_paths_answer(
    fake: FakeMultipathd, behaviour: Behaviour, reason: str
) -> None:
    fake.replies[MAPS_COMMAND] = behaviour

    async def scenario(watching: Watch) -> None:
        await watching.until_kind(SourceErrors, 2)
        assert set(watching.of(SourceErrors)) == {SourceErrors(SourceName.MULTIPATHD, reason, 1)}
        assert [type(event) for event in watching.events[:2]] == [SourceUp, PathsListed]
        assert watching.of(SourceDown) == []
        fake.replies[MAPS_COMMAND] = MAPS
        await watching.until_kind(MapsListed)

    watch(fake, scenario)


def test_trouble_with_maps_and_paths_is_down(fake: FakeMultipathd) -> None:
    fake.replies = {MAPS_COMMAND: "fail\n", PATHS_COMMAND: "fail\n"}

    async def scenario(watching: Watch) -> None:
        (down,) = await watching.until_kind(SourceDown)
        assert down.reason == "fail"
        assert watching.of(SourceErrors) == []

    watch(fake, scenario)


def test_a_slow_list_of_maps_is_given_more_time(fake: FakeMultipathd) -> None:
    fake.replies[MAPS_COMMAND] = Late(0.3, MAPS)

    async def scenario(watching: Watch) -> None:
        await watching.until_kind(MapsListed)
        assert watching.of(SourceErrors) == [SourceErrors(SourceName.MULTIPATHD, "timeout", 1)]
        assert watching.of(SourceDown) == []

    watch(fake, scenario)


def test_a_big_listing(fake: FakeMultipathd) -> None:
    lines = [f"3600{n}|mpath{n}|sd{n}|8:{n}|active|ready|tur|normal|0\n" for n in range(10_000)]
    fake.replies[PATHS_COMMAND] = "".join(lines)

    async def scenario(watching: Watch) -> None:
        (listing,) = await watching.until_kind(PathsListed)
        assert len(listing.paths) == 10_000

    watch(fake, scenario, deadline=5.0)


def reconfigured(configuration: str) -> str:
    return configuration.replace("polling_interval 10", "polling_interval 7")


def test_a_configuration_is_reported_when_it_is_another(fake: FakeMultipathd) -> None:
    async def scenario(watching: Watch) -> None:
        (first,) = await watching.until_kind(MultipathdConfigured)
        await watching.until(lambda: len(fake.asked(CONFIGURATION_COMMAND)) >= 4)
        fake.replies[CONFIGURATION_COMMAND] = reconfigured(CONFIGURATION)
        await watching.until_kind(MultipathdConfigured, 2)
        first, second = watching.of(MultipathdConfigured)
        values = [
            setting.value
            for event in (first, second)
            for section in event.document.named("defaults")
            for setting in section.settings
            if setting.keyword == "polling_interval"
        ]
        assert values == ["10", "7"]
        assert len(watching.of(SourceAnswered)) == len(fake.asked(MAPS_COMMAND)) - 1

    watch(fake, scenario, maps_every=0.05)


def test_a_configuration_is_not_asked_for_before_it_is_known_whose_words_it_is_made_of(fake: FakeMultipathd) -> None:
    async def scenario(watching: Watch) -> None:
        watching.version = None
        await watching.until_kind(PathsListed)
        watching.source.wake_maps()
        await watching.until_kind(MapsListed, 2)
        await asyncio.sleep(0.1)
        assert not fake.asked(CONFIGURATION_COMMAND)
        watching.version = (0, 9, 4)
        watching.source.wake_maps()
        await watching.until_kind(MultipathdConfigured)

    watch(fake, scenario)


def test_a_wake_of_the_maps_asks_for_the_configuration_and_many_do_so_now_and_then(fake: FakeMultipathd) -> None:
    async def scenario(watching: Watch) -> None:
        await watching.until_kind(MultipathdConfigured)
        fake.replies[CONFIGURATION_COMMAND] = reconfigured(CONFIGURATION)
        begun = time.monotonic()
        while time.monotonic() - begun < 0.7:
            watching.source.wake_maps()
            await asyncio.sleep(0.002)
        asked = fake.asked(CONFIGURATION_COMMAND)
        assert 3 <= len(asked) <= 4
        assert all(later - earlier > 0.19 for earlier, later in pairwise(asked))
        assert len(watching.of(MultipathdConfigured)) == 2

    watch(fake, scenario, configuration_spacing=0.2)


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Hang(), "timeout"),
        (CloseMidReply(), "closed"),
        ("fail\n", "fail"),
        ("fail\npermission deny: need to be root\n", "no_permission"),
        ("gibberish\n", "unintelligible"),
        ("ok\n", "unintelligible"),
        ("multipath-tools v0.8.0\nCLI commands reference:\n list|show paths\n", "bad_command"),
        ("", "empty"),
    ],
)
def test_trouble_with_the_configuration_is_counted_and_no_more(
    fake: FakeMultipathd, behaviour: Behaviour, reason: str
) -> None:
    fake.replies[CONFIGURATION_COMMAND] = behaviour

    async def scenario(watching: Watch) -> None:
        await watching.until_kind(SourceErrors, 2)
        assert set(watching.of(SourceErrors)) == {SourceErrors(SourceName.MULTIPATHD, reason, 1)}
        assert watching.of(SourceDown) == []
        assert len(watching.of(PathsListed)) == 1
        fake.replies[CONFIGURATION_COMMAND] = CONFIGURATION
        await watching.until_kind(MultipathdConfigured)

    watch(fake, scenario)


def test_after_a_failure_a_configuration_that_is_the_same_is_not_reported_again(fake: FakeMultipathd) -> None:
    fake.replies[CONFIGURATION_COMMAND] = [CONFIGURATION, "fail\n", CONFIGURATION]

    async def scenario(watching: Watch) -> None:
        await watching.until(lambda: len(fake.asked(CONFIGURATION_COMMAND)) >= 4)
        assert len(watching.of(SourceErrors)) == 1
        assert len(watching.of(MultipathdConfigured)) == 1

    watch(fake, scenario, maps_every=0.05)


def test_read_once_requests_everything_once(fake: FakeMultipathd) -> None:
    events: list[Event] = []
    client = MultipathdClient(fake.socket_name, presence=fake.presence)
    asyncio.run(MultipathdSource(events.append, client, time.monotonic).read_once())
    assert [type(event) for event in events] == [SourceUp, MapsListed, PathsListed, MultipathdConfigured]


class Stub:
    """A client that fails as the test sets it, and counts the requests."""

    def __init__(self) -> None:
        self.closed = 0
        self.looks = 0

    async def ask(self, command: str, deadline: float | None = None) -> str:
        """Fail."""
        raise MultipathdError("refused", f"{command} {deadline}")

    def presence(self) -> Presence:
        """Run under process 1."""
        self.looks += 1
        return Presence(running=True, pid=1, why="")

    def close(self) -> None:
        """Count."""
        self.closed += 1


def test_presence_is_looked_at_each_second_at_most_and_the_connection_closed_at_the_end() -> None:
    stub = Stub()
    events: list[Event] = []

    async def run() -> None:
        source = MultipathdSource(events.append, stub, time.monotonic, presence_every=0.05)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await source.run()

    asyncio.run(run())
    assert [type(event) for event in events] == [SourceDown]
    assert 6 <= stub.looks <= 13
    assert stub.closed == 1
