"""What holds for the audit of any state: it never raises, and a text is one line."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.audit import audit
from mpathd_watch.core.audit.audit import advanced, begun, report
from mpathd_watch.core.configuration import Configuration, NodeRecord, Reason, Unreadable
from mpathd_watch.core.formats.multipath_conf import Document, merge, parse, parse_printed
from mpathd_watch.core.formats.open_iscsi import keys, parse_record, record_path
from mpathd_watch.core.model.facts import AccessFacts, DeviceFacts
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.core.model.vocabulary import AccessState, DeviceState, SessionStatus, Transport
from mpathd_watch.core.state import Auditing, MapState, NexusState, PathState, SourceState, State, frozen
from mpathd_watch.sinks import check
from tests.factories import TARGET, make_map, make_path, make_session, make_sources, make_state

PORTALS = [f"192.168.{net}.1:3260" for net in range(1, 4)]
WWIDS = st.sampled_from(["", "wwid-of-a", "wwid-of-b", "360a", "t10.\\x20"])
ENDS = st.sampled_from(["", "ens4", "ens5", "bond0"])
NUMBERS = st.none() | st.sampled_from([-1, 0, 1, 5, 120, 2**31 - 1])
SEEN = st.sampled_from(["", "LIO-ORG", "PURE", "FlashArray", "disk1"])
VERSIONS = st.sampled_from([(0, 9, 4), (0, 11, 1), (0, 15, 1)])
LINES = st.sampled_from(
    [
        "defaults {",
        "overrides {",
        "devices {",
        "device {",
        "multipaths {",
        "multipath {",
        "protocol {",
        'type "scsi:iscsi"',
        'blacklist {\ndevnode "^sd"\n}',
        'blacklist {\nwwid ".*"\n}',
        "}",
        "wwid wwid-of-a",
        "wwid wwid-of-b",
        "alias one",
        'alias "\x1b\u2028"',
        'blacklist {\nprotocol "scsi|\x1b"\n}',
        'path_checker "\x1b"',
        "fast_io_fail_tmo 20",
        "fast_io_fail_tmo off",
        "dev_loss_tmo 10",
        "dev_loss_tmo infinity",
        "no_path_retry queue",
        "no_path_retry 1",
        "polling_interval 4294967295",
        "polling_interval x",
        "max_polling_interval 1",
        "find_multipaths yes",
        "detect_prio no",
        "prio const",
        "path_grouping_policy multibus",
        "failback 30",
        "uid_attribute ID_WWN",
        'vendor "LIO-ORG"',
        'product ".*"',
        "junk",
    ]
)
CONFS = st.lists(LINES, max_size=14).map("\n".join) | st.text(max_size=60)
RECORDS = st.lists(
    st.builds(
        "{} = {}\n".format, st.sampled_from(sorted(keys.KEYS)), st.sampled_from(["0", "-1", "15", "manual", "x"])
    ),
    max_size=6,
).map("".join) | st.text(max_size=40)


def sessions() -> st.SearchStrategy[NexusState]:
    return st.builds(
        make_session,
        st.sampled_from(PORTALS),
        sid=st.integers(0, 4),
        status=st.sampled_from(SessionStatus),
        recv_tmo=NUMBERS,
        ping_tmo=NUMBERS,
        recovery_tmo=NUMBERS,
        netdev=ENDS,
        local_network=ENDS,
    )


def paths() -> st.SearchStrategy[PathState]:
    return st.builds(
        make_path,
        st.sampled_from(PORTALS),
        st.sampled_from(["sda", "sdb", "vda", ""]),
        nexus=st.sampled_from(["", *(f"{portal}/{TARGET}" for portal in PORTALS)]),
        hctl=st.sampled_from(["", "1:0:0:1", "2:0:0:1"]),
        transport=st.sampled_from(Transport),
        device=st.sampled_from(DeviceState),
        member=st.booleans(),
        timeout=NUMBERS,
        wwid=WWIDS,
        access=st.builds(
            AccessFacts,
            grouped=st.sampled_from([None, True, False]),
            handler=st.sampled_from(["", "alua", "rdac"]),
            state=st.none() | st.sampled_from(AccessState),
            preferred=st.sampled_from([None, True, False]),
            group=st.none() | st.integers(0, 3),
        ),
        group=st.none() | st.integers(1, 2),
        priority=st.none() | st.integers(-1, 2),
    )


def maps() -> st.SearchStrategy[MapState]:
    return st.builds(
        make_map,
        st.sampled_from(["a", "b", "t10.\\x20"]),
        st.lists(paths(), max_size=3),
        vendor=SEEN,
        product=SEEN,
        queueing=st.sampled_from(["", "on", "off", "-", "5 chk", "3 sec"]),
        queues=st.sampled_from([None, True, False]),
    )


def disks() -> st.SearchStrategy[DeviceFacts]:
    return st.builds(
        DeviceFacts,
        name=st.sampled_from(["sdx", "sdy", "sdz", "vdb", ""]),
        dev_t=st.just("8:0"),
        hctl=st.just("9:0:0:0"),
        state=st.sampled_from(DeviceState),
        transport=st.just(Transport.ISCSI),
        sid=st.none() | st.integers(0, 4),
        vendor=SEEN,
        product=SEEN,
        io_errors=st.none(),
        io_timeouts=st.none(),
        wwid=WWIDS,
    )


@st.composite
def configurations(draw: st.DrawFn) -> Configuration:
    version = draw(VERSIONS)
    nodes = []
    for portal in draw(st.lists(st.sampled_from(PORTALS), unique=True)):
        file = f"/etc/iscsi/nodes/{TARGET}/{portal.replace(':', ',')},1/default"
        place = record_path(file)
        assert place is not None
        nodes.append(NodeRecord(place, parse_record(draw(RECORDS), file)))
    files = ["/etc/multipath.conf", "/etc/multipath/conf.d/a.conf"]
    unreadable = st.builds(Unreadable, st.sampled_from(files), st.sampled_from(Reason), st.just("text"))
    return Configuration(
        merge([parse(draw(CONFS), file, version) for file in files]),
        draw(st.none() | RECORDS.map(lambda text: parse_record(text, "/etc/iscsi/iscsid.conf"))),
        tuple(nodes),
        tuple(draw(st.lists(unreadable, max_size=2))),
        version,
        draw(st.none() | st.frozensets(WWIDS)),
        draw(st.sampled_from([None, True, False])),
    )


def running() -> st.SearchStrategy[Document | None]:
    return st.none() | st.builds(parse_printed, CONFS, st.just("show config local"), VERSIONS)


@st.composite
def states(draw: st.DrawFn) -> State:
    multipathd = SourceState(
        up=draw(st.sampled_from([None, True, False])), reason=draw(st.sampled_from(["", "not_running"]))
    )
    return make_state(
        draw(st.lists(maps(), max_size=3)),
        draw(st.lists(sessions(), max_size=4)),
        auditing=Auditing(draw(st.none() | configurations()), draw(running())),
        unmapped=frozen({disk.name: disk for disk in draw(st.lists(disks(), max_size=4))}),
        settings=Settings(single_path_ok=draw(st.frozensets(st.sampled_from(["a", "wwid-of-b"])))),
        sources=make_sources(multipathd=multipathd),
    )


@settings(max_examples=200, deadline=None)
@given(states())
def test_the_audit_and_its_printing_never_raise_and_are_the_same_twice(state: State) -> None:
    report = audit(state)
    assert audit(state) == report
    severities = [finding.severity for finding in report.findings]
    assert severities == sorted(severities, reverse=True)
    assert set(report.maps) == set(state.maps)
    assert set(report.timeouts) == set(report.budgets) <= set(state.nexuses)
    for finding in report.findings:
        assert finding.subject is not None
        assert finding.text
        assert "show config local" not in finding.text + finding.where
        assert all(part.isprintable() for part in (finding.subject, finding.text, finding.where))
    result = check.judge(report, state, check.Question())
    lines = check.text(result).splitlines()
    assert not any("|" in line for line in lines[1:])
    check.document(result)


@given(states(), st.integers(1, 3))
def test_an_audit_map_by_map_comes_to_the_same_result_as_at_once(state: State, maps_at_once: int) -> None:
    work = begun(state)
    while not work.done:
        work = advanced(work, maps_at_once)
    assert report(work) == audit(state)
    assert list(report(work).maps) == list(audit(state).maps)
