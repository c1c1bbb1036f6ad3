"""Expressions as regcomp() takes them: what matches, what is refused, and that none of them explodes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.formats.multipath_conf.ere import MAX_STATES, MAX_TEXT, InvalidError, UnsupportedError, compiled


@pytest.mark.parametrize(
    ("expression", "matching", "others"),
    [
        ("", ["", "x"], []),
        ("sd", ["sda", "xsd"], ["s", ""]),
        ("^sd[a-z]", ["sda"], ["sd1", "xsda"]),
        ("a$", ["ba"], ["ab"]),
        ("^$", [""], ["a"]),
        ("a^b", [], ["ab", "a^b"]),
        ("^(ram|raw|loop|fd|md|dm-|sr|scd|st)[0-9]*", ["ram0", "dm-1", "st"], ["sda", "xram"]),
        ("^hd[a-z][[0-9]*]", ["hda[0]", "hda]", "hda12]"], ["hda", "hda1"]),
        ("a|b|", ["", "b"], []),
        ("(a|)b", ["b", "ab"], ["a"]),
        ("()", ["", "a"], []),
        ("^(ab)+$", ["ab", "abab"], ["", "aba"]),
        ("^a?b$", ["b", "ab"], ["aab"]),
        ("^a{2}$", ["aa"], ["a", "aaa"]),
        ("^a{2,}$", ["aa", "aaaa"], ["a"]),
        ("^a{1,2}$", ["a", "aa"], ["", "aaa"]),
        ("^a{,1}$", ["", "a"], ["aa"]),
        ("^a{,}$", ["", "aa"], ["b"]),
        ("^a**$", ["", "aa"], ["b"]),
        ("^.$", ["a", "\n"], ["", "ab"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[^]a]", ["b"], ["]", "a"]),
        ("^[a-]$", ["a", "-"], ["b"]),
        ("^[-a]$", ["a", "-"], ["b"]),
        ("^[a-c]$", ["b"], ["d", "-"]),
        ("^[[:digit:][:space:]x]$", ["1", " ", "x"], ["a"]),
        ("^[[.a.]-c]$", ["b"], ["d"]),
        ("^[[=a=]]$", ["a"], ["b"]),
        ("^[[a]$", ["[", "a"], ["]"]),
        (r"\.", ["."], ["a"]),
        (r"^\w\W\s\S$", ["a- b"], ["aa b"]),
        (r"\bab\b", ["x ab y", "ab"], ["xab", "abx"]),
        (r"a\Bb", ["ab"], ["a b"]),
        (r"\<a\>", ["x a"], ["ab", "ba"]),
        (r"\`a\'", ["a"], ["ab", "ba"]),
        ("a)", ["a)"], ["a"]),
        ("}", ["}"], [""]),
        ("é", ["é"], ["e"]),
        ("^..$", ["é"], ["e"]),
    ],
)
def test_it_matches_what_regexec_matches(expression: str, matching: list[str], others: list[str]) -> None:
    regex = compiled(expression)
    assert [text for text in matching if not regex.search(text)] == []
    assert [text for text in others if regex.search(text)] == []


@pytest.mark.parametrize(
    "expression",
    [
        "*a",
        "+",
        "?",
        "(*a)",
        "a|*b",
        "^*",
        "{1}",
        "a{",
        "a{x}",
        "a{1",
        "a{2,1}",
        "a{40000}",
        "a{,40000}",
        "(",
        "(a",
        "[",
        "[a",
        "[^",
        "[b-a]",
        "[a-c-e]",
        "[[:alpha:]-z]",
        "[a-[:digit:]]",
        "[[:bogus:]]",
        "[[.ab.]]",
        "[[=ab=]]",
        "[[:alpha",
        "[a-",
        "\\",
        r"a\1",
        "[]",
    ],
)
def test_it_refuses_what_regcomp_refuses(expression: str) -> None:
    with pytest.raises(InvalidError):
        compiled(expression)


@pytest.mark.parametrize(
    "expression", [r"(a)\1", "(" * 50 + ")" * 50, "a****", "(a{500}){500}", "a{32767}", "(){9999}"]
)
def test_it_leaves_out_what_can_not_be_matched_in_linear_time(expression: str) -> None:
    with pytest.raises(UnsupportedError):
        compiled(expression)


@pytest.mark.parametrize(
    ("expression", "odd"),
    [("[[0-9]*]", True), ("[[a]", False), ("]", False), ("[[:alpha:]]]", False), ("a[0-9]*", False)],
)
def test_brackets_in_brackets_are_odd(expression: str, odd: bool) -> None:
    assert compiled(expression).odd is odd


@pytest.mark.parametrize(
    "expression", ["(a*)*b", "(a|a)*b", "(a|aa)+$", "(.*)(.*)(.*)(.*)x", "^(([a-z])+.)+[A-Z]([a-z])+$"]
)
def test_what_makes_a_backtracking_matcher_hang_takes_a_bounded_number_of_steps(expression: str) -> None:
    regex = compiled(expression)
    assert len(regex.automaton.tests) < 40
    assert regex.search("a" * MAX_TEXT) is (expression == "(a|aa)+$")


def test_only_the_beginning_of_a_text_is_looked_at() -> None:
    assert compiled("b").search("a" * (MAX_TEXT - 1) + "b")
    assert not compiled("b").search("a" * MAX_TEXT + "b")


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=30), st.text("ab()|*+?{}[]^$\\-.:=12,", max_size=20)), st.text(max_size=10))
def test_any_expression_is_taken_refused_or_left_out(expression: str, text: str) -> None:
    try:
        regex = compiled(expression)
    except (InvalidError, UnsupportedError):
        return
    assert len(regex.automaton.tests) <= 2 * MAX_STATES
    assert regex.search(text) in (True, False)


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(blacklist_characters="\0"), min_size=1, max_size=20), st.text(max_size=5))
def test_an_escaped_text_finds_itself(text: str, around: str) -> None:
    escaped = "".join(f"[{c}]" if c in "*+?(){|." else f"\\{c}" if c in "[]^$\\" else c for c in text)
    assert compiled(escaped).search(around + text + around)


@pytest.mark.parametrize("count", ["{" + "9" * 5000 + "}", "{0," + "9" * 5000 + "}", "{" + "0" * 5000 + "99999}"])
def test_a_count_of_thousands_of_digits_is_only_a_count_that_is_too_large(count: str) -> None:
    with pytest.raises(InvalidError, match="too large"):
        compiled(f"a{count}")


def test_a_count_may_have_any_number_of_zeros_before_it() -> None:
    assert compiled(f"^a{{{'0' * 5000}2}}$").search("aa")
    assert compiled("^a{0,0}$").search("")


@pytest.mark.parametrize(
    "expression", [".{0,500}.{0,500}x", "((a{9}){9}){9}", "a{300}|b", "(a{200}){1,2}", "(a{150})+"]
)
def test_counts_that_make_an_expression_much_larger_than_its_text_are_not_matched(expression: str) -> None:
    # A file may have thousands of them.
    with pytest.raises(UnsupportedError, match="too large"):
        compiled(expression)


PARTS = ("a", "b", ".", "|", "(a|b)", "(ab)", "[ab]", "[b]", "*", "+", "{2}", "^", "$", "\\b", "()")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PARTS), max_size=6).map("".join), st.text("ab", max_size=9))
def test_what_is_seen_without_the_automaton_is_what_that_finds(expression: str, text: str) -> None:
    try:
        regex = compiled(expression)
        # A group hides what must be in the text.
        grouped = compiled(f"({expression})")
    except (InvalidError, UnsupportedError):
        return
    assert grouped.needed == b""
    assert regex.search(text) == grouped.search(text)


@pytest.mark.parametrize(
    ("expression", "needed"),
    [("3600a", b"3600a"), ("^sd", b"sd"), (".*abc(d)ef", b"abc"), ("a|b", b""), ("a[b]c?", b"ab")],
)
def test_what_must_be_in_a_text(expression: str, needed: bytes) -> None:
    assert compiled(expression).needed == needed
