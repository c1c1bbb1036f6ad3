"""One bundle as events, and what of the host it does not show."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.events import (
    ConfigurationRead,
    ConnectionFailed,
    DmStatusRead,
    Event,
    MapsListed,
    MultipathdConfigured,
    NetworkRead,
    SessionsRead,
    SourceDown,
    SystemRead,
)
from mpathd_watch.core.formats.multipath_conf import NEWEST, Document, Version, parse_printed
from mpathd_watch.core.formats.printed import ip_address, kernel_log
from mpathd_watch.core.model.text import plural
from mpathd_watch.core.model.vocabulary import DOWN_SESSION, NOT_RUNNING, SourceName
from mpathd_watch.immutable import immutable, replace
from mpathd_watch.sources.bundle.files import Files
from mpathd_watch.sources.bundle.outputs import Output, Source
from mpathd_watch.sources.bundle.processes import Processes
from mpathd_watch.sources.bundle.sosreport import SosReport
from mpathd_watch.sources.bundle.storage import Storage, read_storage
from mpathd_watch.sources.bundle.supportconfig import SupportConfig

NOT_IN_BUNDLE = "not_in_bundle"
"""The ``SourceDown.reason`` of what a bundle does not show."""


@immutable
class Bundle:
    """A support bundle.

    ``events`` are those that live sources would have emitted at ``taken_at`` (POSIX seconds; ``None`` where that is not
    known). ``missing`` names what could not be judged and why, each a clause without a full stop.
    """

    kind: str
    events: tuple[Event, ...]
    missing: tuple[str, ...]
    taken_at: float | None

    @property
    def title(self) -> str:
        """What it is and how old, for the first line of an output: its values are not those of now."""
        if self.taken_at is None:
            return f"{self.kind} of an unknown time"
        return f"{self.kind} taken at {datetime.fromtimestamp(self.taken_at, UTC):%Y-%m-%d %H:%M:%S} UTC"

    @property
    def lines(self) -> tuple[str, ...]:
        """The title and what could not be judged, for people."""
        return (f"support bundle: {self.title}", *(f"not judged: {text}" for text in self.missing))

    @property
    def document(self) -> dict[str, Any]:
        """The same as JSON-ready data."""
        taken = None if self.taken_at is None else f"{datetime.fromtimestamp(self.taken_at, UTC):%Y-%m-%dT%H:%M:%SZ}"
        return {"kind": self.kind, "taken_at": taken, "not_judged": list(self.missing)}


def read(root: Path) -> Bundle | None:
    """The support bundle in the directory ``root``; ``None`` if it is none, but perhaps the root of a host.

    Never raises because of what the bundle holds. Nothing outside of ``root`` is read.
    """
    files = Files(root)
    for kind in (SosReport, SupportConfig):
        if kind.recognises(files):
            return _read(kind(files))
    return None


def _read(source: Source) -> Bundle:
    missing: list[str] = []
    storage = read_storage(source)
    links = source.output(Output.ADDRESSES)
    network = ip_address.parse(links.text) if links else None
    if source.obfuscated():
        # Different addresses may have become the same one (seen with sos 4.9.1).
        storage, network = storage.without_ends(), None
        missing.append("portals, subnets and interfaces that paths share: the addresses in the bundle are obfuscated")
    elif network is not None:
        storage = storage.on_network(network)
    processes = Processes.of(source.output(Output.PROCESSES))
    configuration = _configuration(source, storage, processes, missing)
    events: list[Event] = [ConfigurationRead(configuration)]
    if storage.maps is None:
        detail = f"the {source.name} does not show which multipath maps there were"
        events.append(SourceDown(SourceName.SYSFS, NOT_IN_BUNDLE, detail))
        missing.append("maps, paths and sessions: the bundle has neither 'multipath -ll' nor 'dmsetup status'")
    else:
        # As on a live host: a session is lost first, with the kernel's error, and its paths for that.
        events.append(SessionsRead(storage.sessions or ()))
        events += _kernel_errors(source, storage, missing)
        events.append(SystemRead(storage.maps, storage.members, storage.sessions or (), 0.0, storage.unmapped))
        if network is not None:
            events.append(NetworkRead(network.links))
        events += _multipathd(source, storage, processes, configuration.version, missing)
    missing += _gaps(storage, network_known=network is not None or source.obfuscated())
    return Bundle(source.name, tuple(events), tuple(missing), _plausible(source.taken_at()))


def _plausible(moment: float | None) -> float | None:
    """A moment that can be printed as a date."""
    return moment if moment is not None and 0 <= moment < _YEAR_9999 else None


_YEAR_9999 = 253370764800


def _configuration(source: Source, storage: Storage, processes: Processes, missing: list[str]) -> Configuration:
    configuration = source.configuration(iscsid_running=processes.runs("iscsid"))
    if configuration.version is None:
        missing.append("what the installed version does: the list of packages does not show the one of multipath-tools")
    if configuration.records and storage.sessions is None:
        # Without the sessions, each record would seem to have none.
        count = plural(len(configuration.records), "node record")
        missing.append(f"{count}: the bundle does not show which iSCSI sessions there were")
        configuration = replace(configuration, records=())
    return configuration


def _kernel_errors(source: Source, storage: Storage, missing: list[str]) -> list[Event]:
    """Why the sessions that are down went down, as far as the log goes back."""
    down = [session.sid for session in storage.sessions or () if session.state in DOWN_SESSION]
    log = source.output(Output.KERNEL_LOG) if down else None
    errors = kernel_log.connection_errors(log.text) if log else {}
    unexplained = [sid for sid in down if sid not in errors]
    if unexplained:
        missing.append(f"why {plural(len(unexplained), 'session')} went down: the bundle's log does not show it")
    return [ConnectionFailed(sid, errors[sid]) for sid in down if sid in errors]


def _multipathd(
    source: Source, storage: Storage, processes: Processes, version: Version | None, missing: list[str]
) -> list[Event]:
    """The states of the paths; what multipathd ran with; and that it did not run, if the bundle shows that."""
    events: list[Event] = [MapsListed(storage.listings, 0.0)]
    printed = source.output(Output.RUNNING)
    running = None
    if printed is not None:
        running = parse_printed(printed.text, "multipathd show config", version or NEWEST)
        running = running if any(running.named("defaults")) else None
    if running is not None:
        events.append(MultipathdConfigured(_without_problems(running)))
        return events
    missing.append("whether multipathd ran with the settings of the files: the bundle does not have its configuration")
    if processes.runs("multipathd") is False:
        detail = "multipathd is not among the processes of the bundle"
        events += [SourceDown(SourceName.MULTIPATHD, NOT_RUNNING, detail), DmStatusRead(storage.statuses, 0.0)]
    return events


def _without_problems(document: Document) -> Document:
    """A printed configuration has none that an administrator could have made."""
    return replace(document, problems=())


def _gaps(storage: Storage, *, network_known: bool) -> list[str]:
    """What no command in the bundle has printed, and what that leaves open."""
    gaps: list[str] = []
    if storage.maps is None:
        return gaps
    if storage.sessions is None:
        gaps.append("iSCSI sessions and their timeouts: the bundle does not have 'iscsiadm -m session'")
    elif storage.sessions:
        # iscsiadm never prints the first two (usr/session_info.c).
        absent = ["noop_out_interval", "noop_out_timeout"]
        absent += ["recovery_tmo"] if any(session.recovery_tmo is None for session in storage.sessions) else []
        gaps.append(f"how soon a silent path fails over: the bundle does not have {', '.join(absent)} in force")
    if storage.sessions and not network_known:
        gaps.append("network interfaces that paths share, and their carriers: the bundle does not have 'ip address'")
    unknown = sum(1 for disk in storage.members if disk.state == "unknown")
    if unknown:
        gaps.append(f"the state of {plural(unknown, 'disk')}: the bundle does not show it")
    unnamed = sum(1 for disk in storage.members if not disk.wwid)
    if unnamed:
        gaps.append(f"whether {plural(unnamed, 'disk')} belong to their maps: the bundle does not have their ID_SERIAL")
    if storage.unidentified:
        count = plural(storage.unidentified, "disk")
        gaps.append(f"whether {count} in no map should be in one: the bundle does not have their ID_SERIAL")
    if storage.members:
        gaps.append("what changes with time: flapping, slow paths, errors that increase, and silence")
    return gaps
