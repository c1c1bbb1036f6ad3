"""The metrics: what is exported of a state, that it can be read back, and that nothing on the SAN can break it."""

from __future__ import annotations

import gzip
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import parser as plain
from prometheus_client.openmetrics import parser as openmetrics

from mpathd_watch.core.audit_report import AuditReport, Timeout
from mpathd_watch.core.catalog import words
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.model.facts import RECOVERY_OFF, AccessFacts, IoFacts, TcpFacts
from mpathd_watch.core.model.histogram import Histogram
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.tally import Tally
from mpathd_watch.core.model.vocabulary import (
    AccessState,
    AttentionKind,
    Cause,
    CheckerState,
    DeviceState,
    DmState,
    Health,
    IscsiError,
    MapHealth,
    Phase,
    SessionStatus,
    SourceName,
    Verdict,
    Word,
)
from mpathd_watch.core.state import Auditing, Counters, PathState, Queueing, SourceState, State, frozen
from mpathd_watch.sinks.backlog import Outlet
from mpathd_watch.sinks.hooks.outcome import Result
from mpathd_watch.sinks.hooks.results import Deliveries
from mpathd_watch.sinks.metrics import Exposition
from mpathd_watch.sinks.metrics.row import Kind
from mpathd_watch.sinks.metrics.table import BLOCKS
from mpathd_watch.sinks.view import View
from tests.factories import (
    NOW,
    article_state,
    at,
    big_state,
    make_failed_path,
    make_map,
    make_outage,
    make_path,
    make_session,
    make_sources,
    make_state,
)

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric
    from prometheus_client.samples import Sample

# prometheus_client's parsers carry no types.
parse_text: Callable[[str], Iterable[Metric]] = plain.text_string_to_metric_families
parse_openmetrics: Callable[[str], Iterable[Metric]] = openmetrics.text_string_to_metric_families

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def exposition(state: State, view: View | None = None) -> Exposition:
    return Exposition(lambda: view or View(state, NOW))


def text(state: State, accept: str = "", view: View | None = None) -> str:
    rendered = exposition(state, view)
    return b"".join(rendered.render(rendered.format(accept))).decode()


def samples(state: State, view: View | None = None) -> list[Sample]:
    return [
        sample
        for family in parse_text(text(state, view=view))
        for sample in family.samples
        if sample.name.startswith("mpathd_watch_")
    ]


def values(state: State, metric: str, view: View | None = None) -> dict[tuple[str, ...], float]:
    """Every series of one metric, by its labels' values in the order of their names."""
    return {
        tuple(text for _, text in sorted(sample.labels.items())): sample.value
        for sample in samples(state, view)
        if sample.name == f"mpathd_watch_{metric}"
    }


def value(state: State, metric: str, **labels: str) -> float | None:
    """The value of the one series with these labels, ``None`` if there is none."""
    found = [
        sample.value
        for sample in samples(state)
        if sample.name == f"mpathd_watch_{metric}" and labels.items() <= sample.labels.items()
    ]
    assert len(found) <= 1
    return found[0] if found else None


def holding(state: State, metric: str, **labels: str) -> list[str]:
    return [
        sample.labels["state"]
        for sample in samples(state)
        if sample.name == f"mpathd_watch_{metric}" and labels.items() <= sample.labels.items() and sample.value == 1
    ]


def whole_state() -> State:
    """Something for every metric."""
    return make_state(
        [
            make_map(
                paths=[
                    make_path(
                        io=IoFacts(1, 2, 3, 4),
                        marginal=True,
                        outage=make_outage(),
                        failures=frozen(dict.fromkeys(Cause, 1)),
                        multipathd_failures=2,
                        proven=at(-500).wall,
                        access=AccessFacts(state=AccessState.OPTIMIZED),
                    ),
                    make_path("192.168.2.1:3260", deadline=at(5)),
                ],
                latency=0.002,
                queueing=Queueing("9 sec", at(9)),
            )
        ],
        [session := make_session(tcp=TcpFacts(0.001, 2, 0, 9.0), read=at(0).monotonic)],
        auditing=Auditing(
            at=at(-60), report=AuditReport(timeouts={session.label: (Timeout("noop_out_interval", 5.0, 5.0),)})
        ),
        counters=Counters(frozen({"change": 3}), 1, frozen({"events_lost": 1})),
        sources=make_sources(sysfs=SourceState(up=True, last_success=at(0), errors=frozen({"vanished": 2}))),
    )


def whole_view() -> View:
    """As ``whole_state``, with every outlet and a history."""
    outlets = {name: Outlet(1, 2, stalled=True) for name in words.OUTLET.meanings}
    deliveries = Deliveries({Result.OK: 1, Result.DEFERRED: 2}, {("/bin/page", Result.TIMEOUT): 1})
    return View(whole_state(), NOW, outlets, history=3, deliveries=deliveries)


def test_every_metric_has_help_type_and_the_labels_of_its_row() -> None:
    looked = whole_view()
    families = {family.name: family for family in parse_text(text(looked.state, view=looked))}
    rows = [(block, row) for block in BLOCKS for row in block.rows]
    for block, row in rows:
        parsed = families[row.metric.removesuffix("_total") if row.kind is Kind.COUNTER else row.metric]
        assert parsed.type == row.kind.value
        assert parsed.documentation == row.help
        assert parsed.samples, row.name
        declared = {label.name for label in (*block.labels, *row.labels)}
        for sample in parsed.samples:
            named = sample.name.startswith if row.kind is Kind.HISTOGRAM else sample.name.__eq__
            assert named(row.metric)
            assert sample.labels.keys() - {"le"} == declared
    assert [name for name in families if name.startswith("mpathd_watch_")] == [
        row.metric.removesuffix("_total") if row.kind is Kind.COUNTER else row.metric for _, row in rows
    ]


def test_labels_with_a_vocabulary_hold_its_words_and_no_others() -> None:
    vocabularies = {
        (row.metric + suffix, label.name): {str(word) for word in label.words.meanings}
        for block in BLOCKS
        for row in block.rows
        for label in (*block.labels, *row.labels)
        for suffix in (("_bucket", "_sum", "_count") if row.kind is Kind.HISTOGRAM else ("",))
        if label.words is not None
    }
    found: dict[tuple[str, str], set[str]] = {}
    looked = whole_view()
    for sample in samples(looked.state, looked):
        for label, word in sample.labels.items():
            found.setdefault((sample.name, label), set()).add(word)
    assert vocabularies.keys() <= found.keys()
    vocabularies["mpathd_watch_path_state_info", "access"].add("")
    for key, known in vocabularies.items():
        assert found[key] <= known, key


def test_a_deadline_is_counted_from_now_on_the_wall_clock() -> None:
    waiting = make_path(deadline=at(5), overdue=False, outage=make_outage())
    late = make_path("b", overdue=True, outage=make_outage())
    state = make_state([make_map(paths=[waiting, late, make_path("c")])])
    (deadline,) = values(state, "path_deadline_timestamp_seconds").values()
    assert deadline == pytest.approx(NOW.wall + 5)
    stepped = View(state, Instant(NOW.monotonic + 2, NOW.wall + 3602))
    (deadline,) = values(state, "path_deadline_timestamp_seconds", stepped).values()
    assert deadline == pytest.approx(NOW.wall + 3605)
    assert values(state, "path_overdue") == {("mpio", "192.168.1.1:3260"): 0, ("mpio", "b"): 1}


def test_past_outages_are_counted_by_verdict_and_their_phases_observed() -> None:
    phases = {Phase.FAILOVER: Histogram().observed(20.3).observed(131.0)}
    counters = Counters(verdicts=frozen({Verdict.OVER_BUDGET: 1}), phases=frozen(phases))
    state = make_state(counters=counters)
    assert values(state, "outages_total") == {
        ("no_budget",): 0,
        ("over_budget",): 1,
        ("unobserved",): 0,
        ("within_budget",): 0,
    }
    assert values(state, "outage_phase_seconds_count") == {
        ("detection",): 0,
        ("failover",): 2,
        ("reinstatement",): 0,
        ("replacement",): 0,
        ("transition",): 0,
    }
    assert values(state, "outage_phase_seconds_sum")["failover",] == pytest.approx(151.3)
    buckets = {
        edge: count
        for (edge, phase), count in values(state, "outage_phase_seconds_bucket").items()
        if phase == "failover"
    }
    assert (buckets["20.0"], buckets["30.0"], buckets["120.0"], buckets["180.0"], buckets["+Inf"]) == (0, 1, 1, 2, 2)


def test_what_is_configured_stands_beside_what_is_in_force() -> None:
    session = make_session()
    timeouts = (
        Timeout("noop_out_interval", 5.0, 5.0),
        Timeout("noop_out_timeout", None, 10.0),
        Timeout("replacement_timeout", 15.0, 5.0),
    )
    state = make_state(sessions=[session], auditing=Auditing(report=AuditReport(timeouts={session.label: timeouts})))
    found = {(labels[0], labels[2]): value for labels, value in values(state, "session_timeout_seconds").items()}
    assert found == {
        ("configured", "noop_out_interval"): 5,
        ("configured", "replacement_timeout"): 15,
        ("effective", "noop_out_interval"): 5,
        ("effective", "noop_out_timeout"): 10,
        ("effective", "replacement_timeout"): 5,
    }


@pytest.mark.parametrize(
    ("facts", "budget"),
    [
        ({}, 21),
        ({"recovery_tmo": RECOVERY_OFF}, inf),
        ({"recv_tmo": 0, "ping_tmo": 0}, inf),
        ({"recv_tmo": None}, None),
    ],
)
def test_the_failover_budget_of_a_session(facts: dict[str, Any], budget: float | None) -> None:
    found = values(make_state(sessions=[make_session(**facts)]), "session_failover_budget_seconds")
    assert list(found.values()) == ([] if budget is None else [budget])
    gone = make_session(status=SessionStatus.MISSING, **facts)
    assert values(make_state(sessions=[gone]), "session_failover_budget_seconds") == {}


def test_findings_are_counted_by_code_from_the_first_audit_on() -> None:
    finding = Finding(FindingKind.PINGS_OFF, "session", "no pings")
    report = AuditReport((finding, replace(finding, subject="another")))
    assert values(make_state(auditing=Auditing(report=report)), "config_findings") == {}
    found = values(make_state(auditing=Auditing(report=report, at=at(0))), "config_findings")
    assert found["pings_off", "warning"] == 2
    assert len(found) == len(FindingKind)
    assert sum(found.values()) == 2


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("map_health", MapHealth),
        ("path_health", Health),
        ("session_state", SessionStatus),
    ],
)
def test_a_state_set_has_its_whole_vocabulary_and_one_truth_per_object(metric: str, words: Iterable[str]) -> None:
    found: dict[tuple[tuple[str, str], ...], dict[str, float]] = {}
    for sample in samples(article_state()):
        if sample.name == f"mpathd_watch_{metric}":
            labels = dict(sample.labels)
            word = labels.pop("state")
            found.setdefault(tuple(sorted(labels.items())), {})[word] = sample.value
    assert found
    for series in found.values():
        assert set(series) == {str(word) for word in words}
        assert sorted(series.values()) == [0.0] * (len(series) - 1) + [1.0]


def test_the_map_of_the_article_reads_as_in_the_article() -> None:
    state = article_state()
    path = {"map": "mpio", "path": "192.168.2.1:3260"}
    assert holding(state, "map_health", map="mpio") == ["at_risk"]
    assert holding(state, "path_health", **path) == ["failed"]
    raw = {"dm": "failed", "checker": "faulty", "device": "transport-offline", "access": ""}
    assert value(state, "path_state_info", **path, **raw) == 1
    assert holding(state, "session_state", session=f"192.168.2.1:3260/{make_session().facts.target}") == ["FAILED"]
    assert value(state, "map_paths", map="mpio") == 2
    assert value(state, "map_paths_usable", map="mpio") == 1
    assert value(state, "map_paths_expected", map="mpio") == 2
    assert value(state, "map_queueing", map="mpio") == 0
    assert value(state, "path_health_since_timestamp_seconds", **path) == at(-126).wall
    assert value(state, "path_failures_total", **path) == 1
    assert value(state, "path_failures_by_cause_total", **path, cause="connection_error") == 1
    assert value(state, "path_failures_by_cause_total", **path, cause="checker") is None
    assert value(state, "path_info", **path, dev="sdb", hctl="3:0:0:1", transport="iscsi", iface="default") == 1
    assert value(state, "map_info", map="mpio", wwid="wwid-of-mpio", sysfs_name="dm-0", vendor="LIO-ORG") == 1


@settings(deadline=None)
@given(
    st.sampled_from(DmState),
    st.sampled_from(CheckerState),
    st.sampled_from(DeviceState),
    st.one_of(st.none(), st.sampled_from(AccessState)),
)
def test_the_raw_states_of_a_path_are_one_series_whatever_they_are(
    dm: DmState, checker: CheckerState, device: DeviceState, access: AccessState | None
) -> None:
    path = make_path(dm=dm, checker=checker, device=device, access=AccessFacts(state=access))
    found = [
        sample.labels
        for sample in samples(make_state([make_map(paths=[path])]))
        if sample.name == "mpathd_watch_path_state_info"
    ]
    raw = {"dm": dm.value, "checker": checker.value, "device": device.value, "access": access.value if access else ""}
    assert found == [{"map": "mpio", "path": path.label, **raw}]


def test_optimized_paths_are_counted_where_the_array_reports_them() -> None:
    def paths(*states: AccessState | None) -> list[PathState]:
        return [make_path(f"p{n}", access=AccessFacts(state=state)) for n, state in enumerate(states)]

    state = make_state(
        [
            make_map("both", paths(AccessState.OPTIMIZED, AccessState.OPTIMIZED)),
            make_map("one", paths(AccessState.OPTIMIZED, None)),
            make_map("none", paths(AccessState.NON_OPTIMIZED, AccessState.STANDBY)),
            make_map("silent", paths(None, None)),
        ]
    )
    assert values(state, "map_paths_optimized") == {("both",): 2, ("none",): 0, ("one",): 1}


def test_the_unit_attentions_that_people_wait_for_are_there_from_zero_and_the_others_once_seen() -> None:
    awaited = [AttentionKind.ACCESS_STATE, AttentionKind.RESET, AttentionKind.THIN_PROVISIONING]
    nothing = {(kind.value, label): 0 for label in ("", "lun9", "lun10") for kind in awaited}
    maps = [make_map("lun10"), make_map("lun9")]
    assert values(make_state(maps), "unit_attentions_total") == nothing
    maps[0] = replace(maps[0], attentions=frozen({AttentionKind.CAPACITY: 2, AttentionKind.RESET: 4}))
    elsewhere: Mapping[AttentionKind, int] = frozen({AttentionKind.UNKNOWN: 1, AttentionKind.ACCESS_STATE: 3})
    state = make_state(maps, counters=Counters(attentions=elsewhere))
    assert values(state, "unit_attentions_total") == {
        **nothing,
        ("CAPACITY_DATA_HAS_CHANGED", "lun10"): 2,
        ("POWER_ON_RESET_OCCURRED", "lun10"): 4,
        ("ASYMMETRIC_ACCESS_STATE_CHANGED", ""): 3,
        ("unknown", ""): 1,
    }
    listed = [each.labels["map"] for each in samples(state) if each.name == "mpathd_watch_unit_attentions_total"]
    assert list(dict.fromkeys(listed)) == ["", "lun9", "lun10"]


def test_a_map_without_a_name_is_counted_with_the_disks_that_are_in_no_map() -> None:
    seen: Mapping[AttentionKind, int] = frozen({AttentionKind.RESET: 2})
    state = make_state([make_map("", attentions=seen)], counters=Counters(attentions=seen))
    assert value(state, "unit_attentions_total", map="", kind="POWER_ON_RESET_OCCURRED") == 4


def test_failures_are_counted_from_zero_and_by_cause_once_they_have_occurred() -> None:
    path = make_path(failures=frozen({Cause.CHECKER: 2, Cause.NOP_TIMEOUT: 1}))
    state = make_state([make_map(paths=[path]), make_map("quiet")])
    assert values(state, "path_failures_total") == {("mpio", path.label): 3, ("quiet", path.label): 0} | {
        ("quiet", "192.168.2.1:3260"): 0
    }
    assert values(state, "path_failures_by_cause_total") == {
        ("checker", "mpio", path.label): 2,
        ("nop_timeout", "mpio", path.label): 1,
    }


def test_counters_follow_the_path() -> None:
    path = make_path(reinstatements=3, io_errors=Tally(7, 5), io_timeouts=Tally(None, 2))
    state = make_state([make_map(paths=[path])])
    assert value(state, "path_reinstatements_total", map="mpio") == 3
    assert value(state, "path_io_errors_total", map="mpio") == 5
    assert value(state, "path_io_timeouts_total", map="mpio") == 2


def test_what_is_unknown_has_no_series() -> None:
    state = make_state(
        [make_map(queues=None, suspended=None)],
        [make_session(recv_tmo=None, ping_tmo=None, recovery_tmo=None)],
        sources=frozen({}),
    )
    for metric in ("map_queueing", "map_suspended", "session_timeout_seconds", "source_up"):
        assert not [sample for sample in samples(state) if sample.name == f"mpathd_watch_{metric}"], metric


def test_a_missing_path_keeps_its_series_and_a_missing_session_loses_its_timeouts() -> None:
    gone = make_failed_path(health=Health.MISSING, member=False)
    session = make_session("192.168.2.1:3260", status=SessionStatus.MISSING)
    state = make_state([make_map(paths=[make_path(), gone])], [session])
    assert holding(state, "path_health", path="192.168.2.1:3260") == ["missing"]
    assert value(state, "map_paths", map="mpio") == 1
    assert value(state, "map_paths_expected", map="mpio") == 2
    assert holding(state, "session_state") == ["missing"]
    assert value(state, "session_timeout_seconds", timeout="noop_out_interval") is None


def test_timeouts_are_in_seconds_and_off_is_infinite() -> None:
    state = make_state(sessions=[make_session(recv_tmo=0, recovery_tmo=RECOVERY_OFF)])
    assert value(state, "session_timeout_seconds", timeout="noop_out_interval", origin="effective") == 0
    assert value(state, "session_timeout_seconds", timeout="noop_out_timeout", origin="effective") == 10
    assert value(state, "session_timeout_seconds", timeout="replacement_timeout", origin="effective") == math.inf


def test_sources_are_up_or_down_and_what_went_wrong_is_counted() -> None:
    down = SourceState(up=False, reason="timeout", last_success=at(-9), errors=frozen({"timeout": 2}))
    state = make_state(sources=make_sources(multipathd=down))
    assert value(state, "source_up", source="sysfs") == 1
    assert value(state, "source_up", source="multipathd") == 0
    assert value(state, "source_up", source="config") is None
    assert value(state, "source_last_success_timestamp_seconds", source="multipathd") == at(-9).wall
    assert value(state, "source_errors_total", source="multipathd", reason="timeout") == 2


def test_a_host_without_iscsi_has_no_series_of_it_that_an_alert_would_fire_for() -> None:
    for reason, up in (("no_module", None), ("timeout", 0)):
        state = make_state(sources=frozen({SourceName.ISCSI: SourceState(up=False, reason=reason)}))
        assert value(state, "source_up", source="iscsi") == up


def test_the_end_of_the_queueing_is_there_while_multipathd_counts_down_to_it() -> None:
    name = "map_queueing_deadline_timestamp_seconds"
    assert value(article_state(), name, map="mpio") is None
    assert value(make_state(maps=[make_map(queueing=Queueing("9 sec", at(9)))]), name) == at(9).wall


def test_the_common_errors_of_connections_are_there_from_zero_and_the_others_once_seen() -> None:
    errors: Mapping[Word, int] = frozen({IscsiError.NOP_TIMEDOUT: 2, IscsiError.XMIT_FAILED: 1})
    state = make_state(sessions=[replace(make_session(), errors=errors)])
    assert value(state, "session_connection_errors_total", error="nop_timedout") == 2
    assert value(state, "session_connection_errors_total", error="tcp_conn_close") == 0
    assert value(state, "session_connection_errors_total", error="xmit_failed") == 1
    assert value(state, "session_connection_errors_total", error="conn_failed") is None


def test_the_daemons_own_counters() -> None:
    state = make_state(counters=Counters(frozen({"change": 4, "PATH_FAILED": 1}), 2, frozen({"events_lost": 2})))
    assert value(state, "uevents_total", action="change") == 4
    assert value(state, "uevent_overflows_total") == 2
    assert value(state, "resyncs_total", reason="events_lost") == 2
    assert value(make_state(), "uevent_overflows_total") == 0


def test_what_receivers_do_not_accept_is_counted_by_outlet() -> None:
    outlets = {"journal": Outlet(lost=3, waiting=12, stalled=True), "systemd": Outlet(0, 0, stalled=False)}
    looked = View(article_state(), NOW, outlets)
    assert values(looked.state, "outlet_waiting", looked) == {("journal",): 12, ("systemd",): 0}
    assert values(looked.state, "outlet_lost_total", looked) == {("journal",): 3, ("systemd",): 0}
    assert values(looked.state, "outlet_waiting") == {}


def test_order_does_not_depend_on_the_order_of_discovery() -> None:
    maps = [make_map(name) for name in ("c", "a", "b")]
    one, other = make_state(maps), make_state(reversed(maps))

    def own(state: State) -> str:
        return text(state).partition("# HELP process_")[0]

    assert own(one) == own(other)


def test_numbers_in_labels_sort_as_numbers() -> None:
    portals = ["192.168.2.1:3260", "192.168.2.1:3260#2", "192.168.2.1:3260#10", "192.168.10.1:3260"]
    paths = [make_path(portal) for portal in reversed(portals)]
    sessions = [make_session(label=f"{portal}/{make_session().facts.target}") for portal in reversed(portals)]
    found = samples(make_state([make_map("lun10", paths), make_map("lun9", paths)], sessions))
    assert [each.labels["map"] for each in found if each.name == "mpathd_watch_map_info"] == ["lun9", "lun10"]
    assert [each.labels["path"] for each in found if each.name == "mpathd_watch_path_info"] == portals * 2
    listed = [each.labels["session"] for each in found if each.name == "mpathd_watch_session_info"]
    assert [label.partition("/")[0] for label in listed] == portals


def test_the_process_is_measured_and_nothing_else_of_the_library_is_exported() -> None:
    names = {family.name for family in parse_text(text(make_state()))}
    assert "process_resident_memory_bytes" in names
    assert {name for name in names if not name.startswith(("mpathd_watch_", "process_"))} == set()


def test_formats_and_compression_are_negotiated() -> None:
    rendered = exposition(article_state())
    plain = rendered.format()
    assert plain.content_type.startswith("text/plain; version=0.0.4")
    assert not plain.gzipped
    open_metrics = rendered.format(f"{OPENMETRICS},text/plain;q=0.5")
    assert open_metrics.content_type.startswith("application/openmetrics-text")
    content = b"".join(rendered.render(open_metrics))
    assert content.endswith(b"# EOF\n")
    assert list(parse_openmetrics(content.decode()))
    packed = rendered.format("", "deflate, gzip;q=1.0")
    assert packed.gzipped
    assert gzip.decompress(b"".join(rendered.render(packed))).startswith(b"# HELP mpathd_watch_build_info")
    assert not rendered.format("", "gzip;q=0, identity").gzipped


def test_scrapes_that_want_the_same_have_one_format() -> None:
    rendered = exposition(article_state())
    assert rendered.format("text/plain", "gzip") == rendered.format("text/plain;q=0.9", "gzip, deflate")
    assert rendered.format(OPENMETRICS) != rendered.format()


def test_a_format_that_is_not_known_here_is_written_by_prometheus_client_as_a_whole() -> None:
    """Prometheus 3 may ask for other escapes of names, which older versions of the library do not have."""
    rendered = exposition(article_state())
    wanted = rendered.format(f"{OPENMETRICS}; escaping=dots")
    content = b"".join(rendered.render(wanted))
    assert content.count(b"# EOF\n") == 1
    assert content.endswith(b"# EOF\n")
    assert b"mpathd" in content
    assert re.search(rb"^process_+open_+fds ", content, re.MULTILINE)


def test_a_scrape_looks_once() -> None:
    looks = []

    def views() -> View:
        looks.append(1)
        return View(article_state(), NOW)

    looking = Exposition(views)
    looking.render(looking.format())
    assert len(looks) == 1


def test_two_thousand_paths_are_complete() -> None:
    found = [sample for sample in samples(big_state(512, 4)) if sample.name == "mpathd_watch_path_info"]
    assert len(found) == 2048


def test_labels_that_become_equal_stay_two_series() -> None:
    maps = [make_map("twin\udc80", wwid="1"), make_map("twin\\x80", wwid="2"), make_map("twin\\x80#2", wwid="3")]
    found = [sample.labels["map"] for sample in samples(make_state(maps)) if sample.name == "mpathd_watch_map_info"]
    assert len(found) == len(set(found)) == 3


# Whatever a storage administrator, a target or a broken disk may call things.
ugly = st.text(
    st.one_of(st.sampled_from('"\\\n\r\t{}=,# \x00\x1b\x85\u2028\udc80\udcff'), st.characters()), max_size=12
)


@settings(deadline=None)
@given(st.lists(st.tuples(ugly, ugly, ugly), max_size=4), st.floats(0, 4e9))
def test_no_name_breaks_the_exposition(names: list[tuple[str, str, str]], wall: float) -> None:
    maps = [
        make_map(
            name,
            [make_path(path, target=target, dev=target, since=Instant(0, wall)), make_path(f"{path}#2")],
            wwid=f"{number}{target}",
            vendor=target,
        )
        for number, (name, path, target) in enumerate(names)
    ]
    sessions = [make_session(label=f"{number}{path}", target=target) for number, (_, path, target) in enumerate(names)]
    counters = Counters(frozen({target: 1 for _, _, target in names}), 0, frozen({}))
    state = make_state(maps, sessions, counters=counters)
    found = samples(state)
    series = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in found]
    assert len(series) == len(set(series))
    assert sum(name == "mpathd_watch_map_info" for name, _ in series) == len(maps)
    assert sum(name == "mpathd_watch_path_info" for name, _ in series) == 2 * len(maps)
    assert list(parse_openmetrics(text(state, OPENMETRICS)))


def test_every_source_of_the_vocabulary_can_be_exported() -> None:
    state = make_state(sources=frozen({name: SourceState(up=True) for name in SourceName}))
    assert all(value(state, "source_up", source=name.value) == 1 for name in SourceName)
