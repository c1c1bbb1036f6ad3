"""The table of the journal's fields and the entries that carry them: neither has what the other lacks.

Each story checks its own alerts against the table (``tests/story.py``), and so does the recording here.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

import mpathd_watch
from mpathd_watch.core.catalog.fields import FIELDS

CORE = Path(mpathd_watch.__file__).parent / "core"
JOURNAL = Path(__file__).parents[3] / "golden" / "article" / "journal.json"


def test_every_field_of_the_recorded_outage_is_in_the_table() -> None:
    entries = json.loads(JOURNAL.read_text(encoding="utf-8"))
    assert entries
    assert {name for entry in entries for name in entry["fields"]} <= FIELDS.keys()


def test_every_field_in_the_table_is_one_that_an_entry_may_carry() -> None:
    written = {
        node.value
        for room in ("alerting", "transports")
        for path in (CORE / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
    }
    assert FIELDS.keys() - written == {"EVENT", "DELAY_SEC"}  # which the journal adds


def test_a_meaning_is_a_phrase_that_keeps_its_table_whole() -> None:
    for name, field in FIELDS.items():
        assert field.meaning, name
        assert not field.meaning.endswith(".")
        assert "|" not in field.meaning
