"""What happens to I/O when all paths of a map are gone: it fails at once, too soon, or never."""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import line, whence
from mpathd_watch.core.audit.grouping import Gathered
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.layers import table as layers
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import MapState

UNSET = "-"
"""multipathd's word for a map whose no_path_retry is not set: the features in the kernel's table decide."""

RELOGIN = 3.0
"""Seconds that iscsid waits before it tries again to connect (CONN_RETRY, usr/initiator.c)."""


def findings(host: Host) -> Iterator[Finding]:
    """Every map by label."""
    multipathd = host.state.source(SourceName.MULTIPATHD)
    if host.state.maps and multipathd.up is False:
        told = multipathd.detail.rstrip(".") or "it does not answer"
        yield Finding(FindingKind.MULTIPATHD_NOT_RUNNING, "multipathd", told)
    gathered = Gathered()
    for known in host.maps:
        yield from _without_end(host, known)
        _at_once(gathered, known)
        _too_soon(host, gathered, known)
    yield from gathered.findings()


def _without_end(host: Host, known: MapState) -> Iterator[Finding]:
    retry = host.settings[known.wwid].no_path_retry
    where = line(retry.origin)
    if host.multipathd_dead and retry.value not in ("fail", None):
        told = (
            f"no_path_retry is {retry.value} ({whence(retry.origin)}), and multipathd does not run: unless it was "
            "stopped in order, I/O without a path waits, and nobody ends that"
        )
        yield Finding(FindingKind.QUEUES_WITHOUT_MULTIPATHD, known.label, told, where)
    elif known.queueing == "on":
        told = "when all its paths are down, I/O hangs until one returns"
        yield Finding(FindingKind.QUEUES_FOR_EVER, known.label, told, where if retry.value == "queue" else "")
    elif known.queueing == UNSET and known.queues:
        told = "no_path_retry is not set, and its table has queue_if_no_path: I/O without a path waits without end"
        yield Finding(FindingKind.QUEUES_FOR_EVER, known.label, told)


def _at_once(gathered: Gathered, known: MapState) -> None:
    if known.queueing == UNSET and known.queues is False:
        told = "no_path_retry is not set: when all paths are down, even for a second, I/O fails"
        gathered.add(FindingKind.NO_PATH_RETRY_UNSET, known.label, told)


def _too_soon(host: Host, gathered: Gathered, known: MapState) -> None:
    """It queues for as many checks as are set, and a second (enter_recovery_mode() in structs_vec.c)."""
    settings = host.settings[known.wwid]
    retry, polling = settings.no_path_retry, settings.polling_interval.value
    checks = layers.of(known.layer).checks
    if checks is None or not isinstance(retry.value, int):
        return
    queued, needed = retry.value * polling + 1, RELOGIN + polling + checks.lateness
    if queued < needed:
        told = (
            f"no_path_retry {retry.value} with a polling_interval of {polling} s ({whence(retry.origin)}) queues for "
            f"{queued} s; a path whose link is back takes up to {needed:.0f} s to be reinstated"
        )
        gathered.add(FindingKind.RETRIES_TOO_SHORT, known.label, told, line(retry.origin))
