"""What a parsed multipath.conf consists of. Immutable; every setting and every problem has its file and line."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache

from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import immutable

Version = tuple[int, int, int]
"""A multipath-tools version, as ``(0, 9, 4)``."""

NEWEST: Version = (0, 15, 1)
"""The newest multipath-tools whose grammar and keywords were compared with those here."""

COMPARED: Version = (0, 9, 4)
"""The oldest one."""

Value = int | str | bool
"""A setting's value as it is understood: seconds and counts as ``int``, yes and no as ``bool``, words as ``str``."""

MAX_QUOTED = 40
"""Characters of a file's text that a problem quotes at once."""


class Code(StrEnum):
    """Kinds of problems, worst first within each group."""

    BAD_REGEX = "bad_regex"
    ODD_REGEX = "odd_regex"
    UNSUPPORTED_REGEX = "unsupported_regex"
    CRASH = "crash"
    BAD_VALUE = "bad_value"
    CAPPED_VALUE = "capped_value"
    DEPRECATED_VALUE = "deprecated_value"
    MISSING_OPEN_BRACE = "missing_open_brace"
    MISSING_CLOSE_BRACE = "missing_close_brace"
    STRAY_OPEN_BRACE = "stray_open_brace"
    STRAY_CLOSE_BRACE = "stray_close_brace"
    UNKNOWN_SECTION = "unknown_section"
    UNKNOWN_SUBSECTION = "unknown_subsection"
    UNKNOWN_KEYWORD = "unknown_keyword"
    REMOVED_KEYWORD = "removed_keyword"
    IGNORED_KEYWORD = "ignored_keyword"
    DEPRECATED_KEYWORD = "deprecated_keyword"
    TOO_NEW_KEYWORD = "too_new_keyword"
    OUTSIDE_SECTION = "outside_section"
    MISSING_VALUE = "missing_value"
    TRAILING_WORDS = "trailing_words"
    OPEN_QUOTE = "open_quote"
    DUPLICATE_KEYWORD = "duplicate_keyword"
    DUPLICATE_SECTION = "duplicate_section"
    INCOMPLETE_SECTION = "incomplete_section"
    NON_ASCII = "non_ascii"
    CUT_LINE = "cut_line"
    LONG_LINE = "long_line"
    LONG_FILE = "long_file"
    MORE_PROBLEMS = "more_problems"


@immutable
class Problem:
    """One fault in a file: a sentence for people, a ``code`` for programs.

    ``keyword`` is the keyword or section that it is about, as it is written. ``fatal`` means that multipathd rejects
    its whole configuration because of it: it does not start, or a reconfiguration changes nothing
    (libmultipath/config.c, _init_config).
    """

    file: str
    line: int
    code: Code
    text: str
    keyword: str = ""
    fatal: bool = False


@immutable
class Setting:
    """A keyword with the value that multipathd reads, both as the file has them."""

    keyword: str
    value: str
    file: str
    line: int


@immutable
class Section:
    """A section or subsection; ``line`` is its first one, ``children`` are its subsections in order."""

    name: str
    file: str
    line: int
    settings: tuple[Setting, ...] = ()
    children: tuple[Section, ...] = ()


@immutable
class Document:
    """One file, or several merged: what multipathd understands of it, and its problems."""

    sections: tuple[Section, ...] = ()
    problems: tuple[Problem, ...] = ()

    def named(self, name: str) -> Iterator[Section]:
        """The top-level sections called ``name``, in reading order."""
        return (section for section in self.sections if section.name == name)


@lru_cache(maxsize=256)
def quoted(text: str) -> str:
    """``text`` as a problem may show it: cleaned, in quotes, and short."""
    shown = clean(text)
    return f'"{shown}"' if len(shown) <= MAX_QUOTED else f'"{shown[:MAX_QUOTED]}…"'


def spelled(version: Version) -> str:
    """``0.9.4`` for ``(0, 9, 4)``."""
    return ".".join(map(str, version))
