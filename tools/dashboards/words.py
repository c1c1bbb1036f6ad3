"""Words as numbers: a state timeline draws numbers, and shows the word and its colour in their place.

The worse the state, the higher the number, so that a maximum over a while shows the worst of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mpathd_watch.core.model.vocabulary import Health, MapHealth, SessionStatus
from tools.dashboards.model import Word, Words

GREEN: Final = "green"
PURPLE: Final = "purple"
YELLOW: Final = "yellow"
ORANGE: Final = "orange"
RED: Final = "red"
DARK_RED: Final = "dark-red"
BLUE: Final = "blue"


def _numbered(words: Iterable[tuple[str, str]]) -> Words:
    return {number: Word(text, colour) for number, (text, colour) in enumerate(words, 1)}


MAP_HEALTH: Final = _numbered(
    (
        (MapHealth.HEALTHY, GREEN),
        (MapHealth.UNKNOWN, PURPLE),
        (MapHealth.DEGRADED, YELLOW),
        (MapHealth.AT_RISK, ORANGE),
        (MapHealth.LOST, DARK_RED),
    )
)
PATH_HEALTH: Final = _numbered(
    (
        (Health.UP, GREEN),
        (Health.UNKNOWN, PURPLE),
        (Health.SUSPECT, YELLOW),
        (Health.RECOVERING, BLUE),
        (Health.STALLED, ORANGE),
        (Health.FAILED, RED),
        (Health.MISSING, DARK_RED),
    )
)
SESSION_STATE: Final = _numbered(
    (
        (SessionStatus.LOGGED_IN, GREEN),
        (SessionStatus.UNKNOWN, PURPLE),
        (SessionStatus.FAILED, ORANGE),
        (SessionStatus.FREE, RED),
        (SessionStatus.MISSING, DARK_RED),
    )
)
ANSWERS: Final = {0: Word("no answer", RED), 1: Word("answers", GREEN)}
YES_NO: Final = {0: Word("no", GREEN), 1: Word("yes", ORANGE)}
NOT_ANSWERING: Final = {1: Word("no answer", RED)}


def numbered(metric: str, selector: str, words: Words, by: str, *, worst: bool = False) -> str:
    """The query that gives the number of the word that holds, by these labels.

    ``metric`` has one series for each word, whose label is ``state``. ``worst``: of all words that have held since the
    step before, the worst, so that no short outage falls between two points of a long time range.
    """

    def series(word: str) -> str:
        now = f'{metric}{{{selector}, state="{word}"}}'
        # Where the range has no sample, as one of about the scrape interval may, the last sample counts.
        return f"(max_over_time({now}[$__interval]) or {now})" if worst else now

    each = (f"{series(word.text)} * {number}" for number, word in words.items())
    return f"max by ({by}) (\n  " + "\n  or ".join(each) + "\n)"
