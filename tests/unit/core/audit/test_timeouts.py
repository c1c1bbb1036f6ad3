"""Timeouts that differ from the configured ones, and what multipathd runs with: the texts, and their lines."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from mpathd_watch.core.audit.effective_settings import RUNNING, line, whence
from mpathd_watch.core.audit_report import Timeout
from mpathd_watch.core.catalog.findings import FindingKind as K
from mpathd_watch.core.configuration import Reason, Unreadable
from mpathd_watch.core.formats.multipath_conf import Origin
from mpathd_watch.core.model.budget import Budget
from mpathd_watch.core.model.facts import RECOVERY_OFF
from mpathd_watch.core.model.vocabulary import SessionStatus, Transport
from tests.factories import make_map, make_path, make_session
from tests.hosts import (
    CONF,
    FIRST,
    FOR_ISCSI,
    SECOND,
    Host,
    both,
    label,
    lines,
    record_file,
    records,
    two_paths,
)

OVERWRITTEN = "by multipathd's fast_io_fail_tmo (%s), but replacement_timeout is 15 in its record"


def timeout(host: Host, name: str = "replacement_timeout") -> Timeout:
    (found,) = [each for each in host.report.timeouts[label(FIRST)] if each.name == name]
    return found


# --- timeouts of a session --------------------------------------------------------------------------------------------


def test_where_all_is_in_order_configured_is_effective() -> None:
    file = record_file(FIRST)
    assert Host().report.timeouts[label(FIRST)] == (
        Timeout("noop_out_interval", 5, 5, f"{file}:2"),
        Timeout("noop_out_timeout", 10, 10, f"{file}:3"),
        Timeout("replacement_timeout", 5, 5, f"{file}:4"),
    )


def test_a_finding_and_a_timeout_give_the_same_reason() -> None:
    for text in (lines(replacement=15), lines(interval=7), lines(timeout=0), lines(replacement=15, interval=7)):
        host = Host().record(text)
        kinds = {K.REPLACEMENT_TIMEOUT_OVERRIDDEN, K.TIMEOUT_NOT_IN_FORCE, K.ONE_SIDED_ZERO}
        found = {finding.text for finding in host.findings if finding.kind in kinds}
        assert found == {each.why for each in host.report.timeouts[label(FIRST)]} - {""}


def test_a_kernel_that_raised_a_zero_has_both_timeouts_of_the_ping() -> None:
    host = Host().live(ping_tmo=5).record(lines(timeout=0))
    assert timeout(host, "noop_out_timeout") == Timeout(
        "noop_out_timeout",
        inf,
        5,
        f"{record_file(FIRST)}:3",
        "noop_out_timeout is 5 s, because the kernel accepts 0 only for both ping timeouts, but 0 in its record",
    )


def test_without_a_record_nothing_is_configured() -> None:
    """iscsid.conf counts for new records only."""
    host = Host(records={}, iscsid=lines(replacement=120)).live(recovery_tmo=RECOVERY_OFF, recv_tmo=0, ping_tmo=None)
    assert host.report.timeouts[label(FIRST)] == (
        Timeout("noop_out_interval", None, inf),
        Timeout("noop_out_timeout", None, None),
        Timeout("replacement_timeout", None, inf),
    )


def test_a_missing_session_has_no_timeouts() -> None:
    host = Host().live(status=SessionStatus.MISSING)
    assert set(host.report.timeouts) == {label(SECOND)}


def test_off_in_both_is_no_difference() -> None:
    host = Host().live(recovery_tmo=RECOVERY_OFF).record(lines(replacement=-3))
    assert timeout(host) == Timeout("replacement_timeout", inf, inf, f"{record_file(FIRST)}:4")


def test_off_that_nothing_explains_is_reported_once() -> None:
    host = Host().live(recovery_tmo=RECOVERY_OFF)
    assert timeout(host).why == (
        "recovery_tmo is off, but fast_io_fail_tmo is 5 (default), and replacement_timeout is 5 in its record"
    )
    assert [finding.kind for finding in host.findings if finding.subject == label(FIRST)] == [K.RECOVERY_OFF]


def test_off_in_the_record_is_overridden_too() -> None:
    host = Host().record(lines(replacement=-1))
    assert timeout(host).configured == inf
    assert host.only(K.REPLACEMENT_TIMEOUT_OVERRIDDEN).text == timeout(host).why


def test_a_session_without_a_map_is_explained_and_makes_no_finding() -> None:
    host = Host(maps=[]).live(recovery_tmo=120)
    assert timeout(host).why == (
        "recovery_tmo is 120 s, but replacement_timeout is 5 in its record: one of the two was changed after the login"
    )
    assert host.kinds() == {K.SESSION_WITHOUT_PATH}


def test_set_for_iscsi_and_not_written() -> None:
    host = Host(multipath=FOR_ISCSI % 20)
    found = host.only(K.FAST_IO_FAIL_NOT_IN_FORCE)
    assert (found.where, found.objects) == (f"{CONF}:4", tuple(map(label, (FIRST, SECOND))))
    assert found.text == ("recovery_tmo is 5 s, as in its record: multipathd has not written fast_io_fail_tmo, 20")


@pytest.mark.parametrize("value", ["off", 0])
def test_what_is_never_written_is_not_missed(value: str | int) -> None:
    assert K.FAST_IO_FAIL_NOT_IN_FORCE not in Host(multipath=FOR_ISCSI % value).kinds()


# --- what multipathd runs with ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("multipath", "running", "who"),
    [
        ("", "defaults {\n\tfast_io_fail_tmo 5\n}\n", "default"),
        (FOR_ISCSI % 5, "defaults {\n\tfast_io_fail_tmo 9\n}\n" + FOR_ISCSI % 5, f"{CONF}:4"),
        (FOR_ISCSI % 20, FOR_ISCSI % 5, "what multipathd runs with"),
        (
            "",
            'devices {\n\tdevice {\n\t\tvendor "LIO-ORG"\n\t\tproduct ".*"\n\t\tfast_io_fail_tmo 5\n\t}\n}\n',
            "multipath-tools' hardware table",
        ),
    ],
)
def test_whoever_sets_what_multipathd_runs_with_is_named(multipath: str, running: str, who: str) -> None:
    host = Host(multipath=multipath, running=running).record(lines(replacement=15))
    assert OVERWRITTEN % who in host.only(K.REPLACEMENT_TIMEOUT_OVERRIDDEN).text
    assert (K.CONFIGURATION_NOT_LOADED in host.kinds()) == (multipath == FOR_ISCSI % 20)


def test_what_is_not_loaded_is_reported_once_for_all_maps() -> None:
    maps = [make_map(name) for name in "abcde"]
    host = Host(multipath=FOR_ISCSI % 20, running="", maps=maps)
    found = host.only(K.CONFIGURATION_NOT_LOADED)
    assert (found.subject, found.where) == ("a, b, c and 2 more", f"{CONF}:4")
    assert found.text == "fast_io_fail_tmo is 20 in multipath.conf, but 5 in the running multipathd"


def test_what_is_gone_from_the_file_is_not_loaded_either() -> None:
    found = Host(running="defaults {\n\tdev_loss_tmo 60\n}\n").only(K.CONFIGURATION_NOT_LOADED)
    assert found.text == "dev_loss_tmo is not set in multipath.conf, but 60 in the running multipathd"
    assert found.where == ""


def test_files_that_are_not_known_or_not_taken_are_not_compared() -> None:
    running = "defaults {\n\tpolling_interval 9\n}\n"
    assert K.CONFIGURATION_NOT_LOADED in Host(running=running).kinds()
    assert K.CONFIGURATION_NOT_LOADED not in Host(running=running, multipath='blacklist {\n\twwid "["\n}\n').kinds()
    for path, reason, compared in (
        (CONF, Reason.NO_PERMISSION, False),
        ("/etc/multipath/conf.d", Reason.FAILED, False),
        ("/etc/multipath/conf.d/a.conf", Reason.NOT_UTF8, True),
        ("/etc/multipath/wwids", Reason.NO_PERMISSION, True),
    ):
        host = Host(running=running, unreadable=(Unreadable(path, reason, "text"),))
        assert (K.CONFIGURATION_NOT_LOADED in host.kinds()) == compared


def test_the_names_of_origins() -> None:
    assert whence(RUNNING) == "what multipathd runs with"
    assert whence(Origin("built-in")) == "default"
    assert line(Origin("hardware", "show config local", 3)) == ""
    assert line(Origin("defaults", CONF, 3)) == whence(Origin("defaults", CONF, 3)) == f"{CONF}:3"


# --- maps -------------------------------------------------------------------------------------------------------------


def test_a_map_is_promised_what_its_best_and_worst_path_are() -> None:
    map_ = Host().live(recovery_tmo=20).report.maps["wwid-of-mpio"]
    assert map_.budget == Budget(10, 16, 15, 36)
    assert map_.settings.no_path_retry.value == 12
    assert map_.recheck_interval is not None


def test_the_budget_where_a_path_has_no_timeouts() -> None:
    def budget(host: Host) -> Budget | None:
        return host.report.maps["wwid-of-mpio"].budget

    assert budget(Host().live(recv_tmo=None)) is None
    assert budget(Host().live(status=SessionStatus.MISSING, recv_tmo=None)) == Budget(10, 16, 15, 21)
    assert budget(Host(sessions=both(status=SessionStatus.MISSING))) is None
    assert budget(Host().paths(make_path(transport=Transport.FC, nexus=""))) is None


def test_the_interval_that_counts_is_named() -> None:
    text = "defaults {\n\tpolling_interval 10\n\tmax_polling_interval 60\n}\n"
    found = Host(multipath=text, version=(0, 11, 1)).only(K.SLOW_REINSTATEMENT)
    assert found.where == f"{CONF}:3"
    assert found.text == "max_polling_interval is 60 s: reinstatement takes up to 122 s, but failover only 21 s"
    found = Host(multipath="defaults {\n\tpolling_interval 30\n}\n").only(K.SLOW_REINSTATEMENT)
    assert (found.text, found.where) == (
        "polling_interval is 30 s: reinstatement takes up to 62 s, but failover only 21 s",
        f"{CONF}:2",
    )
    found = Host(version=(0, 11, 1)).only(K.SLOW_REINSTATEMENT)
    assert (found.text, found.where) == (
        "max_polling_interval is 20 s (default): reinstatement takes up to 42 s, but failover only 21 s",
        "",
    )


def test_the_disks_of_many_maps_are_reported_together() -> None:
    maps = [make_map(name, two_paths({"timeout": 60})) for name in ("a", "b")]
    found = Host(maps=maps).only(K.LONG_DEVICE_TIMEOUT)
    assert found.subject == "a, b"
    assert found.text == "a SCSI command may take 60 s, longer than a failover (21 s)"


def test_retries_say_how_long_they_last() -> None:
    found = Host(multipath="overrides {\n\tno_path_retry 1\n}\n").only(K.RETRIES_TOO_SHORT)
    assert found.where == f"{CONF}:2"
    assert found.text == (
        "no_path_retry is 1 and polling_interval 5 s: I/O fails after 6 s, but reinstatement takes up to 10 s"
    )


def test_who_queues_for_ever_is_named_if_it_is_configured() -> None:
    host = Host(multipath="overrides {\n\tno_path_retry queue\n}\n", maps=[make_map(queueing="on", queues=True)])
    assert host.only(K.QUEUES_FOR_EVER).where == f"{CONF}:2"
    assert replace(host, multipath="").only(K.QUEUES_FOR_EVER).where == ""


# --- an outage is no fault of the configuration -----------------------------------------------------------------------


def test_a_session_that_failed_changes_nothing() -> None:
    for status in (SessionStatus.FAILED, SessionStatus.FREE):
        sessions = [make_session(FIRST), make_session(SECOND, sid=2, status=status)]
        assert Host(sessions=sessions).findings == ()
        assert Host(sessions=sessions, running="").findings == Host(running="").findings


def test_a_session_that_logged_out_lacks_its_login_only() -> None:
    sessions = [make_session(FIRST), make_session(SECOND, sid=2, status=SessionStatus.MISSING)]
    host = Host(sessions=sessions, records=records(FIRST)).paths(*two_paths({}, {"member": False}))
    assert host.findings == ()
