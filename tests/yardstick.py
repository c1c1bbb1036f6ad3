"""A piece of work by which tests know how fast the processor is now.

Machines share their processors: one may be half as fast from one second to the next. What is bounded in seconds is then
bounded in multiples of this work.
"""

from __future__ import annotations

import time


def work() -> float:
    """Seconds of processor time that a fixed piece of work takes."""
    began = time.thread_time()
    found: dict[str, list[str]] = {}
    for number in range(10_000):
        text = f"key{number % 97} = value {number}"
        key, _, value = text.partition(" = ")
        found.setdefault(key, []).append(value.strip())
    return time.thread_time() - began
