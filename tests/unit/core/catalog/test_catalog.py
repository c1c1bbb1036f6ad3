"""What is generated from the code: up to date, well-formed, and accepted by systemd's own compiler."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mpathd_watch.core.audit import audit
from mpathd_watch.core.catalog.alerts import AlertKind
from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.sinks import check
from mpathd_watch.sinks.metrics.families import Family
from tests.factories import make_session, make_state
from tools import docs

MESSAGE_ID = re.compile(r"[0-9a-f]{32}")


def test_generated_files_say_what_the_code_says() -> None:
    assert docs.stale() == []


def test_a_stale_or_absent_file_fails_the_check_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    monkeypatch.setattr(docs, "stale", lambda: [name for name in docs.FILES if not (tmp_path / name).exists()])
    assert docs.main(["--check"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert docs.main([]) == 0
    assert docs.main(["--check"]) == 0
    assert docs.main([]) == 0
    for name, text in docs.FILES.items():
        assert (tmp_path / name).read_text(encoding="utf-8") == text()


def test_a_changed_file_is_stale(tmp_path: Path) -> None:
    for name, text in docs.FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text(), encoding="utf-8")
    assert docs.stale(tmp_path) == []
    (tmp_path / "docs/metrics.md").write_text("old", encoding="utf-8")
    assert docs.stale(tmp_path) == ["docs/metrics.md"]


def test_every_message_id_is_one_and_only() -> None:
    found = [kind.value.message_id for kind in AlertKind]
    assert len(set(found)) == len(found)
    assert all(MESSAGE_ID.fullmatch(message_id) for message_id in found)


def test_the_catalog_mentions_known_fields_only() -> None:
    text = docs.catalog()
    mentioned = set(re.findall(r"@MPATHD_WATCH_(\w+?)@", text))
    assert mentioned
    assert mentioned <= set(docs.FIELDS)


def test_the_catalog_names_documentation_as_the_package_installs_it() -> None:
    text = docs.catalog()
    named = re.findall(r"\S+\.md(?:\.gz)?", text)
    assert named
    for path in named:
        directory, _, name = path.rpartition("/")
        assert directory == "/usr/share/doc/mpathd-watch"
        source = docs.ROOT / "docs" / name.removesuffix(".gz")
        # dh_compress(1) compresses documentation of more than 4 KiB.
        assert name.endswith(".gz") == (source.stat().st_size > 4096)


def test_no_remedy_is_a_lone_word() -> None:
    assert all(len(kind.value.remedy.split()) > 2 for kind in AlertKind)


def test_every_metric_and_alert_has_its_line() -> None:
    metrics, alerts = docs.metrics_page(), docs.alerts_page()
    for family in Family:
        assert f"| `{family.metric}` |" in metrics
    for kind in AlertKind:
        assert f"\n## {kind.event}\n" in alerts


def test_every_finding_has_its_line_and_its_section_worst_first() -> None:
    page = docs.findings_page()
    sections = re.findall(r"^## ([a-z_]+)$", page, re.MULTILINE)
    assert sorted(sections) == sorted(kind.code for kind in FindingKind)
    severities = [FindingKind[code.upper()].value.severity for code in sections]
    assert severities == sorted(severities, reverse=True)
    unwrapped = " ".join(page.split())
    for kind in FindingKind:
        about = kind.value
        severity = about.severity.name.lower()
        assert f"| [`{kind.code}`](#{kind.code}) | {severity} | {about.title} |\n" in page
        assert (
            f"## {kind.code} {about.title}. **Leads to:** {about.leads_to} **Remedy:** {about.remedy} "
            f"Severity: {severity}." in unwrapped
        )


def test_what_is_said_of_a_finding_is_in_sentences_and_keeps_its_table_whole() -> None:
    for kind in FindingKind:
        about = kind.value
        assert "|" not in f"{about.title}{about.leads_to}{about.remedy}"
        assert not about.title.endswith(".")
        assert about.leads_to.endswith(".")


def test_the_page_on_findings_names_every_key_of_the_json_and_every_exit_status() -> None:
    state = make_state(sessions=[make_session(ping_tmo=1)])
    found = check.document(audit(state), state)
    page = docs.findings_page()
    (bounds,) = found["budgets"].values()
    for key in (*found, *found["findings"][0], *bounds):
        assert f"`{key}`" in page
    for status in range(check.UNKNOWN + 1):
        assert f"\n| {status} | `" in page
    assert str(check.VERSION) in page


@pytest.mark.skipif(shutil.which("journalctl") is None, reason="systemd's journalctl is not installed")
def test_systemd_compiles_the_catalog(tmp_path: Path) -> None:
    catalog = tmp_path / "usr/lib/systemd/catalog/mpathd-watch.catalog"
    catalog.parent.mkdir(parents=True)
    catalog.write_text(docs.catalog(), encoding="utf-8")
    (tmp_path / "var/lib/systemd/catalog").mkdir(parents=True)
    root = f"--root={tmp_path}"
    updated = subprocess.run(  # noqa: S603  # fixed arguments
        ["journalctl", "--update-catalog", root],  # noqa: S607  # found on PATH
        check=True,
        capture_output=True,
        text=True,
    )
    assert updated.stderr == ""
    listed = subprocess.run(  # noqa: S603  # fixed arguments
        ["journalctl", "--list-catalog", root],  # noqa: S607  # found on PATH
        check=True,
        capture_output=True,
        text=True,
    )
    assert {line.split()[0] for line in listed.stdout.splitlines()} == {kind.value.message_id for kind in AlertKind}
