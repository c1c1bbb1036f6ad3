"""Unit attentions: they are counted, lead to readings, and are reported together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.effects import Refresh, Scope
from mpathd_watch.core.events import BlockEvent, ConfigurationRead, Event, EventsLost, SourceUp
from mpathd_watch.core.folding import attentions as unit_attentions
from mpathd_watch.core.judging.attentions import SLOWLY_EVERY
from mpathd_watch.core.model.facts import BlockFacts
from mpathd_watch.core.model.vocabulary import (
    AccessState,
    AttentionKind,
    CheckerState,
    DmState,
    SessionStatus,
    SourceName,
)
from mpathd_watch.core.state import Wait
from mpathd_watch.core.state.arrays import AGAIN_FOR
from tests.story import TARGET, San, Story

PORTALS = ["192.168.1.1", "192.168.2.1"]
A, B = "192.168.1.1:3260", "192.168.2.1:3260"
MIB = 2048


def story(*maps: str) -> Story:
    """One map, or these, over two sessions: the LUNs of the first session are 1:0:0:N, of the second 2:0:0:N."""
    san = San.of(list(maps) or ["mpio"], PORTALS).grouped()
    resize(san, 64, "map", *san.devices)
    return Story(san).begun().at(0)


def resize(san: San, mib: int, *names: str) -> None:
    """These disks, and ``map`` for all maps, have another size."""
    for name in names:
        if name == "map":
            san.maps = {wwid: replace(known, block=BlockFacts(mib * MIB)) for wwid, known in san.maps.items()}
        else:
            block = replace(san.devices[name].block, size=mib * MIB)
            san.devices[name] = replace(san.devices[name], block=block)


# --- counting ---------------------------------------------------------------------------------------------------------


def test_they_are_counted_by_map_and_kind() -> None:
    told = story("lun01", "lun02").attention(AttentionKind.RESET, "1:0:0:0", "2:0:0:1")
    told.attention(AttentionKind.RESET, "1:0:0:0", count=3).attention(AttentionKind.UNKNOWN, "1:0:0:0")
    assert dict(told.map("lun01").attentions) == {AttentionKind.RESET: 4, AttentionKind.UNKNOWN: 1}
    assert dict(told.map("lun02").attentions) == {AttentionKind.RESET: 1}
    assert told.state.counters.uevents == {}


def test_a_lun_in_no_map_or_that_is_gone_is_counted_and_leads_to_nothing() -> None:
    told = story()
    for kind in AttentionKind:
        told.attention(kind, "7:0:0:0")
    assert dict(told.state.counters.attentions) == dict.fromkeys(AttentionKind, 1)
    assert told.at(100).alerts() == []
    assert told.waits == set()


# --- access states ----------------------------------------------------------------------------------------------------


def test_the_access_states_of_the_target_are_read_at_once_and_again_for_a_while() -> None:
    told = story("lun01", "lun02").attention(AttentionKind.ACCESS_STATE, "2:0:0:0")
    reads = [told.wanted]
    for half in range(1, 12):
        told.at(half / 2)
        reads.append(told.wanted)
    everything = Refresh(Scope.DEVICES, ("sda", "sdb", "sdc", "sdd"))
    assert reads[0] == [everything]
    assert sum(everything in wanted for wanted in reads) >= 8
    assert told.at(20).waits == set()
    assert [event for _, event, _ in told.alerts()] == []


@pytest.mark.parametrize(
    ("state", "again"), [(AccessState.STANDBY, True), (AccessState.OPTIMIZED, True), (None, False)]
)
def test_a_path_that_comes_is_read_again(state: AccessState | None, again: bool) -> None:
    """Simulator, t1-205 and n30-679: the attention had come before, or the kernel had yet to ask the array."""
    told = story().at(1)
    told.san.logout(2)
    told.look().at(2)
    sid = told.san.login(PORTALS[1])
    name = told.san.add_disk(told.san.wwid("mpio"), sid)
    device = told.san.devices[name]
    told.san.devices[name] = replace(device, access=replace(device.access, state=state, group=2))
    told.wanted = []
    told.look().at(3)
    assert any(wanted.scope is Scope.DEVICES and name in wanted.devices for wanted in told.wanted) is again


def test_a_path_that_the_array_had_closed_before_the_start_is_not_read_again() -> None:
    """A passive controller is in standby all the time."""
    san = San.of(["mpio"], PORTALS).grouped(g2=AccessState.STANDBY)
    told = Story(san)
    told.feed(san.system_read())
    assert told.path(B).disk.access.state is AccessState.STANDBY
    assert told.state.arrays.again == {}


@pytest.mark.parametrize("what", [EventsLost(), SourceUp(SourceName.UEVENT)])
def test_after_lost_uevents_the_access_states_are_read_again(what: Event) -> None:
    """Simulator, n26-886: the attention was lost, and the kernel asked the array later than everything was read."""
    told = story().at(0)
    told.feed(what)
    reads = []
    for half in range(1, 20):
        told.at(half / 2)
        reads += [wanted.devices for wanted in told.wanted if wanted.scope is Scope.DEVICES]
    assert len(reads) >= 8
    assert set(reads) == {("sda", "sdb")}
    assert Wait.ACCESS not in told.waits


def test_the_states_are_read_again_once_dm_reinstates_a_path_that_the_array_had_closed() -> None:
    """Simulator, n28-1007: the attention had come before the daemon started."""
    san = San.of(["mpio"], PORTALS).grouped(g2=AccessState.UNAVAILABLE)
    san.dm["sdb"] = DmState.FAILED
    told = Story(san).begun().at(0)
    assert Wait.ACCESS not in told.waits
    told.checker("sdb", CheckerState.READY).dm("sdb", DmState.ACTIVE)
    assert Wait.ACCESS in told.waits


@pytest.mark.parametrize(("state", "again"), [(AccessState.UNAVAILABLE, True), (AccessState.STANDBY, False)])
def test_a_path_that_dm_uses_at_the_start_although_the_array_has_closed_it_is_read_again(
    state: AccessState, again: bool
) -> None:
    told = Story(San.of(["mpio"], PORTALS).grouped(g2=state)).begun().at(0)
    assert any(state.arrays.again for state in told.history) is again


def test_where_no_disk_has_an_access_state_lost_uevents_have_none_read() -> None:
    told = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    told.feed(EventsLost())
    assert told.state.arrays.again == {}


def test_after_a_reset_the_access_states_are_read_again_and_it_is_reported() -> None:
    told = story().at(0).attention(AttentionKind.RESET, "1:0:0:0")
    assert Wait.ACCESS in told.waits
    assert [(event, about) for _, event, about in told.at(20).alerts()] == [("unit_attention", AttentionKind.RESET)]


def test_attentions_of_a_target_whose_disks_were_gone_are_followed_again() -> None:
    """Simulator, n27-904: nothing read its states any more after its disks had gone within these seconds."""
    told = story().at(0).attention(AttentionKind.ACCESS_STATE, "1:0:0:0", "2:0:0:0").at(1)
    told.san.logout(1)
    told.san.logout(2)
    told.look().at(20)
    assert told.state.arrays.again == {}
    assert Wait.ACCESS not in told.waits
    for portal in PORTALS:
        told.san.add_disk(told.san.wwid("mpio"), told.san.login(portal))
    told.look().at(30).attention(AttentionKind.ACCESS_STATE, told.path(B).place.hctl)
    assert Wait.ACCESS in told.waits


def test_the_last_reading_comes_when_the_time_is_over() -> None:
    """At the slow pace the kernel may learn the new state after the last reading but one."""
    told = story().at(0).attention(AttentionKind.ACCESS_STATE, "2:0:0:0")
    told.at(3.5).attention(AttentionKind.ACCESS_STATE, "2:0:0:0")
    read = []
    for tenth in range(36, 120):
        told.wanted = []
        told.at(tenth / 10)
        if told.wants(Scope.DEVICES):
            read.append(told.seconds)
    assert 3.5 + AGAIN_FOR <= max(read) <= 3.5 + AGAIN_FOR + SLOWLY_EVERY
    assert told.waits == set()


def test_a_storm_makes_no_more_readings() -> None:
    told, readings = story(), 0
    for fifth in range(300):
        told.wanted = []
        told.at(fifth / 5)
        readings += told.wants(Scope.DEVICES)
        told.attention(AttentionKind.ACCESS_STATE, "1:0:0:0", "2:0:0:0", count=100)
        readings += told.wants(Scope.DEVICES)
    assert readings <= 9 + 30
    assert told.at(70).waits == set()


def test_only_the_target_that_reports_is_read() -> None:
    san = San.of(["mpio"], PORTALS).grouped()
    san.sessions[2] = replace(san.sessions[2], target="iqn.2009-02.com.example:other")
    told = Story(san).begun().at(0).attention(AttentionKind.ACCESS_STATE, "2:0:0:0")
    assert told.wanted == [Refresh(Scope.DEVICES, ("sdb",))]


def test_where_targets_have_no_names_the_address_counts() -> None:
    san = San()
    wwid = san.add_map("local")
    for hctl in ("1:0:0:0", "1:0:1:0"):
        name = san.add_disk(wwid, None)
        san.devices[name] = replace(san.devices[name], hctl=hctl)
    told = Story(san).begun().at(0).attention(AttentionKind.ACCESS_STATE, "1:0:1:0")
    assert told.wanted == [Refresh(Scope.DEVICES, ("sdb",))]


# --- entries ----------------------------------------------------------------------------------------------------------


def test_a_reset_of_all_luns_of_a_target_is_one_entry() -> None:
    told = story("lun01", "lun02").attention(AttentionKind.RESET, "1:0:0:0", "1:0:0:1")
    told.at(0.5).attention(AttentionKind.RESET, "2:0:0:0", count=2).at(5)
    alert = told.told_of("unit_attention")
    assert alert.priority is Priority.INFO
    assert alert.message == f"{TARGET}: the target has reset 3 LUNs (lun01, lun02), or has restarted."
    assert alert.fields == {"TARGET": TARGET, "ATTENTION": "POWER_ON_RESET_OCCURRED", "COUNT": "4", "MAPS": "2"}


def test_what_a_target_reports_within_a_second_is_one_entry() -> None:
    told = story("lun01", "lun02").attention(AttentionKind.RESET, "1:0:0:0")
    told.at(0.9).attention(AttentionKind.RESET, "1:0:0:1").at(5)
    assert told.alerts() == [(1, "unit_attention", "POWER_ON_RESET_OCCURRED")]
    assert told.told_of("unit_attention").fields["MAPS"] == "2"


def test_the_quiet_after_which_an_attention_is_news_begins_with_the_last_one() -> None:
    told = story().attention(AttentionKind.RESET, "1:0:0:0").at(30).attention(AttentionKind.RESET, "1:0:0:0")
    told.at(85).attention(AttentionKind.RESET, "1:0:0:0")
    assert [at for at, _, _ in told.at(90).alerts()] == [1]
    told.at(145).attention(AttentionKind.RESET, "1:0:0:0").at(150)
    assert [at for at, _, _ in told.alerts()] == [1, 146]


def test_of_a_storm_no_more_is_kept_than_can_be_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_attentions, "MOST_LUNS", 2)
    told = story("lun01", "lun02", "lun03").attention(AttentionKind.RESET, "1:0:0:0", "1:0:0:1")
    told.attention(AttentionKind.RESET, "1:0:0:2")
    (attention,) = told.state.arrays.attentions.values()
    assert (sorted(attention.luns), attention.count) == (["1:0:0:0", "1:0:0:1"], 3)
    told.at(10).attention(AttentionKind.RESET, "1:0:0:2")
    (attention,) = told.state.arrays.attentions.values()
    assert (attention.announced, len(attention.luns), len(attention.maps), attention.count) == (True, 0, 0, 4)


def test_a_storm_is_one_entry_and_the_next_one_after_a_minute_of_quiet_is_another() -> None:
    told = story()
    for tenth in range(300):
        told.at(tenth / 10).attention(AttentionKind.MODE_PARAMETERS, "1:0:0:0", count=100)
    assert [at for at, event, _ in told.at(80).alerts() if event == "unit_attention"] == [1]
    assert dict(told.map().attentions) == {AttentionKind.MODE_PARAMETERS: 30_000}
    told.at(95)
    assert not told.state.arrays.attentions
    told.attention(AttentionKind.MODE_PARAMETERS, "1:0:0:0").at(100)
    assert [at for at, event, _ in told.alerts() if event == "unit_attention"] == [1, 96]


def test_kinds_that_come_one_after_the_other_are_each_reported_a_second_after_their_first() -> None:
    told = story().attention(AttentionKind.RESET, "1:0:0:0")
    told.at(0.5).attention(AttentionKind.MODE_PARAMETERS, "1:0:0:0").at(5)
    assert told.alerts() == [
        (1, "unit_attention", "POWER_ON_RESET_OCCURRED"),
        (1.5, "unit_attention", "MODE_PARAMETERS_CHANGED"),
    ]


@pytest.mark.parametrize(
    ("kind", "event", "priority", "words"),
    [
        (
            AttentionKind.THIN_PROVISIONING,
            "thin_pool_filling",
            Priority.WARNING,
            "the pool behind 1 LUN (mpio) is",
        ),
        (AttentionKind.INQUIRY, "unit_attention", Priority.INFO, "describes 1 LUN (mpio) in another way than before"),
        (AttentionKind.REPORTED_LUNS, "unit_attention", Priority.INFO, "iscsiadm -m session --rescan"),
        (AttentionKind.MODE_PARAMETERS, "unit_attention", Priority.INFO, "has changed settings of 1 LUN (mpio)"),
    ],
)
def test_what_each_kind_is_reported_as(kind: AttentionKind, event: str, priority: Priority, words: str) -> None:
    alert = story().attention(kind, "1:0:0:0").at(2).told_of(event)
    assert alert.priority is priority
    assert words in alert.message


def test_a_map_that_is_gone_meanwhile_is_not_named() -> None:
    told = story().attention(AttentionKind.RESET, "1:0:0:0")
    known = told.san.maps.pop(told.san.wwid("mpio"))
    told.feed(BlockEvent("remove", known.sysfs_name))
    told.look().at(3)
    assert told.told_of("unit_attention").message == f"{TARGET}: the target has reset 1 LUN, or has restarted."


# --- a reset as a hint ------------------------------------------------------------------------------------------------


def test_a_reset_is_a_hint_at_the_cause_of_an_outage() -> None:
    told = story().session(2, SessionStatus.FAILED).dm("sdb", DmState.FAILED)
    told.at(10).session(2, SessionStatus.LOGGED_IN).attention(AttentionKind.RESET, "2:0:0:0")
    told.at(12).checker("sdb", CheckerState.READY).dm("sdb", DmState.ACTIVE)
    assert "cause: connection error, its target reported a reset or restart 2.0 s ago" in told.parts[-2].alert.message


def test_an_old_reset_is_no_hint() -> None:
    told = story().attention(AttentionKind.RESET, "2:0:0:0").at(20).checker("sdb", CheckerState.FAULTY)
    assert "reset" not in told.told_of("path_failed").message


# --- sizes ------------------------------------------------------------------------------------------------------------


def test_a_lun_whose_new_size_is_in_use_everywhere_is_good_to_know() -> None:
    told = story().attention(AttentionKind.CAPACITY, "1:0:0:0", "2:0:0:0")
    assert told.wants(Scope.SYSTEM)
    resize(told.san, 128, "sda")
    told.at(10).look()
    resize(told.san, 128, "sdb", "map")
    told.at(20).look()
    alert = told.told_of("lun_resized")
    assert alert.priority is Priority.INFO
    assert alert.message == (
        "mpio: the array has changed the size of the LUN, and the map and its disks use it: 128.0 MiB in the map; "
        "128.0 MiB on sda, sdb."
    )
    assert told.at(400).waits == set()
    assert not told.state.arrays.resizes


def test_a_map_that_does_not_follow_within_a_minute_is_a_warning() -> None:
    told = story().attention(AttentionKind.CAPACITY, "1:0:0:0")
    resize(told.san, 128, "sda")
    told.at(10).look().at(57)
    assert told.wants(Scope.SYSTEM)
    told.at(59.9)
    assert "lun_resized" not in {event for _, event, _ in told.alerts()}
    alert = told.at(60).told_of("lun_resized")
    assert alert.priority is Priority.WARNING
    assert "64.0 MiB in the map; 128.0 MiB on sda; 64.0 MiB on sdb. If the LUN has grown: iscsiadm" in alert.message
    assert "multipathd resize map mpio" in alert.message
    assert told.at(400).waits == set()


def test_a_host_that_does_not_follow_at_all_is_a_warning_too() -> None:
    told = story().attention(AttentionKind.CAPACITY, "1:0:0:0").at(61)
    assert told.told_of("lun_resized").priority is Priority.WARNING


def test_where_sizes_are_not_known_nothing_is_claimed() -> None:
    san = San.of(["mpio"], PORTALS)
    told = Story(san).begun().at(0).attention(AttentionKind.CAPACITY, "1:0:0:0").at(61)
    alert = told.told_of("lun_resized")
    assert alert.priority is Priority.INFO
    assert (
        "it is not known whether this host uses the new size: unknown in the map; unknown on sda, sdb." in alert.message
    )


def test_a_path_that_is_missing_reports_nothing_and_has_no_size() -> None:
    told = story()
    told.san.logout(2)
    told.look().attention(AttentionKind.CAPACITY, "2:0:0:0").at(10)
    assert dict(told.state.counters.attentions) == {AttentionKind.CAPACITY: 1}
    told.attention(AttentionKind.CAPACITY, "1:0:0:0").at(71)
    assert "64.0 MiB in the map; 64.0 MiB on sda. If" in told.told_of("lun_resized").message


def test_two_luns_have_a_minute_each() -> None:
    told = story("lun01", "lun02").attention(AttentionKind.CAPACITY, "1:0:0:0")
    told.at(30).attention(AttentionKind.CAPACITY, "1:0:0:1").at(120)
    assert [(at, who) for at, event, who in told.alerts() if event == "lun_resized"] == [(60, "lun01"), (90, "lun02")]


def test_a_map_that_is_removed_is_not_waited_for() -> None:
    told = story().attention(AttentionKind.CAPACITY, "1:0:0:0")
    known = told.san.maps.pop(told.san.wwid("mpio"))
    told.feed(BlockEvent("remove", known.sysfs_name))
    told.look().at(400)
    assert not told.state.arrays.resizes
    assert told.waits == set()


# --- another LUN ------------------------------------------------------------------------------------------------------


def test_another_lun_behind_the_same_disk_is_critical_at_once() -> None:
    san = San.of(["mpio"], PORTALS)
    for name in san.devices:
        san.devices[name] = replace(san.devices[name], block=BlockFacts(64 * MIB, wwid="naa.6001405aaaa"))
    told = Story(san).begun()
    told.feed(ConfigurationRead(Configuration()))
    told.at(10)
    san.devices["sdb"] = replace(san.devices["sdb"], block=BlockFacts(64 * MIB, wwid="naa.6001405bbbb"))
    told.attention(AttentionKind.INQUIRY, "2:0:0:0").look().at(17)
    alert = next(each.alert for each in told.told if each.alert.fields.get("CODE") == "wwid_differs")
    assert alert.priority is Priority.ERR
    assert alert.fields["SEVERITY"] == "critical"
    assert f"path {B} (sdb) led to the LUN naa.6001405aaaa, and leads to naa.6001405bbbb now" in alert.message
    assert told.path(B).disk.was == "naa.6001405aaaa"
    san.devices["sdb"] = replace(san.devices["sdb"], block=BlockFacts(64 * MIB, wwid="naa.6001405aaaa"))
    assert told.look().path(B).disk.was == ""


def test_what_udev_alone_has_under_another_wwid_waits_a_minute() -> None:
    told = story()
    told.feed(ConfigurationRead(Configuration()))
    told.at(20).san.devices["sdb"] = replace(told.san.devices["sdb"], wwid="36001405bbbb")
    told.look().at(75)
    assert "wwid_differs" not in {each.alert.fields.get("CODE") for each in told.told}
    told.at(90)
    assert "wwid_differs" in {each.alert.fields.get("CODE") for each in told.told}


@pytest.mark.parametrize("kind", [AttentionKind.INQUIRY, AttentionKind.REPORTED_LUNS])
def test_where_the_luns_may_be_others_everything_is_read_again_for_five_minutes(kind: AttentionKind) -> None:
    told = story().attention(kind, "1:0:0:0")
    scans = [0.0] if told.wants(Scope.SYSTEM) else []
    for second in range(1, 400):
        if second == 20:
            told.at(second).attention(kind, "1:0:0:0")
        told.wanted = []
        if told.at(second).wants(Scope.SYSTEM):
            scans.append(second)
    assert scans == [0, 5, 15, 30, 60, 120, 300]
    assert told.waits == set()


def test_a_new_disk_under_the_same_label_is_not_another_lun_behind_it() -> None:
    told = story()
    told.san.devices["sdb"] = replace(told.san.devices["sdb"], block=BlockFacts(64 * MIB, wwid="naa.6001405aaaa"))
    told.look()
    told.san.remove_disk("sdb")
    told.look()
    name = told.san.add_disk(told.san.wwid("mpio"), 2)
    told.san.devices[name] = replace(told.san.devices[name], block=BlockFacts(64 * MIB, wwid="naa.6001405bbbb"))
    told.look()
    assert told.path(B).place.dev == name
    assert told.path(B).disk.was == ""


def test_a_name_of_another_kind_is_no_other_lun() -> None:
    told = story()
    for wwid in ("t10.ATA     disk", "naa.6001405aaaa"):
        told.san.devices["sdb"] = replace(told.san.devices["sdb"], block=BlockFacts(64 * MIB, wwid=wwid))
        told.look()
        assert told.path(B).disk.was == ""


def test_a_name_that_could_not_be_read_is_no_other_lun() -> None:
    told = story()
    for wwid in ("naa.6001405aaaa", "", "naa.6001405aaaa"):
        told.san.devices["sdb"] = replace(told.san.devices["sdb"], block=BlockFacts(64 * MIB, wwid=wwid))
        told.look()
        assert told.path(B).disk.was == ""


def test_an_access_state_that_changes_is_dated() -> None:
    told = story().at(5).access(g2=AccessState.STANDBY)
    since = told.path(B).disk.access_since
    assert since == 1005
    assert told.at(9).look().path(B).disk.access_since == since
