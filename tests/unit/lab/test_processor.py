"""How slow the processor was, by a yardstick."""

from __future__ import annotations

import time
from itertools import chain, repeat

import pytest

from tests import yardstick
from tests.lab.kit import processor
from tests.lab.kit.processor import AROUND, USUAL, Processor


def test_the_slowest_moment_around_counts_and_only_if_both_attempts_were_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "EVERY", 0.01)
    took = iter(chain([USUAL, 9 * USUAL, 3 * USUAL, 2 * USUAL], repeat(USUAL / 2)))
    monkeypatch.setattr(yardstick, "work", took.__next__)
    began = time.monotonic()
    with Processor() as measured:
        while measured.slowness(began, began) < 2.0:
            time.sleep(0.01)
    assert measured.slowness(began, began) == pytest.approx(2.0)
    later = began + 3 * AROUND
    assert measured.slowness(later, later) == 1.0


def test_a_fast_processor_makes_nothing_stricter() -> None:
    assert Processor().slowness(0.0, 1e9) == 1.0


def test_the_yardstick_takes_some_time() -> None:
    assert 0.0001 < min(yardstick.work() for _ in range(3)) < 1.0
