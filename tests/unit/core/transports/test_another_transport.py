"""A transport and a layer of one row each get the whole treatment: health, outage, budget, causes and sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Self, cast

import pytest

from mpathd_watch.core.audit import audit
from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.events import ConfigurationRead, Event, SourceDown, SourceUp
from mpathd_watch.core.model.outage import Judgement
from mpathd_watch.core.model.vocabulary import (
    CheckerState,
    DeviceState,
    DmState,
    Health,
    Layer,
    MapHealth,
    Phase,
    SourceName,
    Transport,
    Verdict,
)
from mpathd_watch.core.state import Due, Wait
from mpathd_watch.core.transports import table
from mpathd_watch.sinks import check
from mpathd_watch.sinks.http.page import Shown
from mpathd_watch.sinks.http.page import render as page
from mpathd_watch.sinks.metrics.exposition import Exposition
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.status.screen import render as screen
from mpathd_watch.sinks.view import View
from tests.story import START, San, Story, moment
from tests.unit.core.transports.sas_expander import ExpanderPort, ExpanderPortsRead, PortState, installed

FIRST, SECOND = "port-0", "port-1"


@pytest.fixture(autouse=True)
def _rows() -> Iterator[None]:
    with installed():
        yield


class Shelf(Story):
    """Maps of two disks each behind ports 0 and 1, and an iSCSI map beside them.

    Linked ports give a sign of life whenever they are read, but for those that are ``silent``.
    """

    def __init__(self, *maps: str, layer: Layer = Layer.DM_MULTIPATH) -> None:
        san = San.of(["iscsi"], ["192.168.1.1", "192.168.2.1"])
        for name in maps:
            wwid = san.add_map(name, [])
            san.maps[wwid] = replace(san.maps[wwid], layer=layer)
            for port in (0, 1):
                disk = san.add_disk(wwid, None)
                san.devices[disk] = replace(san.devices[disk], hctl=f"{port}:0:0:{len(san.maps)}")
        super().__init__(san)
        self.silent: set[int] = set()
        self.ports_now = {number: ExpanderPort(number, PortState.LINKED, f"shelf{number}", 0.0) for number in (0, 1)}
        self.feed(SourceUp(SourceName.SYSFS))
        self.poll()
        self.begun()
        self.expects(recheck_interval=5, name=maps[0])
        self.prompt = True

    def poll(self, requested: float | None = None) -> Self:
        """The ports are read."""
        self.polled.append(self.seconds)
        now = START.monotonic + (self.seconds if requested is None else requested)
        for number, port in self.ports_now.items():
            if port.state is PortState.LINKED and number not in self.silent:
                self.ports_now[number] = replace(port, heard=now)
        self.feed(cast("Event", ExpanderPortsRead(tuple(self.ports_now.values()), now)))
        return self

    def become(self, state: PortState, *numbers: int) -> Self:
        """These ports change, and are read."""
        for number in numbers:
            self.ports_now[number] = replace(self.ports_now[number], state=state)
        return self.poll()


def disks(story: Story, name: str) -> list[str]:
    """The names of a map's disks, by their ports."""
    return list(story.san.maps[story.san.wwid(name)].slaves)


def test_an_outage_has_its_health_phases_verdict_and_sentences() -> None:
    story = Shelf("disk").at(0).poll()
    second = disks(story, "disk")[1]
    assert story.path(SECOND, "disk").place.transport is Transport.SCSI
    story.silent.add(1)
    story.at(3.9)
    assert story.health(SECOND, "disk") == (Health.UP, MapHealth.HEALTHY)
    story.at(4.0)
    assert story.health(SECOND, "disk") == (Health.SUSPECT, MapHealth.DEGRADED)
    assert story.told_of("path_suspect").message == (
        f"disk: path port-1 ({second}) is suspect: no answer from port-1 for 4.0 s (expected at least every 2 s), its "
        "sibling is fine. Unless the target answers, the kernel drops the expander port within 2 s; I/O on it may hang "
        "until then. 2 of 2 paths usable."
    )
    story.at(5.5).become(PortState.WAITING, 1)
    assert story.health(SECOND, "disk") == (Health.STALLED, MapHealth.AT_RISK)
    assert story.told_of("path_stalled").message == (
        f"disk: path port-1 ({second}) stalled: its expander port is waiting, 5.5 s after its last sign of life. I/O "
        "on it is held for up to 8 s (port_loss_tmo), then the path fails. 1 of 2 paths usable."
    )
    story.at(13.5).become(PortState.DISABLED, 1).dm(second, DmState.FAILED)
    assert story.health(SECOND, "disk")[0] is Health.FAILED
    failed = story.told_of("path_failed").message
    assert "failed after 8.0 s stalled, 13.5 s after its last sign of life (budget: at most 14 s): its " in failed
    assert "its expander port is down; cause: connection error" in failed
    story.silent.clear()
    story.at(20).become(PortState.LINKED, 1)
    story.checker(second, CheckerState.FAULTY)
    assert story.health(SECOND, "disk")[0] is Health.RECOVERING
    story.at(25).checker(second, CheckerState.READY).dm(second, DmState.ACTIVE)
    assert story.health(SECOND, "disk") == (Health.UP, MapHealth.HEALTHY)
    outage = story.last_outage(SECOND, "disk")
    assert outage is not None
    assert outage.judgement == Judgement(
        {Phase.DETECTION: 5.5, Phase.REPLACEMENT: 8.0, Phase.FAILOVER: 13.5, Phase.REINSTATEMENT: 5.0},
        Verdict.WITHIN_BUDGET,
    )
    assert "within budget: failover took 13.5 s of at most 14 s" in story.told_of("path_reinstated").message
    assert {told.alert.fields["MAP"] for told in story.parts} == {"disk"}


def test_a_phase_that_takes_too_long_is_overdue() -> None:
    story = Shelf("disk").at(5).become(PortState.WAITING, 1)
    for second in range(6, 16):
        story.at(second).poll()
    story.at(15.5)
    assert "is overdue: stalled for 10.0 s, and not failed; port_loss_tmo is 8 s." in (
        story.told_of("path_overdue").message
    )


def test_ports_that_are_lost_together_are_reported_with_what_they_share() -> None:
    story = Shelf("disk", "data")
    for number in (0, 1):
        story.ports_now[number] = replace(story.ports_now[number], enclosure="shelf0")
    story.at(0).poll()
    story.at(5).become(PortState.DISABLED, 0, 1)
    lost = [told.alert for told in story.told if told.event == "session_lost"]
    assert [alert.message for alert in lost] == [
        f"SAS expander port port-{number} is down (disabled): 2 paths of 2 maps went through it. "
        "It is not the only one: all 2 expander ports of enclosure shelf0 are lost or silent."
        for number in (0, 1)
    ]
    assert lost[0].fields["NEXUS"] == "port-0"
    assert story.path("192.168.1.1:3260", "iscsi").health is Health.UP
    story.at(9).become(PortState.LINKED, 0, 1)
    restored = [told.alert.message for told in story.told if told.event == "session_restored"]
    assert restored[1] == "SAS expander port port-1 is linked again; multipathd now checks its 2 paths."


def test_a_port_that_is_unplugged_leaves_its_paths_missing() -> None:
    story = Shelf("disk", "data").at(0).poll()
    del story.ports_now[1]
    story.at(5).poll()
    assert story.health(SECOND, "disk")[0] is Health.MISSING
    assert "SAS expander port port-1 is gone, unplugged: 2 paths of 2 maps" in story.told_of("session_lost").message
    missing = [told.alert for told in story.told if told.event == "path_missing"]
    assert [alert.fields["CAUSE"] for alert in missing] == ["removed", "removed"]


def test_a_state_that_is_not_known_leaves_the_verdict_to_the_disk_and_the_checker() -> None:
    story = Shelf("disk").at(0).become(PortState.UNKNOWN, 1)
    assert story.path(SECOND, "disk").health is Health.UP
    story.device(disks(story, "disk")[1], DeviceState.OFFLINE)
    assert story.path(SECOND, "disk").health is Health.FAILED


def test_a_map_without_dm_and_multipathd_is_judged_by_what_the_kernel_shows() -> None:
    story = Shelf("native", layer=Layer.UNKNOWN)
    first, second = disks(story, "native")
    story.at(0).feed(SourceDown(SourceName.MULTIPATHD, "not_running", "multipathd is not running."))
    assert story.health(SECOND, "native") == (Health.UP, MapHealth.HEALTHY)
    story.at(5).become(PortState.DISABLED, 1).device(second, DeviceState.TRANSPORT_OFFLINE)
    assert story.health(SECOND, "native") == (Health.FAILED, MapHealth.AT_RISK)
    assert "failed: its expander port is down; cause: connection error" in (
        story.told_of("path_failed", SECOND).message
    )
    story.at(6).device(first, DeviceState.OFFLINE)
    assert story.health(FIRST, "native")[1] is MapHealth.LOST
    assert "failed: the kernel does not use it, its device is offline" in story.told_of("path_failed", FIRST).message
    assert story.told_of("map_lost").message.endswith("I/O waits in the kernel until a path returns.")
    story.at(20).become(PortState.LINKED, 1).device(second, DeviceState.RUNNING).device(first, DeviceState.RUNNING)
    assert story.health(SECOND, "native") == (Health.UP, MapHealth.HEALTHY)
    assert not [told for told in story.told if "multipathd" in told.alert.message and told.event != "source_down"]


def test_what_multipathd_knew_of_its_own_maps_alone_is_forgotten_with_it() -> None:
    story = Shelf("native", layer=Layer.UNKNOWN).at(0)
    story.san.add_map("late")
    story.look().listing()
    assert [story.map(name).queueing.text for name in ("iscsi", "native", "late")] == ["off", "off", "off"]
    story.multipathd_down()
    assert [story.map(name).queueing.text for name in ("iscsi", "native", "late")] == ["", "off", ""]


def test_every_sink_shows_its_maps() -> None:
    story = Shelf("disk").at(0).poll().at(6)
    story.silent.add(1)
    story.become(PortState.DISABLED, 1).dm(disks(story, "disk")[1], DmState.FAILED)
    first, *_ = check.text(check.judge(audit(story.state), story.state, check.Question())).splitlines()
    assert "(disk: 1 of 2 paths usable, " in first
    found = check.judge(audit(story.state), story.state, check.Question(paths=False))
    assert "on 2 maps and 2 iSCSI sessions and 2 SAS expander ports" in check.summary(found)
    shown = document(View(story.state, moment(6)))
    (disk,) = (each for each in shown["maps"] if each["map"] == "disk")
    assert {path["path"]: path["health"] for path in disk["paths"]} == {FIRST: "up", SECOND: "failed"}
    assert [nexus.label for nexus in story.state.nexuses_of(Transport.SCSI)] == [FIRST, SECOND]
    assert SECOND in screen(shown, colour=False)
    assert SECOND in page(Shown(shown))
    exposition = Exposition(lambda: View(story.state, moment(6)))
    metrics = b"".join(exposition.render(exposition.format())).decode()
    assert f'mpathd_watch_path_health{{map="disk",path="{SECOND}",state="failed"}} 1.0' in metrics


def test_an_audit_follows_a_change_of_a_port_and_not_every_reading() -> None:
    story = Shelf("disk")
    story.feed(ConfigurationRead(Configuration()))
    story.at(0)
    assert Due(Wait.AUDIT) not in story.state.deadlines
    story.poll()
    assert Due(Wait.AUDIT) not in story.state.deadlines
    story.become(PortState.WAITING, 1)
    assert Due(Wait.AUDIT) in story.state.deadlines


def test_a_transport_of_which_nothing_is_known_has_a_row_without_any_nexus() -> None:
    row = table.of(Transport.UNKNOWN)
    assert (row.words.noun, row.fast_io_fail) == ("path", None)
    assert list(table.read(SourceUp(SourceName.SYSFS))) == []
    assert list(table.failures(SourceUp(SourceName.SYSFS))) == []
