"""When Python looks for garbage that reference counts do not find.

The state holds no reference in a circle: what is replaced is freed at once. Circles come from exceptions and from
connections, and nearly all of them are found young. To look through everything takes as long as there is state: with
10,000 paths 120 to 160 ms, during which no thread does anything else.
"""

from __future__ import annotations

import gc
from typing import Final

RARELY: Final = 1000
"""How many times the young are looked through for one time that everything is. Python's own number is 10."""


def look_rarely() -> None:
    """From now on look at what is here never again, and at what lasts rarely. Call it once the start is complete."""
    gc.collect()
    gc.freeze()
    first, second, _ = gc.get_threshold()
    gc.set_threshold(first, second, RARELY)
