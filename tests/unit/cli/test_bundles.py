"""check and status on a support bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mpathd_watch.cli import main
from tests.bundles import GOLDEN

DOWN = GOLDEN / "link-down/sosreport"
TITLE = "sosreport taken at 2026-11-26 02:38:15 UTC"


@pytest.fixture(autouse=True)
def config(tmp_path: Path) -> list[str]:
    file = tmp_path / "config.toml"
    file.touch()
    return ["--config", str(file)]


def test_check_prints_what_was_not_judged_below_its_first_line(
    config: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--root", str(DOWN), *config]) == 1
    first, title, missing, *_ = capsys.readouterr().out.split("\n")
    assert first.startswith("MPATHD-WATCH WARNING: ")
    assert title == f"support bundle: {TITLE}"
    assert missing.startswith("not judged: how soon a silent path fails over: ")


def test_check_as_json(config: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--json", "--root", str(DOWN), *config]) == 1
    bundle = json.loads(capsys.readouterr().out)["bundle"]
    assert (bundle["kind"], bundle["taken_at"]) == ("sosreport", "2026-11-26T02:38:15Z")
    assert len(bundle["not_judged"]) == 2


def test_a_bundle_that_shows_no_maps_is_unknown(
    tmp_path: Path, config: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sos_commands/date").mkdir(parents=True)
    assert main(["check", "--root", str(tmp_path), *config]) == 3
    first, title, *_ = capsys.readouterr().out.split("\n")
    assert first.startswith("MPATHD-WATCH UNKNOWN: the sosreport does not show which multipath maps there were")
    assert title == "support bundle: sosreport of an unknown time"
    assert main(["check", "--json", "--root", str(tmp_path), *config]) == 3
    assert json.loads(capsys.readouterr().out)["bundle"]["taken_at"] is None


def test_status_says_when_the_bundle_was_made(config: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--root", str(DOWN), *config]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"support bundle: {TITLE}\nnot judged: ")
    assert "mpio  AT RISK  1 of 2 paths usable" in out
    assert main(["status", "--json", "--root", str(DOWN), *config]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["bundle"]["taken_at"] == "2026-11-26T02:38:15Z"
    assert document["maps"][0]["health"] == "at_risk"


def test_status_of_a_directory_that_is_no_bundle(
    tmp_path: Path, config: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--root", str(tmp_path), *config]) == 2
    assert f"{tmp_path} is no support bundle of sos or supportconfig" in capsys.readouterr().err
    (tmp_path / "config.toml").write_text("nonsense\n")
    assert main(["status", "--root", str(DOWN), *config]) == 2
