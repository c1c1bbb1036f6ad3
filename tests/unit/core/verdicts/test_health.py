"""The health model as tables: one path by its raw states, one map by its paths, and the causes the states point to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpathd_watch.core.model.vocabulary import (
    Cause,
    CheckerState,
    DeviceState,
    DmState,
    Health,
    MapHealth,
    SessionStatus,
)
from mpathd_watch.core.verdicts.health import Facts, evidence, map_health, path_health

FINE = Facts(
    member=True,
    dm=DmState.ACTIVE,
    checker=CheckerState.READY,
    device=DeviceState.RUNNING,
    session=SessionStatus.LOGGED_IN,
)
D, S, C = DeviceState, SessionStatus, CheckerState


def facts(**changes: object) -> Facts:
    """A path that is fine but for ``changes``."""
    return replace(FINE, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "health"),
    [
        ({}, Health.UP),
        ({"session": None}, Health.UP),
        ({"member": False}, Health.MISSING),
        ({"session": S.MISSING}, Health.MISSING),
        ({"session": S.FREE}, Health.FAILED),
        ({"session": S.FAILED}, Health.STALLED),
        ({"session": S.UNKNOWN}, Health.UNKNOWN),
        *(({"device": state}, Health.FAILED) for state in (D.OFFLINE, D.TRANSPORT_OFFLINE, D.CANCEL, D.DELETED)),
        *(({"device": state}, Health.STALLED) for state in (D.BLOCKED, D.CREATED_BLOCKED, D.QUIESCE)),
        ({"device": D.CREATED}, Health.UP),
        ({"device": D.UNKNOWN}, Health.UNKNOWN),
        ({"dm": DmState.FAILED}, Health.FAILED),
        ({"dm": DmState.UNKNOWN}, Health.UNKNOWN),
        *(({"checker": state}, Health.FAILED) for state in (C.FAULTY, C.TIMEOUT, C.DISCONNECTED)),
        *(({"checker": state}, Health.UP) for state in (C.GHOST, C.SHAKY, C.PENDING, C.DELAYED, C.UNDEF, C.UNKNOWN)),
        ({"session": S.FAILED, "device": D.BLOCKED, "dm": DmState.FAILED}, Health.FAILED),
        ({"session": S.FAILED, "device": D.UNKNOWN}, Health.STALLED),
        ({"session": S.UNKNOWN, "device": D.UNKNOWN, "dm": DmState.FAILED}, Health.FAILED),
        ({"session": S.FREE, "dm": DmState.UNKNOWN}, Health.FAILED),
        ({"member": False, "dm": DmState.FAILED, "session": S.FREE}, Health.MISSING),
    ],
    ids=str,
)
def test_a_path_is_as_bad_as_the_worst_that_anybody_says_of_it(changes: dict[str, object], health: Health) -> None:
    assert path_health(facts(**changes), transport_was_lost=False) is health


@pytest.mark.parametrize("verdict", [{"dm": DmState.FAILED}, {"checker": C.FAULTY}], ids=str)
@pytest.mark.parametrize(
    ("transport", "health"),
    [
        ({}, Health.RECOVERING),
        ({"session": None}, Health.RECOVERING),
        ({"device": D.UNKNOWN}, Health.FAILED),
        ({"session": S.UNKNOWN}, Health.FAILED),
        ({"session": S.FAILED}, Health.FAILED),
        ({"device": D.BLOCKED}, Health.FAILED),
    ],
    ids=str,
)
def test_a_condemned_path_recovers_only_when_a_lost_transport_works_again(
    verdict: dict[str, object], transport: dict[str, object], health: Health
) -> None:
    known = facts(**verdict, **transport)
    assert path_health(known, transport_was_lost=True) is health
    assert path_health(known, transport_was_lost=False) is Health.FAILED


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({}, Cause.UNKNOWN),
        ({"session": S.MISSING}, Cause.LOGOUT),
        ({"session": S.MISSING, "member": False}, Cause.LOGOUT),
        ({"session": S.FAILED}, Cause.CONNECTION_ERROR),
        ({"session": S.FREE, "device": D.OFFLINE}, Cause.CONNECTION_ERROR),
        ({"member": False}, Cause.REMOVED),
        ({"device": D.OFFLINE}, Cause.DEVICE_OFFLINE),
        ({"device": D.TRANSPORT_OFFLINE}, Cause.UNKNOWN),
        ({"checker": C.FAULTY}, Cause.CHECKER),
        *(({"checker": state}, Cause.CHECKER) for state in (C.TIMEOUT, C.DISCONNECTED)),
        ({"checker": C.FAULTY, "session": None}, Cause.CHECKER),
        ({"checker": C.FAULTY, "device": D.TRANSPORT_OFFLINE}, Cause.UNKNOWN),
        *(({"checker": C.FAULTY, "dm": state}, Cause.UNKNOWN) for state in (DmState.FAILED, DmState.UNKNOWN)),
        ({"dm": DmState.FAILED}, Cause.UNKNOWN),
    ],
    ids=str,
)
def test_a_cause_is_named_only_where_the_states_show_it(changes: dict[str, object], cause: Cause) -> None:
    assert evidence(facts(**changes)).cause is cause


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
