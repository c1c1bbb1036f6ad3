"""What has become of mails and hooks so far, for the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.hooks.outcome import Result


@immutable
class Deliveries:
    """How many attempts had which result: of ``mail``, and of ``hooks`` by their labels. Empty if there are none."""

    mail: Mapping[Result, int] = field(default_factory=dict)
    hooks: Mapping[tuple[str, Result], int] = field(default_factory=dict)
