"""How [[expect]] is spelled. The messages about mistakes are tested with the configuration file, too."""

from __future__ import annotations

import pytest

from mpathd_watch.core.events import SettingsChanged
from mpathd_watch.core.model.declaration import YES_OR_NO
from mpathd_watch.core.model.expectation import EXPECTATIONS, MOST_PATHS, Expectation
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.recording.codec import decode_event, encode_event

GOOD = {"map": "mpatha", "paths": 4}
ENTRIES = (Expectation("mpatha", 4), Expectation("mpathb", 2, frozenset({"192.168.1.1:3260", "192.168.2.1:3260"})))


def test_a_number_of_paths_or_their_names_are_read() -> None:
    paths = ["192.168.1.1:3260", "192.168.2.1:3260", "192.168.1.1:3260"]
    assert EXPECTATIONS.read([GOOD, {"map": "mpathb", "paths": paths}]) == ENTRIES
    assert EXPECTATIONS.read([]) == ()


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("x", "it must be tables"),
        (GOOD, "it must be tables"),
        ([GOOD, 1], "it must be tables"),
        ([{**GOOD, "x" * 99: 1}], "table 1 has the unknown key 'xxx"),
        ([GOOD, {"map": "mpathb"}], "table 2 has no paths"),
        ([{**GOOD, "map": "\u202e"}], "map of table 1 must be a text that is not empty"),
        ([{**GOOD, "paths": 0}], "paths of table 1 must be a whole number from 1"),
        ([{**GOOD, "paths": True}], "paths of table 1 must be a whole number from 1"),
        ([{**GOOD, "paths": MOST_PATHS + 1}], "paths of table 1 must be a whole number from 1"),
        ([{**GOOD, "paths": []}], "paths of table 1 must be a whole number from 1"),
        ([{**GOOD, "paths": ["x", 1]}], "paths of table 1 must be a whole number from 1"),
        ([GOOD, {**GOOD, "paths": 2}], "map 'mpatha' is in more than one table"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_clause(value: object, fault: str) -> None:
    assert EXPECTATIONS.read(value) is None
    assert EXPECTATIONS.fault(value).startswith(fault)
    assert len(EXPECTATIONS.fault(value)) < 120


def test_a_recording_keeps_them() -> None:
    event = SettingsChanged.to(Settings(expect=ENTRIES))
    assert decode_event(encode_event(event)) == event


def test_yes_or_no_is_nothing_else() -> None:
    assert YES_OR_NO.read(False) is False
    assert YES_OR_NO.read(1) is None
