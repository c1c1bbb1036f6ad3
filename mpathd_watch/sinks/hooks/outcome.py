"""What has become of a notice."""

from __future__ import annotations

from enum import StrEnum

from mpathd_watch.immutable import immutable


class Result(StrEnum):
    """The label ``result`` of the metrics."""

    OK = "ok"
    DEFERRED = "deferred"
    FAILED = "failed"
    TIMEOUT = "timeout"
    NOT_STARTED = "not_started"


@immutable
class Outcome:
    """The result of one attempt, and ``detail``, in a clause: what went wrong, and what to do. Empty if nothing did.

    A notice that is ``DEFERRED`` is tried again: before any other one if ``everything`` is affected.
    """

    result: Result
    detail: str = ""
    everything: bool = False
