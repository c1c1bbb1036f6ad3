"""The metrics: rows by the object that they are about, one table of all, and the text that Prometheus reads.

``row`` says what a metric is, ``daemon``, ``map``, ``path`` and ``session`` declare them, ``table`` orders them, and
``exposition`` writes them. prometheus_client is imported by ``exposition`` and nowhere else.
"""

from mpathd_watch.sinks.metrics.exposition import Exposition, Format

__all__ = ["Exposition", "Format"]
