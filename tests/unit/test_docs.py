"""The pages that people read: their links lead somewhere, and the glossary has the words of the vocabularies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mpathd_watch.core.model.vocabulary import Health, MapHealth, Phase

ROOT = Path(__file__).parents[2]
PAGES = (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("tests/*/README.md"))
GLOSSARY = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
TERMS = [term.lower() for term in re.findall(r"^- \*\*(.+?)\*\*", GLOSSARY, re.MULTILINE)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_the_glossary_is_in_alphabetical_order() -> None:
    assert sorted(TERMS) == TERMS


@pytest.mark.parametrize("word", [*Health, *MapHealth, *Phase])
def test_the_glossary_explains_every_health_and_every_phase(word: str) -> None:
    assert word in TERMS
