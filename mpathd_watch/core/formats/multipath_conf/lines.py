"""Lines and tokens as multipath-tools reads them (libmpathutil/parser.c, 0.9.4 to 0.15.1).

The buffer for a line has a fixed size, so a longer line becomes several. Outside quotes, bytes that are not ASCII count
as white space. Everything here takes time proportional to the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mpathd_watch.immutable import immutable

BUFFER = 1023
"""Bytes of a line that multipath-tools reads at once (MAXBUF less the terminating NUL)."""

QUOTE = '\0"'
"""The token for a quotation mark. A NUL ends a line, so no word can look like it."""

BLANKS = " \t\n\v\f\r"
"""What the C locale's isspace() takes for white space."""

_FOREIGN = "\x80-\U0010ffff"
_SKIPPED = re.compile(f"[{BLANKS}{_FOREIGN}]*")
_WORD = re.compile(f'[^{BLANKS}{_FOREIGN}!#{{}}"]+')
_COMMENT = re.compile("[!#]")
_TOKEN = re.compile(rf"[{{}}]|[^{{}}{BLANKS}]+")
"""A token of a line of ASCII without quotes and comment, as most are. Shown to agree with the other way by a test."""


@immutable
class Chunk:
    """What one read into the buffer results in; ``number`` counts the lines of the file from 1, as editors do."""

    number: int
    text: str
    first: bool
    ended: bool


def chunks(text: str, size: int) -> Iterator[Chunk]:
    """The reads of ``text`` through a buffer of ``size`` bytes, without line ends. Empty lines are left out.

    ``first`` is false for the rest of a line that did not fit; ``ended`` is true if the read reached the line's end.
    """
    rows = text.split("\n")
    for number, row in enumerate(rows, 1):
        if not row:
            continue
        last = number == len(rows)
        if 4 * (len(row) + 1) <= size:
            yield Chunk(number, row, True, not last)
            continue
        pieces = _cut(row if last else f"{row}\n", size)
        for index, piece in enumerate(pieces):
            ended = piece.endswith("\n")
            yield Chunk(number, piece[:-1] if ended else piece, first=index == 0, ended=ended)


def _cut(line: str, size: int) -> list[str]:
    if line.isascii():
        return [line[start : start + size] for start in range(0, len(line), size)]
    raw = encoded(line)
    return [raw[start : start + size].decode("utf-8", "surrogateescape") for start in range(0, len(raw), size)]


def encoded(text: str) -> bytes:
    """The bytes that ``text`` was read from, if it was read with ``surrogateescape``; never raises."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def content(text: str) -> tuple[str, bool]:
    """The part of a line that multipath-tools reads, and whether more than a line end is lost.

    It stops at a NUL, and at a carriage return that is not at the beginning of the line (read_line()).
    """
    if "\0" not in text and "\r" not in text:
        return text, False
    kept = text.partition("\0")[0]
    lead = len(kept) - len(kept.lstrip("\r"))
    kept = kept[:lead] + kept[lead:].partition("\r")[0]
    return kept, bool(text[len(kept) :].strip("\r"))


@immutable
class Tokens:
    """A line's tokens: words, braces and ``QUOTE``; ``foreign`` if a byte outside ASCII stood outside quotes."""

    words: tuple[str, ...]
    foreign: bool


def tokenize(line: str) -> Tokens:
    """The tokens of one line. None for a blank line or a comment (alloc_strvec())."""
    if '"' not in line and line.isascii():
        return Tokens(tuple(_TOKEN.findall(_COMMENT.split(line, 1)[0])), False)
    return scanned(line)


def scanned(line: str) -> Tokens:
    """The same, token by token: for the few lines with quotes or other characters."""
    words: list[str] = []
    foreign = False
    at = 0
    in_string = False
    while True:
        if not in_string:
            skipped = _run(_SKIPPED, line, at)
            foreign |= not skipped.isascii()
            at += len(skipped)
        if at >= len(line) or (not in_string and line[at] in "!#"):
            return Tokens(tuple(words), foreign)
        if in_string:
            at, word = _string(line, at)
            if word is not None:
                words.append(word)
            else:
                words.append(QUOTE)
                in_string = False
        elif line[at] == '"':
            words.append(QUOTE)
            in_string = True
            at += 1
        elif line[at] in "{}":
            words.append(line[at])
            at += 1
        else:
            words.append(_run(_WORD, line, at))
            at += len(words[-1])


def _run(of: re.Pattern[str], line: str, at: int) -> str:
    found = of.match(line, at)
    return found[0] if found else ""


def _string(line: str, at: int) -> tuple[int, str | None]:
    """A quoted string from ``at`` to its closing mark, or ``None`` if that mark is what stands there."""
    start = at
    while at < len(line):
        end = line.find('"', at)
        if end < 0:
            at = len(line)
        elif line.startswith('""', end):
            at = end + 2
        elif end == start:
            return end + 1, None
        else:
            at = end
            break
    return at, line[start:at].replace('""', '"')
