"""A configuration of the first release: each of its keys is known, whether it is still one or not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mpathd_watch.config import Config, load
from mpathd_watch.config.listen_address import ListenAddress
from mpathd_watch.config.obsolete import OBSOLETE
from mpathd_watch.core.model.settings import Settings

SHIPPED = Path(__file__).parent / "first_release.conf"
"""The file that the first release installed: commit 05ca54e."""
KEYS = (
    *("listen", "sysfs", "multipathd_socket", "state_dir", "record", "single_path_ok", "settle_seconds"),
    *("slack_seconds", "silence_grace_seconds", "flap_failures", "flap_window_seconds"),
)
"""All that it documented, and all that it took."""


def uncommented(text: str) -> str:
    return re.sub(r"^#(?=[a-z_]+ =)", "", text, flags=re.MULTILINE)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_the_file_that_it_installed_is_the_defaults(file: Path) -> None:
    file.write_text(SHIPPED.read_text())
    assert load(file, required=True) == Config()


def test_all_of_its_defaults_written_out_are_still_the_defaults_but_for_one_line_about_what_is_gone(file: Path) -> None:
    file.write_text(uncommented(SHIPPED.read_text()))
    assert re.findall(r"^(\w+) =", file.read_text(), re.MULTILINE) == list(KEYS)
    config = load(file, required=True)
    assert config.obsolete == (f"{file}: state_dir {OBSOLETE['state_dir']}",)
    assert "--state-dir" in config.obsolete[0]
    assert config.obsolete[0].count("\n") == 0
    assert config == Config(obsolete=config.obsolete)


@pytest.mark.parametrize("key", KEYS)
def test_each_of_its_keys_alone_is_accepted(file: Path, key: str) -> None:
    (line,) = re.findall(rf"^{key} = .*$", uncommented(SHIPPED.read_text()), re.MULTILINE)
    file.write_text(f"{line}\n")
    assert len(load(file, required=True).obsolete) == (key in OBSOLETE)


def test_values_that_it_took_mean_what_they_meant(file: Path) -> None:
    file.write_text(
        'listen = " [::1]:9999 "\nsysfs = "/s"\nmultipathd_socket = "@x"\nrecord = "/var/lib/mpathd-watch/r"\n'
        'single_path_ok = ["backup"]\nsettle_seconds = 1\nslack_seconds = 3600\nsilence_grace_seconds = 0\n'
        "flap_failures = 100\nflap_window_seconds = 0.5\n"
    )
    assert load(file, required=True) == Config(
        listen=(ListenAddress("::1", 9999),),
        sysfs="/s",
        multipathd_socket="@x",
        record="/var/lib/mpathd-watch/r",
        settings=Settings(
            single_path_ok=frozenset({"backup"}),
            settle_seconds=1.0,
            slack_seconds=3600.0,
            silence_grace_seconds=0.0,
            flap_failures=100,
            flap_window_seconds=0.5,
        ),
    )
