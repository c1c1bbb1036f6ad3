r"""POSIX extended regular expressions as glibc's regcomp() takes them in the C locale, matched in linear time.

A configuration file may contain any expression. Python's ``re`` backtracks and has another grammar, so it is not used:
here an expression becomes a non-deterministic automaton that looks at each byte once for each of its states. Compared
with glibc 2.36, the same expressions are refused and the same texts match. Back-references (``\1``), which no automaton
of this kind can match, and very large expressions raise ``UnsupportedError``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from mpathd_watch.core.formats.multipath_conf.lines import encoded
from mpathd_watch.immutable import immutable

MAX_STATES = 2048
"""Steps to build an automaton: more than the longest expression without counts on one line needs."""

COUNTED_STATES = 128
"""Steps beyond two for each byte of the expression, which only counts as in ``.{40}`` make: names are short."""

MAX_DEPTH = 40
"""Groups inside each other."""

MAX_REPETITIONS = 3
"""Repetitions of one atom, as in ``a*?``: more than one adds nothing."""

MAX_TEXT = 1024
"""Bytes of a text that are looked at; names, WWIDs and INQUIRY strings are far shorter."""

MAX_COUNT = 32767
_MOST_DIGITS = 6
"""Digits of a count that are read: with so many it is too large already."""

_ALL = (1 << 256) - 1


class InvalidError(ValueError):
    """An expression that regcomp() refuses; the message is the reason."""


class UnsupportedError(ValueError):
    """An expression that regcomp() accepts and this module does not; the message is the reason."""


def _mask(*ranges: str) -> int:
    bits = 0
    for first_last in ranges:
        for code in range(ord(first_last[0]), ord(first_last[-1]) + 1):
            bits |= 1 << code
    return bits


_PLAIN = re.compile(rb"[^]\\\[().*+?{}^$|]*")
"""An expression without a character that means something: a WWID, for example."""
_WORD = _mask("az", "AZ", "09", "_")
_SPACE = _mask(" ", "\t\r")
_PUNCT = _mask("!/", ":@", "[`", "{~")
_CLASSES = {
    b"alpha": _mask("az", "AZ"),
    b"digit": _mask("09"),
    b"alnum": _mask("az", "AZ", "09"),
    b"upper": _mask("AZ"),
    b"lower": _mask("az"),
    b"space": _SPACE,
    b"blank": _mask(" ", "\t"),
    b"punct": _PUNCT,
    b"print": _mask(" ~"),
    b"graph": _mask("!~"),
    b"cntrl": _mask("\x00\x1f", "\x7f"),
    b"xdigit": _mask("09", "af", "AF"),
}
_ESCAPED_SETS = {ord("w"): _WORD, ord("W"): _ALL & ~_WORD, ord("s"): _SPACE, ord("S"): _ALL & ~_SPACE}
_ESCAPED_ANCHORS = {ord(letter): letter for letter in "bB<>`'"}


# --- the expression as a tree -----------------------------------------------------------------------------------------


@immutable
class _Set:
    mask: int


@immutable
class _Anchor:
    kind: str


@immutable
class _Sequence:
    parts: tuple[_Node, ...] = ()


@immutable
class _Choice:
    branches: tuple[_Node, ...]


@immutable
class _Repeat:
    node: _Node
    least: int
    most: int | None


_Node = _Set | _Anchor | _Sequence | _Choice | _Repeat


@dataclass(slots=True)
class _Parser:
    """A recursive-descent parser over the bytes of one expression."""

    raw: bytes
    at: int = 0
    depth: int = 0
    closed_groups: int = 0
    nested_bracket: bool = False
    odd: bool = False

    def peek(self) -> int | None:
        return self.raw[self.at] if self.at < len(self.raw) else None

    def choice(self) -> _Node:
        branches = [self.branch()]
        while self.peek() == ord("|"):
            self.at += 1
            branches.append(self.branch())
        return branches[0] if len(branches) == 1 else _Choice(tuple(branches))

    def branch(self) -> _Node:
        parts: list[_Node] = []
        while (byte := self.peek()) is not None and byte != ord("|") and (byte != ord(")") or not self.depth):
            parts.append(self.piece())
        return _Sequence(tuple(parts))

    def piece(self) -> _Node:
        node = self.atom()
        if isinstance(node, _Anchor):
            # In glibc no repetition may follow an anchor: it refuses the next piece, which begins with one.
            return node
        repetitions = 0
        while (byte := self.peek()) is not None and byte in b"*+?{":
            self.at += 1
            repetitions += 1
            if repetitions > MAX_REPETITIONS:
                raise UnsupportedError("it repeats a repetition too often")
            least, most = self.interval() if byte == ord("{") else {42: (0, None), 43: (1, None), 63: (0, 1)}[byte]
            node = _Repeat(node, least, most)
        return node

    def interval(self) -> tuple[int, int | None]:
        end = self.raw.find(b"}", self.at)
        inside = self.raw[self.at : end]
        low, comma, high = inside.partition(b",")
        digits = all(48 <= byte <= 57 for byte in low + high)
        low, high = (part.lstrip(b"0")[:_MOST_DIGITS] or part[:1] for part in (low, high))
        if end < 0 or not digits or not (low or comma):
            raise InvalidError("a { without a count: write \\{ for the character")
        self.at = end + 1
        least = int(low or b"0")
        most = (int(high) if high else None) if comma else least
        if max(least, most or 0) > MAX_COUNT or (most is not None and least > most):
            raise InvalidError("a count that is too large, or whose limits are reversed")
        return least, most

    def atom(self) -> _Node:
        byte = self.raw[self.at]
        self.at += 1
        if byte in b"*+?{":
            raise InvalidError(f"{chr(byte)} has nothing before it to repeat")
        if byte == ord("("):
            return self.group()
        if byte == ord("["):
            return _Set(self.bracket())
        if byte == ord("\\"):
            return self.escape()
        if byte in b"^$":
            return _Anchor(chr(byte))
        if byte == ord("."):
            return _Set(_ALL)
        self.odd |= byte == ord("]") and self.nested_bracket
        return _Set(1 << byte)

    def group(self) -> _Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UnsupportedError("it is nested too deeply")
        node = self.choice()
        if self.peek() is None:
            raise InvalidError("a ( is not closed")
        self.at += 1
        self.depth -= 1
        self.closed_groups += 1
        # An anchor in a group may be repeated, so the group must not look like one.
        return _Sequence((node,))

    def escape(self) -> _Node:
        byte = self.peek()
        if byte is None:
            raise InvalidError("it ends with a backslash")
        self.at += 1
        if 49 <= byte <= 57:
            if byte - 48 > self.closed_groups:
                raise InvalidError("a back-reference to a group that does not precede it")
            raise UnsupportedError("back-references are not matched here")
        if byte in _ESCAPED_SETS:
            return _Set(_ESCAPED_SETS[byte])
        if byte in _ESCAPED_ANCHORS:
            return _Anchor(_ESCAPED_ANCHORS[byte])
        return _Set(1 << byte)

    # --- bracket expressions ---

    def bracket(self) -> int:
        negated = self.peek() == ord("^")
        self.at += negated
        mask, first = 0, True
        while first or self.peek() != ord("]"):
            mask |= self.bracket_part(first=first)
            first = False
        self.at += 1
        return _ALL & ~mask if negated else mask

    def bracket_part(self, *, first: bool) -> int:
        if self.peek() == ord("-") and not first and self.raw[self.at + 1 : self.at + 2] != b"]":
            raise InvalidError("a - in [ ] that is neither first, nor last, nor a range")
        low, mask = self.element()
        if self.peek() != ord("-") or low is None or self.raw[self.at + 1 : self.at + 2] == b"]":
            return mask
        self.at += 1
        high, _ = self.element()
        if high is None or low > high:
            raise InvalidError("a range in [ ] whose end is before its beginning")
        return (1 << high + 1) - (1 << low)

    def element(self) -> tuple[int | None, int]:
        """One byte of a bracket expression and its mask, or no byte and the mask of a class."""
        byte = self.peek()
        if byte is None:
            raise InvalidError("a [ is not closed")
        self.at += 1
        kind = self.peek()
        if byte != ord("[") or kind is None or kind not in b":.=":
            self.nested_bracket |= byte == ord("[")
            return byte, 1 << byte
        end = self.raw.find(bytes((kind, ord("]"))), self.at + 1)
        if end < 0:
            raise InvalidError("a [ is not closed")
        name = self.raw[self.at + 1 : end]
        self.at = end + 2
        if kind == ord(":"):
            if name not in _CLASSES:
                raise InvalidError("an unknown class in [: :]")
            return None, _CLASSES[name]
        if len(name) != 1:
            raise InvalidError("a collating element that the C locale does not know")
        return (name[0] if kind == ord(".") else None), 1 << name[0]


# --- the automaton ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Machine:
    """States by number: each has a byte mask, an anchor's kind or nothing, and the states that follow."""

    tests: list[int | str | None] = field(default_factory=list)
    nexts: list[tuple[int, ...]] = field(default_factory=list)

    def state(self, test: int | str | None, *nexts: int) -> int:
        self.tests.append(test)
        self.nexts.append(nexts)
        return len(self.tests) - 1

    def build(self, node: _Node, then: int) -> int:
        """Add the states of ``node``, which continue with the state ``then``; returns the first of them."""
        match node:
            case _Set(mask):
                return self.state(mask, then)
            case _Anchor(kind):
                return self.state(kind, then)
            case _Sequence(parts):
                for part in reversed(parts):
                    then = self.build(part, then)
                return then
            case _Choice(branches):
                return self.state(None, *[self.build(branch, then) for branch in branches])
            case _:
                return self.repeat(node.node, node.least, node.most, then)

    def repeat(self, inner: _Node, least: int, most: int | None, then: int) -> int:
        if most is None:
            loop = self.state(None)
            self.nexts[loop] = (self.build(inner, loop), then)
            then = loop
        else:
            for _ in range(most - least):
                then = self.state(None, self.build(inner, then), then)
        for _ in range(least):
            then = self.build(inner, then)
        return then


def _steps(node: _Node) -> int:
    """How many steps it takes to build the automaton of ``node``."""
    match node:
        case _Set() | _Anchor():
            return 1
        case _Sequence(parts):
            return 1 + sum(map(_steps, parts))
        case _Choice(branches):
            return 1 + sum(map(_steps, branches))
        case _:
            return 1 + _steps(node.node) * (node.least + 1 if node.most is None else node.most)


def _needed(node: _Node) -> bytes:
    """The longest text that is in whatever ``node`` matches, as far as its bytes follow each other at the top."""
    best, run = b"", b""
    for part in node.parts if isinstance(node, _Sequence) else (node,):
        single = isinstance(part, _Set) and part.mask.bit_count() == 1
        run = run + bytes((part.mask.bit_length() - 1,)) if single and isinstance(part, _Set) else b""
        best = max(best, run, key=len)
    return best


@immutable
class Regex:
    """A compiled expression; ``odd`` if its author probably meant another one (a ``[`` inside ``[ ]``).

    What does not hold the text ``needed`` does not match; without a ``tree`` that is all. The automaton is built when
    it is first used, because most expressions of a blacklist are never asked about a text that has it.
    """

    tree: _Node | None
    odd: bool
    needed: bytes
    built: list[_Automaton] = field(default_factory=list, compare=False, repr=False)

    @property
    def automaton(self) -> _Automaton:
        """The automaton of the expression."""
        if not self.built:
            machine = _Machine()
            matched = machine.state(None)
            start = machine.build(self.tree or _Sequence(), matched)
            self.built.append(_Automaton(tuple(machine.tests), tuple(machine.nexts), start))
        return self.built[0]

    def search(self, text: str) -> bool:
        """Whether the expression matches anywhere in ``text`` (its first ``MAX_TEXT`` bytes)."""
        raw = encoded(text)[:MAX_TEXT]
        return self.needed in raw and (self.tree is None or self.automaton.search(raw))


@immutable
class _Automaton:
    """The states of an expression, see ``_Machine``."""

    tests: tuple[int | str | None, ...]
    nexts: tuple[tuple[int, ...], ...]
    start: int

    def search(self, raw: bytes) -> bool:
        """Whether it matches anywhere. Takes at most (bytes + 1) x (states and their branches) steps."""
        alive: tuple[int, ...] = ()
        for at in range(len(raw) + 1):
            before = raw[at - 1] if at else None
            after = raw[at] if at < len(raw) else None
            consuming = self.closure((*alive, self.start), before, after)
            if 0 in consuming:
                return True
            if after is not None:
                alive = tuple(self.nexts[state][0] for state in consuming if self.consumes(state, after))
        return False

    def consumes(self, state: int, byte: int) -> bool:
        """Whether ``state``, one that takes a byte, takes this one."""
        mask = self.tests[state]
        return isinstance(mask, int) and bool(mask >> byte & 1)

    def closure(self, states: tuple[int, ...], before: int | None, after: int | None) -> set[int]:
        """The byte-taking states, and 0 for "matched", that are reached between the bytes ``before`` and ``after``."""
        seen: set[int] = set()
        reached: set[int] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state in seen:
                continue
            seen.add(state)
            test = self.tests[state]
            if state == 0 or isinstance(test, int):
                reached.add(state)
            elif test is None or _holds(test, before, after):
                waiting.extend(self.nexts[state])
        return reached


def _holds(anchor: str, before: int | None, after: int | None) -> bool:
    in_word = before is not None and bool(_WORD >> before & 1)
    to_word = after is not None and bool(_WORD >> after & 1)
    match anchor:
        case "^" | "`":
            return before is None
        case "$" | "'":
            return after is None
        case "<":
            return to_word and not in_word
        case ">":
            return in_word and not to_word
        case "b":
            return in_word != to_word
        case _:
            return in_word == to_word


@lru_cache(maxsize=4096)
def compiled(expression: str) -> Regex:
    """The automaton for ``expression``.

    Raises ``InvalidError`` if regcomp() refuses it, and ``UnsupportedError`` if only this module does.
    """
    raw = encoded(expression)
    if _PLAIN.fullmatch(raw):
        return Regex(None, odd=False, needed=raw)
    parser = _Parser(raw)
    tree = parser.choice()
    if _steps(tree) > min(MAX_STATES, 2 * len(raw) + COUNTED_STATES):
        raise UnsupportedError("it is too large")
    return Regex(tree, parser.odd, _needed(tree))
