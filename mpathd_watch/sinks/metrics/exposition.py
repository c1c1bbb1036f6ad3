"""The answer to a scrape: cached text of ours, and ``process_*`` of prometheus_client, with content negotiation.

prometheus_client decides on the format, and renders what is asked for in one that is not known here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import field
from functools import lru_cache
from typing import Any, Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.metrics.cached import CachedBlock
from mpathd_watch.sinks.metrics.pieces import Piece, Text, gzip_member
from mpathd_watch.sinks.metrics.row import Example, Kind, Point, Row
from mpathd_watch.sinks.metrics.table import BLOCKS, families
from mpathd_watch.sinks.metrics.text import Flavour, header, lines
from mpathd_watch.sinks.view import View, Views

Encode = Callable[[Collector], bytes]

LONGEST_TURN: Final = 0.001
"""Seconds of rendering after which other threads have the interpreter lock."""
_PAUSE: Final = 0.00005
PLAIN_KEPT: Final = 8
"""Compressed answers after which the plain text is kept no longer, if nobody has asked for it again."""


@immutable
class Format:
    """How a scrape wants its metrics: what they are (Content-Type), whether they are compressed, and which.

    ``names`` are those of metrics; with none, all are wanted.
    """

    content_type: str
    gzipped: bool
    names: frozenset[str]
    encode: Encode = field(compare=False, repr=False)
    """One of prometheus_client's; the Content-Type says which."""


class Exposition:
    """The daemon's metrics and ``process_*``. One thread at a time may render."""

    def __init__(self, views: Views) -> None:
        self._views = views
        self._blocks = _blocks()
        self._packed_since_plain = PLAIN_KEPT
        self._headers = {
            flavour: {row.metric: _once(header(row, flavour)) for block in BLOCKS for row in block.rows}
            for flavour in Flavour
        }
        self._process = CollectorRegistry(auto_describe=True)
        ProcessCollector(registry=self._process)

    def format(self, accept: str = "", accept_encoding: str = "", names: Iterable[str] = ()) -> Format:
        """The format that the request's ``Accept`` and ``Accept-Encoding`` ask for, and its parameters ``name[]``."""
        encode, content_type = _chosen(accept)
        return Format(content_type, _accepts_gzip(accept_encoding), frozenset(names), encode)

    def render(self, wanted: Format) -> tuple[bytes, ...]:
        """The metrics as they are now, in parts that follow one another."""
        flavour, names = _flavour(wanted.content_type, wanted.encode), wanted.names
        if flavour is None:
            # It may end with a mark, so all of it comes from one registry. Whoever wants it gets every metric.
            texts: tuple[Text, ...] = (_once(rendered(self._views(), wanted.encode, process=True)),)
        else:
            process = self._process.restricted_registry(names) if names else self._process
            self._packed_since_plain = self._packed_since_plain + 1 if wanted.gzipped else 0
            texts = (*self._texts(flavour, names), _once(wanted.encode(process)))
        if wanted.gzipped:
            return tuple(gzip_member(texts))
        return tuple(piece.text for text in texts for piece in text.pieces)

    def _texts(self, flavour: Flavour, names: frozenset[str]) -> Iterator[Text]:
        view, pause = self._views(), _Pauses()
        headers = self._headers[flavour]
        try:
            for block in self._blocks:
                block.update(view, pause, packed=self._packed_since_plain > PLAIN_KEPT)
        except Exception:
            # It is not known what their text is of.
            self._blocks = _blocks()
            raise
        for block in self._blocks:
            for row, text in block.texts():
                if not names or row.metric in names:
                    yield headers[row.metric]
                    yield text


def _blocks() -> tuple[CachedBlock[Any], ...]:
    return tuple(map(CachedBlock, BLOCKS))


class _Families(Collector):
    """Our families as prometheus_client's own encoders take them."""

    def __init__(self, found: Iterable[tuple[Row[Any], Iterator[Point]]]) -> None:
        self._found = found

    def collect(self) -> Iterator[Metric]:
        """Every family with its samples."""
        for row, points in self._found:
            # prometheus_client wants a counter's name without the suffix, and puts it back.
            metric = Metric(row.metric.removesuffix("_total"), row.help, row.kind.value)
            metric.samples = _samples(row.metric, points)  # type: ignore[assignment]  # only ever iterated over
            yield metric


def rendered(view: View, encode: Encode, *, process: bool = False) -> bytes:
    """All of our metrics as an encoder of prometheus_client writes them, and ``process_*`` if wanted."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(families(view)))
    if process:
        ProcessCollector(registry=registry)
    return encode(registry)


class _Pauses:
    """Lets other threads run every now and then."""

    def __init__(self) -> None:
        self._began = time.perf_counter()

    def __call__(self) -> None:
        if time.perf_counter() - self._began > LONGEST_TURN:
            time.sleep(_PAUSE)
            self._began = time.perf_counter()


_PROBE: Final[tuple[Row[object], ...]] = tuple(
    Row("probe_total" if kind is Kind.COUNTER else "probe", kind, (), 'A "probe".\n\\', lambda *_: (), Example("", ""))
    for kind in (Kind.COUNTER, Kind.GAUGE)
)
_POINTS: Final[tuple[Point, ...]] = (("", {"label": 'a"b\n\\'}, 1234567.5),)


@lru_cache(maxsize=64)
def _flavour(content_type: str, encode: Encode) -> Flavour | None:  # noqa: ARG001  # part of the key
    """Which flavour an encoder of prometheus_client writes, as it shows by a probe; ``None``: another one."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families((row, iter(_POINTS)) for row in _PROBE))
    text = encode(registry)
    for flavour in Flavour:
        ours = b"".join(header(row, flavour) + lines(row.metric, _POINTS).encode() for row in _PROBE)
        if text == ours + flavour.value.encode():
            return flavour
    return None


def _samples(metric: str, points: Iterator[Point]) -> Iterator[Sample]:
    for suffix, labels, value in points:
        yield Sample(metric + suffix if suffix else metric, labels, value)


def _once(text: bytes) -> Text:
    return Text((Piece(text),))


def _chosen(accept: str) -> tuple[Encode, str]:
    """The encoder and the Content-Type for this header; the usual ones if prometheus_client can't read it.

    It repeats the version in the header, and compares one that is none with numbers (0.26).
    """
    try:
        encode, content_type = choose_encoder(accept)
    except (TypeError, ValueError):
        return choose_encoder("")
    return (encode, content_type) if content_type.isascii() and content_type.isprintable() else choose_encoder("")


def _accepts_gzip(accept_encoding: str) -> bool:
    for offer in accept_encoding.split(","):
        coding, _, weight = offer.replace(" ", "").lower().partition(";")
        if coding == "gzip":
            return weight not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
