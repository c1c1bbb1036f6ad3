"""One outage of a path, as values: its instants, its cause, what was promised, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple

from mpathd_watch.core.model.budget import Bounds
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import empty
from mpathd_watch.core.model.vocabulary import Cause, Phase, Verdict
from mpathd_watch.immutable import immutable


class Count(NamedTuple):
    """The errors and timeouts of a disk counted so far, at this CLOCK_MONOTONIC second."""

    at: float
    errors: int
    timeouts: int


@immutable
class Outage:
    """What is known of one outage; every instant but ``began`` may be absent.

    ``timeouts`` are those of the nexus when it began (see ``Nexus``), and ``bounds`` what these and multipathd's
    promise; ``None`` where the path has no nexus that is read. ``transport_lost``: the way to the disk itself was gone
    (nexus down, device not running, path missing, closed by the array): only then is a way that works a return, and the
    path ``recovering``. ``inherited``: it had begun before the path was first seen. ``errors``: what its disk had
    counted before. ``soon``: the path had been up only for a moment, or although its checker called it faulty.
    ``shared``: a lost nexus, port group or map, or another path, was the alert for it. ``counted``: it is in
    ``path_failures_total``. ``announced``: the cause in the journal. ``judgement``: its result, once it is over.
    """

    id: str
    began: Instant
    cause: Cause = Cause.UNKNOWN
    timeouts: Mapping[str, float | None] | None = None
    bounds: Bounds | None = None
    last_alive: Instant | None = None
    errors: Count | None = None
    soon: bool = False
    suspected: Instant | None = None
    stalled: Instant | None = None
    failed: Instant | None = None
    transport_lost: bool = False
    transport_up: Instant | None = None
    reinstated: Instant | None = None
    inherited: bool = False
    shared: bool = False
    counted: bool = False
    announced: Cause | None = None
    judgement: Judgement | None = None

    @property
    def real(self) -> bool:
        """Whether the path was ever worse than suspect; it was not if it was only suspect."""
        return self.stalled is not None or self.failed is not None or self.inherited


@immutable
class Judgement:
    """The seconds that each measured phase took, the verdict, and the phase that broke the budget, if one did."""

    phases: Mapping[Phase, float] = field(default_factory=empty)
    verdict: Verdict = Verdict.NO_BUDGET
    broken: Phase | None = None
