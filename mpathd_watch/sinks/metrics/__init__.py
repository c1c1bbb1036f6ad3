"""The metrics: a table of families, the samples they take from a view, and the text Prometheus reads.

prometheus_client is imported here and nowhere else.
"""

from mpathd_watch.sinks.metrics.exposition import Body, Exposition

__all__ = ["Body", "Exposition"]
