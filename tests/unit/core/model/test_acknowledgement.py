"""How [[acknowledge]] is spelled. The messages about mistakes are tested with the configuration file."""

from __future__ import annotations

import pytest

from mpathd_watch.core.events import SettingsChanged
from mpathd_watch.core.model.acknowledgement import ACKNOWLEDGEMENTS, Acknowledgement
from mpathd_watch.core.model.declaration import TEXT
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.recording.codec import decode_event, encode_event

GOOD = {"finding": "single_path", "reason": "one port"}
ENTRIES = (Acknowledgement("single_path", "one port", "backup*"), Acknowledgement("pings_off", "meant"))


def test_tables_are_read_and_the_object_may_be_left_out() -> None:
    assert (
        ACKNOWLEDGEMENTS.read([{**GOOD, "object": "backup*"}, {"finding": "pings_off", "reason": "meant"}]) == ENTRIES
    )
    assert ACKNOWLEDGEMENTS.read([]) == ()


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("x", "it must be tables"),
        (GOOD, "it must be tables"),
        ([GOOD, 1], "it must be tables"),
        ([{**GOOD, "x" * 99: 1}], "table 1 has the unknown key 'xxx"),
        ([GOOD, {"finding": "single_path"}], "table 2 has no reason"),
        ([{**GOOD, "finding": 16**5000}], "finding of table 1 must be a text that is not empty"),
        ([{**GOOD, "object": ""}], "object of table 1 must be a text that is not empty"),
        ([{**GOOD, "reason": "\u202e"}], "reason of table 1 must be a text that is not empty"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_clause(value: object, fault: str) -> None:
    assert ACKNOWLEDGEMENTS.read(value) is None
    assert ACKNOWLEDGEMENTS.fault(value).startswith(fault)
    assert len(ACKNOWLEDGEMENTS.fault(value)) < 120


def test_other_kinds_have_no_more_to_tell() -> None:
    assert TEXT.fault(1) == ""


def test_a_recording_keeps_them() -> None:
    event = SettingsChanged.to(Settings(acknowledge=ENTRIES))
    assert event.acknowledge == ENTRIES
    assert decode_event(encode_event(event)) == event
