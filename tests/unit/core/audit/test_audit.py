"""The audit: every finding where it belongs, and none where all is in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import inf

import pytest

from mpathd_watch.core.alerting.messages import config_finding
from mpathd_watch.core.audit import audit
from mpathd_watch.core.audit.effective_settings import ASSUMED, whence
from mpathd_watch.core.audit_report import AuditReport
from mpathd_watch.core.catalog.findings import Finding, FindingKind, Severity
from mpathd_watch.core.configuration import Configuration, Reason, Unreadable
from mpathd_watch.core.formats.multipath_conf import Code, Version, parse
from mpathd_watch.core.formats.open_iscsi import keys, parse_record, record_path
from mpathd_watch.core.model.budget import Budget
from mpathd_watch.core.model.facts import RECOVERY_OFF, AccessFacts, BlockFacts, Ipv4Settings, LinkFacts, TcpFacts
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.model.system import BootImage, Mount, System, Unit
from mpathd_watch.core.model.usage import DirectUse, Usage, Use
from mpathd_watch.core.model.vocabulary import AccessState, DeviceState, SessionStatus, Transport
from mpathd_watch.core.state import PathState, SourceState, State
from mpathd_watch.core.verdicts.access_use import AccessUse
from tests.factories import TARGET, make_map, make_path, make_session, make_sources, make_state, with_changes
from tests.hosts import (
    CONF,
    FIRST,
    FOR_ISCSI,
    ISCSID,
    PORTALS,
    SECOND,
    Host,
    both,
    disk,
    down,
    label,
    lines,
    numbered_paths,
    record_file,
    records,
    two_paths,
)


def test_nothing_is_found_where_all_is_in_order() -> None:
    assert Host().findings == ()
    assert Host().report.severity is Severity.INFO
    assert audit(State()) == AuditReport()


# --- each finding, beside a host that is nearly the same and in order -------------------------------------------------


def same_portal() -> Host:
    return Host().paths(make_path(), make_path(dev="sdb", label=f"{FIRST}#2"))


def redirected(*addresses: str) -> Host:
    """Sessions to one portal that lead to others."""
    labels = (FIRST, f"{FIRST}#2")
    sessions = [
        make_session(FIRST, sid=sid, label=f"{path}/{TARGET}", current_portal=f"{address}:3260")
        for sid, (path, address) in enumerate(zip(labels, addresses, strict=True), 1)
    ]
    paths = [make_path(dev=f"sd{path[-1]}", label=path, nexus=f"{path}/{TARGET}", portal=FIRST) for path in labels]
    return Host(sessions=sessions).paths(*paths)


def ends(first: str, second: str, name: str = "netdev", links: tuple[LinkFacts, ...] | None = ()) -> Host:
    return Host(
        sessions=[make_session(portal, **{name: end}) for portal, end in zip(PORTALS, (first, second), strict=True)],
        links=links,
    )


def interface(name: str, *below: str, kind: str = "") -> LinkFacts:
    return LinkFacts(name, up=True, carrier=True, below=below, kind=kind)


VLANS = interface("ens4.7", "ens4", kind="vlan"), interface("ens4.8", "ens4", kind="vlan")
BOND = interface("ens4", "ens1", "ens2", kind="bond")


def fibre(*hosts: int, multipath: str = "") -> Host:
    paths = (
        make_path(label=f"{number}:0:{at}:1", portal="", nexus="", hctl=f"{number}:0:{at}:1", transport=Transport.FC)
        for at, number in enumerate(hosts)
    )
    return Host(multipath=multipath, records={}, sessions=[]).paths(*paths)


def default(text: str) -> str:
    return f"defaults {{\n\t{text}\n}}\n"


def aliased(*aliases: str) -> str:
    each = (f"\tmultipath {{\n\t\twwid 3600{at}\n\t\talias {alias}\n\t}}\n" for at, alias in enumerate(aliases))
    return f"multipaths {{\n{''.join(each)}}}\n"


def with_wwid(wwid: str) -> str:
    return f"multipaths {{\n\tmultipath {{\n\t\twwid {wwid}\n\t\talias data\n\t}}\n}}\n"


def hiding(text: str) -> str:
    return f"blacklist {{\n\t{text}\n}}\n"


def used(device: str) -> Host:
    return Host(changes={"usage": Usage(direct=(DirectUse(device, device, "", Use.STACKED, "vg-data"),))})


def beside(portals: Iterable[str]) -> Host:
    """Beside a map with two paths, one with paths to these portals."""
    return Host(maps=[make_map(), make_map("other", numbered_paths(2, *portals))])


def named(lun: int, wwid: str) -> list[PathState]:
    return [with_changes(path, block=BlockFacts(wwid=wwid)) for path in numbered_paths(lun, *PORTALS)]


def sized(of_map: int, *of_paths: int) -> Host:
    first, second = ({"block": BlockFacts(size)} for size in of_paths)
    return Host().paths(*two_paths(first, second), block=BlockFacts(of_map))


def limited(of_map: int, of_path: int) -> Host:
    limits = BlockFacts(max_sectors_kb=of_path)
    return Host().paths(*two_paths({"block": limits}), block=BlockFacts(max_sectors_kb=of_map))


def asymmetric(*, priority: int = 10, handler: str = "alua", **changes: object) -> Host:
    """A map whose first path is optimized, and the other one not."""
    facts = [
        AccessFacts(grouped=True, handler=handler, state=state, group=number)
        for state, number in zip((AccessState.OPTIMIZED, AccessState.NON_OPTIMIZED), (1, 2), strict=True)
    ]
    paths = two_paths({"access": facts[0], "priority": 50}, {"access": facts[1], "priority": priority})
    return Host(maps=[make_map(paths=paths)], **changes)  # type: ignore[arg-type]  # the fields' own types


def elsewhere(group: int) -> Host:
    """A map with paths to port group 1 alone, beside one with another port that belongs to this group."""
    maps = []
    for lun, portals in enumerate(((FIRST, SECOND), (FIRST, THIRD)), 1):
        paths = numbered_paths(lun, *portals)
        groups = (1, 1 if lun == 1 else group)
        grouped = [with_changes(path, access=AccessFacts(group=each)) for path, each in zip(paths, groups, strict=True)]
        maps.append(make_map(f"lun{lun}", grouped))
    return Host(maps=maps)


THIRD = "192.168.3.1:3260"
MAP = "wwid-of-mpio"
LEFT_UNUSED = AccessUse((), 0.0, 0.0, streak=2, share=1.0, labels=(SECOND,), lasted=120.0)
MOUNT = Mount("/srv", "/dev/mapper/mpio-part1", "/etc/fstab:3", nofail=False, maps=(MAP,))


def system(**facts: object) -> Host:
    """A host whose own files say this."""
    return Host(system=System(**facts))  # type: ignore[arg-type]  # the fields' own types


def unit(name: str, started: bool = True, masked: str = "", active: bool | None = None) -> System:
    return System(units=(Unit(name, started, masked, active),))


def nic(name: str, rp: int = 2, ignore: int = 0, **facts: object) -> LinkFacts:
    settings = Ipv4Settings(rp_filter=rp, arp_filter=0, arp_announce=0, arp_ignore=ignore)
    plain = LinkFacts(name, up=True, carrier=True, mtu=1500, ipv4=settings)
    return replace(plain, **facts)  # type: ignore[arg-type]  # the fields' own types


def through(*links: LinkFacts, network: str = "", routed: str = "", mss: int = 1448) -> Host:
    """The two sessions go through p1 and p2."""
    tcp = TcpFacts(None, None, None, None, mss, 1500, 1460)
    sessions = [
        make_session(
            portal,
            netdev=name,
            routed=routed or name,
            local_network=network or f"192.168.{name[1]}.0/24",
            tcp=tcp,
        )
        for portal, name in zip(PORTALS, ("p1", "p2"), strict=True)
    ]
    return Host(sessions=sessions, links=links)


LONGEST = 160
"""Characters of a finding's text."""

DEAD = down(reason="not_running")
UNREADABLE = (Unreadable("/etc/iscsi/nodes", Reason.NO_PERMISSION, "no permission to read it"),)
K = FindingKind
PAIRS: list[tuple[FindingKind, Host, Host]] = [
    (
        K.REFUSED_CONFIGURATION,
        Host(multipath='blacklist {\n\tdevnode "[a"\n}\n'),
        Host(multipath='blacklist {\n\tdevnode "[a]"\n}\n'),
    ),
    (
        K.IMPOSSIBLE_INTERVAL,
        Host(multipath=default("polling_interval 5x")),
        Host(multipath=default("polling_interval 5")),
    ),
    (
        K.IMPOSSIBLE_INTERVAL,
        Host(multipath=default("max_polling_interval 4294967295")),
        Host(multipath=default("max_polling_interval 600")),
    ),
    (K.SYNTAX_ERROR, Host(multipath="defaults {\n\tpolling_interval 5\n"), Host(multipath="defaults {\n}\n")),
    (K.SYNTAX_ERROR, Host(iscsid=lines() + "node.startup automatic\n"), Host(iscsid=lines() + "# node.startup\n")),
    (
        K.SYNTAX_ERROR,
        Host().record(lines() + "node.session.scan auto\n"),
        Host().record(lines() + "node.session.scan = auto\n"),
    ),
    (
        K.OBSOLETE_KEYWORD,
        Host(multipath="defaults {\n\tudev_dir /dev\n}\n"),
        Host(multipath="defaults {\n\tpolling_interval 5\n}\n"),
    ),
    (
        K.ODD_REGEX,
        Host(multipath='blacklist {\n\tdevnode "^hd[a-z][[0-9]*]"\n}\n'),
        Host(multipath='blacklist {\n\tdevnode "^hd[a-z][0-9]*"\n}\n'),
    ),
    (K.UNREADABLE_FILE, Host(unreadable=UNREADABLE), Host()),
    (K.REPLACEMENT_TIMEOUT_OVERRIDDEN, Host().record(lines(replacement=15)), Host().record(lines(replacement=5))),
    (
        K.SHIPPED_TIMEOUT_OVERRIDDEN,
        Host().record(lines(replacement=120)),
        Host().live(recovery_tmo=120).record(lines(replacement=120)),
    ),
    (K.REPLACEMENT_TIMEOUT_OVERRIDDEN, Host().record(lines(replacement=119)), Host().record(lines(replacement=120))),
    (K.TIMEOUT_NOT_IN_FORCE, Host().record(lines(interval=4)), Host()),
    (K.TIMEOUT_NOT_IN_FORCE, Host().live(recovery_tmo=30), Host().live(recovery_tmo=5)),
    (K.RECORD_DIFFERS, Host(iscsid=lines(timeout=5)), Host(iscsid=None)),
    (
        K.LONG_REPLACEMENT_TIMEOUT,
        Host(sessions=both(recovery_tmo=120), records={}),
        Host(sessions=both(recovery_tmo=119), records={}),
    ),
    (K.RECOVERY_OFF, Host().live(recovery_tmo=RECOVERY_OFF), Host().live(recovery_tmo=0)),
    (K.PINGS_OFF, Host().live(recv_tmo=0, ping_tmo=0), Host().live(recv_tmo=1, ping_tmo=3)),
    (K.PINGS_OFF, Host().live(ping_tmo=0), Host().live(ping_tmo=3)),
    (K.TIGHT_PINGS, Host().live(ping_tmo=2), Host().live(ping_tmo=3)),
    (K.MANUAL_STARTUP, Host().record(lines(startup="manual")), Host().record(lines(startup="onboot"))),
    (
        K.RECORD_WITHOUT_SESSION,
        Host(records=records(*PORTALS, "192.168.3.1:3260")),
        Host(records={**records(*PORTALS), **records("192.168.3.1:3260", text=lines(startup="manual"))}),
    ),
    (
        K.TOO_FEW_SESSIONS,
        Host().record(lines() + f"{keys.NR_SESSIONS} = 2\n"),
        Host(sessions=[*both(), make_session(FIRST, sid=3, label=f"{FIRST}#2/{TARGET}")]).record(
            lines() + f"{keys.NR_SESSIONS} = 2\n"
        ),
    ),
    (
        K.SESSION_WITHOUT_PATH,
        Host(sessions=[*both(), make_session("192.168.3.1:3260")]),
        Host(sessions=[*both(), make_session("192.168.3.1:3260", status=SessionStatus.FAILED)]),
    ),
    (
        K.SINGLE_PATH,
        Host().paths(make_path()),
        replace(
            Host().paths(make_path()), changes={"settings": Settings(single_path_ok=frozenset({"mpio"}))}, records={}
        ),
    ),
    (K.SINGLE_PORTAL, same_portal(), Host()),
    (K.SINGLE_PORTAL, redirected("192.0.2.1", "192.0.2.1"), redirected("192.0.2.1", "192.0.2.2")),
    (
        K.SINGLE_PORTAL,
        same_portal(),
        Host().paths(*(with_changes(make_path(), label=f"{at}:0:0:1", portal="", nexus="") for at in (1, 2))),
    ),
    (K.TIMEOUTS_DIFFER, Host().live(recv_tmo=4), Host().live(recv_tmo=5)),
    (K.TIMEOUTS_DIFFER, Host().live(recovery_tmo=RECOVERY_OFF), Host(sessions=both(recovery_tmo=RECOVERY_OFF))),
    (K.QUEUES_FOR_EVER, Host(maps=[make_map(queueing="on", queues=True)]), Host(maps=[make_map(queueing="12 chk")])),
    (K.MULTIPATHD_NOT_RUNNING, Host(changes=DEAD), Host(maps=[], changes=DEAD)),
    *(
        (K.MULTIPATHD_NOT_RUNNING, Host(changes=DEAD), Host(changes=down(reason=word)))
        for word in ("timeout", "hidden")
    ),
    (K.MULTIPATHD_NOT_ANSWERING, Host(changes=down()), Host(maps=[], changes=down())),
    (K.MULTIPATHD_NOT_ANSWERING, Host(changes=down()), Host(changes={"sources": {}})),
    (K.MULTIPATHD_NOT_ANSWERING, Host(changes=down()), Host(changes=DEAD)),
    (
        K.TOO_NEW_KEYWORD,
        Host(multipath=default("auto_resize never"), version=(0, 9, 4)),
        Host(multipath=default("auto_resize never"), version=(0, 9, 7)),
    ),
    (K.DUPLICATE_ALIAS, Host(multipath=aliased("data", "data")), Host(multipath=aliased("data", "logs"))),
    (
        K.DUPLICATE_WWID,
        Host(multipath=aliased("data") + aliased("logs")),
        Host(multipath=aliased("data", "logs")),
    ),
    (K.MISSPELT_WWID, Host(multipath=with_wwid("WWID-OF-MPIO")), Host(multipath=with_wwid("wwid-of-mpio"))),
    (
        K.WWID_NOT_REMEMBERED,
        Host(wwids=frozenset({"other"}), wwids_read_at=None),
        Host(wwids=frozenset({"wwid-of-mpio"}), wwids_read_at=None),
    ),
    (K.KNOWN_BAD_VERSION, Host(version=(0, 14, 1)), Host(version=(0, 14, 3))),
    (K.KNOWN_BAD_VERSION, Host(version=(0, 14, 2)), Host(version=(0, 14, 2), maps=[], records={}, sessions=[])),
    (
        K.CONFIGURATION_NOT_LOADED,
        Host(multipath=default("polling_interval 7"), running=default("polling_interval 5")),
        Host(multipath=default("polling_interval 7"), running=default("polling_interval 7")),
    ),
    (
        K.CONFIGURATION_NOT_LOADED,
        Host(multipath=default("no_path_retry fail"), running=default("polling_interval 5")),
        Host(multipath=default("no_path_retry fail")),
    ),
    (
        K.CONFIGURATION_NOT_LOADED,
        Host(running=hiding('devnode "^sd"'), unmapped=(disk(),)),
        Host(multipath=hiding('devnode "^sd"'), running=hiding('devnode "^sd"'), unmapped=(disk(),)),
    ),
    (
        K.FAST_IO_FAIL_NOT_IN_FORCE,
        Host(multipath=FOR_ISCSI % 20),
        Host(multipath=FOR_ISCSI % 20, sessions=both(status=SessionStatus.FAILED)),
    ),
    (
        K.FAST_IO_FAIL_NOT_IN_FORCE,
        Host(multipath=FOR_ISCSI % 20, running=FOR_ISCSI % 20),
        Host(multipath=FOR_ISCSI % 20, running=""),
    ),
    (
        K.ONE_SIDED_ZERO,
        Host().record(lines(interval=0)),
        Host().record(lines(interval=0, timeout=0)),
    ),
    (
        K.BLACKLISTED_PATH,
        Host(multipath=hiding('devnode "^sdx"'), unmapped=(disk(),)),
        Host(multipath=hiding('devnode "^sdx"'), unmapped=(disk(sid=7),)),
    ),
    (
        K.BLACKLISTED_PATH,
        Host(multipath=hiding('wwid ".*"'), unmapped=(disk(),)),
        Host(multipath=hiding("wwid 36001"), unmapped=(disk(),)),
    ),
    (
        K.BLACKLISTED_PATH,
        Host(multipath=hiding("protocol scsi:iscsi"), unmapped=(disk(),)),
        Host(multipath=hiding("protocol scsi:iscsi"), unmapped=(disk(),), running=""),
    ),
    (
        K.BLACKLISTED_PATH,
        Host(multipath=hiding('device {\n\t\tvendor "LIO"\n\t}'), unmapped=(disk(),)),
        Host(multipath=hiding('device {\n\t\tvendor "LIO"\n\t}'), unmapped=(disk(vendor="IET"),)),
    ),
    (
        K.BLACKLISTED_WWID,
        Host(multipath=hiding("wwid 36001"), unmapped=(disk(),)),
        Host(multipath=hiding("wwid 36001"), unmapped=(disk(wwid="36002"),)),
    ),
    (
        K.PATH_NOT_IN_MAP,
        Host(unmapped=(disk("sdx"), disk("sdy", sid=2))),
        Host(unmapped=(disk("sdx"), disk("sdy", sid=2, wwid="36002"))),
    ),
    (
        K.PATH_NOT_IN_MAP,
        Host(unmapped=(disk(wwid="wwid-of-mpio"),)),
        Host(unmapped=(disk(wwid="wwid-of-mpio", state=DeviceState.TRANSPORT_OFFLINE),)),
    ),
    (K.PATH_NOT_IN_MAP, Host(unmapped=(disk(), disk("sdy"))), Host(unmapped=(disk(wwid=""), disk("sdy", wwid="")))),
    (
        K.PATH_NOT_IN_MAP,
        Host(unmapped=(disk(), disk("sdy", sid=2))),
        Host(unmapped=(disk(), disk("sdy", sid=2)), sessions=[*both()[:1], make_session(SECOND, sid=9)]),
    ),
    # Two paths to one LUN, and no map; one path; a map.
    (K.NO_MAP, Host(maps=[], unmapped=(disk(), disk("sdy", sid=2))), Host(maps=[], unmapped=(disk(),))),
    (K.NO_MAP, Host(maps=[], unmapped=(disk(), disk("sdy", sid=2))), Host(unmapped=(disk(), disk("sdy", sid=2)))),
    (
        K.NO_MAP,
        Host(maps=[], unmapped=(disk(), disk("sdy", sid=2))),
        Host(maps=[], unmapped=(disk(), disk("sdy", sid=2)), multipath=hiding('devnode "^sd"')),
    ),
    # A LUN that had a map before.
    (
        K.NO_MAP,
        Host(maps=[], unmapped=(disk(),), wwids=frozenset({"36001", "36002"})),
        Host(maps=[], unmapped=(disk(),), wwids=frozenset({"36002"})),
    ),
    # A target with two portals that is logged in to at boot.
    (K.NO_MAP, Host(maps=[], sessions=[]), Host(maps=[], sessions=[], records=records(FIRST))),
    (K.NO_MAP, Host(maps=[], sessions=[]), Host(maps=[])),
    (
        K.NO_MAP,
        Host(maps=[], sessions=[]),
        Host(maps=[], sessions=[], records=records(*PORTALS, text=lines(startup="manual"))),
    ),
    (K.NO_MAP, Host(maps=[], sessions=[]), Host(maps=[], sessions=[], changes={"sources": {}})),
    (K.MAP_WITHOUT_PATH, Host().paths(), Host().paths(make_path())),
    (K.MAP_WITHOUT_PATH, Host().paths(), Host(maps=[make_map(paths=[], unplaced=frozenset({"sda"}))])),
    (
        K.MAP_WITHOUT_PATH,
        Host().paths(*two_paths({"member": False}, {"member": False})),
        Host().paths(*two_paths({"member": False})),
    ),
    (K.SINGLE_NIC, ends("ens4", "ens4"), ends("ens4", "ens5")),
    (K.SINGLE_NIC, ends("ens4", "ens4"), ends("ens4", "ens4", links=None)),
    (K.SINGLE_NIC, ends("ens4.7", "ens4.8", links=(*VLANS, interface("ens4"))), ends("ens4.7", "ens4.8")),
    (
        K.SINGLE_NIC,
        ends("ens4.7", "ens4.8", links=(*VLANS, interface("ens4", "ens1", kind="bond"))),
        ends("ens4.7", "ens4.8", links=(*VLANS, BOND)),
    ),
    (K.SINGLE_NIC, ends("ens4", "ens4"), ends("ens4", "")),
    (K.SINGLE_NIC, ends("ens4", "ens4"), ends("", "")),
    (
        K.SINGLE_SUBNET,
        ends("10.0.0.0/24", "10.0.0.0/24", "local_network"),
        ends("10.0.0.0/24", "10.0.1.0/24", "local_network"),
    ),
    (K.SINGLE_HOST_ADAPTER, fibre(1, 1), fibre(1, 2)),
    (K.SINGLE_HOST_ADAPTER, fibre(1, 1), Host().paths(*two_paths({}, hctl="2:0:0:1"))),
    (
        K.WWID_DIFFERS,
        Host().paths(*two_paths({"wwid": "other"}, {"wwid": "wwid-of-mpio"})),
        Host().paths(*two_paths({"wwid": "wwid-of-mpio"}, {"wwid": ""})),
    ),
    (
        K.WWID_DIFFERS,
        Host().paths(*two_paths({"wwid": "other"})),
        Host().paths(*two_paths({"wwid": "other", "device": DeviceState.TRANSPORT_OFFLINE})),
    ),
    (
        K.WWID_DIFFERS,
        Host().paths(*two_paths({"wwid": "other"})),
        Host(multipath=default("uid_attribute ID_WWN")).paths(*two_paths({"wwid": "other"})),
    ),
    (
        K.WWID_DIFFERS,
        Host().paths(*two_paths({"wwid": "other"})),
        Host().paths(*two_paths({"wwid": "other", "member": False})),
    ),
    (
        K.WWID_DIFFERS,
        Host().paths(*two_paths({"wwid": "t10.a b"}), wwid="t10.a"),
        Host().paths(*two_paths({"wwid": "t10.a b"}), wwid="t10.a\\x20b"),
    ),
    (
        K.SLOW_REINSTATEMENT,
        Host(multipath=default("polling_interval 10")),
        Host(multipath=default("polling_interval 9")),
    ),
    (
        K.SLOW_REINSTATEMENT,
        Host(multipath=default("polling_interval 5"), version=(0, 11, 1)),
        Host(multipath=default("polling_interval 5"), version=(0, 9, 4)),
    ),
    (
        K.LONG_DEVICE_TIMEOUT,
        Host().paths(*two_paths({"timeout": 22})),
        Host().paths(*two_paths({"timeout": 21}, {"timeout": 5})),
    ),
    (
        K.LONG_DEVICE_TIMEOUT,
        Host().paths(*two_paths({"timeout": 180})),
        Host(sessions=both(recovery_tmo=RECOVERY_OFF)).paths(*two_paths({"timeout": 180})),
    ),
    (K.LONG_DEVICE_TIMEOUT, Host().paths(*two_paths({"timeout": 180})), fibre(1, 2)),
    (K.FAST_IO_FAIL_OFF, Host(multipath=FOR_ISCSI % "off"), Host(multipath=FOR_ISCSI % 5)),
    (K.FAST_IO_FAIL_OFF, Host(multipath=FOR_ISCSI % 0), fibre(1, 2, multipath=default("fast_io_fail_tmo 0"))),
    (K.FAST_IO_FAIL_OFF, fibre(1, 2, multipath=default("fast_io_fail_tmo off")), fibre(1, 2)),
    (
        K.FAST_IO_FAIL_TOO_LONG,
        fibre(1, 2, multipath=default("fast_io_fail_tmo 30\n\tdev_loss_tmo 30")),
        fibre(1, 2, multipath=default("fast_io_fail_tmo 29\n\tdev_loss_tmo 30")),
    ),
    (
        K.FAST_IO_FAIL_TOO_LONG,
        fibre(1, 2, multipath=default("fast_io_fail_tmo 30\n\tdev_loss_tmo 30")),
        Host(multipath=default("fast_io_fail_tmo 30\n\tdev_loss_tmo 30")),
    ),
    (
        K.QUEUES_FOR_EVER,
        Host(maps=[make_map(queueing="-", queues=True)]),
        Host(maps=[make_map(queueing="-", queues=None)]),
    ),
    (K.QUEUES_FOR_EVER, Host(maps=[make_map(queueing="on", queues=True)]), Host(maps=[make_map(queueing="7 sec")])),
    (
        K.QUEUES_WITHOUT_MULTIPATHD,
        Host(changes=DEAD),
        Host(multipath=default("no_path_retry fail"), maps=[make_map(vendor="", product="")], changes=DEAD),
    ),
    (K.QUEUES_WITHOUT_MULTIPATHD, Host(changes=DEAD), Host(changes=down(reason="timeout"))),
    (K.QUEUES_WITHOUT_MULTIPATHD, Host(changes=DEAD), Host(maps=[make_map(vendor="", product="")], changes=DEAD)),
    (
        K.RETRIES_TOO_SHORT,
        Host(multipath="overrides {\n\tno_path_retry 1\n}\n"),
        Host(multipath="overrides {\n\tno_path_retry 2\n}\n"),
    ),
    (
        K.RETRIES_TOO_SHORT,
        Host(multipath=default("polling_interval 3") + "overrides {\n\tno_path_retry 2\n}\n"),
        Host(multipath=default("polling_interval 4") + "overrides {\n\tno_path_retry 2\n}\n"),
    ),
    (
        K.NO_PATH_RETRY_UNSET,
        Host(maps=[make_map(queueing="-", queues=False)]),
        Host(maps=[make_map(queueing="off", queues=False)]),
    ),
    (K.DISK_USED_PAST_MULTIPATH, used("sda"), used("dm-0")),
    (K.FEWER_PATHS_THAN_ITS_KIN, beside((FIRST,)), beside((FIRST, SECOND))),
    (
        K.ONE_MAP_TWO_LUNS,
        Host().paths(*two_paths({"hctl": "2:0:0:1"}, {"hctl": "2:0:0:2"})),
        Host().paths(*two_paths({"hctl": "2:0:0:1"}, {"hctl": "3:0:0:2"})),
    ),
    (
        K.ONE_LUN_TWO_MAPS,
        Host(maps=[make_map(str(lun), named(lun, "naa.6001")) for lun in (1, 2)]),
        Host(maps=[make_map(str(lun), named(lun, f"naa.600{lun}")) for lun in (1, 2)]),
    ),
    (
        K.ONE_WWID_TWO_TARGETS,
        Host().paths(*two_paths({"target": "iqn.2020-01.example:other"})),
        Host().paths(*two_paths({"target": "iqn.2020-01.example:other"}), vendor="3PARdata"),
    ),
    (K.SIZES_DIFFER, sized(8, 8, 16), sized(8, 8, 8)),
    (K.MAP_NOT_RESIZED, sized(8, 16, 16), sized(8, 8, 16)),
    (K.LIMITS_DIFFER, limited(1280, 512), limited(512, 1280)),
    (K.ONE_CONTROLLER, elsewhere(2), elsewhere(1)),
    (K.ALUA_IGNORED, asymmetric(priority=50, access={MAP: AccessUse((), 0.0, 0.0, held=120.0)}), asymmetric()),
    (K.OPTIMIZED_PATH_UNUSED, asymmetric(access={MAP: LEFT_UNUSED}), asymmetric()),
    (K.NO_HANDLER, asymmetric(handler=""), asymmetric()),
    (K.RP_FILTER_STRICT, through(nic("p1", 1), routed="p2"), through(nic("p1", 2), routed="p2")),
    (K.RP_FILTER_STRICT, through(nic("p1", 1), nic("p2", 1), routed="p2"), through(nic("p1", 1), nic("p2", 1))),
    (
        K.ARP_FLUX,
        through(nic("p1"), nic("p2"), network="10.0.0.0/24"),
        through(nic("p1", ignore=1), nic("p2", ignore=1), network="10.0.0.0/24"),
    ),
    (K.ARP_FLUX, through(nic("p1"), nic("p2"), network="10.0.0.0/24"), through(nic("p1"), nic("p2"))),
    (K.MTU_NOT_IN_FORCE, through(nic("p1", mtu=9000), nic("p2", mtu=9000)), through(nic("p1"), nic("p2"))),
    (
        K.MTU_NOT_IN_FORCE,
        through(nic("p1", mtu=9000), nic("p2", mtu=1500), mss=8948),
        through(nic("p1", mtu=9000), nic("p2", mtu=9000), mss=8948),
    ),
    (
        K.LINKS_DIFFER,
        through(nic("p1", speed=10000), nic("p2", speed=1000)),
        through(nic("p1", speed=1000), nic("p2", speed=1000)),
    ),
    (
        K.LINKS_DIFFER,
        through(nic("p1", duplex="full"), nic("p2", duplex="half")),
        through(nic("p1", duplex="full"), nic("p2")),
    ),
    (K.TWO_MULTIPATH_PRODUCTS, system(products=("vxdmp",)), Host(maps=[], system=System(products=("vxdmp",)))),
    (K.TWO_MULTIPATH_PRODUCTS, system(native=("sda",)), system(native=("nvme0n1",))),
    (
        K.NOT_STARTED_AT_BOOT,
        Host(system=unit("multipathd.service", started=False)),
        Host(system=unit("multipathd.service")),
    ),
    (
        K.NOT_STARTED_AT_BOOT,
        Host(system=unit("open-iscsi.service", started=False)),
        Host(system=unit("open-iscsi.service", started=False), records=records(*PORTALS, text=lines(startup="manual"))),
    ),
    (K.MOUNTED_WITHOUT_NETDEV, system(mounts=(MOUNT,)), system(mounts=(replace(MOUNT, maps=("another",)),))),
    (
        K.MOUNTED_WITHOUT_NETDEV,
        system(mounts=(replace(MOUNT, nofail=True),)),
        replace(fibre(1, 2), system=System(mounts=(MOUNT,))),
    ),
    (
        K.INITRAMFS_DIFFERS,
        system(root_maps=(MAP,), image=BootImage("/boot/initrd.img-6.1.0", (CONF,))),
        system(root_maps=(MAP,), image=BootImage("/boot/initrd.img-6.1.0")),
    ),
    (
        K.INITRAMFS_DIFFERS,
        system(root_maps=(MAP,), image=BootImage("/boot/initrd.img-6.1.0", (CONF, "/etc/multipath/conf.d/a.conf"))),
        system(image=BootImage("/boot/initrd.img-6.1.0", (CONF,))),
    ),
    (K.ISCSID_NOT_RUNNING, Host(iscsid_running=False), Host(iscsid_running=True)),
    (K.ISCSID_NOT_RUNNING, Host(iscsid_running=False), Host(iscsid_running=False, sessions=both(creator=-1))),
    (K.ISCSID_NOT_RUNNING, Host(iscsid_running=False), Host(iscsid_running=False, sessions=both(driver="qla4xxx"))),
    (
        K.ISCSID_NOT_RUNNING,
        Host(iscsid_running=False, sessions=[make_session(FIRST, creator=-1), make_session(SECOND, sid=2)]),
        Host(iscsid_running=None),
    ),
    (K.ISCSID_NOT_RUNNING, Host(iscsid_running=False), Host(iscsid_running=False, sessions=[], maps=[], records={})),
]


@pytest.mark.parametrize(
    ("kind", "wrong", "right"), PAIRS, ids=[f"{number}-{kind.code}" for number, (kind, _, _) in enumerate(PAIRS)]
)
def test_a_finding_comes_where_it_belongs_and_not_beside_it(kind: FindingKind, wrong: Host, right: Host) -> None:
    assert kind in wrong.kinds()
    assert kind not in right.kinds()


@pytest.mark.parametrize(
    ("kind", "wrong"), [(kind, wrong) for kind, wrong, _ in PAIRS], ids=[str(number) for number in range(len(PAIRS))]
)
def test_a_finding_is_one_short_sentence(kind: FindingKind, wrong: Host) -> None:
    """What it leads to, and the remedy, are in the catalog: a screen of entries must not bury an outage."""
    for finding in wrong.findings:
        if finding.kind is kind:
            assert len(finding.text) <= LONGEST
            assert not finding.text.endswith(".")
            subject, text, where = finding.subject, finding.text, finding.where
            expected = f"{subject}: {text} ({where})" if where else f"{subject}: {text}"
            assert config_finding([finding]).message == (
                f"{where}: {text}" if where.startswith(f"{subject}:") else expected
            )


def test_every_kind_of_finding_is_among_these() -> None:
    assert {kind for kind, _, _ in PAIRS} == set(FindingKind)


@pytest.mark.parametrize(
    ("line", "version", "outcome"),
    [
        ("polling_interval 5x", (0, 15, 1), "multipathd hangs"),
        ("polling_interval 5x", (0, 9, 4), "multipathd checks each path once, and then not again"),
        ("polling_interval 5x", None, "multipathd 0.10.0 and later hang"),
        ("polling_interval 0", (0, 10, 0), "multipathd crashes"),
        ("polling_interval 0", None, "multipathd 0.10.0 and later crash"),
        ("polling_interval 0", (0, 9, 9), None),
        ("max_polling_interval 4294967295", (0, 9, 9), None),
    ],
)
def test_what_an_impossible_interval_does_depends_on_the_version(
    line: str, version: Version | None, outcome: str | None
) -> None:
    found = [
        each for each in Host(multipath=default(line), version=version).findings if each.kind is K.IMPOSSIBLE_INTERVAL
    ]
    assert [each.text.partition("s: ")[2] for each in found if each.subject == CONF][:1] == (
        [outcome] if outcome else []
    )


def test_what_the_newest_version_has_built_in_is_not_taken_for_the_installed_one() -> None:
    """A row of the hardware table, where neither the version nor multipathd says which one applies."""
    unknown = Host(maps=[make_map(vendor="DELL", product="MD3600i")], version=None)
    retry = unknown.report.maps[unknown.maps[0].wwid].settings.no_path_retry
    assert (retry.value, retry.origin) == (30, ASSUMED)
    assert whence(retry.origin) == "built into multipath-tools 0.15.1; the installed version is unknown"
    known = replace(unknown, version=(0, 15, 1))
    assert whence(known.report.maps[known.maps[0].wwid].settings.no_path_retry.origin) == (
        "multipath-tools' hardware table"
    )
    running = replace(unknown, running=default("no_path_retry 4"))
    assert running.report.maps[running.maps[0].wwid].settings.no_path_retry.value == 4


def test_a_bound_that_is_not_certain_names_its_reason() -> None:
    host = Host(multipath=default("polling_interval 5"), version=None)
    assert "with some versions of multipath-tools" in host.only(K.SLOW_REINSTATEMENT).text


def test_find_multipaths_is_not_blamed_where_its_default_is_not_known() -> None:
    disks = (disk("sdx"), disk("sdy", sid=2))
    host = Host(unmapped=disks, version=None)
    assert host.only(K.PATH_NOT_IN_MAP).text.endswith("the blacklist does not explain it")
    assert "find_multipaths is strict" in replace(host, version=(0, 15, 1)).only(K.PATH_NOT_IN_MAP).text


def test_two_devices_that_are_printed_as_one_hide_what_they_hide_in_the_file() -> None:
    devices = 'device {\n\t\tvendor "LIO"\n\t}\n\tdevice {\n\t\tproduct "other"\n\t}'
    printed = 'blacklist {\n\tdevice {\n\t\tvendor "LIO"\n\t\tproduct "other"\n\t}\n}\n'
    host = Host(multipath=hiding(devices), running=printed, unmapped=(disk(),))
    assert host.only(K.BLACKLISTED_PATH).where == f"{CONF}:2"


def test_the_worst_come_first_and_give_the_report_its_severity() -> None:
    host = Host(multipath="junk\n", unreadable=UNREADABLE).live(recovery_tmo=RECOVERY_OFF)
    severities = [finding.severity for finding in host.findings]
    assert severities[0] is host.report.severity is Severity.CRITICAL
    assert severities[-1] is Severity.INFO
    assert severities == sorted(severities, reverse=True)
    assert Host(unreadable=UNREADABLE).report.severity is Severity.INFO


# --- who won ----------------------------------------------------------------------------------------------------------


def test_the_article_multipathd_wrote_its_default_over_the_record() -> None:
    host = Host().record(lines(replacement=15))
    found = host.only(K.REPLACEMENT_TIMEOUT_OVERRIDDEN)
    assert found.subject == label(FIRST)
    assert found.where == f"{record_file(FIRST)}:4"
    assert found.text == (
        "recovery_tmo is 5 s, by multipathd's fast_io_fail_tmo (default), but replacement_timeout is 15 in its record"
    )
    assert host.kinds() == {K.REPLACEMENT_TIMEOUT_OVERRIDDEN, K.RECORD_DIFFERS}


def test_fast_io_fail_tmo_for_iscsi_is_named_with_its_line() -> None:
    host = Host(multipath=FOR_ISCSI % 20, sessions=both(recovery_tmo=20))
    found = host.only(K.REPLACEMENT_TIMEOUT_OVERRIDDEN)
    assert found.objects == tuple(label(portal) for portal in PORTALS)
    assert f"recovery_tmo is 20 s, by multipathd's fast_io_fail_tmo ({CONF}:4), but" in found.text
    host.records = records(*PORTALS, text=lines(replacement=20))
    assert host.kinds() == {K.RECORD_DIFFERS}


def test_multipath_tools_own_table_of_products_is_named() -> None:
    host = Host(maps=[make_map(vendor="PURE", product="FlashArray")], sessions=both(recovery_tmo=10))
    found = host.only(K.REPLACEMENT_TIMEOUT_OVERRIDDEN)
    assert len(found.objects) == 2
    assert "fast_io_fail_tmo (multipath-tools' hardware table)" in found.text


def test_any_map_through_the_session_may_have_brought_the_timeout() -> None:
    maps = [make_map(), make_map("pure", vendor="PURE", product="FlashArray"), make_map("other", vendor="", product="")]
    for recovery, kind in ((5, None), (10, K.REPLACEMENT_TIMEOUT_OVERRIDDEN), (11, K.TIMEOUT_NOT_IN_FORCE)):
        host = Host(maps=maps, sessions=both(recovery_tmo=recovery))
        assert host.kinds() == ({kind} if kind else set())
    assert "fast_io_fail_tmo is 10 (multipath-tools' hardware table), 5 (default)" in host.findings[0].text


@pytest.mark.parametrize("value", ["off", "0"])
def test_fast_io_fail_tmo_off_or_0_is_not_written(value: str) -> None:
    host = Host(multipath=FOR_ISCSI % value, sessions=both(recovery_tmo=0))
    assert K.REPLACEMENT_TIMEOUT_OVERRIDDEN not in host.kinds()
    assert host.findings[0].text == (
        f"recovery_tmo is 0 s, but fast_io_fail_tmo is {value} ({CONF}:4), and replacement_timeout is 5 in its record"
    )


def test_a_value_that_nothing_explains_is_reported_with_all_that_is_configured() -> None:
    assert Host().live(recovery_tmo=30).only(K.TIMEOUT_NOT_IN_FORCE).text == (
        "recovery_tmo is 30 s, but fast_io_fail_tmo is 5 (default), and replacement_timeout is 5 in its record"
    )


def test_a_record_without_the_key_has_open_iscsis_default() -> None:
    found = Host().record("node.startup = automatic\n").only(K.SHIPPED_TIMEOUT_OVERRIDDEN)
    assert found.text.endswith(", but replacement_timeout is 120 (open-iscsi's default)")
    assert found.where == ""


def test_without_the_record_there_is_no_finding() -> None:
    """Without root no record can be read, and the record of a session may differ from iscsid.conf."""
    host = Host(records={}, iscsid=lines(replacement=120), sessions=both(recovery_tmo=15), unreadable=UNREADABLE)
    assert host.kinds() == {K.UNREADABLE_FILE}


def test_a_session_without_a_map_is_not_multipathds() -> None:
    host = Host(maps=[]).live(recovery_tmo=120)
    assert host.kinds() == {K.SESSION_WITHOUT_PATH}


# --- pings, records, sessions -----------------------------------------------------------------------------------------


def test_the_record_was_changed_after_the_login() -> None:
    assert Host().record(lines(timeout=6)).only(K.TIMEOUT_NOT_IN_FORCE) == Finding(
        K.TIMEOUT_NOT_IN_FORCE,
        label(FIRST),
        "noop_out_timeout is 10 s, but was changed to 6 in its record after the login",
        f"{record_file(FIRST)}:3",
    )


def test_a_single_zero_is_raised_by_the_kernel() -> None:
    for wanted in (lines(interval=0, timeout=5), lines(interval=5, timeout=0)):
        host = Host(sessions=both(ping_tmo=5), records=records(*PORTALS, text=wanted))
        text = host.findings[0].text
        assert text.endswith("is 5 s, because the kernel accepts 0 only for both ping timeouts, but 0 in its record")
    host = Host(sessions=both(ping_tmo=5), records=records(*PORTALS, text=lines(interval=0, timeout=0)))
    assert "after the login" in host.findings[0].text


def test_pings_off_reports_what_is_known() -> None:
    assert Host().live(recv_tmo=0, ping_tmo=None).only(K.PINGS_OFF).text == (
        "noop_out_interval is 0 and noop_out_timeout is unknown: the kernel sends no pings"
    )


def test_unreadable_timeouts_are_no_finding() -> None:
    nothing = {"recv_tmo": None, "ping_tmo": None, "recovery_tmo": None}
    host = Host(sessions=both(**nothing))
    assert host.findings == ()
    assert host.report.budgets == dict.fromkeys(map(label, PORTALS))
    for name in nothing:
        assert Host().live(**{name: None}).findings == ()


def test_timeouts_that_differ_are_listed_by_path() -> None:
    host = Host().live(recovery_tmo=RECOVERY_OFF)
    assert host.only(K.TIMEOUTS_DIFFER).text == (
        f"noop_out_interval/noop_out_timeout/recovery_tmo are 5/10/off on {FIRST}, 5/10/5 on {SECOND}"
    )


def test_of_many_paths_the_few_that_differ_are_named() -> None:
    portals = [f"192.168.{at}.1:3260" for at in range(1, 9)]
    sessions = [make_session(portal, recovery_tmo=7 if at == 3 else 5) for at, portal in enumerate(portals)]
    host = Host(sessions=sessions, records={}).paths(
        *(make_path(portal, f"sd{at}") for at, portal in enumerate(portals))
    )
    assert host.only(K.TIMEOUTS_DIFFER).text == (
        f"noop_out_interval/noop_out_timeout/recovery_tmo are 5/10/7 on {portals[3]}, 5/10/5 on 7 paths"
    )


def test_a_record_that_leaves_the_startup_open_is_named() -> None:
    host = Host().record(f"{keys.NOOP_OUT_TIMEOUT} = 10\n{keys.REPLACEMENT_TIMEOUT} = 5\n")
    assert host.only(K.MANUAL_STARTUP).where == record_file(FIRST)


def test_a_record_that_differs_from_iscsid_conf() -> None:
    found = Host(iscsid=lines(replacement=120)).only(K.RECORD_DIFFERS)
    assert (found.objects, found.where) == (tuple(map(label, PORTALS)), f"{record_file(FIRST)}:4")
    assert found.text == f"replacement_timeout is 5 in its record, but would be 120 in a new one, by {ISCSID}:4"


def test_a_record_without_a_session_is_named_with_its_interface() -> None:
    file = record_file(FIRST, "storage-a")
    place = record_path(file)
    assert place is not None
    host = Host(records={**records(*PORTALS), place: parse_record(lines(), file)})
    found = host.only(K.RECORD_WITHOUT_SESSION)
    assert (found.subject, found.where) == (f"{FIRST}@storage-a/{TARGET}", f"{file}:1")
    host.sessions.append(make_session(FIRST, iface="storage-a", label=f"{FIRST}@storage-a/{TARGET}"))
    assert K.RECORD_WITHOUT_SESSION not in host.kinds()


def test_a_record_spells_ipv6_as_it_likes() -> None:
    file = f"/etc/iscsi/nodes/{TARGET}/2001:db8:0:0::1,3260,1/default"
    place = record_path(file)
    assert place is not None
    session = make_session("2001:db8::1:3260", address="2001:db8::1", iface="")
    host = Host(records={place: parse_record(lines(), file)}, sessions=[session], maps=[])
    assert host.kinds() == {K.SESSION_WITHOUT_PATH}


def test_a_missing_session_has_no_timeouts_but_a_record() -> None:
    host = Host().live(status=SessionStatus.MISSING, recovery_tmo=RECOVERY_OFF, ping_tmo=0)
    assert host.kinds() == {K.RECORD_WITHOUT_SESSION}
    assert set(host.report.budgets) == {label(SECOND)}


def test_where_sysfs_cannot_be_read_no_session_is_missed() -> None:
    host = Host(maps=[], sessions=[], changes={"sources": make_sources(sysfs=SourceState(up=False))})
    assert host.findings == ()


# --- files and maps ---------------------------------------------------------------------------------------------------


def test_problems_of_files_keep_their_lines_and_sentences() -> None:
    host = Host(multipath="defaults {\n\tudev_dir /dev\n}\n", iscsid=lines() + "password=secret\n")
    assert [(finding.kind, finding.subject, finding.where) for finding in host.findings] == [
        (K.SYNTAX_ERROR, ISCSID, f"{ISCSID}:5"),
        (K.OBSOLETE_KEYWORD, CONF, f"{CONF}:2"),
    ]
    assert "secret" not in repr(host.report)


@pytest.mark.parametrize("code", Code)
def test_every_problem_of_multipath_conf_has_a_kind(code: Code) -> None:
    document = parse("", CONF)
    problem = parse("junk\n", CONF).problems[0]
    for fatal in (False, True):
        broken = replace(document, problems=(replace(problem, code=code, fatal=fatal),))
        found = audit(make_state(configuration=Configuration(broken))).findings
        outcome = ", so multipathd rejects the configuration" * fatal
        assert [finding.text for finding in found] == [f"{problem.text}{outcome}"]
        assert (found[0].kind is K.REFUSED_CONFIGURATION) == (fatal or code is Code.CRASH)


def test_what_an_unreadable_file_is_called() -> None:
    found = Host(unreadable=UNREADABLE).only(K.UNREADABLE_FILE)
    assert (found.subject, found.text, found.where) == ("/etc/iscsi/nodes", "no permission to read it", "")


def test_a_map_by_its_wwid_may_have_one_path() -> None:
    host = Host().paths(make_path(), wwid="3600")
    assert host.only(K.SINGLE_PATH).text == f"its only path is {FIRST}"
    host.changes = {"settings": Settings(single_path_ok=frozenset({"3600"}))}
    assert K.SINGLE_PATH not in host.kinds()


def test_all_through_one_portal() -> None:
    assert same_portal().only(K.SINGLE_PORTAL).text == f"all 2 paths go through {FIRST}"


def test_all_through_one_nic_by_whatever_names() -> None:
    assert ends("ens4", "ens4").only(K.SINGLE_NIC).text == "all 2 paths go through ens4"
    vlans = ends("ens4.7", "ens4.8", links=(*VLANS, interface("ens4")))
    assert vlans.only(K.SINGLE_NIC).text == "all 2 paths go through ens4 (below ens4.7, ens4.8)"


def test_multipathds_silence_is_reported_in_the_words_of_its_source() -> None:
    assert Host(changes=down(detail="it hangs.")).only(K.MULTIPATHD_NOT_ANSWERING).text == "it hangs"
    assert Host(changes=down()).only(K.MULTIPATHD_NOT_ANSWERING).text == "it does not answer"


def test_maps_and_sessions_come_in_the_order_of_their_labels() -> None:
    host = Host(maps=[make_map(name, queueing="on") for name in ("c", "a", "b")])
    assert [finding.subject for finding in host.findings] == ["a, b, c"]


# --- budgets ----------------------------------------------------------------------------------------------------------

BUDGETS: Iterable[tuple[tuple[int | None, int | None, int | None], Budget | None]] = (
    ((5, 10, 5), Budget(10, 16, 15, 21)),
    ((5, 5, 120), Budget(5, 11, 125, 131)),
    ((5, 10, 0), Budget(10, 16, 10, 16)),
    ((5, 10, RECOVERY_OFF), Budget(10, 16, inf, inf)),
    ((0, 0, 5), Budget(inf, inf, inf, inf)),
    ((0, 5, 5), Budget(inf, inf, inf, inf)),
    ((5, 0, 5), Budget(inf, inf, inf, inf)),
    ((None, 10, 5), None),
    ((5, None, 5), None),
    ((5, 10, None), None),
)


@pytest.mark.parametrize(("timeouts", "expected"), BUDGETS)
def test_budget(timeouts: tuple[int | None, int | None, int | None], expected: Budget | None) -> None:
    interval, timeout, recovery = timeouts
    assert make_session(recv_tmo=interval, ping_tmo=timeout, recovery_tmo=recovery).facts.budget == expected


def test_the_report_has_a_budget_for_every_session() -> None:
    assert Host().report.budgets == {label(portal): Budget(10, 16, 15, 21) for portal in PORTALS}


@pytest.mark.parametrize("reason", Reason)
def test_only_what_is_not_utf8_counts_all_the_same(reason: Reason) -> None:
    assert reason.counts == (reason is Reason.NOT_UTF8)
