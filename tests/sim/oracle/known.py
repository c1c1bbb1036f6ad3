"""Which healths may be reported of a path whose raw states may each be known as one of several."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from mpathd_watch.core.model.vocabulary import Health
from tests.sim.oracle.truth import Raw, alike, words

NAMES = tuple(each.name for each in fields(Raw))
_DEFAULT = Raw()


def healths(values: Mapping[str, Iterable[Any]], out: Iterable[bool] = (False, True)) -> frozenset[Health]:
    """The words of all combinations of raw states; ``values``: name of a field of ``Raw`` -> what may be known of it.

    A field that is missing has its default. ``out``: whether the path may have been out up to now, or in use.
    """
    choices = [
        {alike(name, each): each for each in values.get(name, (getattr(_DEFAULT, name),))}.values() for name in NAMES
    ]
    found: set[Health] = set()
    for combination in itertools.product(*choices):
        raw = Raw(*combination)
        for was_out in out:
            found |= words(raw, out=was_out)
    return frozenset(found)
