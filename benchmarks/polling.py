"""What watching many sessions costs: ``python -m benchmarks.polling [--sessions N] [--seconds S]``.

The sources of sessions and disks and the core, as the daemon runs them, on a simulated tree; each session has a real
TCP connection on loopback, so that the kernel is asked as on a real host. Another process plays the target, whose work
does not count.
Printed is the processor's time as a share of one core.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from mpathd_watch.core.effects import Refresh, Scope
from mpathd_watch.core.events import Event
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.daemon import clock
from mpathd_watch.daemon.engine import Engine, Outlets
from mpathd_watch.sources.iscsi.session_source import SessionSource
from mpathd_watch.sources.reading.poller import Poller
from mpathd_watch.sources.sysfs.source import SysfsSource
from tests.fakes.sysfs import FakeSysfs, healthy_san

WARM_UP = 6.0
"""Seconds: what has just appeared is watched closely."""
ANSWERS_EVERY = {"idle": 5.0, "busy": 0.3, "one failed": 5.0}
"""Seconds between two answers of every target."""
PING = bytes(48)
"""What a target answers: a basic header segment of iSCSI."""
Ends = Sequence[tuple[socket.socket, socket.socket]]
"""The TCP connection of each session: this host's end, and the target's."""


class Watcher(Outlets):
    """The sources and the core behind them."""

    def __init__(self, san: FakeSysfs) -> None:
        self._engine = Engine(clock.now, self)
        self._timer: asyncio.TimerHandle | None = None
        poller = Poller(self._feed, time.monotonic, SourceName.SYSFS, san.root)
        self.sessions = SessionSource(poller)
        self.sysfs = SysfsSource(poller, self.sessions)

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.sessions.run())
            tasks.create_task(self.sysfs.run())

    def _feed(self, event: Event) -> None:
        self._engine.feed(event)

    def broken(self, event: Event, report: str) -> None:  # noqa: ARG002 - the event is in the report
        """Fail: the figure would be of something else."""
        raise RuntimeError(report)

    def refresh(self, refresh: Refresh) -> None:
        """Have sysfs read again."""
        match refresh.scope:
            case Scope.SYSTEM:
                self.sysfs.wake_system()
            case Scope.NEXUSES:
                self.sessions.wake()
            case Scope.DEVICES:
                self.sysfs.wake_devices(refresh.devices)
            case _:
                pass


def main() -> None:
    """Measure each case once."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sessions", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    for case, interval in ANSWERS_EVERY.items():
        with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
            san = healthy_san(Path(directory) / "sys", sessions=options.sessions)
            ends = stack.enter_context(connected(san))
            stack.enter_context(answering(san, ends, interval))
            share = asyncio.run(cost(san, options.seconds, fail=case == "one failed"))
        print(f"{options.sessions} sessions, {case}: {share:.2%} of one core", flush=True)


async def cost(san: FakeSysfs, seconds: float, *, fail: bool) -> float:
    """The share of one core that watching takes."""
    running = asyncio.create_task(Watcher(san).run())
    await asyncio.sleep(WARM_UP)
    if fail:
        san.sessions[0].fail()
    processor, wall = time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    share = (time.process_time() - processor) / (time.monotonic() - wall)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return share


@contextlib.contextmanager
def connected(san: FakeSysfs) -> Iterator[Ends]:
    """A TCP connection for each session."""
    ends = []
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=len(san.sessions)))
        address, port = server.getsockname()
        for session in san.sessions:
            client = stack.enter_context(socket.create_connection((address, port)))
            ends.append((client, stack.enter_context(server.accept()[0])))
            session.iscsi_host.set("ipaddress", address)
            session.connection.set("address", address)
            session.connection.set("port", port)
            session.connection.set("local_port", client.getsockname()[1])
        yield ends


@contextlib.contextmanager
def answering(san: FakeSysfs, ends: Ends, interval: float) -> Iterator[None]:
    """Another process in which all targets answer every so often."""
    target = multiprocessing.get_context("fork").Process(target=_answer, args=(san, ends, interval), daemon=True)
    target.start()
    try:
        yield
    finally:
        target.kill()
        target.join()


def _answer(san: FakeSysfs, ends: Ends, interval: float) -> None:
    parent, answers = os.getppid(), 0
    while os.getppid() == parent:
        time.sleep(interval)
        answers += 1
        # Both show that a target is alive: who reads a host only once has nothing but the connection.
        for session, (host, target) in zip(san.sessions, ends, strict=True):
            session.connection.set("exp_statsn", answers)
            target.send(PING)
            host.recv(len(PING))


if __name__ == "__main__":
    main()
