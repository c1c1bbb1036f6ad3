"""One scrape of the product's metrics from outside the guest, for guests that no scraper runs in."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterable
from urllib.parse import urlencode

from tests.lab.guest.scraper import samples
from tests.lab.kit.guest import Guest
from tests.lab.kit.transitions import Subject
from tests.lab.kit.watch import METRIC_PREFIX, parse_series

PATIENCE = 60.0
"""Seconds. The metrics of 2,048 paths take a few in an emulated guest."""


class Exposition:
    """What one scrape has. Names of metrics are without the product's prefix."""

    def __init__(self, text: str) -> None:
        self._series = [(*parse_series(series), value) for series, value in samples(text).items()]

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the series of this name and these labels; 0 if there are none."""
        return sum(value for _, value in self._of(name, labels))

    def states(self, name: str) -> dict[Subject, str]:
        """Return which state of a state metric is 1, for each path or map."""
        return {
            (labels.get("map", ""), labels.get("path", "")): labels["state"]
            for labels, value in self._of(name, {})
            if value == 1
        }

    def _of(self, name: str, labels: dict[str, str]) -> Iterable[tuple[dict[str, str], float]]:
        for series, series_labels, value in self._series:
            if series == METRIC_PREFIX + name and labels.items() <= series_labels.items():
                yield series_labels, value


def scrape(guest: Guest, *names: str) -> Exposition:
    """Scrape these metrics of the product in a guest.

    Raises:
        OSError: there was no answer.
    """
    wanted = urlencode([("name[]", METRIC_PREFIX + name) for name in names])
    url = f"http://127.0.0.1:{guest.port('metrics')}/metrics?{wanted}"
    with urllib.request.urlopen(url, timeout=PATIENCE) as reply:
        return Exposition(reply.read().decode())
