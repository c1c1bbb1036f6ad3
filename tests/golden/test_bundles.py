"""The right answers on support bundles that the lab has made (golden/bundles/README.md)."""

from __future__ import annotations

import json

import pytest

from mpathd_watch.config import Config
from mpathd_watch.core.audit import audit
from mpathd_watch.core.catalog.findings import Severity
from mpathd_watch.core.model.vocabulary import Cause, MapHealth, SourceName
from mpathd_watch.daemon.bundles import look_at_bundle
from mpathd_watch.sinks import check
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.status.screen import render
from mpathd_watch.sources.bundle import Bundle, read
from tests.bundles import GOLDEN, SECRET, WWID, findings, healths, state_of

FIRST, SECOND = "192.168.1.1:3260", "192.168.2.1:3260"
KINDS = ("sosreport", "supportconfig")
STATES = ("healthy", "link-down")


def bundle(state: str, kind: str) -> Bundle:
    found = read(GOLDEN / state / kind)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_healthy_host(kind: str) -> None:
    state = state_of(bundle("healthy", kind))
    (map_,) = state.maps.values()
    assert (map_.wwid, map_.label, map_.health) == (WWID, "mpio", MapHealth.HEALTHY)
    assert healths(state) == {FIRST: "up", SECOND: "up"}


def test_a_healthy_host_with_debian_12() -> None:
    found = bundle("healthy-debian12", "sosreport")
    state = state_of(found)
    assert healths(state) == {FIRST: "up", SECOND: "up"}
    configuration = state.auditing.configuration
    assert configuration is not None
    assert (configuration.version, configuration.iscsid_running) == ((0, 9, 4), True)
    # sos copies /var/lib/iscsi, and the records are in /etc/iscsi there: they are those that iscsiadm printed.
    assert [node.place.address for node in configuration.records] == ["192.168.1.1", "192.168.2.1"]
    assert list(findings(found)) == ["replacement_timeout_overridden"]
    assert found.missing == bundle("healthy", "sosreport").missing


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_is_down(kind: str) -> None:
    state = state_of(bundle("link-down", kind))
    (map_,) = state.maps.values()
    assert map_.health is MapHealth.AT_RISK
    assert healths(state) == {FIRST: "up", SECOND: "failed"}
    outage = map_.paths[SECOND].outage
    assert outage is not None
    # The kernel has logged why it dropped the connection.
    assert outage.cause is Cause.NOP_TIMEOUT
    assert outage.inherited


@pytest.mark.parametrize("state", STATES)
def test_the_audit_of_a_report_of_sos(state: str) -> None:
    found = findings(bundle(state, "sosreport"))
    # The lab's records say 15 s, and multipathd has made it 5 s.
    assert list(found) == ["replacement_timeout_overridden"]
    record = f"iqn.2009-02.com.example:storage.disk1/{FIRST.replace(':', ',')},1/default"
    where = GOLDEN / state / "sosreport/var/lib/iscsi/nodes" / record
    assert found["replacement_timeout_overridden"].where == f"{where}:38"


@pytest.mark.parametrize("state", STATES)
def test_the_audit_of_a_supportconfig(state: str) -> None:
    assert findings(bundle(state, "supportconfig")) == {}


def test_the_files_of_a_supportconfig_are_read_with_the_lines_of_the_bundle() -> None:
    configuration = state_of(bundle("healthy", "supportconfig")).auditing.configuration
    assert configuration is not None
    assert configuration.wwids == frozenset({WWID})
    assert [node.place.address for node in configuration.records] == ["192.168.1.1", "192.168.2.1"]
    text = (GOLDEN / "healthy/supportconfig/mpio.txt").read_text().split("\n")
    (defaults,) = configuration.multipath.named("defaults")
    setting = next(each for each in defaults.settings if each.keyword == "polling_interval")
    assert text[setting.line - 1].split() == ["polling_interval", "10"]
    assert configuration.iscsid is not None
    iscsi = (GOLDEN / "healthy/supportconfig/fs-iscsi.txt").read_text().split("\n")
    for record in (configuration.iscsid, *(node.record for node in configuration.records)):
        for key, entry in record.entries.items():
            assert iscsi[entry.line - 1] == f"{key} = {entry.value}"


def test_what_a_report_of_sos_does_not_show() -> None:
    assert bundle("healthy", "sosreport").missing == (
        "how soon a silent path fails over: the bundle does not have noop_out_interval, noop_out_timeout in force",
        "what changes with time: flapping, slow paths, errors that increase, and silence",
    )


def test_what_a_supportconfig_does_not_show() -> None:
    missing = bundle("link-down", "supportconfig").missing
    assert [text.partition(":")[0] for text in missing] == [
        "what the installed version does",
        "whether multipathd ran with the settings of the files",
        "how soon a silent path fails over",
        "the state of 1 disk",
        "what changes with time",
    ]


@pytest.mark.parametrize(
    ("state", "kind", "title"),
    [
        ("healthy", "sosreport", "sosreport taken at 2026-11-26 02:36:18 UTC"),
        ("link-down", "supportconfig", "supportconfig taken at 2026-11-26 02:37:44 UTC"),
    ],
)
def test_the_status_is_that_of_the_moment_when_the_bundle_was_made(state: str, kind: str, title: str) -> None:
    found = bundle(state, kind)
    assert found.title == title
    (map_,) = document(look_at_bundle(Config(), found))["maps"]
    assert map_["since"] == title[-23:-4].replace(" ", "T") + ".000Z"
    assert map_["seconds"] == 0


def test_what_the_host_was_known_to_run_is_known() -> None:
    state = state_of(bundle("healthy", "sosreport"))
    configuration = state.auditing.configuration
    assert configuration is not None
    assert (configuration.version, configuration.iscsid_running) == ((0, 11, 1), True)
    assert state.auditing.running is not None
    assert state.source(SourceName.MULTIPATHD).up


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_reaches_an_event_or_an_output(state: str, kind: str) -> None:
    files = [path for path in (GOLDEN / state / kind).rglob("*") if path.is_file()]
    assert any(SECRET in path.read_text("utf-8", "replace") for path in files)
    found = bundle(state, kind)
    view = look_at_bundle(Config(), found)
    result = check.judge(audit(view.state), view.state, check.Question())
    shown = [repr(found), repr(view), check.text(result), json.dumps(check.document(result))]
    shown += [json.dumps(document(view)), render(document(view), colour=False)]
    assert not any(SECRET in text for text in shown)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_critical(kind: str) -> None:
    for state in STATES:
        assert all(found.severity is not Severity.CRITICAL for found in findings(bundle(state, kind)).values())
