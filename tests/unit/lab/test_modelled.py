"""The judge finds nothing in chaos that the simulator's world plays, where the product is right."""

from __future__ import annotations

import pytest

from tests.lab.kit import chaos
from tests.lab.kit.chaos import Fault, Plan
from tests.lab.scenarios import chaos_short
from tests.unit.lab.modelled import ACTS, Modelled


def test_the_model_plays_every_kind_of_fault() -> None:
    assert set(ACTS) == set(chaos.KINDS)


@pytest.mark.parametrize("seed", ["one", "two", "three"])
def test_nothing_is_wrong_in_short_chaos(seed: str) -> None:
    played = Modelled(chaos.drawn(seed, chaos_short.SECONDS, chaos_short.PAUSE, chaos_short.FAULTS))
    judge = played.judge()
    assert judge.violations == []
    assert judge.outages
    assert judge.judged > 20


@pytest.mark.parametrize("kind", chaos.OF_A_LINK)
@pytest.mark.parametrize("busy", [False, True])
def test_each_fault_is_an_outage_that_is_reported_rightly(kind: str, busy: bool) -> None:
    judge = Modelled(Plan("x", (Fault(kind, 2, 5.0, 20.0),), busy)).judge()
    assert judge.violations == []
    assert [(outage.clear, outage.reports) for outage in judge.outages] == [(True, 1)]
