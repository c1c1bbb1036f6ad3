"""A host without any map, although something shows that there should be one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.unmapped_disks import visible
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.formats.open_iscsi import keys, setting
from mpathd_watch.core.model.text import listed, plural
from mpathd_watch.core.model.vocabulary import SourceName

SUBJECT = "multipath"


def findings(host: Host) -> Iterator[Finding]:
    """At most one: nothing is known of a host that has not been read."""
    if host.state.maps or not host.state.source(SourceName.SYSFS).up:
        return
    text = _remembered(host) or _several_paths(host) or _not_logged_in(host)
    if text:
        yield Finding(FindingKind.NO_MAP, SUBJECT, f"there is no map, but {text}")


def _remembered(host: Host) -> str:
    """A WWID in /etc/multipath/wwids gets a map whatever find_multipaths is (should_multipath() in wwids.c)."""
    known = host.configuration.wwids or frozenset()
    wwids = sorted({disk.wwid for disk in visible(host)} & known)
    return f"{plural(len(wwids), 'LUN')} in /etc/multipath/wwids {_are(wwids)} there ({listed(wwids)})" if wwids else ""


def _several_paths(host: Host) -> str:
    counts = Counter(disk.wwid for disk in visible(host) if disk.wwid)
    wwids = sorted(wwid for wwid, count in counts.items() if count > 1)
    return f"{plural(len(wwids), 'LUN')} {_have(wwids)} more than one path ({listed(wwids)})" if wwids else ""


def _not_logged_in(host: Host) -> str:
    """Targets that are logged in to at boot through several portals, on a host without any session."""
    if host.sessions:
        return ""
    portals: dict[str, set[tuple[str, int]]] = {}
    for node in host.configuration.records:
        startup = setting(keys.STARTUP, node.record, None)
        if startup.value not in ("manual", None):
            portals.setdefault(node.place.target, set()).add((node.place.address, node.place.port))
    targets = sorted(target for target, found in portals.items() if len(found) > 1)
    if not targets:
        return ""
    text = f"{plural(len(targets), 'target')} {_have(targets)} records of several portals that are started at boot"
    return f"{text} ({listed(targets)}), and there is no session"


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _have(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"
