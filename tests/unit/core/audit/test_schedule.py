"""When the daemon runs its audit, and which findings the journal reports."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpathd_watch.core.alerting.messages import config_finding
from mpathd_watch.core.audit import schedule
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.catalog.findings import Finding, FindingKind, Severity
from mpathd_watch.core.configuration import Configuration, Reason, Unreadable
from mpathd_watch.core.effects import FindingsAnnounced, Scope
from mpathd_watch.core.events import ConfigurationRead, MultipathdConfigured, Remembered, SettingsChanged, Tick
from mpathd_watch.core.formats.multipath_conf import parse, parse_printed
from mpathd_watch.core.model.acknowledgement import Acknowledgement
from mpathd_watch.core.model.facts import LinkFacts
from mpathd_watch.core.model.memory import Memory
from mpathd_watch.core.state import Due, Wait
from tests.story import START, San, Story

PORTALS = ["192.168.1.1", "192.168.2.1"]
CONF = "/etc/multipath.conf"
CODE = "syntax_error"


@pytest.fixture(autouse=True, params=[schedule.PATHS_AT_ONCE, 8], ids=["one step", "seven steps"])
def _steps(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of steps that an audit takes, what comes of it is the same."""
    monkeypatch.setattr(schedule, "PATHS_AT_ONCE", request.param)


def files(text: str = "") -> ConfigurationRead:
    return ConfigurationRead(Configuration(parse(text, CONF)))


def unreadable(*names: str) -> tuple[Unreadable, ...]:
    return tuple(Unreadable(f"/{name}", Reason.NO_PERMISSION, "no permission to read it") for name in names)


def findings(story: Story) -> list[tuple[float, str, str]]:
    """When each finding was reported, its code, and its subject."""
    return [
        (told.at, told.alert.fields.get("CODE", ""), told.alert.fields.get("SUBJECT", ""))
        for told in story.told
        if told.event == "config_finding"
    ]


def codes(story: Story) -> set[str]:
    return {finding.kind.code for finding in story.state.auditing.report.findings}


def test_there_is_no_audit_before_there_is_anything_to_compare() -> None:
    story = Story(San.of(["mpio"], PORTALS))
    story.feed(files("junk\n"))
    story.at(-55)
    assert story.state.auditing.at is None
    story.begun()
    assert story.at(-45).state.auditing.at is not None


def test_a_fault_of_a_file_is_reported_once_and_soon() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    story.feed(files("junk\n"))
    assert codes(story) == set()
    story.at(300)
    told = [each for each in findings(story) if each[1] == "syntax_error"]
    assert told == [(schedule.COALESCE, "syntax_error", CONF)]
    (alert,) = [told.alert for told in story.told if told.alert.fields.get("CODE") == "syntax_error"]
    assert alert.priority is Priority.WARNING
    assert alert.message == f'{CONF}:1: "junk" has no value: multipathd skips this line'
    assert (alert.fields["SEVERITY"], alert.fields["WHERE"]) == ("warning", f"{CONF}:1")
    # What comes about from now on is not the configuration's doing, and must stand for a while.
    assert (story.state.auditing.fresh, story.state.auditing.urgent) == (False, False)


def test_an_audit_of_a_large_host_takes_several_steps_and_what_comes_meanwhile_has_another_one_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(schedule, "PATHS_AT_ONCE", 8)
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    story.feed(files())
    story.at(schedule.COALESCE - 0.1)
    story.seconds = schedule.COALESCE
    story.feed(Tick())
    before = story.state.auditing
    assert before.work is not None
    assert story.state.deadlines[Due(Wait.AUDIT)] == START.monotonic + schedule.COALESCE
    story.feed(files("junk\n"))
    assert "syntax_error" not in codes(story.at(schedule.COALESCE + schedule.DISTANCE - 0.1))
    assert story.state.auditing.work is None
    story.at(100)
    told = [each for each in findings(story) if each[1] == "syntax_error"]
    assert told == [(schedule.COALESCE + schedule.DISTANCE, "syntax_error", CONF)]
    assert story.state.auditing.again is None


def test_new_files_have_multipathd_asked_what_it_runs_with() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    story.feed(files("junk\n"))
    assert story.wants(Scope.MAPS)
    story.feed(files("junk\n"))
    assert not story.wants(Scope.MAPS)


def test_the_same_files_read_again_change_nothing_and_fixed_ones_end_it() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    story.feed(files("junk\n"))
    before = story.at(10).state.auditing.report
    told = findings(story)
    story.feed(files("junk\n"))
    assert story.at(20).state.auditing.report == before
    story.feed(files())
    assert "syntax_error" not in codes(story.at(30))
    assert findings(story) == told


def test_what_multipathd_runs_with_is_taken_over_and_forgotten_with_it() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    running = parse_printed("defaults {\n\tpolling_interval 7\n}\n", "multipathd")
    story.feed(files())
    story.feed(MultipathdConfigured(running))
    story.at(10).feed(MultipathdConfigured(running))
    assert story.state.auditing.running == running
    assert story.state.auditing.report.maps[story.san.wwid("mpio")].settings.polling_interval.value == 7
    story.multipathd_down()
    assert story.state.auditing.running is None


def test_what_came_about_by_itself_is_reported_only_if_it_stands() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    story.feed(files())
    story.at(100)
    told = len(findings(story))
    sid = story.san.login("192.168.9.1")
    story.feed(story.san.sessions_read())
    story.at(130)
    assert "session_without_path" in codes(story)
    story.san.logout(sid)
    story.feed(story.san.sessions_read())
    story.at(150)
    assert len(findings(story)) == told
    story.san.login("192.168.9.1")
    story.feed(story.san.sessions_read())
    story.at(300)
    (later,) = findings(story)[told:]
    assert later[1] == "session_without_path"
    assert later[0] >= 150 + schedule.STANDING


def test_a_map_that_is_made_a_moment_after_the_start_is_not_reported_as_missing() -> None:
    story = Story(San.of(["mpio"], PORTALS))
    maps, wwid = dict(story.san.maps), story.san.wwid("mpio")
    story.san.maps.clear()
    story.begun()
    story.feed(files("junk\n"))
    disks = [replace(device, wwid=wwid) for device in story.san.devices.values()]
    story.feed(replace(story.san.system_read(), unmapped=tuple(disks)))
    story.at(-30)
    assert {"no_map", "syntax_error"} <= codes(story)
    story.san.maps |= maps
    story.look().at(300)
    told = {code for _, code, _ in findings(story)}
    assert "syntax_error" in told
    assert "no_map" not in told


def test_files_that_root_has_only_read_again_report_nothing_at_once() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    read = files().configuration
    story.feed(ConfigurationRead(read))
    story.at(100)
    told = len(findings(story))
    story.san.login("192.168.9.1")
    story.feed(story.san.sessions_read())
    story.feed(ConfigurationRead(replace(read, wwids_read_at=100.0)))
    assert not story.wants(Scope.MAPS)
    story.at(110)
    assert "session_without_path" in codes(story)
    assert len(findings(story)) == told
    configuration = story.state.auditing.configuration
    assert configuration is not None
    assert configuration.wwids_read_at == 100.0


def test_one_cause_is_one_alert() -> None:
    story = Story(San.of(["mpio"], PORTALS[:1])).begun().at(0)
    story.feed(files())
    story.multipathd_down().at(300)
    assert {"single_path", "multipathd_not_running"} <= codes(story)
    assert not {"single_path", "multipathd_not_running"} & {code for _, code, _ in findings(story)}
    assert {"map_at_risk", "source_down"} <= {event for _, event, _ in story.alerts(since=-100)}


def test_audits_keep_their_distance() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    story.feed(files())
    made = set()
    for tenth in range(100):
        story.at(1 + tenth / 10).feed(story.san.sessions_read())
        if story.state.auditing.at is not None:
            made.add(story.state.auditing.at)
    assert len(made) <= 1 + 10 / schedule.DISTANCE


def test_a_full_scan_is_audited_although_the_sessions_in_it_are_the_same() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    story.feed(files())
    story.at(20)
    before = story.state.auditing.at
    story.poll().at(40)
    assert story.state.auditing.at == before
    spare = replace(story.san.devices["sda"], name="sdz", dev_t="65:144", hctl="1:0:0:9", wwid=story.san.wwid("mpio"))
    story.feed(replace(story.san.system_read(), unmapped=(spare,)))
    story.at(45)
    assert story.state.auditing.at != before


def test_what_carries_the_sessions_is_audited_when_it_has_changed_and_other_interfaces_are_not() -> None:
    story = Story(San.of(["mpio"], PORTALS).wired()).begun().at(0)
    story.feed(files())
    story.network().at(20)
    assert "single_nic" not in codes(story)
    before = story.state.auditing.at
    story.network(LinkFacts("tap0", up=True, carrier=True)).carrier("eth2", carrier=False).at(40)
    assert story.state.auditing.at == before
    vlans = [replace(story.san.nics[name], below=("eno1",), kind="vlan") for name in ("eth1", "eth2")]
    story.network(*vlans, LinkFacts("eno1", up=True, carrier=True))
    assert "single_nic" in codes(story.at(45))


def test_a_mistake_in_a_template_is_one_entry_that_counts() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    story.feed(files("".join(f"junk{number}\n" for number in range(10))))
    story.at(300)
    (told,) = [
        told.alert for told in story.told if told.event == "config_finding" and told.alert.fields["CODE"] == CODE
    ]
    assert told.message.endswith("; and 9 more findings of this kind, about 9 more objects: run mpathd-watch check")
    assert told.priority is Priority.WARNING
    assert told.fields["OBJECTS"] == "10"


def test_what_was_announced_is_not_repeated_after_a_restart() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    story.feed(files("junk\n"))
    story.at(300)
    kept = [each for each in story.kept if isinstance(each, FindingsAnnounced)]
    assert kept
    again = Story(San.of(["mpio"], PORTALS))
    again.feed(Remembered(Memory(findings=kept[-1].findings)))
    again.begun().at(0)
    again.feed(files("junk\n"))
    again.at(300)
    assert findings(again) == []
    again.feed(files("junk\njunk2\n"))
    again.at(600)
    assert [code for _, code, _ in findings(again)] == [CODE]


def test_what_is_not_found_any_more_after_a_start_is_announced_when_it_comes_back() -> None:
    story = Story(San.of(["mpio"], PORTALS))
    story.feed(Remembered(Memory(findings=frozenset({"a finding of before"}))))
    story.begun()
    story.feed(files())
    assert Wait.GRACE in story.at(-40).waits
    assert "a finding of before" in story.state.auditing.announced
    story.at(200)
    story.feed(files("junk\n"))
    assert "a finding of before" not in story.at(210).state.auditing.announced


PRIORITIES = {Severity.INFO: Priority.INFO, Severity.WARNING: Priority.WARNING, Severity.CRITICAL: Priority.ERR}


@pytest.mark.parametrize(("severity", "priority"), PRIORITIES.items())
def test_the_priority_follows_the_severity(severity: Severity, priority: Priority) -> None:
    kind = next(kind for kind in FindingKind if kind.value.severity is severity)
    assert config_finding([Finding(kind, "subject", "text (FILE:1)", "FILE:1")]).priority is priority


def test_a_group_that_grows_is_announced_again_and_one_that_shrinks_is_not() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    story.feed(files())
    sids = [story.san.login(f"192.168.9.{number}") for number in range(4)]
    story.feed(story.san.sessions_read())
    story.at(200)
    (first,) = [each for each in findings(story) if each[1] == "session_without_path"]
    assert first[2].endswith(" and 1 more")
    story.san.logout(sids.pop())
    story.feed(story.san.sessions_read())
    story.at(400)
    assert len([each for each in findings(story) if each[1] == "session_without_path"]) == 1
    story.san.login("192.168.9.9")
    story.feed(story.san.sessions_read())
    story.at(600)
    assert len([each for each in findings(story) if each[1] == "session_without_path"]) == 2


def test_what_is_only_information_is_announced_once_whatever_comes_and_goes() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    story.feed(ConfigurationRead(Configuration(unreadable=unreadable("a"))))
    story.at(100)
    story.feed(ConfigurationRead(Configuration(unreadable=unreadable("a", "b"))))
    story.at(300)
    told = [each[2] for each in findings(story) if each[1] == "unreadable_file"]
    assert told == ["/a"]


def test_what_is_acknowledged_is_not_announced() -> None:
    story = Story(San.of(["mpio"], PORTALS)).begun().at(0)
    story.feed(SettingsChanged(acknowledge=(Acknowledgement("syntax_error", "it is meant"),)))
    story.feed(files("junk\n"))
    story.at(300)
    assert "syntax_error" not in {code for _, code, _ in findings(story)}
    assert [each.finding.kind for each in story.state.auditing.report.acknowledged] == [FindingKind.SYNTAX_ERROR]
    story.feed(SettingsChanged())
    story.at(400)
    assert "syntax_error" in {code for _, code, _ in findings(story)}
