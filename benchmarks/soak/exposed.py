"""What the daemon says of itself and of the host in its metrics. Pure: the text of a scrape in, values out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from benchmarks.soak.outcome import Numbers

_SAMPLE = re.compile(r"^mpathd_watch_(\w+?)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Labels = Mapping[str, str]


def series(text: str, name: str) -> Iterator[tuple[Labels, float]]:
    """The series of a metric, by its name without the prefix of all."""
    for found in _SAMPLE.finditer(text):
        if found[1] == name:
            yield dict(_LABEL.findall(found[2] or "")), float(found[3])


def paths(text: str) -> dict[tuple[str, str], str]:
    """The health of each path, by map and path."""
    return {
        (labels["map"], labels["path"]): labels["state"]
        for labels, value in series(text, "path_health")
        if value == 1.0
    }


def numbers(text: str) -> Numbers:
    """What it has counted."""
    return Numbers(
        uevents=round(sum(value for _, value in series(text, "uevents_total"))),
        overflows=round(sum(value for _, value in series(text, "uevent_overflows_total"))),
        lost={labels["outlet"]: round(value) for labels, value in series(text, "outlet_lost_total")},
    )


def failures(text: str, source: str) -> int:
    """How often a source has failed."""
    return round(sum(value for labels, value in series(text, "source_errors_total") if labels["source"] == source))


def disagreements(found: Mapping[tuple[str, str], str], expected: Mapping[tuple[str, str], str]) -> list[str]:
    """Where the health of paths is not what it must be."""
    keys = sorted({*found, *expected})
    return [
        f"{'/'.join(key)} is {found.get(key, 'not there')}, not {expected.get(key, 'expected')}"
        for key in keys
        if found.get(key) != expected.get(key)
    ]
