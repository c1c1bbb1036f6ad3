"""multipath.conf as multipath-tools reads it (libmpathutil/parser.c, 0.9.4 to 0.15.1), with all problems.

What multipath-tools skips is skipped here, and what it misreads is misread in the same way. To report what the author
most likely meant, the braces of the text are followed, too, independently of the sections that multipath-tools opens.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mpathd_watch.core.formats.multipath_conf import ere
from mpathd_watch.core.formats.multipath_conf.inversion import expression_of
from mpathd_watch.core.formats.multipath_conf.keywords import (
    OLDEST,
    OPENED_WITHOUT_BRACE,
    REMOVED,
    SECTIONS,
    SUBSECTIONS,
    Keyword,
    homes,
    lookup,
)
from mpathd_watch.core.formats.multipath_conf.lines import BUFFER, QUOTE, Chunk, chunks, content, tokenize
from mpathd_watch.core.formats.multipath_conf.model import (
    COMPARED,
    NEWEST,
    Code,
    Document,
    Problem,
    Section,
    Setting,
    Version,
    quoted,
    spelled,
)
from mpathd_watch.core.model.text import clean

MAX_TEXT = 1 << 18
"""Characters of a file that are read; the reply to ``show config`` with its whole hardware table has 24,000."""

MAX_PROBLEMS = 1000
"""Problems that are listed; a file that is not a multipath.conf at all has one in each line."""

MAX_SHOWN_HOMES = 3

NEEDED = {
    "devices/device": ("vendor", "product"),
    "multipaths/multipath": ("wwid",),
    "overrides/protocol": ("type",),
}
"""Keywords without which multipath-tools drops a subsection (factorize_hwtable() and others in config.c)."""

_WITH_DEVICES = ("blacklist", "blacklist_exceptions")
_COMPARED = f"multipath-tools {spelled(COMPARED)} to {spelled(NEWEST)}"
_FATAL_REGEX = ("blacklist", "blacklist/device", "blacklist_exceptions", "blacklist_exceptions/device")


def parse(text: str, file: str, version: Version | None = NEWEST) -> Document:
    """What multipath-tools ``version`` understands of ``text``, with all problems.

    If the version is not known (``None``), or was not compared, problems name the versions that they are about, and
    those of newer versions alone are left out. Of an unknown version, the newest grammar applies.

    Never raises. Time and memory are proportional to the length of the text, of which ``MAX_TEXT`` characters are read.
    """
    compared = version is not None and COMPARED <= version <= NEWEST
    return _read(
        text, _Reader(file, version or NEWEST, about="" if compared else _COMPARED, at_least=version or COMPARED)
    )


def parse_printed(text: str, file: str, version: Version = NEWEST) -> Document:
    """What multipathd prints on ``show config`` and ``show config local``: the same grammar, but tabs decide.

    A blacklisted device with only a vendor is printed without its closing brace, and one with only a product without
    its first line (snprint_blacklist() in libmultipath/print.c, 0.9.4 to 0.15.1). So the section that a line belongs to
    follows from its tabs. One of the first kind before one of the second looks like a single device with both.
    Nothing limits the length of a printed line.
    """
    return _read(text, _Reader(file, version, printed=True, at_least=version))


def _read(text: str, reader: _Reader) -> Document:
    for chunk in chunks(text[:MAX_TEXT], 4 * MAX_TEXT if reader.printed else BUFFER):
        reader.chunk(chunk)
    if len(text) > MAX_TEXT:
        reader.problem(
            text.count("\n", 0, MAX_TEXT) + 1, Code.LONG_FILE, "the file is too long: mpathd-watch ignores the rest"
        )
    return reader.finished()


@dataclass(slots=True)
class _Frame:
    """A section that multipath-tools has open."""

    place: str
    line: int
    settings: list[Setting] = field(default_factory=list)
    children: list[Section] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        return self.place.rpartition("/")[2]


@dataclass(slots=True)
class _Brace:
    """A section that the author has opened, whether multipath-tools has such a section or not."""

    name: str
    line: int


@dataclass(slots=True)
class _Reader:
    file: str
    version: Version
    printed: bool = False
    about: str = ""
    """The versions that a problem is about, if they don't go without saying."""
    at_least: Version = NEWEST

    frames: list[_Frame] = field(default_factory=lambda: [_Frame("", 0)])
    meant: list[_Brace] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    word: str = ""

    def problem(self, line: int, code: Code, text: str, *, about: str | None = None, fatal: bool = False) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            keyword = clean(self.word if about is None else about)
            self.problems.append(Problem(self.file, line, code, text, keyword, fatal))
        elif len(self.problems) == MAX_PROBLEMS:
            self.problems.append(
                Problem(self.file, line, Code.MORE_PROBLEMS, "more problems follow, which are not listed")
            )

    def finished(self) -> Document:
        for brace in self.meant:
            self.problem(
                brace.line,
                Code.MISSING_CLOSE_BRACE,
                f"{quoted(brace.name)} is not closed at the end of the file",
                about=brace.name,
            )
        while len(self.frames) > 1:
            self.close()
        # A missing brace is detected only where the next section begins, which may be far below.
        ordered = sorted(self.problems, key=lambda problem: problem.line)
        return Document(tuple(self.frames[0].children), tuple(ordered))

    def chunk(self, chunk: Chunk) -> None:
        text, cut = content(chunk.text)
        number = chunk.number
        self.word = ""
        if cut:
            self.problem(
                number, Code.CUT_LINE, "multipathd reads this line only up to a control character in it (NUL or CR)"
            )
        if not chunk.first:
            self.problem(
                number, Code.LONG_LINE, f"multipathd reads what follows the first {BUFFER} bytes as another line"
            )
        tokens = tokenize(text)
        if tokens.foreign:
            self.problem(
                number,
                Code.NON_ASCII,
                "multipathd takes a character that is not ASCII for a blank, unless it is in quotes",
            )
        if tokens.words and (not self.printed or self.indented(number, text, closing=tokens.words[0] == "}")):
            self.statement(number, tokens.words)

    def indented(self, line: int, text: str, *, closing: bool) -> bool:
        """Close and open what the tabs of a printed line show; whether the line counts."""
        tabs = len(text) - len(text.lstrip("\t"))
        while len(self.frames) > 1 + tabs + closing:
            self.close()
            del self.meant[-1:]
        place = self.frames[-1].place
        if tabs > 1 and place in _WITH_DEVICES:
            self.frames.append(_Frame(f"{place}/device", line))
            self.meant.append(_Brace("device", line))
        return not closing or len(self.frames) == 2 + tabs

    def statement(self, line: int, words: tuple[str, ...]) -> None:
        name = "" if words[0] == QUOTE else words[0]
        self.word = name
        if name == "}":
            self.rest_of_line(line, words, 1)
            self.closing_brace(line)
        elif name == "{":
            self.problem(
                line, Code.STRAY_OPEN_BRACE, "a { must be on the line of its section: multipathd skips this line"
            )
        elif name in OPENED_WITHOUT_BRACE:
            self.section_line(line, name, words)
        elif name in SUBSECTIONS[self.frames[-1].place]:
            self.lenient_section_line(line, name, words)
        else:
            self.keyword_line(line, name, words)

    def rest_of_line(self, line: int, words: tuple[str, ...], used: int) -> None:
        if len(words) <= used:
            return
        rest = words[used:]
        what = quoted(next((word for word in rest if word != QUOTE), '"'))
        text = f"multipathd ignores the line from {what} on"
        if "}" in rest:
            text += ", including the }: it must be on a line of its own"
        elif used == 2 and words[1] != "{":
            text += ": put a value of several words in quotes"
        self.problem(line, Code.TRAILING_WORDS, text)

    # --- sections ---

    def section_line(self, line: int, name: str, words: tuple[str, ...]) -> None:
        """A line that multipath-tools takes for the first of a section whether or not a ``{`` follows."""
        if words[1:2] != ("{",):
            self.problem(line, Code.MISSING_OPEN_BRACE, f"{name} is a section: a {{ must follow on the same line")
        else:
            self.rest_of_line(line, words, 2)
        self.opened(line, name, words)

    def lenient_section_line(self, line: int, name: str, words: tuple[str, ...]) -> None:
        """The first line of overrides or protocol, which multipath-tools takes for a keyword at first."""
        text = f"{name} is a section: a {{ must follow on the same line"
        if len(words) == 1:
            self.problem(line, Code.MISSING_OPEN_BRACE, f"{text}; multipathd skips this line")
            return
        if words[1] != "{":
            self.problem(line, Code.MISSING_OPEN_BRACE, text)
        self.value(line, name, words)
        self.opened(line, name, words)

    def opened(self, line: int, name: str, words: tuple[str, ...]) -> None:
        frame = self.frames[-1]
        self.note_forgotten_braces(line, name)
        if name in SUBSECTIONS[frame.place]:
            if not frame.place and name in frame.seen:
                self.problem(
                    line, Code.DUPLICATE_SECTION, f"{name} is above, too: multipathd reads both, one after the other"
                )
            frame.seen.add(name)
            self.frames.append(_Frame(f"{frame.place}/{name}".lstrip("/"), line))
        else:
            self.unknown_section(line, name)
        if "}" not in words:
            self.meant.append(_Brace(name, line))

    def unknown_section(self, line: int, name: str) -> None:
        place = self.frames[-1].name
        modern = f" ({REMOVED[name]})" if name in REMOVED else ""
        if place:
            self.problem(
                line,
                Code.UNKNOWN_SUBSECTION,
                f"{place} has no subsection {quoted(name)}{modern}: multipathd takes its lines, and its }}, for those "
                f"of {place}",
            )
        else:
            self.problem(
                line, Code.UNKNOWN_SECTION, f"there is no section {quoted(name)}{modern}: multipathd skips its lines"
            )

    def note_forgotten_braces(self, line: int, name: str) -> None:
        """A section that can't be in another one shows that the author considered all others closed."""
        if name in SECTIONS:
            forgotten, self.meant = self.meant, []
        elif self.meant and self.meant[-1].name == name:
            forgotten = [self.meant.pop()]
        else:
            return
        for brace in forgotten:
            self.problem(
                brace.line,
                Code.MISSING_CLOSE_BRACE,
                f"{quoted(brace.name)} is not closed before {quoted(name)} begins in line {line}: multipathd takes "
                "that for a part of it",
                about=brace.name,
            )

    def closing_brace(self, line: int) -> None:
        if self.meant:
            self.meant.pop()
        if len(self.frames) > 1:
            self.close()
        else:
            self.problem(line, Code.STRAY_CLOSE_BRACE, "no section is open: multipathd ignores this }")

    def close(self) -> None:
        frame = self.frames.pop()
        given = {setting.keyword for setting in frame.settings}
        missing = [keyword for keyword in NEEDED.get(frame.place, ()) if keyword not in given]
        if missing:
            self.problem(
                frame.line,
                Code.INCOMPLETE_SECTION,
                f"this {frame.name} has no {' and no '.join(missing)}: multipathd drops it",
                about=frame.name,
            )
        section = Section(frame.name, self.file, frame.line, tuple(frame.settings), tuple(frame.children))
        self.frames[-1].children.append(section)

    # --- keywords ---

    def certain(self, since: Version) -> bool:
        """Whether what is so since a version is so in the one that is read for, even if that is not known."""
        return since <= self.at_least

    @property
    def who(self) -> str:
        return f"{self.about} ignore" if self.about else "multipathd ignores"

    def keyword_line(self, line: int, name: str, words: tuple[str, ...]) -> None:
        if words[1:2] == ("{",) and lookup(self.frames[-1].place, name) is None:
            self.rest_of_line(line, words, 2)
            self.opened(line, name, words)
            return
        value = self.value(line, name, words)
        if value is None:
            return
        self.lint_regex(line, name, value)
        keyword = lookup(self.frames[-1].place, name)
        if keyword is None:
            self.unknown_keyword(line, name)
        elif keyword.since > self.version:
            self.problem(
                line,
                Code.TOO_NEW_KEYWORD,
                f"{name} exists since multipath-tools {spelled(keyword.since)}: {spelled(self.version)} ignores it",
            )
        else:
            self.setting(line, name, keyword, value)

    def value(self, line: int, name: str, words: tuple[str, ...]) -> str | None:
        """The value of a line (set_value()), ``None`` if there is none."""
        if len(words) == 1:
            self.problem(line, Code.MISSING_VALUE, f"{quoted(name)} has no value: multipathd skips this line")
            return None
        if words[1] != QUOTE:
            if self.printed:
                # uid_attrs is printed without quotes (snprint_uid_attrs() in dict.c).
                return " ".join(words[1:])
            self.rest_of_line(line, words, 2)
            return words[1]
        closing = 2 if words[2:3] in ((), (QUOTE,)) else 3
        if len(words) <= closing:
            self.problem(
                line, Code.OPEN_QUOTE, "the quotes are not closed: multipathd ends the value at the end of the line"
            )
        self.rest_of_line(line, words, closing + 1)
        return words[2] if closing == 3 else ""

    def unknown_keyword(self, line: int, name: str) -> None:
        if len(self.problems) > MAX_PROBLEMS:
            return  # a file with so many has one in each line: their texts would take most of the time
        frame = self.frames[-1]
        if name in REMOVED:
            self.problem(line, Code.REMOVED_KEYWORD, f"{name} no longer exists, so {self.who} it: {REMOVED[name]}")
            return
        places = [place.replace("/", " ") for place in homes(name)]
        home = f" (it belongs in {' or '.join(places[:MAX_SHOWN_HOMES])})" if places else ""
        if frame.place:
            self.problem(line, Code.UNKNOWN_KEYWORD, f"{frame.name} has no keyword {quoted(name)}{home}: {self.who} it")
        else:
            self.problem(
                line, Code.OUTSIDE_SECTION, f"{quoted(name)} is outside all sections{home}: multipathd ignores it"
            )

    def setting(self, line: int, name: str, keyword: Keyword, value: str) -> None:
        frame = self.frames[-1]
        if keyword.unique and name in frame.seen:
            self.problem(
                line, Code.DUPLICATE_KEYWORD, f"{name} is set twice in this {frame.name}: the later value counts"
            )
        frame.seen.add(name)
        if keyword.ignored is not None and self.certain(keyword.ignored):
            newer = self.about and keyword.ignored > COMPARED
            who = f"multipath-tools {spelled(keyword.ignored)} and later ignore" if newer else self.who
            self.problem(line, Code.IGNORED_KEYWORD, f"{who} {name}: {keyword.modern}")
            return
        if keyword.deprecated is not None:
            self.problem(line, Code.DEPRECATED_KEYWORD, f"{name} is deprecated: {keyword.modern}")
        reading = keyword.read(value, self.version)
        if reading.code is not None and self.certain(reading.since or OLDEST):
            text = f"{name} {quoted(value)}: {reading.advice}"
            if self.about and reading.code is Code.BAD_VALUE:
                text += f" ({self.about})"
            self.problem(line, reading.code, text, fatal=name == "reservation_key")
        frame.settings.append(Setting(name, value, self.file, line))

    def lint_regex(self, line: int, name: str, value: str) -> None:
        """Check an expression where the author meant it to be, even if multipath-tools does not read it there."""
        place = self.frames[-1].place
        keyword = lookup(place, name)
        read = keyword is not None
        if keyword is None and self.meant and self.meant[-1].name in SECTIONS:
            place = self.meant[-1].name
            keyword = lookup(place, name)
        if keyword is None or not keyword.regex:
            return
        refused = place in _FATAL_REGEX
        expression = expression_of(value)[1] if refused or name == "product_blacklist" else value
        try:
            odd = ere.compiled(expression).odd
        except ere.InvalidError as error:
            fatal = refused and read
            outcome = "" if fatal else ", so it matches nothing"
            text = f"{quoted(value)} is not a regular expression ({error}){outcome}"
            self.problem(line, Code.BAD_REGEX, text, fatal=fatal)
        except ere.UnsupportedError as error:
            self.problem(line, Code.UNSUPPORTED_REGEX, f"mpathd-watch cannot match {quoted(value)}: {error}")
        else:
            if odd:
                self.problem(
                    line,
                    Code.ODD_REGEX,
                    f"{quoted(value)} has a [ inside [ ], and the set ends at the first ]: write one pair of brackets",
                )
