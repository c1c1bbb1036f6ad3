"""The client against a fake multipathd on a real socket."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from mpathd_watch.sources.multipathd.client import MultipathdClient, MultipathdError
from mpathd_watch.sources.multipathd.presence import Presence
from tests.fakes.multipathd import (
    BadLength,
    CloseMidReply,
    Dribble,
    Endless,
    FakeMultipathd,
    Hang,
    Late,
    Raw,
)

COMMAND = "show daemon"
REPLY = "pid 1 idle\n"


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeMultipathd]:
    with FakeMultipathd(tmp_path, replies={COMMAND: REPLY}) as fake:
        yield fake


def with_client(
    fake: FakeMultipathd,
    scenario: Callable[[MultipathdClient], Awaitable[None]],
    *,
    name: str | None = None,
    deadline: float = 0.3,
    grace: float = 0.0,
) -> None:
    async def run() -> None:
        client = MultipathdClient(
            fake.socket_name if name is None else name, presence=fake.presence, deadline=deadline, grace=grace
        )
        try:
            await scenario(client)
        finally:
            client.close()

    asyncio.run(run())


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def reason(client: MultipathdClient, command: str = COMMAND) -> str:
    with pytest.raises(MultipathdError) as caught:
        await client.ask(command)
    assert caught.value.detail.endswith(".")
    return caught.value.reason


def test_one_connection_for_many_questions(fake: FakeMultipathd) -> None:
    async def scenario(client: MultipathdClient) -> None:
        for _ in range(5):
            assert await client.ask(COMMAND) == REPLY

    with_client(fake, scenario)
    assert fake.connections == 1
    assert len(fake.requests) == 5


def test_one_question_at_a_time(fake: FakeMultipathd) -> None:
    fake.replies[COMMAND] = Late(0.02, REPLY)

    async def scenario(client: MultipathdClient) -> None:
        assert await asyncio.gather(*(client.ask(COMMAND) for _ in range(5))) == [REPLY] * 5

    with_client(fake, scenario)
    assert (fake.connections, fake.most_in_flight, fake.pipelined) == (1, 1, 0)


def test_an_abstract_socket(tmp_path: Path) -> None:
    async def scenario(client: MultipathdClient) -> None:
        assert await client.ask(COMMAND) == REPLY

    with FakeMultipathd(tmp_path, name=f"@mpathd-watch-test/{tmp_path}", replies={COMMAND: REPLY}) as fake:
        with_client(fake, scenario)


def test_a_big_reply_and_one_in_single_bytes(fake: FakeMultipathd) -> None:
    big = "é" * 1_000_000 + "\n"
    fake.replies["show maps json"] = big
    fake.replies[COMMAND] = Dribble(REPLY)

    async def scenario(client: MultipathdClient) -> None:
        assert await client.ask("show maps json", deadline=10) == big
        assert await client.ask(COMMAND) == REPLY

    with_client(fake, scenario)


def test_a_hung_multipathd_costs_no_more_than_the_deadline(fake: FakeMultipathd) -> None:
    fake.replies[COMMAND] = Hang()

    async def scenario(client: MultipathdClient) -> None:
        begun = time.monotonic()
        assert await reason(client) == "timeout"
        assert 0.3 <= time.monotonic() - begun < 2.0

    with_client(fake, scenario)


def test_a_slow_dribble_does_not_extend_the_deadline(fake: FakeMultipathd) -> None:
    fake.replies[COMMAND] = Dribble("x" * 1000, pause=0.05)

    async def scenario(client: MultipathdClient) -> None:
        assert await reason(client) == "timeout"

    with_client(fake, scenario)


def test_a_late_reply_is_never_taken_for_the_next_one(fake: FakeMultipathd) -> None:
    fake.replies["show maps json"] = Late(0.4, "stale")
    fake.replies[COMMAND] = REPLY

    async def scenario(client: MultipathdClient) -> None:
        assert await reason(client, "show maps json") == "timeout"
        assert await client.ask(COMMAND) == REPLY
        await asyncio.sleep(0.3)
        assert await client.ask(COMMAND) == REPLY

    with_client(fake, scenario)
    assert fake.connections == 2


def test_a_cancelled_question_leaves_no_reply_behind(fake: FakeMultipathd) -> None:
    fake.replies["show maps json"] = Late(0.1, "stale")

    async def scenario(client: MultipathdClient) -> None:
        asking = asyncio.create_task(client.ask("show maps json"))
        await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await client.ask(COMMAND) == REPLY

    with_client(fake, scenario)
    assert fake.connections == 2


def test_unasked_for_bytes_are_not_a_reply(fake: FakeMultipathd) -> None:
    fake.replies["twice"] = Raw(b"".join([b"\x03\0\0\0\0\0\0\0a\n\0"] * 2))

    async def scenario(client: MultipathdClient) -> None:
        assert await client.ask("twice") == "a\n"
        assert await client.ask(COMMAND) == REPLY

    with_client(fake, scenario)
    assert fake.connections == 2


@pytest.mark.parametrize("length", [0, 32 * 1024 * 1024, 2**64 - 1])
def test_an_absurd_length(fake: FakeMultipathd, length: int) -> None:
    fake.replies[COMMAND] = [BadLength(length), REPLY]

    async def scenario(client: MultipathdClient) -> None:
        assert await reason(client) == "bad_length"
        assert await client.ask(COMMAND) == REPLY

    with_client(fake, scenario)


def test_endless_data_ends_with_the_announced_length(fake: FakeMultipathd) -> None:
    fake.replies[COMMAND] = [Endless(), REPLY]

    async def scenario(client: MultipathdClient) -> None:
        assert len(await client.ask(COMMAND, deadline=20)) == 31 * 1024 * 1024
        assert await client.ask(COMMAND) == REPLY

    with_client(fake, scenario)
    assert fake.connections == 2


@pytest.mark.parametrize("sent", [0, 50])
def test_a_connection_closed_before_the_reply_is_whole(fake: FakeMultipathd, sent: int) -> None:
    fake.replies[COMMAND] = [CloseMidReply(sent=sent), REPLY]

    async def scenario(client: MultipathdClient) -> None:
        assert await reason(client) == "closed"
        assert await client.ask(COMMAND) == REPLY

    with_client(fake, scenario)


def test_a_restart_between_two_questions_goes_unnoticed(fake: FakeMultipathd) -> None:
    async def scenario(client: MultipathdClient) -> None:
        assert await client.ask(COMMAND) == REPLY
        fake.stop()
        fake.start()
        assert await client.ask(COMMAND) == REPLY

    with_client(fake, scenario, grace=100)
    assert fake.connections == 2


def test_a_stopped_multipathd_is_not_woken(tmp_path: Path) -> None:
    fake = FakeMultipathd(tmp_path, replies={COMMAND: REPLY})
    fake.listen()

    async def scenario(client: MultipathdClient) -> None:
        assert await reason(client) == "not_running"

    with_client(fake, scenario)
    assert fake.connections == 0
    fake.stop()


def test_a_multipathd_that_shuts_down_is_not_woken_by_reconnecting(fake: FakeMultipathd) -> None:
    async def scenario(client: MultipathdClient) -> None:
        assert await client.ask(COMMAND) == REPLY
        fake.hang_up()
        await asyncio.sleep(0.05)
        assert await reason(client) == "closed"
        assert await reason(client) == "closed"
        assert fake.connections == 1
        await asyncio.sleep(0.3)
        assert await client.ask(COMMAND) == REPLY

    with_client(fake, scenario, grace=0.3)


def test_a_killed_multipathd(fake: FakeMultipathd) -> None:
    async def scenario(client: MultipathdClient) -> None:
        fake.kill()
        assert await reason(client) == "not_running"

    with_client(fake, scenario)


def test_running_but_listening_nowhere(fake: FakeMultipathd, tmp_path: Path) -> None:
    async def scenario(client: MultipathdClient) -> None:
        assert await reason(client) == "refused"

    with_client(fake, scenario, name=str(tmp_path / "nowhere"))
    with_client(fake, scenario, name=f"@{tmp_path}/nowhere")
    with_client(fake, scenario, name=str(tmp_path / ("x" * 200)))


def test_another_user_who_listens_in_place_of_multipathd_is_not_asked(fake: FakeMultipathd) -> None:
    """An abstract name that is free may be taken by anybody, as while multipathd is in another network namespace."""
    if os.geteuid() != 0:
        pytest.skip("NOT TESTED with a socket of another user: making one needs root")
    name = f"\0mpathd-watch-test-{os.getpid()}"
    code = (
        "import os, socket, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "held = socket.socket(socket.AF_UNIX); held.bind(bytes.fromhex(sys.argv[1])); held.listen(4)\n"
        "print('ready', flush=True); connection, _ = held.accept(); print(len(connection.recv(100)), flush=True)"
    )
    command = (sys.executable, "-c", code, name.encode().hex())
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stranger:  # noqa: S603  # our own program
        assert stranger.stdout is not None
        assert stranger.stdout.readline() == "ready\n"

        async def scenario(client: MultipathdClient) -> None:
            with pytest.raises(MultipathdError, match="belongs to user 65534") as caught:
                await client.ask(COMMAND)
            assert caught.value.reason == "not_root"

        with_client(fake, scenario, name=f"@{name[1:]}")
        assert stranger.stdout.readline() == "0\n"  # and it has been sent nothing
    assert fake.connections == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may connect to any socket")
def test_a_socket_that_may_not_be_connected_to(fake: FakeMultipathd) -> None:
    async def scenario(client: MultipathdClient) -> None:
        assert await reason(client) == "no_permission"

    Path(fake.socket_name).chmod(0)
    with_client(fake, scenario)


def test_a_full_backlog_is_not_waited_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        client = MultipathdClient(
            str(tmp_path / "full"), presence=lambda: Presence(running=True, pid=7, why=""), deadline=5.0
        )
        assert await reason(client) == "busy"

    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as waiting:
        listener.bind(str(tmp_path / "full"))
        listener.listen(0)
        waiting.connect(str(tmp_path / "full"))
        asyncio.run(scenario())


def test_no_socket_is_left_open_by_failures(fake: FakeMultipathd, tmp_path: Path) -> None:
    fake.replies[COMMAND] = [CloseMidReply(), BadLength(0), Hang()]

    async def scenario(client: MultipathdClient) -> None:
        for _ in range(4):
            await reason(client)

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        before = open_files()
        with_client(fake, scenario, deadline=0.05)
        with_client(fake, scenario, name=str(tmp_path / "nowhere"))
        fake.stop()
        gc.collect()
        assert open_files() <= before
