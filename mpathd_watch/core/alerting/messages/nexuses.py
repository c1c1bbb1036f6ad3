"""Entries about I_T nexuses: iSCSI sessions, say."""

from __future__ import annotations

from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.text import plural
from mpathd_watch.core.state import NexusState
from mpathd_watch.core.transports import table


def nexus_lost(nexus: NexusState, paths: int, maps: int, shared: str, *, covered: bool) -> Alert:
    """The alert for a nexus that took several paths with it, or none.

    ``shared``: what it has in common with others that are lost or silent, in words; ``covered``: one of those has been
    reported with the same words.
    """
    row = table.of(nexus.transport)
    reason = f"; the kernel: {nexus.lost_to}" if nexus.lost_to else ""
    state = f"is down ({nexus.status}{reason})" if nexus.present else f"is gone, {row.words.gone}"
    carried = f"{plural(paths, 'path')} of {plural(maps, 'map')}" if paths else "no path of any map"
    together = f" It is not the only one: {shared} are lost or silent." if shared else ""
    intended = "If that was intended and is for good, run mpathd-watch forget for these paths."
    forget = f" {intended}" if paths and not nexus.present else ""
    return Alert(
        row.lost_alert,
        Priority.INFO if covered else row.lost_alert.value.priority,
        f"{row.words.title} {nexus.label} {state}: {carried} went through it.{together}{forget}",
        _fields(nexus, paths, maps) | ({"SHARED": shared} if shared else {}),
    )


def nexus_restored(nexus: NexusState, paths: int, maps: int) -> Alert:
    """The alert for the return of a nexus whose loss was reported."""
    row = table.of(nexus.transport)
    carried = f"multipathd now checks its {plural(paths, 'path')}" if paths else "no path of any map goes through it"
    return Alert(
        row.restored_alert,
        row.restored_alert.value.priority,
        f"{row.words.title} {nexus.label} is {row.words.restored} again; {carried}.",
        _fields(nexus, paths, maps),
    )


def _fields(nexus: NexusState, paths: int, maps: int) -> dict[str, str]:
    return {
        table.of(nexus.transport).words.journal_field: nexus.label,
        "TARGET": nexus.facts.target,
        "PORTAL": nexus.facts.portal,
        "PATHS": str(paths),
        "MAPS": str(maps),
    }
