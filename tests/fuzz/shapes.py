"""Inputs of 64 KiB that have led many a parser to quadratic time: repetition, nesting, long lines, many short ones."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, pairwise

from tests.fuzz.target import Target

SIZE = 1 << 16
"""Bytes of each input."""
_SINGLE = b"\n \t{}[]()<>\"'#!=:;,|/\\.-+*%&?@_0a\0\r\xff\x1b\x1e"
_PAIRS = (
    b"a\n",
    b"a ",
    b"a=b\n",
    b" \n",
    b"a\0",
    b"a,",
    b"a:1\n",
    b"\r\n",
    b"a\r\n",
    b'""',
    b"\xc3\xa9",
    b"/a",
    b"\\x",
)


def usual(target: Target) -> Iterator[tuple[str, bytes]]:
    """Those shapes that cost most, each with a name: what `make test` tries."""
    for part in (*(bytes((byte,)) for byte in _SINGLE), *_PAIRS):
        yield f"only {part!r}", _filled(part)
    for word in target.words:
        yield f"{word[:40]!r} in lines", _filled(word + b"\n")
        yield f"{word[:40]!r} with blanks between", _filled(word + b" " * 200)
    for opener in target.openers:
        yield f"nested {opener!r}", _filled(opener)
        for depth in (300, 900, 960, 990):
            yield f"{depth} times {opener!r}", opener * depth
    for number, seed in enumerate(target.seeds()):
        yield f"seed {number} with other numbers", _numbered(seed)
    for one, two in pairwise(target.words):
        yield _headed(one, two)


def shapes(target: Target) -> Iterator[tuple[str, bytes]]:
    """Each shape with a name."""
    yield from usual(target)
    for word in target.words:
        yield f"only {word[:40]!r}", _filled(word)
        for what, filler in (("a long line", b"a"), ("many digits", b"1"), ("many blanks", b" ")):
            yield f"{word[:40]!r} and {what}", (word + filler * SIZE)[:SIZE]
    for number, seed in enumerate(target.seeds()):
        yield f"seed {number} again and again", _filled(seed)
        yield f"seed {number} and a long end", (seed + b"a" * SIZE)[:SIZE]
        yield f"the middle of seed {number}", _filled(seed[len(seed) // 3 : 2 * len(seed) // 3] or b"\n")
        for line in dict.fromkeys(seed.splitlines(keepends=True)[:12]):
            yield f"{line[:60]!r} again and again", _filled(line)
            yield f"{line[:60]!r} with other numbers", _numbered(line)
    words = target.words[:16]
    for one in words:
        yield from (_headed(one, two) for two in words if one is not two)


def _headed(head: bytes, part: bytes) -> tuple[str, bytes]:
    return f"{head[:30]!r} and many {part[:30]!r}", (head + part * (SIZE // len(part)))[:SIZE]


def _filled(part: bytes) -> bytes:
    return (part * (SIZE // len(part) + 1))[:SIZE]


def _numbered(part: bytes) -> bytes:
    """The part again and again, each time with another number in place of its digits: nothing occurs twice."""
    result = bytearray()
    for number in count():
        if len(result) >= SIZE:
            return bytes(result[:SIZE])
        digits = str(number).encode()
        result += b"".join(digits if byte in b"0123456789" else bytes((byte,)) for byte in part[:SIZE]) + digits
    raise AssertionError
