"""How much a daemon records: ``python -m benchmarks.recording [--seconds S] [--busy]``.

The daemon with all its sources runs on a simulated host with two paths. As in ``benchmarks.polling``, each session has
a real TCP connection on loopback. Another process plays the target: it answers pings and multipathd's checks, and with
``--busy`` the disks do I/O all the time.
Printed are the megabytes that a day has at this pace, and the processor's time of the thread that records, as a share
of one core. What comes in the first minute is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from benchmarks.polling import Ends, connected
from mpathd_watch.config import Config
from mpathd_watch.config.listen_address import ListenAddress
from mpathd_watch.core.events import Emit, Event
from mpathd_watch.daemon import clock
from mpathd_watch.daemon.live_sources import LiveSources, live_sources
from mpathd_watch.daemon.reporters import Reporters
from mpathd_watch.daemon.service import Service
from mpathd_watch.daemon.surroundings import HOST
from mpathd_watch.sinks.notify import Notifier
from mpathd_watch.sources.multipathd.client import MultipathdClient
from mpathd_watch.sources.multipathd.replies import MAPS_COMMAND, PATHS_COMMAND
from mpathd_watch.sources.multipathd.source import MultipathdSource
from mpathd_watch.sources.uevent.source import UeventSource
from tests.fakes.multipathd import Behaviour, FakeMultipathd
from tests.fakes.sysfs import WWID, FakeSysfs, healthy_san

WARM_UP = 60.0
"""Seconds until everything has been read once more."""
PING_EVERY, CHECK_EVERY = 5.0, 20.0
"""Seconds between the pings of an idle session (noop_out_interval), and between multipathd's checks of a path."""
DAY = 86_400.0


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--busy", action="store_true", help="have the disks do I/O")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        san = healthy_san(directory / "sys")
        ends = stack.enter_context(connected(san))
        multipathd = stack.enter_context(FakeMultipathd(directory / "multipathd", replies=replies(san)))
        stack.enter_context(answering(san, ends, busy=options.busy))
        size, share = asyncio.run(measure(directory, multipathd, options.seconds))
    case = "busy" if options.busy else "idle"
    print(f"{case}: {size / 1e6:.2f} MB a day, {share:.4%} of one core", flush=True)


async def measure(directory: Path, multipathd: FakeMultipathd, seconds: float) -> tuple[float, float]:
    """The bytes of a day, and the share of one core that the thread of the recording takes."""
    recording = directory / "recording"
    config = Config(listen=(ListenAddress("127.0.0.1", 0),), sysfs=str(directory / "sys"), record=str(recording))

    def sources(config: Config, emit: Emit, root: Path, handed_over: Path | None) -> LiveSources:
        client = MultipathdClient(multipathd.socket_name, presence=multipathd.presence)
        source = MultipathdSource(emit, client, clock.monotonic, version=lambda: (0, 9, 4))
        # Uevents of the machine that measures have nothing to do with that host.
        return replace(live_sources(config, emit, root, handed_over), multipathd=source, uevent=UeventSource(_ignore))

    surroundings = replace(HOST, notifier=lambda: Notifier({}, os.getpid()), sources=sources)
    service = Service(config, lambda: config, Reporters({}), None, root=directory, surroundings=surroundings)
    running = asyncio.create_task(service.run())
    await asyncio.wait([running], timeout=WARM_UP)
    if running.done():
        running.result()
    (thread,) = (each for each in threading.enumerate() if each.name == "recording")
    processor = time.pthread_getcpuclockid(thread.ident or 0)
    size, used, began = recording.stat().st_size, time.clock_gettime(processor), time.monotonic()
    await asyncio.sleep(seconds)
    took = time.monotonic() - began
    size, used = recording.stat().st_size - size, time.clock_gettime(processor) - used
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    return size * DAY / took, used / took


def replies(san: FakeSysfs) -> dict[str, Behaviour | list[Behaviour]]:
    """What multipathd lists of the one map."""
    paths = [{"dev": disk.name, "dev_t": disk.dev_t, "dm_st": "active", "chk_st": "ready"} for disk in san.disks]
    (map_,) = san.maps
    document = {"name": map_.name, "uuid": WWID, "sysfs": map_.sysfs_name, "path_groups": [{"paths": paths}]}
    lines = [f"{WWID}|{map_.name}|{disk.name}|{disk.dev_t}|active|ready|tur|normal|0\n" for disk in san.disks]
    return {PATHS_COMMAND: "".join(lines), MAPS_COMMAND: json.dumps({"major_version": 0, "maps": [document]}) + "\n"}


def _ignore(*_events: Event) -> None:
    """It is not recorded."""


@contextlib.contextmanager
def answering(san: FakeSysfs, ends: Ends, *, busy: bool) -> Iterator[None]:
    """Another process that plays the target."""
    target = multiprocessing.get_context("fork").Process(target=_answer, args=(san, ends, busy), daemon=True)
    target.start()
    try:
        yield
    finally:
        target.kill()
        target.join()


def _answer(san: FakeSysfs, ends: Ends, busy: bool) -> None:
    parent, random, answers = os.getppid(), Random("target"), 0  # noqa: S311  # no secret
    pings = [random.uniform(0.0, PING_EVERY) for _ in ends]
    checks = [random.uniform(0.0, CHECK_EVERY) for _ in ends]
    began = time.monotonic()
    while os.getppid() == parent:
        time.sleep(0.05)
        now = time.monotonic() - began
        for number, (host, target) in enumerate(ends):
            checked, pinged = now >= checks[number], now >= pings[number]
            if busy or checked or pinged:
                # A session that has had an answer is pinged later.
                pings[number] = now + PING_EVERY
                checks[number] += CHECK_EVERY if checked else 0.0
                answers += 1
                for sender, receiver in ((host, target), (target, host)):
                    sender.sendall(bytes(48))
                    receiver.recv(48)
                san.sessions[number].connection.set("exp_statsn", answers)
            if busy:
                san.disks[number].serve(3 * answers, 2 * answers, answers, answers)


if __name__ == "__main__":
    main()
