"""From a uevent to its entry in the journal."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence

from benchmarks.effort import Effort
from benchmarks.figures import Figure, Line, Plot, quantile
from benchmarks.host.host import Host
from benchmarks.host.passage import ACTIONS, passage, way
from benchmarks.host.process import wait_quiet
from benchmarks.host.scraping import scrape
from benchmarks.host.uevents import Uevents
from benchmarks.measurements.measurement import Measurement
from benchmarks.peers import BARE
from benchmarks.peers.running import netlink_reader, of_reader

QUANTILES = {"median": 0.5, "90 of 100": 0.9, "99 of 100": 0.99, "slowest": 1.0}
SCRAPE_EVERY = 0.5
PAUSE = 0.05

Ways = tuple[list[float], list[float]]
"""Milliseconds of each event, of ours and of the bare reader."""


def measure(host: Host, effort: Effort) -> list[Figure]:
    """Send events one by one, to the daemon and to the bare reader in turn."""
    with netlink_reader(host) as (_, alone), host.watched() as daemon, contextlib.closing(Uevents()) as uevents:
        time.sleep(effort.settle)
        wait_quiet(daemon.pid)
        ours, bare = _ways(host, effort, uevents, alone)
        with _scraped(daemon.port):
            scraped, _ = _ways(host, effort, uevents, alone)
    figures = [
        Figure(name, "ms", host.paths, quantile(ours, share), {BARE: quantile(bare, share)})
        for name, share in QUANTILES.items()
    ]
    return figures + [
        Figure(f"{name}, scraped every {SCRAPE_EVERY:g} s", "ms", host.paths, quantile(scraped, share))
        for name, share in QUANTILES.items()
    ]


def plots(figures: Sequence[Figure]) -> tuple[Plot, ...]:
    """The quantiles, ours with and without scrapes and the bare reader's."""
    plain = [each for each in figures if each.name in QUANTILES]
    scraped = [each for each in figures if each.name not in QUANTILES]
    lines = (
        Line("mpathd-watch", tuple((QUANTILES[each.name], each.ours) for each in plain)),
        Line("mpathd-watch, scraped", tuple(zip(QUANTILES.values(), (each.ours for each in scraped), strict=True))),
        Line(BARE, tuple((QUANTILES[each.name], each.peers[BARE]) for each in plain)),
    )
    return (Plot("event", "From a uevent to the journal", "share of the events", "ms", lines, logarithmic=False),)


def _ways(host: Host, effort: Effort, uevents: Uevents, alone: Uevents) -> Ways:
    ours, bare = list[float](), list[float]()
    for change in ACTIONS:
        for map_ in host.tree.maps[: effort.events // 2]:
            dev_t = map_.paths[0].dev_t
            time.sleep(PAUSE)
            ours.append(passage(host, uevents, map_, *change))
            time.sleep(PAUSE)
            bare.append(way(host, alone, alone.message(change[0], map_, dev_t), of_reader))
    return ours, bare


@contextlib.contextmanager
def _scraped(port: int) -> Iterator[None]:
    """Another process that scrapes all the time."""
    process = multiprocessing.get_context("fork").Process(target=_scrape_on, args=(port,), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _scrape_on(port: int) -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        scrape(port, compressed=True)
        time.sleep(SCRAPE_EVERY)


MEASUREMENT = Measurement(
    "event",
    "From an event to the journal",
    "A path fails or returns; the time from just before dm's uevent is sent until the kernel has put the entry into "
    "journald's queue. The bare reader receives each event, too, at another moment and in another network namespace.",
    lambda effort: (effort.main,),
    measure,
    plots,
    ("median", "99 of 100"),
)
