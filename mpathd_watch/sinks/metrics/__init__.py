"""The metrics: rows by the object that they are about, one table of all, and the text that Prometheus reads.

``row`` says what a metric is, ``daemon``, ``map``, ``path`` and ``nexuses`` declare them, ``table`` orders them.
``cached`` keeps their ``text`` in ``pieces``, and ``exposition`` answers a scrape.
"""

from mpathd_watch.sinks.metrics.exposition import Exposition, Format

__all__ = ["Exposition", "Format"]
