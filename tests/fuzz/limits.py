"""What a parser may take of 64 KiB: time of the processor, and memory."""

from __future__ import annotations

import time
import tracemalloc

from tests.fuzz.target import Target

SECONDS = 0.1
"""Of processor time, whatever the input of 64 KiB."""
MEMORY = 24 << 20
"""Bytes that are in use at a time, whatever the input of 64 KiB: what is made of an input of two-byte lines."""
_ATTEMPTS = 5
"""Other processes slow the processor down: the fastest attempt counts."""
_YARDSTICK = 0.004
"""Seconds that ``_work`` takes on the machine for which ``SECONDS`` is meant."""


def parse(target: Target, data: bytes) -> None:
    """Have the parser read ``data``. Raises what is not one of the parser's own errors."""
    try:
        target.run(data)
    except target.errors:
        return


def time_over(target: Target, data: bytes) -> float:
    """The seconds that the parser takes of ``data``, if that is always more than it may; otherwise 0."""
    took = [0.0]
    for _ in range(_ATTEMPTS):
        began = time.thread_time()
        parse(target, data)
        took.append(time.thread_time() - began)
        if took[-1] <= SECONDS or took[-1] <= SECONDS * _slowness():
            return 0.0
    return min(took[1:])


def peak(target: Target, data: bytes) -> int:
    """The bytes that are in use at most while the parser reads ``data``."""
    parse(target, data[:64])  # what is made once and kept does not count
    tracemalloc.start()
    try:
        parse(target, data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _slowness() -> float:
    """How many times as long as the machine that ``SECONDS`` is meant for this one takes now; at least 1."""
    return max(1.0, min(_work() for _ in range(3)) / _YARDSTICK)


def _work() -> float:
    began = time.thread_time()
    found: dict[str, list[str]] = {}
    for number in range(10_000):
        text = f"key{number % 97} = value {number}"
        key, _, value = text.partition(" = ")
        found.setdefault(key, []).append(value.strip())
    return time.thread_time() - began
