"""What is generated from the declared settings: config.toml and a section of the manual page."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from mpathd_watch.cli.parser import OVERRIDES
from mpathd_watch.config import Config, parse
from mpathd_watch.config.receivers import Receivers
from mpathd_watch.core.model.declaration import declared
from mpathd_watch.core.model.settings import Settings
from tools import settings

ALL = {**declared(Config), **declared(Settings), **declared(Receivers)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the generated files."""
    for name in settings.FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((settings.ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


def test_the_generated_files_say_what_the_code_says() -> None:
    assert settings.stale() == {}


@pytest.mark.parametrize("name", settings.FILES)
def test_a_stale_file_fails_the_check_in_one_line_and_is_written_again(
    root: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good = (root / name).read_text(encoding="utf-8")
    (root / name).write_text(good.replace("600.0", "300.0"), encoding="utf-8")
    assert settings.main(["--check"], root) == 1
    assert capsys.readouterr().err == f"stale: {name}; run 'python -m tools.settings' and commit the result\n"
    assert settings.main([], root) == 0
    assert settings.main(["--check"], root) == 0
    assert (root / name).read_text(encoding="utf-8") == good


def _as_toml(value: str | int | tuple[str, ...]) -> str | int | list[str]:
    return list(value) if isinstance(value, tuple) else value


def test_the_file_as_shipped_sets_nothing_and_uncommented_it_sets_the_defaults() -> None:
    text = settings.config_toml()
    assert tomllib.loads(text) == {}
    table = tomllib.loads(re.sub(r"(?m)^#(?=\w+ = |\[)", "", text))
    assert list(table) == list(ALL)
    examples = {key: table.pop(key) for key, setting in ALL.items() if setting.example}
    assert parse(table) == Config()
    shown = {key: {name: _as_toml(value) for name, value in ALL[key].example} for key in examples}
    assert {key: each if key == "mail" else [each] for key, each in shown.items()} == examples
    assert parse(examples) != Config()


def test_the_manual_page_has_an_entry_for_each_setting() -> None:
    page = (settings.ROOT / "docs/mpathd-watch.8").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^\.BR (\w+) \" \(default: ", page) == list(ALL)


def test_a_manual_page_without_a_place_for_the_settings_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        settings.manual(".TH MPATHD-WATCH 8\n")


def test_whatever_overrides_the_file_overrides_a_setting_of_the_daemon() -> None:
    assert set(OVERRIDES.values()) <= set(declared(Config))
