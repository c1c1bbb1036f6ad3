"""Text from outside made harmless, and durations as people say them."""

from __future__ import annotations

import re
import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.model import text as module
from mpathd_watch.core.model.text import MAX_TEXT, clean, duration, plural, quoted


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("mpio", "mpio"),
        (b"mpio\n", "mpio"),
        ("  two words\t", "two words"),
        ("", ""),
        (b"\n", ""),
        ("a\nb", "a\\x0ab"),
        ("a\r\tb\0", "a\\x0d\\x09b\\x00"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("q\"uo'te", "q\"uo'te"),
        ("\\x20 stays", "\\x20 stays"),
        ("café", "café"),
        (b"caf\xe9", "caf\\xe9"),
        (b"\xff\xfe", "\\xff\\xfe"),
        ("\udcff", "\\xff"),
        ("\ud800", "\\xed\\xa0\\x80"),
        ("\u2028line", "line"),
        ("a\u2028b", "a\\xe2\\x80\\xa8b"),
        ("a\u202eb", "a\\xe2\\x80\\xaeb"),
        ("a\u00a0b", "a\\xc2\\xa0b"),
    ],
)
def test_text_is_made_harmless_and_stays_readable(raw: bytes | str, text: str) -> None:
    assert clean(raw) == text


@settings(deadline=None)
@given(st.text(st.characters(), max_size=50) | st.binary(max_size=50))
def test_whatever_comes_in_one_printable_line_of_utf_8_comes_out(raw: bytes | str) -> None:
    text = clean(raw)
    assert text.isprintable()
    assert text.encode("utf-8").decode("utf-8") == text
    assert text == text.strip()
    assert clean(text) == text


@settings(deadline=None)
@given(st.text(st.characters(blacklist_categories=("C", "Z")), max_size=50))
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == clean(text.encode("utf-8")) == text


@settings(deadline=None)
@given(st.text(st.sampled_from("a\n\udcff \u202e"), max_size=20))
def test_text_is_never_longer_than_allowed(raw: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_TEXT", 10)
        text = clean(raw)
        assert len(text) <= 10
        assert text.isprintable()
        assert text == text.strip()
        assert clean(text) == text


def test_a_megabyte_becomes_the_beginning_of_it() -> None:
    assert clean("x" * 1_000_000) == "x" * MAX_TEXT


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (0.04, "0.0 s"),
        (5.06, "5.1 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (60, "1 min 0 s"),
        (131, "2 min 11 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 0 min"),
        (3840, "1 h 4 min"),
        (86399, "23 h 59 min"),
        (86400, "1 d 0 h"),
        (266400, "3 d 2 h"),
        (1e9, "11574 d 1 h"),
    ],
)
def test_durations_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@settings(deadline=None)
@given(st.floats(0, 1e9))
def test_a_duration_says_about_what_it_is(seconds: float) -> None:
    sizes = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
    parts = re.findall(r"([\d.]+) (\w+)", duration(seconds))
    assert 1 <= len(parts) <= 2
    assert sum(float(number) * sizes[unit] for number, unit in parts) == pytest.approx(
        seconds, abs=0.51 + 0.5 * sizes[parts[-1][1]] if len(parts) == 1 else 0.51 + sizes[parts[-1][1]]
    )


def test_plurals() -> None:
    assert [plural(count, "path") for count in (0, 1, 2)] == ["0 paths", "1 path", "2 paths"]


@given(st.text(min_size=1))
def test_a_quoted_name_is_one_word_of_a_shell(name: str) -> None:
    assert shlex.split(f"forget --map {quoted(clean(name))} --path x") == [
        "forget",
        "--map",
        clean(name),
        "--path",
        "x",
    ]
