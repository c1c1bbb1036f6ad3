"""What the audit comes to: findings, and for each session and map what was configured, what is in force, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mpathd_watch.core.catalog.findings import Finding, Severity
from mpathd_watch.core.formats.multipath_conf import Resolved
from mpathd_watch.core.verdicts.budget import Budget


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class MapReport:
    """What multipath-tools is set to for a map, and what that and its sessions' timeouts promise.

    ``budget`` goes from the best of its paths to the worst, those of missing sessions left out; ``None`` where a path's
    timeouts are not known or no path is iSCSI. Values of ``settings`` have the origin ``running`` where multipathd runs
    with something that the files don't say.
    ``recheck_interval``: the seconds between multipathd's checks of a failed path (``budget.recheck_interval``).
    """

    settings: Resolved
    budget: Budget | None
    recheck_interval: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, worst first, each kind together; timeouts and budgets by session label, maps by WWID."""

    findings: tuple[Finding, ...] = ()
    timeouts: Mapping[str, tuple[Timeout, ...]] = field(default_factory=lambda: MappingProxyType({}))
    budgets: Mapping[str, Budget | None] = field(default_factory=lambda: MappingProxyType({}))
    maps: Mapping[str, MapReport] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def severity(self) -> Severity:
        """That of the worst finding."""
        return max((finding.kind.value.severity for finding in self.findings), default=Severity.INFO)
