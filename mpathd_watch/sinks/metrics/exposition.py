"""The text of a scrape: prometheus_client's encoders over the samples of one view, with content negotiation."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from mpathd_watch.sinks.metrics.row import Point
from mpathd_watch.sinks.metrics.table import families
from mpathd_watch.sinks.view import Views

_GZIP_LEVEL = 1
"""The text is so repetitive that level 9 takes several times as long to save a few per cent more."""


@dataclass(frozen=True, slots=True)
class Format:
    """How a scrape wants its metrics: what they are (Content-Type), and whether they are compressed."""

    content_type: str
    gzipped: bool
    encode: Callable[[CollectorRegistry], bytes] = field(compare=False, repr=False)
    """One of prometheus_client's; the Content-Type says which."""


class Exposition:
    """Renders the daemon's metrics and ``process_*`` in a registry of its own. May be called from any thread."""

    def __init__(self, views: Views) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_ViewCollector(views))
        ProcessCollector(registry=self._registry)

    def format(self, accept: str = "", accept_encoding: str = "") -> Format:
        """The format that the request's ``Accept`` and ``Accept-Encoding`` ask for."""
        encode, content_type = choose_encoder(accept)
        return Format(content_type, _accepts_gzip(accept_encoding), encode)

    def render(self, wanted: Format) -> bytes:
        """The metrics as they are now."""
        content = wanted.encode(self._registry)
        return gzip.compress(content, _GZIP_LEVEL, mtime=0) if wanted.gzipped else content


class _ViewCollector(Collector):
    """Takes one view per scrape, so a scrape never sees half an event."""

    def __init__(self, views: Views) -> None:
        self._views = views

    def collect(self) -> Iterator[Metric]:
        for row, points in families(self._views()):
            # prometheus_client wants a counter's name without the suffix, and puts it back.
            metric = Metric(row.metric.removesuffix("_total"), row.help, row.kind.value)
            metric.samples = _samples(row.metric, points)  # type: ignore[assignment]  # only ever iterated over
            yield metric


def _samples(metric: str, points: Iterator[Point]) -> Iterator[Sample]:
    for suffix, labels, value in points:
        yield Sample(metric + suffix if suffix else metric, labels, value)


def _accepts_gzip(accept_encoding: str) -> bool:
    for offer in accept_encoding.split(","):
        coding, _, weight = offer.replace(" ", "").lower().partition(";")
        if coding == "gzip":
            return weight not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
