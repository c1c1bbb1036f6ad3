"""Node records and iscsid.conf as open-iscsi reads them (idbm_recinfo_config() in usr/idbm.c, 2.1.11 and 2.1.13).

A line is ``key = value``; the blank before the ``=`` is required. The value of a line is read only if its key is on the
allow-list, and no problem ever quotes a line, because it may contain a password.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from mpathd_watch.core.formats.multipath_conf.lines import BLANKS, Chunk, chunks, encoded
from mpathd_watch.core.formats.open_iscsi.keys import KEYS, Key
from mpathd_watch.immutable import immutable

BUFFER = 2047
"""Bytes of a line that open-iscsi reads at once."""

MAX_TEXT = 1 << 18
"""Characters of a file that are read; a node record has a few thousand."""

MAX_PROBLEMS = 100

MAX_NAME = 127
MAX_VALUE = 255
ULONG_MAX = 2**64 - 1

_NAME = re.compile(rf"[^{BLANKS}=]{{0,{MAX_NAME}}}")
_BEGIN = "# BEGIN RECORD"
_END = "# END RECORD"


class Code(StrEnum):
    """Kinds of problems."""

    NO_SEPARATOR = "no_separator"
    NO_VALUE = "no_value"
    BAD_VALUE = "bad_value"
    DUPLICATE_KEY = "duplicate_key"
    LONG_LINE = "long_line"
    UNFINISHED_LINE = "unfinished_line"
    UNFINISHED_RECORD = "unfinished_record"
    LONG_FILE = "long_file"
    MORE_PROBLEMS = "more_problems"


@immutable
class Problem:
    """One fault in a file. Never quotes a value, nor a key that is not on the allow-list."""

    file: str
    line: int
    code: Code
    text: str
    key: str = ""


@immutable
class Entry:
    """A value and its line: numbers as ``int`` (timeouts in seconds), words as ``str``."""

    value: int | str
    line: int


@immutable
class Record:
    """A file's values by their full keys; those of ``keys.KEYS`` and no others."""

    file: str
    entries: Mapping[str, Entry]
    problems: tuple[Problem, ...] = ()


def parse_record(text: str, file: str) -> Record:
    """The allowed values of a node record, or of iscsid.conf.

    Never raises. Time and memory are proportional to the text, of which ``MAX_TEXT`` characters are read. Neither the
    record nor a problem contains the text itself, or the value of another key.
    """
    reader = _Reader(file)
    for chunk in chunks(text[:MAX_TEXT], BUFFER):
        reader.chunk(chunk)
    if len(text) > MAX_TEXT:
        reader.problem(
            text.count("\n", 0, MAX_TEXT) + 1, Code.LONG_FILE, "the file is too long: mpathd-watch ignores the rest"
        )
    elif reader.begun:
        reader.problem(
            reader.begun, Code.UNFINISHED_RECORD, "the record that begins here has no end: the file is incomplete"
        )
    return Record(file, MappingProxyType(reader.entries), tuple(reader.problems))


@dataclass(slots=True)
class _Reader:
    file: str
    entries: dict[str, Entry] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    begun: int = 0

    def problem(self, line: int, code: Code, text: str, key: str = "") -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(self.file, line, code, text, key))
        elif len(self.problems) == MAX_PROBLEMS:
            self.problems.append(
                Problem(self.file, line, Code.MORE_PROBLEMS, "more problems follow, which are not listed")
            )

    def chunk(self, chunk: Chunk) -> None:
        if not chunk.ended:
            if chunk.text.startswith(_END):
                self.begun = 0
            if len(encoded(chunk.text)) >= BUFFER:
                self.problem(chunk.number, Code.LONG_LINE, f"open-iscsi skips a line of more than {BUFFER} bytes")
            elif chunk.text.strip(BLANKS)[:1] not in ("", "#"):
                self.problem(chunk.number, Code.UNFINISHED_LINE, "open-iscsi skips the last line if it has no line end")
            return
        line = chunk.text.partition("\0")[0].strip(BLANKS)
        if not line:
            return
        if line[0] != "#":
            self.pair(chunk.number, line)
        elif line.startswith(_BEGIN):
            self.begun = chunk.number
        elif line.startswith(_END):
            self.begun = 0

    def pair(self, line: int, text: str) -> None:
        found = _NAME.match(text)
        name = found[0] if found else ""
        end = len(name)
        key = KEYS.get(name)
        shown = name if key is not None else ""
        what = shown or "this line"
        # The character after the key is skipped, whatever it is: in "key=value" no separator is left.
        rest = text[end + 1 :].lstrip(BLANKS)
        if end == len(text):
            self.problem(line, Code.NO_VALUE, f"{what} has no value: open-iscsi ignores it", shown)
        elif not rest.startswith("="):
            self.problem(line, Code.NO_SEPARATOR, f"{what} has no = after a blank: open-iscsi ignores it", shown)
        elif not rest[1:].strip(BLANKS):
            self.problem(line, Code.NO_VALUE, f"{what} has no value: open-iscsi ignores it", shown)
        elif key is not None:
            self.entry(line, name, key, rest[1:].lstrip(BLANKS)[:MAX_VALUE])

    def entry(self, line: int, name: str, key: Key, value: str) -> None:
        if key.words and value not in key.words:
            self.problem(
                line,
                Code.BAD_VALUE,
                f"{name} must be {', '.join(key.words[:-1])} or {key.words[-1]}: open-iscsi ignores the line",
                name,
            )
            return
        if name in self.entries:
            self.problem(
                line,
                Code.DUPLICATE_KEY,
                f"{name} is also set in line {self.entries[name].line}: this line counts",
                name,
            )
        self.entries[name] = Entry(value if key.words else self.number(line, name, value), line)

    def number(self, line: int, name: str, value: str) -> int:
        """The result of strtoul(), as the int that open-iscsi stores it in; 0 if ``value`` is not a number."""
        sign = value[:1] if value[:1] in ("+", "-") else ""
        rest = value[len(sign) :].lstrip("0123456789")
        digits = value[len(sign) : len(value) - len(rest)]
        number = min(int(digits or "0"), ULONG_MAX)
        wrapped = ((-number if sign == "-" and number < ULONG_MAX else number) + 2**31) % 2**32 - 2**31
        if rest or not digits or wrapped != int(f"{sign}{digits or 0}"):
            self.problem(
                line, Code.BAD_VALUE, f"{name} is not a proper number: open-iscsi takes it for {wrapped}", name
            )
        return wrapped
