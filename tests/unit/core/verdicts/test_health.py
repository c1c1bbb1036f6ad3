"""The health model as tables: one path by its raw states, one map by its paths, and the causes the states point to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mpathd_watch.core.model.vocabulary import (
    AccessState,
    Cause,
    CheckerState,
    DeviceState,
    Health,
    Liveness,
    MapHealth,
    Standing,
)
from mpathd_watch.core.verdicts.health import RawStates, evidence, map_health, path_health

FINE = RawStates(
    member=True,
    standing=Standing.USABLE,
    checker=CheckerState.READY,
    device=DeviceState.RUNNING,
    nexus=Liveness.CARRYING,
)
D, N, C = DeviceState, Liveness, CheckerState


def raw(**changes: Any) -> RawStates:
    """A path that is fine but for ``changes``."""
    return replace(FINE, **changes)


@pytest.mark.parametrize(
    ("changes", "health"),
    [
        ({}, Health.UP),
        ({"nexus": None}, Health.UP),
        ({"member": False}, Health.MISSING),
        ({"nexus": N.GONE}, Health.MISSING),
        ({"nexus": N.GIVEN_UP}, Health.FAILED),
        ({"nexus": N.HOLDING}, Health.STALLED),
        *(({"device": state}, Health.FAILED) for state in (D.OFFLINE, D.TRANSPORT_OFFLINE, D.CANCEL, D.DELETED)),
        *(({"device": state}, Health.FAILED) for state in (D.DELETING, D.DELETING_NO_IO, D.DEAD)),
        *(({"device": state}, Health.STALLED) for state in (D.BLOCKED, D.CREATED_BLOCKED, D.QUIESCE)),
        *(({"device": state, "nexus": None}, Health.STALLED) for state in (D.NEW, D.CONNECTING, D.RESETTING)),
        *(({"device": state}, Health.UP) for state in (D.CREATED, D.LIVE, D.NONE)),
        ({"standing": Standing.FAILED}, Health.FAILED),
        ({"standing": Standing.UNKNOWN}, Health.UNKNOWN),
        *(({"checker": state}, Health.FAILED) for state in (C.FAULTY, C.TIMEOUT, C.DISCONNECTED)),
        *(({"checker": state}, Health.UP) for state in (C.GHOST, C.SHAKY, C.PENDING, C.DELAYED, C.UNDEF, C.UNKNOWN)),
        ({"nexus": N.HOLDING, "device": D.BLOCKED, "standing": Standing.FAILED}, Health.FAILED),
        ({"nexus": N.HOLDING, "device": D.UNKNOWN}, Health.STALLED),
        ({"nexus": N.UNKNOWN, "device": D.UNKNOWN, "standing": Standing.FAILED}, Health.FAILED),
        ({"nexus": N.GIVEN_UP, "standing": Standing.UNKNOWN}, Health.FAILED),
        ({"member": False, "standing": Standing.FAILED, "nexus": N.GIVEN_UP}, Health.MISSING),
    ],
    ids=str,
)
def test_a_path_is_as_bad_as_the_worst_that_anybody_says_of_it(changes: dict[str, object], health: Health) -> None:
    assert path_health(raw(**changes), transport_was_lost=False) is health


SILENT = {"device": D.NONE, "nexus": None, "checker": C.UNKNOWN}
"""Nobody but dm reports anything."""


@pytest.mark.parametrize(
    ("changes", "out", "health"),
    [
        # A word that is not known, or an attribute that can't be read: those who report something decide.
        ({"device": D.UNKNOWN}, False, Health.UP),
        ({"nexus": N.UNKNOWN}, False, Health.UP),
        ({"device": D.UNKNOWN, "nexus": None, "checker": C.GHOST}, False, Health.UP),
        ({**SILENT, "checker": C.READY}, False, Health.UP),
        ({**SILENT, "device": D.LIVE}, False, Health.UP),
        ({**SILENT, "nexus": N.CARRYING}, False, Health.UP),
        # dm alone is not enough: it does not notice by itself.
        (SILENT, False, Health.UNKNOWN),
        *(({**SILENT, "checker": state}, False, Health.UNKNOWN) for state in (C.PENDING, C.SHAKY, C.UNDEF)),
        # sysfs does not answer: what it showed before may be over.
        ({"device": D.UNKNOWN, "unread": True}, False, Health.UNKNOWN),
        ({"nexus": N.UNKNOWN, "unread": True}, False, Health.UNKNOWN),
        ({"device": D.NONE, "unread": True}, False, Health.UP),
        # multipathd has never answered.
        ({"standing": Standing.UNKNOWN, "checker": C.UNKNOWN, "unmanaged": True}, False, Health.UP),
        ({"standing": Standing.UNKNOWN, "checker": C.UNKNOWN}, False, Health.UNKNOWN),
        ({**SILENT, "standing": Standing.UNKNOWN, "unmanaged": True}, False, Health.UNKNOWN),
        # Silence ends no outage.
        ({"device": D.UNKNOWN}, True, Health.UNKNOWN),
        ({"nexus": N.UNKNOWN}, True, Health.UNKNOWN),
        ({"standing": Standing.UNKNOWN}, True, Health.UNKNOWN),
        ({"standing": Standing.UNKNOWN, "unmanaged": True}, True, Health.UP),
        ({"device": D.NONE}, True, Health.UP),
    ],
    ids=str,
)
def test_what_is_not_known_is_no_bad_news_and_no_good_news(
    changes: dict[str, object], out: bool, health: Health
) -> None:
    assert path_health(raw(**changes), transport_was_lost=False, out=out) is health


@pytest.mark.parametrize("verdict", [{"standing": Standing.FAILED}, {"checker": C.FAULTY}], ids=str)
@pytest.mark.parametrize(
    ("transport", "health"),
    [
        ({}, Health.RECOVERING),
        ({"nexus": None}, Health.RECOVERING),
        ({"device": D.LIVE, "nexus": None}, Health.RECOVERING),
        ({"device": D.NONE}, Health.RECOVERING),
        ({"device": D.NONE, "nexus": None}, Health.FAILED),
        ({"device": D.UNKNOWN}, Health.FAILED),
        ({"nexus": N.UNKNOWN}, Health.FAILED),
        ({"nexus": N.HOLDING}, Health.FAILED),
        ({"device": D.BLOCKED}, Health.FAILED),
    ],
    ids=str,
)
def test_a_condemned_path_recovers_only_when_a_lost_transport_works_again(
    verdict: dict[str, object], transport: dict[str, object], health: Health
) -> None:
    known = raw(**verdict, **transport)
    assert path_health(known, transport_was_lost=True) is health
    assert path_health(known, transport_was_lost=False) is Health.FAILED


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({}, Cause.UNKNOWN),
        ({"nexus": N.GONE, "nexus_cause": Cause.LOGOUT}, Cause.LOGOUT),
        ({"nexus": N.GONE, "nexus_cause": Cause.LOGOUT, "member": False}, Cause.LOGOUT),
        ({"nexus": N.HOLDING, "nexus_cause": Cause.CONNECTION_ERROR}, Cause.CONNECTION_ERROR),
        ({"nexus": N.GIVEN_UP, "nexus_cause": Cause.NOP_TIMEOUT, "device": D.OFFLINE}, Cause.NOP_TIMEOUT),
        ({"nexus_cause": Cause.CONNECTION_ERROR}, Cause.UNKNOWN),
        ({"member": False}, Cause.REMOVED),
        ({"device": D.OFFLINE}, Cause.DEVICE_OFFLINE),
        ({"device": D.TRANSPORT_OFFLINE}, Cause.UNKNOWN),
        ({"checker": C.FAULTY}, Cause.CHECKER),
        *(({"checker": state}, Cause.CHECKER) for state in (C.TIMEOUT, C.DISCONNECTED)),
        ({"checker": C.FAULTY, "nexus": None}, Cause.CHECKER),
        ({"checker": C.FAULTY, "device": D.TRANSPORT_OFFLINE}, Cause.UNKNOWN),
        *(({"checker": C.FAULTY, "standing": state}, Cause.UNKNOWN) for state in (Standing.FAILED, Standing.UNKNOWN)),
        ({"standing": Standing.FAILED}, Cause.UNKNOWN),
    ],
    ids=str,
)
def test_a_cause_is_named_only_where_the_states_show_it(changes: dict[str, object], cause: Cause) -> None:
    assert evidence(raw(**changes)).cause is cause


UP, SUSPECT, STALLED, UNKNOWN = Health.UP, Health.SUSPECT, Health.STALLED, Health.UNKNOWN


@pytest.mark.parametrize(
    ("paths", "single_path_ok", "health"),
    [
        ((), False, MapHealth.LOST),
        ((STALLED,), False, MapHealth.LOST),
        ((UP,), False, MapHealth.AT_RISK),
        ((UP,), True, MapHealth.HEALTHY),
        ((SUSPECT,), True, MapHealth.DEGRADED),
        ((UP, UP), False, MapHealth.HEALTHY),
        ((UP, STALLED), False, MapHealth.AT_RISK),
        ((UP, STALLED), True, MapHealth.AT_RISK),
        ((UP, SUSPECT), False, MapHealth.DEGRADED),
        ((UP, UP, STALLED), False, MapHealth.DEGRADED),
        ((UNKNOWN,), False, MapHealth.UNKNOWN),
        ((UP, UNKNOWN), False, MapHealth.UNKNOWN),
        ((UP, UP, UNKNOWN), False, MapHealth.UNKNOWN),
        ((UP, UP, STALLED, UNKNOWN), False, MapHealth.DEGRADED),
        ((UNKNOWN, STALLED), False, MapHealth.UNKNOWN),
    ],
    ids=str,
)
def test_a_map_is_judged_by_what_holds_whatever_its_unknown_paths_turn_out_to_be(
    paths: tuple[Health, ...], single_path_ok: bool, health: MapHealth
) -> None:
    assert map_health(paths, single_path_ok=single_path_ok) is health


@pytest.mark.parametrize(("confirmed", "lost"), [(True, True), (False, False)])
def test_a_state_that_was_read_before_the_failure_shows_neither_a_loss_nor_a_way(confirmed: bool, lost: bool) -> None:
    shown = evidence(raw(standing=Standing.FAILED, closed=AccessState.UNAVAILABLE, confirmed=confirmed))
    assert (shown.transport_lost, shown.transport_good) == (lost, False)
