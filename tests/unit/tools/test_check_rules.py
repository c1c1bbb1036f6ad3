"""The check of the rules: what it reads of our files, and that each disagreement is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tools import check_rules
from tools.check_rules import Expectation, Rule

FILES = (*check_rules.RULES, *check_rules.TESTS, check_rules.ROUTES, check_rules.RUNBOOKS)

RULES = r"""groups:
  - name: paths
    rules:
      # A comment.
      - record: mpathd_watch:trouble
        expr: |
          mpathd_watch_path_health{state="failed"}
          == 1

      - alert: MultipathPathFailed
        expr: mpathd_watch:trouble
        for: 1m
        labels:
          severity: warning
          scope: path
        annotations:
          summary: "a \"quoted\" word: {{ $labels.path }}"
          description: "for {{ $value }}"
          runbook_url: "file:///usr/share/doc/mpathd-watch/runbooks.md#multipathpathfailed"
"""

TESTS = """tests:
  - name: failed path
    interval: 15s
    input_series:
      - series: 'x{instance="a:1"}'
        values: '0x3 1x15 stale _x3 1x15'
    alert_rule_test:
      # too early
      - eval_time: 60s
        alertname: MultipathPathFailed
        exp_alerts: []
      - eval_time: 120s
        alertname: MultipathPathFailed
        exp_alerts:
          - exp_labels:
              alertname: "no key of the test"
  - name: query
    promql_expr_test:
      - expr: |
          sum(
            x)
        eval_time: 60s
"""


def rules() -> list[Rule]:
    return list(check_rules.read_rules(RULES))


def expectations(*fires: bool, restart: bool = True) -> list[Expectation]:
    return [Expectation("test", at, "MultipathPathFailed", fire, restart) for at, fire in enumerate(fires)]


def copy(tmp_path: Path, name: str, old: str, new: str) -> list[str]:
    """The complaints about our own files, of which one has ``new`` in place of ``old``."""
    for file in FILES:
        text = (check_rules.ROOT / file).read_text(encoding="utf-8")
        if file == name:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    return list(check_rules.complaints(tmp_path))


def test_rules_are_read() -> None:
    recorded, alert = rules()
    assert (recorded.name, recorded.is_alert) == ("mpathd_watch:trouble", False)
    assert recorded.expr == 'mpathd_watch_path_health{state="failed"}\n== 1\n'
    assert (alert.name, alert.is_alert, alert.expr) == ("MultipathPathFailed", True, "mpathd_watch:trouble")
    assert alert.labels == {"severity": "warning", "scope": "path"}
    assert alert.annotations["summary"] == 'a "quoted" word: {{ $labels.path }}'


def test_what_is_no_rule_is_an_error() -> None:
    with pytest.raises(ValueError, match="line 10: a rule begins with"):
        check_rules.read_rules(RULES.replace("- alert: ", "- alarm: "))


def test_tests_are_read() -> None:
    first, second = check_rules.read_tests(TESTS)
    assert first == Expectation("failed path", 60, "MultipathPathFailed", fires=False, restart=True)
    assert second == replace(first, at=120, fires=True)
    assert not check_rules.read_tests(TESTS.replace("stale", "_"))[0].restart
    assert check_rules.tested_queries(TESTS) == {"sum( x)"}


def test_our_own_files_agree() -> None:
    assert list(check_rules.complaints()) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("rules.yml", "- alert: MultipathMapLost", "- alert: MultipathMapGone", "MultipathMapGone: no section in"),
        ("rules.yml", "mpathd_watch_path_overdue[", "mpathd_watch_path_late[", "no metric mpathd_watch_path_late"),
        ("rules.yml", 'state=~"FAILED|FREE', 'state=~"FAILED|GONE', "session_state has no state 'GONE'"),
        (
            "rules.yml",
            "record: mpathd_watch:portal_lost",
            "record: mpathd_watch:portal_out",
            "no metric mpathd_watch:po",
        ),
        (
            "fleet.yml",
            "(mpathd_watch:initiator)",
            "(mpathd_watch_session_info)",
            "may read recorded series only, not mp",
        ),
        ("rules.test.yml", "alertname: MultipathMapLost", "alertname: MultipathMapGone", "there is no such alert"),
        ("rules.test.yml", "node_dmmultipath", "node_multipath", "no test evaluates label_replace(node_dmmultipath"),
        (
            "alertmanager.yml",
            "MultipathMapLost|",
            "MultipathMapGone|",
            "alertmanager.yml: MultipathMapGone is no alert",
        ),
    ],
)
def test_a_change_of_one_file_is_noticed(tmp_path: Path, file: str, old: str, new: str, complaint: str) -> None:
    assert any(complaint in each for each in copy(tmp_path, f"docs/prometheus/{file}", old, new))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("## MultipathMapLost\n", "## MultipathMapGone\n", "MultipathMapGone is no alert"),
        ("**Impact:** I/O", "I/O", "has not the paragraphs"),
        ("`6770d2e3", "`7770d2e3", "path_suspect with 7770d2e3"),
        ("**Journal:** none: ", "**Journal:** ", "names no entry of the journal"),
        ("[`events_lost`](alerts.md#events_lost)", "[`path_cause`](alerts.md#path_cause)", "events_lost: no alert"),
    ],
)
def test_a_change_of_the_runbooks_is_noticed(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert any(complaint in each for each in copy(tmp_path, check_rules.RUNBOOKS, old, new))


@pytest.mark.parametrize(
    ("annotation", "complaint"),
    [
        ("summary", "MultipathPathFailed: no annotation summary"),
        ("description", "MultipathPathFailed: its description has no value"),
        ("runbook_url", "MultipathPathFailed: runbook_url is not"),
    ],
)
def test_annotations_are_complete(annotation: str, complaint: str) -> None:
    alert = rules()[1]
    assert list(check_rules.about_rules([alert])) == []
    without = replace(alert, annotations={k: v for k, v in alert.annotations.items() if k != annotation})
    assert any(complaint in each for each in check_rules.about_rules([without]))


def test_labels_have_our_words() -> None:
    alert = replace(rules()[1], labels={"severity": "page", "scope": "lun"})
    assert len(list(check_rules.about_rules([alert]))) == 2


def test_two_rules_have_two_names() -> None:
    assert list(check_rules.about_rules(rules() * 2)) == [
        "MultipathPathFailed: two rules have this name",
        "mpathd_watch:trouble: two rules have this name",
    ]


def test_an_awaited_metric_may_be_used_until_it_exists() -> None:
    new = Rule("Alert", is_alert=True, expr="mpathd_watch_new > 0")
    assert list(check_rules.about_metrics([new], frozenset({"mpathd_watch_new"}))) == []
    assert list(check_rules.about_metrics([new], frozenset())) == ["Alert: there is no metric mpathd_watch_new"]
    assert list(check_rules.about_metrics([], frozenset({"mpathd_watch_new"}))) == [
        "mpathd_watch_new: no rule uses it: remove it from AWAITED"
    ]
    old = Rule("Alert", is_alert=True, expr="mpathd_watch_path_slow > 0")
    assert list(check_rules.about_metrics([old], frozenset({"mpathd_watch_path_slow"}))) == [
        "mpathd_watch_path_slow exists now: remove it from AWAITED"
    ]


def test_a_recorded_series_is_used() -> None:
    assert list(check_rules.about_metrics(rules()[:1], frozenset())) == [
        "mpathd_watch:trouble: nothing uses this recorded series"
    ]


@pytest.mark.parametrize(
    ("fires", "complaint"),
    [
        ((False, True, False), ""),
        ((True, True, False), "does not fire too early"),
        ((False, True, True), "that it resolves"),
        ((False, True), "2 expectations"),
    ],
)
def test_an_alert_is_tested_before_while_and_after_it_fires(fires: tuple[bool, ...], complaint: str) -> None:
    found = list(check_rules.about_tests(rules(), expectations(*fires)))
    assert any(complaint in each for each in found) if complaint else found == []


def test_an_alert_is_tested_with_a_restart() -> None:
    found = list(check_rules.about_tests(rules(), expectations(False, True, False, restart=False)))
    assert found == ["MultipathPathFailed: no test has a restart of the daemon"]


def test_an_event_is_only_in_the_journal_for_a_reason_that_holds() -> None:
    urgent = set(check_rules.urgent_events())
    assert {"path_failed", "map_lost", "lun_resized"} <= urgent
    assert list(check_rules.about_events(urgent, {})) == []
    assert any("path_failed: no alert" in each for each in check_rules.about_events(urgent - {"path_failed"}, {}))
    assert list(check_rules.about_events(urgent, {"path_failed": "reason"})) == [
        "path_failed: remove it from JOURNAL_ONLY"
    ]
    assert list(check_rules.about_events(urgent, {"path_added": "reason"})) == [
        "path_added: remove it from JOURNAL_ONLY"
    ]
