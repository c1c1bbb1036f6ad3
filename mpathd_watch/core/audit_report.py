"""The result of an audit: findings, and for each session and map what is configured, what is in force, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from math import inf
from typing import NamedTuple

from mpathd_watch.core.catalog.findings import Finding, Severity
from mpathd_watch.core.formats.multipath_conf import Resolved
from mpathd_watch.core.model.budget import Budget
from mpathd_watch.core.model.mappings import empty
from mpathd_watch.immutable import immutable


@immutable
class Timeout:
    """One timeout of a session, in seconds; ``inf`` where it is off, ``None`` where it is not known.

    ``name`` is open-iscsi's (``noop_out_interval``, ``noop_out_timeout``, ``replacement_timeout``), ``where`` the line
    that configures it (``FILE:LINE``, or who else says so), ``why`` in one sentence the reason why something else is in
    force; empty where it is not.
    """

    name: str
    configured: float | None
    effective: float | None
    where: str = ""
    why: str = ""


@immutable
class MapReport:
    """What multipath-tools is set to for a map, and what that and its sessions' timeouts promise.

    ``budget`` goes from the best of its paths to the worst, without those of missing sessions; ``None`` where a path's
    timeouts are not known, or no path has a nexus that is read. Values of ``settings`` have the origin ``running``
    where multipathd runs with something that is not in the files. ``recheck_interval``: the seconds between
    multipathd's checks of a failed path. ``reinstatement_worst``: the seconds that this promises from the return of a
    path's transport to its reinstatement; ``inf`` where nothing does.
    """

    settings: Resolved
    budget: Budget | None
    recheck_interval: int | None = None
    reinstatement_worst: float = inf


class Acknowledged(NamedTuple):
    """A finding that the administrator has declared to be meant, and the reason."""

    finding: Finding
    reason: str


@immutable
class AuditReport:
    """All findings, worst first, each kind together; timeouts and budgets by session label, maps by WWID.

    Those in ``acknowledged`` are not among ``findings``, and count for nothing.
    """

    findings: tuple[Finding, ...] = ()
    timeouts: Mapping[str, tuple[Timeout, ...]] = field(default_factory=empty)
    budgets: Mapping[str, Budget | None] = field(default_factory=empty)
    maps: Mapping[str, MapReport] = field(default_factory=empty)
    acknowledged: tuple[Acknowledged, ...] = ()

    @property
    def severity(self) -> Severity:
        """That of the worst finding."""
        return max((finding.severity for finding in self.findings), default=Severity.INFO)
