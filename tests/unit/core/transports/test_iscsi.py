"""What a session is in the words that all transports share."""

from __future__ import annotations

from typing import Any

import pytest

from mpathd_watch.core.model.vocabulary import SessionStatus
from tests.factories import INITIATOR, TARGET, make_session


@pytest.mark.parametrize(
    ("driver", "creator", "managed"),
    [("tcp", 4711, True), ("tcp", None, True), ("tcp", -1, False), ("qla4xxx", 4711, None), ("qla4xxx", -1, False)],
)
def test_iscsid_leaves_sessions_alone_that_it_has_not_made(
    driver: str, creator: int | None, managed: bool | None
) -> None:
    assert make_session(driver=driver, creator=creator).facts.managed is managed


def test_a_session_leads_to_the_luns_of_its_target_portal_group() -> None:
    facts = make_session("192.168.1.1:3260", tpgt=7).facts
    assert facts.initiator == INITIATOR
    assert facts.luns == (TARGET, 7, "192.168.1.1:3260", INITIATOR)
    assert make_session(tpgt=None).facts.luns is None


@pytest.mark.parametrize(
    "changes",
    [
        {"sid": 2},
        {"target": "iqn.2009-02.com.example:storage.disk2"},
        {"tpgt": 2},
        {"iface": "iface1"},
        {"initiator": "iqn.1993-08.org.debian:01:other"},
    ],
)
def test_a_number_that_was_given_anew_is_another_session(changes: dict[str, Any]) -> None:
    assert make_session(tpgt=1).facts.identity == make_session(tpgt=1, status=SessionStatus.FAILED).facts.identity
    assert make_session(tpgt=1).facts.identity != make_session(**({"tpgt": 1} | changes)).facts.identity
