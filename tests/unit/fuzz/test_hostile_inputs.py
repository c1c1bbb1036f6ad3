"""Each parser of foreign bytes on 64 KiB of many shapes: no error but its own, at most 100 ms, bounded memory."""

from __future__ import annotations

from itertools import islice

import pytest

from tests.fuzz.corpus import kept
from tests.fuzz.limits import MEMORY, SECONDS, parse, peak, time_over
from tests.fuzz.shapes import SIZE, usual
from tests.fuzz.table import TARGETS
from tests.fuzz.target import Target

each_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


@each_target
def test_a_seed_is_understood(target: Target) -> None:
    for seed in target.seeds():
        target.run(seed)


@each_target
def test_what_a_campaign_has_kept_raises_no_error_but_the_parsers_own(target: Target) -> None:
    for data in kept(target):
        parse(target, data)


@each_target
def test_no_shape_of_64_kib_takes_more_than_100_ms_of_the_processor(target: Target) -> None:
    slow = {}
    for name, data in usual(target):
        assert len(data) <= SIZE
        if seconds := time_over(target, data):
            slow[name] = f"{seconds * 1000:.0f} ms"
    assert not slow, f"more than {SECONDS * 1000:g} ms each"


@each_target
def test_the_memory_is_bounded(target: Target) -> None:
    for name, data in islice(usual(target), 0, None, 9):
        taken = peak(target, data)
        assert taken <= MEMORY, f"{taken >> 20} MiB of {name}"


def test_the_table_has_a_row_for_each_parser() -> None:
    assert len(TARGETS) == len({target.run for target in TARGETS.values()})
    for name, target in TARGETS.items():
        assert name == target.name
        assert list(target.seeds()), name
