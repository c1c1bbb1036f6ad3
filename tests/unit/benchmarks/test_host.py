"""The simulated host of the benchmarks, and the collectors on it: no root, no other process."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.host.journald import Journald
from benchmarks.host.listing import Listing
from benchmarks.host.process import (
    children,
    descriptors,
    memory,
    pages,
    processor_time,
    thread_names,
    threads,
)
from benchmarks.host.tree import Tree, configure, grown
from benchmarks.peers import multipathd_collector, sysfs_collector
from benchmarks.peers.ready_samples import Ready
from mpathd_watch.core.model.vocabulary import CheckerState, DmState
from mpathd_watch.sinks import journald
from mpathd_watch.sinks.backlog import BusyError
from mpathd_watch.sources.multipathd.replies import MAPS_COMMAND, PATHS_COMMAND, parse_maps, parse_paths
from tests.fakes.multipathd import FakeMultipathd


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Three maps of four paths."""
    return grown(tmp_path / "sys", 12)


def test_a_host_has_four_paths_to_a_map_and_at_least_as_many_sessions(tree: Tree, tmp_path: Path) -> None:
    assert [len(each.paths) for each in tree.maps] == [4, 4, 4]
    assert len(tree.san.sessions) == 4
    (small,) = grown(tmp_path / "small", 2).maps
    assert [path.portal for path in small.paths] == ["192.168.0.1:3260", "192.168.1.1:3260"]


def test_each_session_has_a_node_record(tree: Tree, tmp_path: Path) -> None:
    configure(tmp_path / "root", tree)
    records = list((tmp_path / "root/var/lib/iscsi/nodes").glob("*/*/default"))
    assert len(records) == len(tree.san.sessions)


def test_multipathd_lists_what_the_daemon_can_read(tree: Tree) -> None:
    listing = Listing(tree.maps)
    for failed in ((), (tree.maps[1].paths[0].dev_t,)):
        listing.change(failed=failed)
        replies = {command: str(reply) for command, reply in listing.replies().items()}
        paths, maps = parse_paths(replies[PATHS_COMMAND]), parse_maps(replies[MAPS_COMMAND])
        assert not paths.problems
        assert not maps.problems
        assert len(paths.items) == 12
        assert [each.name for each in maps.items] == ["mpath0", "mpath1", "mpath2"]
        assert {each.dev_t for each in paths.items if each.dm_state is DmState.FAILED} == set(failed)
        assert {each.dev_t for each in paths.items if each.checker_state is CheckerState.FAULTY} == set(failed)


def test_a_path_that_returns_is_listed_as_before(tree: Tree) -> None:
    listing = Listing(tree.maps)
    before, dev_t = listing.replies(), tree.maps[0].paths[3].dev_t
    listing.change(failed=[dev_t])
    assert listing.replies() != before
    listing.change(active=[dev_t])
    assert listing.replies() == before


def test_the_sysfs_collector_sees_each_path(tree: Tree) -> None:
    tree.san.disks[5].state = "blocked"
    families = {each.name: each for each in sysfs_collector.Maps(tree.san.root).collect()}
    states = families["multipath_path_state"].samples
    assert len(states) == 12
    assert [each.labels["state"] for each in states].count("blocked") == 1
    assert sorted(each.value for each in families["multipath_device_paths_usable"].samples) == [3, 4, 4]


def test_the_multipathd_collector_sees_each_path(tree: Tree, tmp_path: Path) -> None:
    listing = Listing(tree.maps)
    listing.change(failed=[tree.maps[0].paths[0].dev_t])
    with FakeMultipathd(tmp_path / "multipathd", replies=listing.replies()) as fake:
        families = {each.name: each for each in multipathd_collector.Maps(fake.socket_name).collect()}
        assert json.loads(multipathd_collector.ask(fake.socket_name, MAPS_COMMAND))["maps"]
    assert len(families["multipath_path_dm"].samples) == 12
    assert sorted(each.value for each in families["multipath_map_paths_usable"].samples) == [3, 4, 4]


def test_ready_samples_are_those_of_the_text() -> None:
    text = '# HELP a_total A.\n# TYPE a_total counter\na_total{b="c"} 3.0\n'
    (metric,) = Ready(text).collect()
    assert [(each.name, each.labels, each.value) for each in metric.samples] == [("a_total", {"b": "c"}, 3.0)]


def test_a_process_is_measured() -> None:
    pid = os.getpid()
    before = processor_time(pid)
    sum(range(200_000))
    assert processor_time(pid) > before
    now, peak = memory(pid)
    assert 0 < now <= peak
    assert threads(pid) >= 1
    with pytest.raises(OSError, match="No such"):
        processor_time(1 << 22)


def test_a_journald_that_goes_and_comes_back_loses_nothing(tmp_path: Path) -> None:
    reading = Journald(tmp_path / "socket")
    sent, sink = 0, journald.Journald(tmp_path / "socket")
    try:
        for _ in range(5):
            for _ in range(200):
                sink.send(b"MPATHD_WATCH_EVENT=x%d\n" % sent, 5.0)
                sent += 1
            reading.close()
            with pytest.raises(BusyError):
                sink.send(b"MPATHD_WATCH_EVENT=late\n", 0.1)
            reading.come_back()
        found = reading.taken()
    finally:
        sink.close()
        reading.close()
    assert [each.event for each in found] == [f"x{number}" for number in range(sent)]
    assert reading.taken() == []


def test_a_process_is_seen_as_it_is() -> None:
    pid = os.getpid()
    before = descriptors(pid)
    with Path("/dev/null").open("rb"):
        assert sorted(descriptors(pid)) == sorted([*before, "/dev/null"])
    assert len(thread_names(pid)) == threads(pid)
    child = subprocess.Popen(["sleep", "60"])  # noqa: S607  # found in PATH
    assert child.pid in children(pid)
    child.kill()
    child.wait()
    assert child.pid not in children(pid)
    resident, shared_out = pages(pid)
    assert resident == pytest.approx(memory(pid)[0] * 1024, rel=0.2)
    assert 0 < shared_out <= resident
