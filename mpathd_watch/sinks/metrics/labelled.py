"""The objects of a block under labels that no two of them share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from mpathd_watch.core.model import identity
from mpathd_watch.core.model.text import clean

Item = TypeVar("Item", bound=identity.Labelled)


def labelled(items: Iterable[Item]) -> Iterator[tuple[str, Item]]:
    """The items in the order of their labels, each label printable and used once only.

    The core's labels are both already. Prometheus drops the whole scrape for one series that comes twice, so this makes
    sure of it where that would happen.
    """
    used: set[str] = set()
    for item in sorted(items, key=identity.by_label):
        base = clean(item.label)
        label, number = base, 1
        while label in used:
            number += 1
            label = identity.numbered(base, number)
        used.add(label)
        yield label, item
