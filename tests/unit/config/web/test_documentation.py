"""docs/web-configuration.md has every key, and each test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mpathd_watch.config.web import reading
from mpathd_watch.config.web.model import ClientAuth

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs/web-configuration.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| `")]
TESTS = {
    "R": "tests/unit/config/web/test_reading.py",
    "T": "tests/component/sinks/test_http_tls.py",
    "P": "tests/component/sinks/test_http_passwords.py",
}


def test_the_table_has_every_key() -> None:
    named = {key for row in ROWS for key in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named == {*reading.KEYS, *(key for keys in reading.KEYS.values() for key in keys)}


def test_the_page_has_every_header_and_every_client_auth_type() -> None:
    for word in (*reading.HEADERS, *(each.value for each in ClientAuth)):
        assert f"`{word}`" in PAGE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_each_key_has_tests_that_are_there(row: str) -> None:
    cell = row.split("|")[4]
    parts = re.findall(r"([RTP]) ((?:`\w+`(?:, )?)+)", cell)
    # A part of the file has none of its own: its keys follow.
    assert parts or row.split("|")[3].strip() == ""
    for letter, names in parts:
        source = (ROOT / TESTS[letter]).read_text(encoding="utf-8")
        for name in re.findall(r"`(\w+)`", names):
            assert f"def {name}(" in source
