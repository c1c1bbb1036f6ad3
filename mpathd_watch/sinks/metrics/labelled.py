"""The objects of a block under labels that no two of them share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TypeVar

from mpathd_watch.core.model import identity
from mpathd_watch.core.model.text import clean

Item = TypeVar("Item", bound=identity.Labelled)


def labelled(items: Iterable[Item]) -> Iterator[tuple[str, Item]]:
    """The items in the order of their labels, each label printable and used once only.

    The core's labels are both already. Prometheus drops the whole scrape for one series that comes twice, so this makes
    sure of it where that would happen.
    """
    found = list(items)
    for place, label in names(tuple(item.label for item in found)):
        yield label, found[place]


@lru_cache(maxsize=1024)
def names(labels: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """The places of these labels in their order, and what each becomes. The paths of most maps have the same labels."""
    names: dict[str, int] = {}
    for place in sorted(range(len(labels)), key=lambda place: identity.in_order(labels[place])):
        base = clean(labels[place])
        label, number = base, 1
        while label in names:
            number += 1
            label = identity.numbered(base, number)
        names[label] = place
    return tuple((place, label) for label, place in names.items())
