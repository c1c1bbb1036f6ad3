"""What is generated from the code: up to date, well-formed, and accepted by systemd's own compiler."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mpathd_watch.core.audit import audit
from mpathd_watch.core.catalog.alerts import AlertKind
from mpathd_watch.core.catalog.fields import FIELDS, PREFIX
from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.catalog.words import VOCABULARIES
from mpathd_watch.sinks import check
from mpathd_watch.sinks.metrics.table import BLOCKS
from tests.factories import make_session, make_state
from tools import docs

MESSAGE_ID = re.compile(r"[0-9a-f]{32}")


def test_generated_files_say_what_the_code_says() -> None:
    assert docs.stale() == []


def test_a_stale_or_absent_file_fails_the_check_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "README.md").write_text(docs.readme(), encoding="utf-8")
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
    assert mentioned <= set(FIELDS)


def test_the_catalog_names_documentation_as_the_package_installs_it() -> None:
    named = re.findall(r"\S+\.md(?:\.gz)?", docs.catalog())
    assert named
    for path in named:
        directory, _, name = path.rpartition("/")
        assert directory == "/usr/share/doc/mpathd-watch"
        assert (docs.ROOT / "docs" / name).is_file()
    rules = (docs.ROOT / "debian" / "rules").read_text(encoding="utf-8")
    assert re.search(r"^\tdh_compress .*--exclude=\.md\b", rules, re.MULTILINE), "else dh_compress(1) renames them"


def test_no_remedy_is_a_lone_word() -> None:
    assert all(len(kind.value.remedy.split()) > 2 for kind in AlertKind)


def test_every_metric_has_its_line_and_its_query() -> None:
    page = docs.metrics_page()
    for block in BLOCKS:
        for row in block.rows:
            labels = ", ".join(f"`{label.name}`" for label in (*block.labels, *row.labels)) or "-"
            assert f"| `{row.metric}` | {row.kind} | {labels} | {row.help}" in page
            assert f"# {row.example.answers}\n{row.example.query}\n" in page


def test_every_label_and_every_word_is_defined() -> None:
    page = docs.metrics_page()
    for block in BLOCKS:
        for label in (*block.labels, *(label for row in block.rows for label in row.labels)):
            assert re.search(rf"^\| `{label.name}` \| .* \| {re.escape(label.meaning)}", page, re.MULTILINE)
    for vocabulary in VOCABULARIES:
        section = page.partition(f"### {vocabulary.title}\n\nIn the ")[2].partition("###")[0]
        for word, meaning in vocabulary.meanings.items():
            assert f"\n| `{word}` | {meaning} |\n" in section
        assert vocabulary.more in section


def test_every_alert_and_every_field_has_its_line() -> None:
    page = docs.alerts_page()
    for kind in AlertKind:
        assert f"\n## {kind.event}\n" in page
    for name, field in FIELDS.items():
        assert f"\n| `{PREFIX}{name}` | {field.meaning}" in page


PAGES = {"metrics.md": docs.metrics_page, "alerts.md": docs.alerts_page, "findings.md": docs.findings_page}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere_and_tables_are_whole(name: str) -> None:
    pages = {page: text() for page, text in PAGES.items()}
    text = pages[name]
    for page, anchor in re.findall(r"\]\(([a-z-]*(?:\.md)?)#([^)]+)\)", text):
        assert anchor in _anchors(pages[page or name]), f"{page}#{anchor}"
    for page in re.findall(r"\]\(([a-z-]+\.md)[)#]", text):
        assert page in pages or (docs.ROOT / "docs" / page).exists()
    assert len(set(_anchors(text))) == len(_anchors(text))
    # A table's rows have as many cells as its head; a pipe in a cell would be one more.
    for head, rows in re.findall(r"^(\|.*\|)\n\|[-|]+\|\n((?:\|.*\|\n)+)", text, re.MULTILINE):
        assert {row.replace("`|`", "").count("|") for row in rows.splitlines()} == {head.count("|")}


def _anchors(page: str) -> list[str]:
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", page, flags=re.DOTALL), re.MULTILINE)
    return [re.sub(r"[^a-z0-9_-]", "", heading.lower().replace(" ", "-")) for heading in headings]


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
    found = check.document(check.judge(audit(state), state, check.Question()))
    page = docs.findings_page()
    (bounds,) = found["budgets"].values()
    for key in (*found, *found["findings"][0], *bounds):
        assert f"`{key}`" in page
    for status in range(check.Status.UNKNOWN + 1):
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
