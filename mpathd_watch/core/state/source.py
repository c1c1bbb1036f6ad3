"""One source of knowledge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import empty
from mpathd_watch.immutable import immutable


@immutable
class SourceState:
    """Whether one source answers; ``up`` is ``None`` until it has answered or failed for the first time.

    ``up_since``: the first answer since it was silent last; ``None`` while it is silent.
    """

    up: bool | None = None
    up_since: Instant | None = None
    reason: str = ""
    detail: str = ""
    last_success: Instant | None = None
    errors: Mapping[str, int] = field(default_factory=empty)
