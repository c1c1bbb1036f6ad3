"""The vocabularies: every word that people may meet has a meaning, and no other word has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

import mpathd_watch
from mpathd_watch.core.catalog import words
from mpathd_watch.core.catalog.findings import Severity
from mpathd_watch.core.catalog.words import VOCABULARIES, Vocabulary
from mpathd_watch.core.events import BlockEvent
from mpathd_watch.core.model import vocabulary
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import DmAction, Layer, Liveness, Standing
from mpathd_watch.core.state import State
from mpathd_watch.core.step import step
from mpathd_watch.core.verdicts.comparison import Measure

ROOT = Path(mpathd_watch.__file__).parent
UNSEEN = {DmAction, Layer, Liveness, Standing}
"""Words of the core that appear in no metric, field or document."""
ENUMS = [
    each
    for each in vars(vocabulary).values()
    if isinstance(each, type) and issubclass(each, StrEnum) and len(each) > 0 and each not in UNSEEN
]


@pytest.mark.parametrize("enum", ENUMS)
def test_every_word_has_a_meaning_in_the_order_of_its_vocabulary(enum: type[StrEnum]) -> None:
    (found,) = (each for each in VOCABULARIES if any(isinstance(word, enum) for word in each.meanings))
    assert list(found.meanings) == list(enum)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (words.MEASURE, [measure.value for measure in Measure]),
        (words.SEVERITY, [severity.name.lower() for severity in Severity]),
    ],
)
def test_words_that_the_core_has_elsewhere_are_the_same(found: Vocabulary, expected: list[str]) -> None:
    assert list(found.meanings) == expected


@pytest.mark.parametrize(
    ("action", "word"), [*((word, word) for word in words.ACTION.meanings), ("unheard-of", "other")]
)
def test_uevents_are_counted_by_the_words_for_their_action(action: str, word: str) -> None:
    state, _ = step(State(), BlockEvent(action, "sda"), Instant(0.0, 0.0))
    assert state.counters.uevents == {word: 1}


@pytest.mark.parametrize("found", VOCABULARIES, ids=lambda found: found.title)
def test_a_meaning_is_a_sentence(found: Vocabulary) -> None:
    for word, meaning in found.meanings.items():
        assert meaning.endswith("."), word
        assert "|" not in meaning


def test_every_vocabulary_is_listed_once_under_a_title_of_its_own() -> None:
    assert set(VOCABULARIES) == {each for each in vars(words).values() if isinstance(each, Vocabulary)}
    assert len({each.title for each in VOCABULARIES}) == len(VOCABULARIES)


# --- words that are written in the code, one by one -------------------------------------------------------------------


def constants(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def trees() -> Iterator[ast.Module]:
    """The code that gives reasons and counts: all but what only describes or shows them."""
    for room in ("sources", "sinks/http", "daemon", "core"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if "catalog" not in path.parts:
                yield ast.parse(path.read_text(encoding="utf-8"))


def reasons() -> Iterator[str]:
    """What the sources and the daemon give as the reason of a failure, as far as it is written there as a word."""
    for tree in trees():
        for node in ast.walk(tree):
            match node:
                case ast.Call(
                    func=ast.Name(id="SourceDown" | "SourceErrors"), args=[_, ast.Constant(value=str(word)), *_]
                ):
                    yield word
                case ast.Call(
                    func=ast.Name(id="BadReply" | "MultipathdError"), args=[ast.Constant(value=str(word)), *_]
                ):
                    yield word
                case ast.Call(func=ast.Name(id="Fault"), args=[ast.Constant(value=str(word)), _]) if word:
                    yield word
                case ast.Call(func=ast.Attribute(attr="_down"), args=[ast.Constant(value=str(word)), *_]):
                    yield word
                case ast.Subscript(value=ast.Attribute(attr="problems"), slice=ast.Constant(value=str(word))):
                    yield word
                case ast.Assign(targets=[ast.Name(id="NO_MODULE" | "NOT_RUNNING" | "UNKNOWN_VALUE")], value=value):
                    yield from constants(value)


def test_every_reason_that_a_source_gives_has_a_meaning() -> None:
    given = {word for word in reasons() if not re.fullmatch("E[A-Z]+", word)}
    assert len(given) > 15
    assert given <= words.SOURCE_REASON.meanings.keys()


@pytest.mark.parametrize("found", [words.SOURCE_REASON, words.TIMEOUT])
def test_every_word_that_has_a_meaning_is_used(found: Vocabulary) -> None:
    used = {word for tree in trees() for word in constants(tree)}
    assert found.meanings.keys() <= used


def test_every_reason_to_read_all_again_has_a_meaning() -> None:
    given = {
        node.args[0].value
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "resync"
        and isinstance(node.args[0], ast.Constant)
    }
    assert given == words.RESYNC_REASON.meanings.keys()
