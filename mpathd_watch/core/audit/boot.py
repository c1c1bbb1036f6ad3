"""What the next boot brings: units that nothing starts, file systems mounted too early, an initramfs that is old."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.formats.open_iscsi import keys, setting
from mpathd_watch.core.layers import table as layers
from mpathd_watch.core.model.system import ISCSID, LOGIN_UNITS, MULTIPATHD_UNITS, Mount, Unit
from mpathd_watch.core.model.text import listed, plural
from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.core.state import MapState, NexusState
from mpathd_watch.core.transports import table

AUTOMATIC = "automatic"


def findings(host: Host) -> Iterator[Finding]:
    """What is not started, then what is mounted, then the initramfs."""
    units = {unit.name: unit for unit in host.configuration.system.units or ()}
    yield from _multipathd(host, units)
    yield from _logins(host, units)
    yield from _mounts(host)
    yield from _image(host)


def _multipathd(host: Host, units: dict[str, Unit]) -> Iterator[Finding]:
    maps = [map_ for map_ in host.maps if layers.of(map_.layer).manager is SourceName.MULTIPATHD]
    found = [units[name] for name in MULTIPATHD_UNITS if name in units]
    elsewhere = host.state.source(SourceName.MULTIPATHD).up and all(unit.active is False for unit in found)
    if maps and not elsewhere:
        yield from _not_started(found, f"there {'is' if len(maps) == 1 else 'are'} {plural(len(maps), 'map')}")


def _logins(host: Host, units: dict[str, Unit]) -> Iterator[Finding]:
    """An orchestrator that logs in by itself leaves its records manual, and runs iscsid in a container, perhaps."""
    early = _early(host)
    sessions = [session for session in host.sessions if session.label not in early and _automatic(host, session)]
    iscsid = units.get(ISCSID)
    if not sessions or (iscsid and iscsid.active is False and host.configuration.iscsid_running):
        return
    records = f"{plural(len(sessions), 'session')} in use {'is' if len(sessions) == 1 else 'are'} automatic"
    found = [units[name] for name in LOGIN_UNITS if name in units]
    yield from _not_started(found, records)
    if iscsid is not None and iscsid.masked:
        yield Finding(FindingKind.NOT_STARTED_AT_BOOT, iscsid.name, f"it is masked, but {records}", iscsid.masked)


def _not_started(units: Sequence[Unit], need: str) -> Iterator[Finding]:
    """None of these, of which each is enough, will be started. The first is the one to enable."""
    masked = {unit.name for unit in units if unit.masked}
    if not units or any(unit.started and unit.name not in masked and not _in_vain(unit, masked) for unit in units):
        return
    first = units[0]
    outcome = "it is masked" if first.masked else "it is not enabled, and no other unit starts it"
    yield Finding(FindingKind.NOT_STARTED_AT_BOOT, first.name, f"{outcome}, but {need}", first.masked)


def _in_vain(unit: Unit, masked: set[str]) -> bool:
    """Whether what the unit starts is masked: a socket starts its service, iscsi-starter.service iscsi.service."""
    return f"{unit.name.partition('.')[0].removesuffix('-starter')}.service" in masked


def _automatic(host: Host, session: NexusState) -> bool:
    record = host.record(session)
    return record is not None and setting(keys.STARTUP, record, host.configuration.iscsid).value == AUTOMATIC


def _early(host: Host) -> set[str]:
    """The labels of the sessions below / and /usr, which the initramfs has logged in before any unit is started."""
    root_maps = [host.state.maps[wwid] for wwid in host.configuration.system.root_maps if wwid in host.state.maps]
    return {path.nexus for map_ in root_maps for path in map_.paths.values() if path.nexus}


def _mounts(host: Host) -> Iterator[Finding]:
    early = _early(host)
    late = [mount for mount in host.configuration.system.mounts if _needs_logins(host, mount, early)]
    for nofail, outcome in (
        (False, "the boot waits for that before it logs in the sessions"),
        (True, "with nofail the boot does not wait, but nothing orders that after the sessions"),
    ):
        found = [mount for mount in late if mount.nofail is nofail]
        if found:
            names = sorted({map_.label for mount in found for map_ in _maps(host, mount)})
            they = f"{found[0].source} is" if len(found) == 1 else "they are"
            text = f"{they} on {listed(names)}, without _netdev: {outcome}"
            targets = listed([mount.target for mount in found])
            yield Finding(FindingKind.MOUNTED_WITHOUT_NETDEV, targets, text, found[0].where)


def _needs_logins(host: Host, mount: Mount, early: set[str]) -> bool:
    """Whether a map below it needs sessions that are not there before the units of the host are started."""
    paths = [path for map_ in _maps(host, mount) for path in map_.paths.values()]
    return any(table.of(path.place.transport).node_records for path in paths) and not any(
        path.nexus in early for path in paths
    )


def _maps(host: Host, mount: Mount) -> list[MapState]:
    return [host.state.maps[wwid] for wwid in mount.maps if wwid in host.state.maps]


def _image(host: Host) -> Iterator[Finding]:
    """Only by the time of the change: what an initramfs holds differs between distributions and its own settings.

    The files wwids and bindings do not count: multipathd changes them with each new LUN, which the boot does not need.
    """
    system = host.configuration.system
    root = [host.state.maps[wwid].label for wwid in system.root_maps if wwid in host.state.maps]
    if root and system.image is not None and system.image.older_than:
        later = listed(system.image.older_than)
        text = f"{later} {'was' if len(system.image.older_than) == 1 else 'were'} changed after it was built"
        text = f"{text}, and the system starts from {listed(root)}"
        yield Finding(FindingKind.INITRAMFS_DIFFERS, system.image.path, text, system.image.older_than[0])
