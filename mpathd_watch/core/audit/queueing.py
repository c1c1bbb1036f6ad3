"""What happens to I/O when all paths of a map are down: it fails at once, it fails too soon, or it hangs."""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import line, remark
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.layers import table as layers
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import MapState

UNSET = "-"
"""multipathd's word for a map whose no_path_retry is not set: the features in the kernel's table decide."""

RELOGIN = 3.0
"""Seconds that iscsid waits before it tries to connect again (CONN_RETRY, usr/initiator.c)."""


def findings(host: Host) -> Iterator[Finding]:
    """Every map by label."""
    multipathd = host.state.source(SourceName.MULTIPATHD)
    if host.state.maps and multipathd.up is False:
        text = multipathd.detail.rstrip(".") or "it does not answer"
        dead, silent = FindingKind.MULTIPATHD_NOT_RUNNING, FindingKind.MULTIPATHD_NOT_ANSWERING
        yield Finding(dead if host.multipathd_dead else silent, "multipathd", text)
    for map_ in host.maps:
        yield from _without_end(host, map_)
        yield from _at_once(map_)
        yield from _too_soon(host, map_)


def _without_end(host: Host, map_: MapState) -> Iterator[Finding]:
    """I/O that only a running multipathd, or nothing at all, keeps from hanging for ever.

    A multipathd that stops in order has turned the queueing off, unless queue_without_daemon is set.
    """
    retry = host.settings[map_.wwid].no_path_retry
    where = line(retry.origin)
    if host.multipathd_dead and retry.value not in ("fail", None):
        text = (
            f"no_path_retry is {retry.value}{remark(retry.origin)}, but multipathd does not run: when all paths are "
            "down, I/O may hang without end"
        )
        yield Finding(FindingKind.QUEUES_WITHOUT_MULTIPATHD, map_.label, text, where)
    elif map_.queueing.text == "on":
        text = "when all paths are down, I/O hangs until one returns"
        yield Finding(FindingKind.QUEUES_FOR_EVER, map_.label, text, where if retry.value == "queue" else "")
    elif map_.queueing.text == UNSET and map_.queues:
        text = (
            "no_path_retry is not set, but the map has the feature queue_if_no_path: when all paths are down, I/O "
            "hangs until one returns"
        )
        yield Finding(FindingKind.QUEUES_FOR_EVER, map_.label, text)


def _at_once(map_: MapState) -> Iterator[Finding]:
    if map_.queueing.text == UNSET and map_.queues is False:
        text = "no_path_retry is not set: I/O fails as soon as all paths are down, even for a second"
        yield Finding(FindingKind.NO_PATH_RETRY_UNSET, map_.label, text)


def _too_soon(host: Host, map_: MapState) -> Iterator[Finding]:
    """It queues for as many checks as are set, and one second more (enter_recovery_mode() in structs_vec.c)."""
    settings = host.settings[map_.wwid]
    retry, polling = settings.no_path_retry, settings.polling_interval.value
    checks = layers.of(map_.layer).checks
    if checks is None or not isinstance(retry.value, int):
        return
    queued, needed = retry.value * polling + 1, RELOGIN + polling + checks.lateness
    if queued < needed:
        text = (
            f"no_path_retry is {retry.value}{remark(retry.origin)} and polling_interval {polling} s: I/O fails after "
            f"{queued} s, but reinstatement takes up to {needed:.0f} s"
        )
        yield Finding(FindingKind.RETRIES_TOO_SHORT, map_.label, text, line(retry.origin))
