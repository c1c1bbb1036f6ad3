"""Made-up hosts for tests of the audit: ``Host()`` is in order, each change puts something out of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from mpathd_watch.core.audit import audit
from mpathd_watch.core.audit_report import AuditReport
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.configuration import Configuration, NodeRecord, Unreadable
from mpathd_watch.core.formats.multipath_conf import NEWEST, Version, merge, parse, parse_printed
from mpathd_watch.core.formats.open_iscsi import Place, Record, keys, parse_record, record_path
from mpathd_watch.core.model.facts import DeviceFacts, LinkFacts
from mpathd_watch.core.model.system import System
from mpathd_watch.core.model.vocabulary import DeviceState, Transport
from mpathd_watch.core.state import Auditing, MapState, NexusState, PathState, SourceState, State, frozen
from mpathd_watch.core.verdicts.access_use import AccessUse
from tests.factories import TARGET, make_map, make_path, make_session, make_sources, make_state

FIRST, SECOND = PORTALS = ("192.168.1.1:3260", "192.168.2.1:3260")
CONF = "/etc/multipath.conf"
ISCSID = "/etc/iscsi/iscsid.conf"
FOR_ISCSI = 'overrides {\n\tprotocol {\n\t\ttype "scsi:iscsi"\n\t\tfast_io_fail_tmo %s\n\t}\n}\n'


def label(portal: str) -> str:
    return f"{portal}/{TARGET}"


def record_file(portal: str, iface: str = "default") -> str:
    return f"/var/lib/iscsi/nodes/{TARGET}/{portal.replace(':', ',')},1/{iface}"


def lines(interval: int = 5, timeout: int = 10, replacement: int = 5, startup: str = "automatic") -> str:
    """Of a node record or iscsid.conf: node.startup in line 1, then interval, timeout, replacement_timeout."""
    return (
        f"{keys.STARTUP} = {startup}\n{keys.NOOP_OUT_INTERVAL} = {interval}\n"
        f"{keys.NOOP_OUT_TIMEOUT} = {timeout}\n{keys.REPLACEMENT_TIMEOUT} = {replacement}\n"
    )


def records(*portals: str, text: str | None = None) -> dict[Place, Record]:
    found = {}
    for portal in portals:
        file = record_file(portal)
        place = record_path(file)
        assert place is not None
        found[place] = parse_record(lines() if text is None else text, file)
    return found


@dataclass
class Host:
    """A host on which all is in order: one map, two portals, and records that say what is in force."""

    multipath: str = ""
    iscsid: str | None = field(default_factory=lines)
    records: dict[Place, Record] = field(default_factory=lambda: records(*PORTALS))
    sessions: list[NexusState] = field(
        default_factory=lambda: [make_session(portal, sid=sid) for sid, portal in enumerate(PORTALS, 1)]
    )
    maps: list[MapState] = field(default_factory=lambda: [make_map()])
    unreadable: tuple[Unreadable, ...] = ()
    running: str | None = None
    version: Version | None = NEWEST
    wwids: frozenset[str] | None = None
    wwids_read_at: float | None = 0.0
    iscsid_running: bool | None = None
    unmapped: tuple[DeviceFacts, ...] = ()
    links: tuple[LinkFacts, ...] | None = ()
    system: System = field(default_factory=System)
    access: dict[str, AccessUse] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)

    def live(self, **facts: Any) -> Host:
        """The first session has these facts."""
        self.sessions[0] = make_session(FIRST, **facts)
        return self

    def record(self, text: str) -> Host:
        """The first session's record says this."""
        self.records.update(records(FIRST, text=text))
        return self

    def paths(self, *paths: Any, **changes: Any) -> Host:
        """The map has these paths."""
        self.maps = [make_map(paths=paths, **changes)]
        return self

    @property
    def state(self) -> State:
        running = (
            None if self.running is None else parse_printed(self.running, "show config local", self.version or NEWEST)
        )
        return make_state(
            self.maps,
            self.sessions,
            auditing=Auditing(configuration=self.configuration, running=running, access=frozen(self.access)),
            unmapped=frozen({disk.name: disk for disk in self.unmapped}),
            links=None if self.links is None else frozen({link.name: link for link in self.links}),
            **self.changes,
        )

    @property
    def configuration(self) -> Configuration:
        iscsid = None if self.iscsid is None else parse_record(self.iscsid, ISCSID)
        return Configuration(
            merge([parse(self.multipath, CONF, self.version)]),
            iscsid,
            tuple(NodeRecord(place, record) for place, record in self.records.items()),
            self.unreadable,
            self.version,
            self.wwids,
            self.iscsid_running,
            self.wwids_read_at,
            self.system,
        )

    @property
    def report(self) -> AuditReport:
        return audit(self.state)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.report.findings

    def kinds(self) -> set[FindingKind]:
        return {finding.kind for finding in self.findings}

    def only(self, kind: FindingKind) -> Finding:
        """The only finding of this kind."""
        (finding,) = [finding for finding in self.findings if finding.kind is kind]
        return finding


def both(**facts: Any) -> list[NexusState]:
    """The two sessions, with these facts."""
    return [make_session(portal, sid=sid, **facts) for sid, portal in enumerate(PORTALS, 1)]


def down(**changes: Any) -> dict[str, Any]:
    """A change: multipathd does not answer."""
    return {"sources": make_sources(multipathd=SourceState(up=False, **changes))}


def two_paths(first: dict[str, Any], second: dict[str, Any] | None = None, **common: Any) -> tuple[Any, ...]:
    """The two usual paths, changed."""
    return (
        make_path(FIRST, "sda", **{"hctl": "2:0:0:1", **common, **first}),
        make_path(SECOND, "sdb", **{"hctl": "3:0:0:1", "dev_t": "8:16", **common, **(second or {})}),
    )


def numbered_paths(lun: int, *portals: str, target: str = TARGET) -> list[PathState]:
    """Paths to LUN number ``lun`` of a target, one through each portal."""
    return [
        make_path(
            portal,
            f"sd{lun}x{at}",
            dev_t=f"65:{16 * lun + at}",
            hctl=f"{at + 2}:0:0:{lun}",
            target=target,
            nexus=f"{portal}/{target}",
        )
        for at, portal in enumerate(portals)
    ]


def disk(name: str = "sdx", sid: int | None = 1, wwid: str = "36001", **changes: Any) -> DeviceFacts:
    """An iSCSI disk in no map."""
    facts = DeviceFacts(
        name=name,
        dev_t="65:112",
        hctl="2:0:0:9",
        state=DeviceState.RUNNING,
        transport=Transport.ISCSI,
        sid=sid,
        vendor="LIO-ORG",
        product="disk9",
        io_errors=0,
        io_timeouts=0,
        wwid=wwid,
    )
    return replace(facts, **changes)
