"""I/O over paths that are not optimized, as the daemon finds it: the disks' counters from one audit to the next."""

from __future__ import annotations

from dataclasses import replace

from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.events import ConfigurationRead
from mpathd_watch.core.formats.multipath_conf import parse
from mpathd_watch.core.model.facts import AccessFacts, IoFacts
from mpathd_watch.core.model.vocabulary import AccessState, DmState
from tests.story import START, San, Story

OPTIMIZED, SLOWER = AccessState.OPTIMIZED, AccessState.NON_OPTIMIZED
CODE = "optimized_path_unused"


class Array:
    """A map over an optimized path and one that is not, and one over optimized paths; a full scan every minute."""

    def __init__(self) -> None:
        self.story = Story(San.of(["mpio", "alike"], ["192.168.1.1", "192.168.2.1"])).begun().at(0)
        self.story.feed(ConfigurationRead(Configuration(parse("", "/etc/multipath.conf"))))
        self.serve(sda=OPTIMIZED, sdb=SLOWER, sdc=OPTIMIZED, sdd=OPTIMIZED)

    def serve(self, **states: AccessState) -> None:
        """The array changes access states."""
        for name, state in states.items():
            group = 1 if name in ("sda", "sdc") else 2
            access = AccessFacts(grouped=True, handler="alua", state=state, preferred=False, group=group)
            self.story.san.devices[name] = replace(self.story.san.devices[name], access=access)

    def minutes(self, count: int, *names: str) -> Array:
        """Go on for so long, with 100 I/Os a second on these disks."""
        for _ in range(count):
            for name in names:
                device = self.story.san.devices[name]
                was = device.io or IoFacts(0, 0, 0, 0)
                done = IoFacts(was.reads + 3000, was.read_ms + 3000, was.writes + 3000, was.write_ms + 3000)
                self.story.san.devices[name] = replace(device, io=done)
            self.story.at(self.story.seconds + 60).look().listing()
        return self

    @property
    def found(self) -> bool:
        """Whether the last audit found it."""
        return CODE in {finding.kind.code for finding in self.story.state.auditing.report.findings}

    @property
    def reported(self) -> list[str]:
        """The maps about which the journal has an entry."""
        return [told.alert.fields["SUBJECT"] for told in self.story.told if told.alert.fields.get("CODE") == CODE]


def test_it_is_found_after_some_minutes_and_reported_once_it_has_stood() -> None:
    array = Array().minutes(3, "sdb", "sdc")
    assert not array.found
    array.minutes(2, "sdb", "sdd")
    assert array.found
    assert array.minutes(10, "sdb").reported == ["mpio"]
    array.minutes(3, "sda")
    assert not array.found


def test_only_maps_whose_access_states_differ_are_remembered() -> None:
    array = Array().minutes(3)
    (use,) = array.story.state.auditing.access.values()
    assert set(array.story.state.auditing.access) == {array.story.san.wwid("mpio")}
    assert use.states == (
        ("192.168.1.1:3260", ("sda", "8:0", "1:0:0:0"), OPTIMIZED, False),
        ("192.168.2.1:3260", ("sdb", "8:16", "2:0:0:0"), SLOWER, False),
    )
    array.serve(sdb=OPTIMIZED)
    assert array.minutes(2).story.state.auditing.access == {}
    array.serve(sdb=SLOWER)
    assert array.minutes(2).story.state.auditing.access
    for name in ("sda", "sdb", "sdc", "sdd"):
        array.story.san.remove_disk(name)
    array.story.san.maps.clear()
    assert array.minutes(2).story.state.auditing.access == {}


def test_a_failover_is_no_fault_as_long_as_it_lasts() -> None:
    array = Array().minutes(3, "sda")
    array.story.dm("sda", DmState.FAILED)
    assert not array.minutes(10, "sdb").found
    array.story.dm("sda", DmState.ACTIVE)
    array.minutes(1, "sdb").minutes(10, "sda")
    assert not array.found
    assert array.reported == []


def test_a_preferred_path_is_used_although_it_is_slower() -> None:
    array = Array()
    device = array.story.san.devices["sdb"]
    array.story.san.devices["sdb"] = replace(device, access=replace(device.access, preferred=True))
    assert not array.minutes(6, "sdb").found


def test_a_marginal_path_is_left_unused_on_purpose() -> None:
    array = Array()
    for _ in range(6):
        array.minutes(1, "sdb")
        listed = array.story.san.paths_listed(START.monotonic + array.story.seconds)
        paths = tuple(replace(path, marginal=path.dev == "sda") for path in listed.paths)
        array.story.feed(replace(listed, paths=paths))
    assert array.story.path("192.168.1.1:3260").checker.marginal
    assert not array.found
