"""The table of what begins and what ends: it names real events, and the page that people read has the same one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mpathd_watch.core.alerting.pairs import ENDING, INCIDENT_ENDED, PAIRS, Entry, ended_by, topic
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.catalog.fields import FIELDS

PAGE = Path(__file__).parents[4] / "docs/notifications.md"
EVENTS = {kind.event for kind in AlertKind}


def test_every_event_and_every_field_exists() -> None:
    for pair in PAIRS:
        assert pair.begins | pair.ends <= EVENTS
        assert set(pair.names) <= FIELDS.keys()
    assert ENDING - {INCIDENT_ENDED} <= EVENTS


def test_no_event_is_in_two_pairs_or_both_begins_and_ends() -> None:
    events = [event for pair in PAIRS for event in (*pair.begins, *pair.ends)]
    assert len(set(events)) == len(events)


def test_the_page_has_the_same_table() -> None:
    rows = re.findall(r"^\| (`[^|]*) \| (`[^|]*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    shown = {
        (frozenset(re.findall(r"`(\w+)`", begins)), frozenset(re.findall(r"`(\w+)`", ends)) - {"map_removed"})
        for begins, ends in rows
        if re.search(r"`\w+_(down|lost|slow|suspect|degraded)`", begins)
    }
    assert shown == {(pair.begins, pair.ends) for pair in PAIRS}


@pytest.mark.parametrize("event", sorted({event for pair in PAIRS for event in pair.begins}))
def test_in_an_incident_only_the_incident_counts(event: str) -> None:
    fields = {"INCIDENT": "1", "WWID": "w", "PATH": "p", "MAP": "m", "SESSION": "s", "SOURCE": "x"}
    assert topic(Entry(event, Priority.ERR, "", fields)) == "incident 1"
    for pair in PAIRS:
        assert all("incident" not in ended_by(Entry(each, Priority.INFO, "", fields)) for each in pair.ends)
    assert ended_by(Entry(INCIDENT_ENDED, Priority.NOTICE, "", fields)) == "incident 1"
