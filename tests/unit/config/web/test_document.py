"""YAML that means harm, or is none: refused by name, and soon."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.config.web import document
from mpathd_watch.config.web.document import MOST_BYTES, read
from mpathd_watch.config.web.model import WebConfigError
from mpathd_watch.config.web.tree import Items, Node, Scalar, Table

SOON = 0.5
"""Seconds of processor time for 64 KiB, on a busy machine; it is a tenth of that otherwise."""
LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(9)
)


def fault(content: bytes) -> str:
    began = time.process_time()
    with pytest.raises(WebConfigError) as caught:
        read(content)
    assert time.process_time() - began < SOON
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LAUGHS, "line 1: anchors and aliases (& and *) are not allowed"),
        ("a: *b\n", "anchors and aliases"),
        ("a: &b\n  c: d\n", "anchors and aliases"),
        ("a: !!python/object/apply:os.system [x]\n", "tags (!) are not allowed"),
        ("!x a: b\n", "tags (!) are not allowed"),
        ("a: 1\na: 2\n", "line 2: the key 'a' is there twice"),
        ("a: 1\n'a': 2\n", "line 2: the key 'a' is there twice"),
        ("a:\n\tb: c\n", "line 2: not YAML: found character '\\t' that cannot start any token"),
        ("a: 1\n--- \nb: 2\n", "line 2: a second document begins"),
        ("? [a]\n: b\n", "line 1: a key must be a text"),
        ("a: [b\n", "not YAML: "),
        ("a: \x01\n", "not YAML: "),
        ("[" * 9 + "]" * 9, "line 1: nested too deeply"),
        ("a\x00b: c\n", "not YAML: "),
    ],
)
def test_what_is_not_allowed(text: str, expected: str) -> None:
    assert expected in fault(text.encode())


def test_what_is_not_utf_8() -> None:
    assert fault(b"a: \xff\n") == "not UTF-8 at byte 3"


def test_ten_megabytes_are_not_even_looked_at() -> None:
    began = time.process_time()
    assert "more than 64 KiB" in fault(b"a: b\n" * 2_000_000)
    assert time.process_time() - began < 0.1


@pytest.mark.parametrize("end", ["\n", "\r", "\u2028"])
def test_too_many_lines(end: str) -> None:
    assert fault(f"a{end}".encode() * 4097) == "more than 4096 lines"
    assert read(f"a{end}".encode() * 4096) is not None


@pytest.mark.parametrize(
    "text",
    [
        "a: b\n" * 4096,
        "".join(f"a{number}: b\n" for number in range(4000)),
        "[" * MOST_BYTES,
        "{" * MOST_BYTES,
        "{a: " * (MOST_BYTES // 4),
        "- " * (MOST_BYTES // 2),
        "? " * (MOST_BYTES // 2),
        "a: [" + "b, " * (MOST_BYTES // 4) + "]",
        "a: " + "[]," * (MOST_BYTES // 4),
        "a: " + "&b " * (MOST_BYTES // 4),
        "a: '" + "''" * (MOST_BYTES // 2 - 9),
        'a: "' + "\\x" * (MOST_BYTES // 2 - 9),
        "%" * MOST_BYTES,
        "a:\n" + " \n" * (MOST_BYTES // 3),
        "\t" * MOST_BYTES,
    ],
)
def test_64_kib_that_mean_harm_cost_little(text: str) -> None:
    content = text.encode()[:MOST_BYTES]
    began = time.process_time()
    assert is_read_or_refused_in_one_line(content)
    assert time.process_time() - began < SOON


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text("ab:-[]{}&*!|>'\"#%@,?~ \n\t", max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused_in_one_line(content: bytes) -> None:
    assert is_read_or_refused_in_one_line(content)


def is_read_or_refused_in_one_line(content: bytes) -> bool:
    try:
        read(content)
    except WebConfigError as error:
        return str(error).isprintable()
    return True


WORDS = st.text("abc:#-' \u00e9\n\\\"", max_size=8)
TREES = st.recursive(
    WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=6
)


@settings(deadline=None)
@given(TREES)
def test_what_json_can_say_is_read_as_it_was_meant(meant: object) -> None:
    """JSON is YAML, but for a few characters."""
    if depth(meant) < document.MOST_DEPTH:
        found = read(written(meant).encode())
        assert found is not None
        assert plain(found) == meant


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=1)
    return 1 + max(map(depth, value), default=1) if isinstance(value, list) else 1


def written(value: object) -> str:
    quoted: Callable[[str], str] = lambda text: '"' + text.translate({34: '\\"', 92: "\\\\", 10: "\\n"}) + '"'  # noqa: E731
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)}: {written(each)}" for key, each in value.items()) + "}"
    return "[" + ", ".join(map(written, value)) + "]" if isinstance(value, list) else quoted(str(value))


def plain(node: Node) -> object:
    match node:
        case Scalar(text=text):
            return text
        case Items(items=items):
            return [plain(each) for each in items]
        case Table(entries=entries):
            return {key: plain(each) for key, each in entries.items()}


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "yaml", None)
    assert "install Debian's package python3-yaml" in fault(b"a: b\n")
