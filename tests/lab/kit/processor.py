"""How slow this machine's processor is while a scenario runs: a guest is emulated, and as many times as slow.

A virtual machine shares its processor with others. On one of them the yardstick took 5.5 ms in one second and 12 ms in
the next, and then the guest was later with everything.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from tests import yardstick

USUAL = 0.0057
"""Seconds that the yardstick takes beside a guest that keeps two processors busy, where nothing else slows them."""
EVERY = 0.5
AROUND = 2.0
"""Seconds before and after a moment in which a slow processor may have delayed what is seen then."""


class Processor:
    """Measures the processor from a thread, while it is entered. Moments are this machine's CLOCK_MONOTONIC seconds."""

    def __init__(self) -> None:
        self._samples: list[tuple[float, float]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._measure, name="processor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def slowness(self, since: float, until: float) -> float:
        """How many times as long as usual the processor took at its slowest between these moments; at least 1."""
        found = [took for at, took in self._samples.copy() if since - AROUND <= at <= until + AROUND]
        return max((1.0, *(took / USUAL for took in found)))

    def _measure(self) -> None:
        while not self._ended.wait(EVERY):
            # A process that comes in between lengthens one of them, a slow processor both.
            took = min(yardstick.work(), yardstick.work())
            self._samples.append((time.monotonic(), took))
