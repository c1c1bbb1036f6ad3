"""Reads the JSON of ``show maps json``, whose strings multipathd does not escape (libmultipath/print.c, 0.9.4 to 0.15).

A quote, a backslash or a control character in an alias or a vendor's name makes the JSON invalid or, worse, changes its
meaning. But the layout is fixed: each string member has a line of its own, ``"key" : "value",``. This shows where the
value ends.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Set
from functools import partial

from mpathd_watch.sources.multipathd.errors import BadReply, quote

_OPENING = re.compile(r' *"[a-z0-9_]+" : "')
_MEMBER = re.compile(r'( *"[a-z0-9_]+" : )"(.*)"(,?)', re.DOTALL)
_LINES_PER_VALUE = 8
_HEAD = re.compile(
    r'[ \t\n\r]*\{[ \t\n\r]*"major_version"[ \t\n\r]*:[ \t\n\r]*[0-9][ \t\n\r]*,'
    r'[ \t\n\r]*"minor_version"[ \t\n\r]*:[ \t\n\r]*[0-9][ \t\n\r]*,'
    r'[ \t\n\r]*"maps"[ \t\n\r]*:[ \t\n\r]*\[[ \t\n\r]*'
)
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")
_TAIL = re.compile(r"[ \t\n\r]*\][ \t\n\r]*\}[ \t\n\r]*")


class IrregularError(Exception):
    """The document can't be read map by map: ``load`` it."""


class _RepeatedKeyError(ValueError):
    """An object has a key twice: a part of a value looks like a member."""


def one_by_one(text: str, members: Set[str]) -> Iterator[object]:
    """What ``load`` finds in the list ``maps``, decoded one by one: those of a large host take 30 MiB together.

    Raises ``IrregularError`` at the first that multipathd does not print so: then those before it do not count.
    """
    found = None if "\\" in text else _HEAD.match(text)
    decode = json.JSONDecoder(object_pairs_hook=partial(_unique, members)).raw_decode
    while found is not None:
        try:
            entry, end = decode(text, found.end())
        except (RecursionError, ValueError):
            break
        yield entry
        if _TAIL.fullmatch(text, end):
            return
        found = _COMMA.match(text, end)
    raise IrregularError


def load(text: str, members: Set[str]) -> object:
    """Read the JSON document in ``text``. Its values are taken literally. Of objects it has only these ``members``.

    Raises ``BadReply`` with reason ``bad_json`` if neither the text nor its repaired form is JSON.
    """
    # A backslash is never an escape here: strict JSON would turn the product "A\test" into "A<tab>est".
    attempts = (_repaired,) if "\\" in text else (_unchanged, _repaired)
    problem = ""
    for attempt in attempts:
        try:
            return json.loads(attempt(text), object_pairs_hook=partial(_unique, members))
        except RecursionError:
            problem = "nested too deeply"
        except ValueError as error:
            problem = str(error)
    raise BadReply("bad_json", f"multipathd's list of maps is not JSON and could not be repaired: {quote(problem)}.")


def _unchanged(text: str) -> str:
    return text


def _unique(members: Set[str], pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) != len(pairs):
        raise _RepeatedKeyError("a key occurs twice in one object")
    return {key: value for key, value in pairs if key in members}


def _repaired(text: str) -> str:
    lines = text.split("\n")
    repaired: list[str] = []
    at = 0
    while at < len(lines):
        member, taken = _member_at(lines, at)
        repaired.append(lines[at] if member is None else member)
        at += taken
    return "\n".join(repaired)


def _member_at(lines: list[str], at: int) -> tuple[str | None, int]:
    """The string member that begins in line ``at`` with its value escaped, and the number of lines it takes."""
    if _OPENING.match(lines[at]) is None:
        return None, 1
    for taken in range(1, _LINES_PER_VALUE + 1):
        found = _MEMBER.fullmatch("\n".join(lines[at : at + taken]))
        if found is not None:
            return f"{found[1]}{json.dumps(found[2])}{found[3]}", taken
    return None, 1
