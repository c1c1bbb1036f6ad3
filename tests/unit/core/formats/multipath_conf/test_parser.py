"""multipath.conf read line by line: what multipath-tools understands, and every kind of mistake with its line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.formats.multipath_conf import (
    NEWEST,
    UNCHECKED_INTERVAL,
    Code,
    Document,
    Problem,
    Section,
    Version,
    blacklist,
    merge,
    parse,
    parse_printed,
    resolver,
)
from mpathd_watch.core.formats.multipath_conf.lines import QUOTE, chunks, content, scanned, tokenize
from mpathd_watch.core.formats.multipath_conf.parser import MAX_PROBLEMS
from tests.golden import GOLDEN

CONF = GOLDEN / "conf"
DEBIAN_12: Version = (0, 9, 4)

LONGEST = 160
"""Characters of a problem's text: it becomes a finding's."""


def found(text: str, version: Version = NEWEST) -> list[tuple[int, Code]]:
    return [(problem.line, problem.code) for problem in parse(text, "m.conf", version).problems]


def only(text: str, version: Version = NEWEST) -> Problem:
    (problem,) = parse(text, "m.conf", version).problems
    return problem


def flat(document: Document) -> list[tuple[str, str, str]]:
    """Every setting, with the path of its section."""

    def walk(section: Section, place: str) -> list[tuple[str, str, str]]:
        here = f"{place}/{section.name}".lstrip("/")
        below = [entry for child in section.children for entry in walk(child, here)]
        return [(here, setting.keyword, setting.value) for setting in section.settings] + below

    return [entry for section in document.sections for entry in walk(section, "")]


# --- tokens -----------------------------------------------------------------------------------------------------------

Q = QUOTE


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", ()),
        (" \t\v\f\r", ()),
        ("# all", ()),
        ("! all", ()),
        ("a b", ("a", "b")),
        ("a b#c", ("a", "b")),
        ("a b!c", ("a", "b")),
        ('a "b#!c" # d', ("a", Q, "b#!c", Q)),
        ("defaults{", ("defaults", "{")),
        ("a{b}c", ("a", "{", "b", "}", "c")),
        ('a"b"c', ("a", Q, "b", Q, "c")),
        ('a ""', ("a", Q, Q)),
        ('a """"', ("a", Q, '"', Q)),
        ('a "b ""c"" d"', ("a", Q, 'b "c" d', Q)),
        ('a "b', ("a", Q, "b")),
        ('a "', ("a", Q)),
        ('a """', ("a", Q, '"')),
        ('a "b ""', ("a", Q, 'b "')),
        ('a " b "', ("a", Q, " b ", Q)),
        ('a "{}"', ("a", Q, "{}", Q)),
        ("aéb", ("a", "b")),
        ('a "é"', ("a", Q, "é", Q)),
        ("\u00a0a\u2003b", ("a", "b")),
    ],
)
def test_a_line_falls_into_the_tokens_that_multipath_tools_sees(line: str, words: tuple[str, ...]) -> None:
    assert tokenize(line).words == words


@pytest.mark.parametrize(
    ("line", "foreign"), [("a b", False), ('a "é"', False), ("a b # é", False), ("é a", True), ("a\u00a0b", True)]
)
def test_foreign_characters_count_only_outside_quotes_and_comments(line: str, foreign: bool) -> None:
    assert tokenize(line).foreign is foreign


@pytest.mark.parametrize(
    ("raw", "kept", "cut"),
    [
        ("a b\r", "a b", False),
        ("\r\ra b\r\r", "\r\ra b", False),
        ("a\rb", "a", True),
        ("a\0b", "a", True),
        ("\r", "\r", False),
        ("", "", False),
    ],
)
def test_a_line_ends_at_a_control_character(raw: str, kept: str, cut: bool) -> None:
    assert content(raw) == (kept, cut)


@pytest.mark.parametrize(
    ("text", "size", "expected"),
    [
        ("", 4, []),
        ("ab\n", 4, [(1, "ab", True, True)]),
        ("ab", 4, [(1, "ab", True, False)]),
        ("abc\nd\n", 4, [(1, "abc", True, True), (2, "d", True, True)]),
        ("abcd\n", 4, [(1, "abcd", True, False), (1, "", False, True)]),
        ("abcdefghi", 4, [(1, "abcd", True, False), (1, "efgh", False, False), (1, "i", False, False)]),
        ("\n\nx", 4, [(3, "x", True, False)]),
        ("éé\n", 4, [(1, "éé", True, False), (1, "", False, True)]),
        ("é\n", 2, [(1, "é", True, False), (1, "", False, True)]),
    ],
)
def test_a_line_that_does_not_fit_is_read_in_pieces(
    text: str, size: int, expected: list[tuple[int, str, bool, bool]]
) -> None:
    assert [(chunk.number, chunk.text, chunk.first, chunk.ended) for chunk in chunks(text, size)] == expected


def test_a_lone_surrogate_is_text_as_any_other() -> None:
    assert "".join(chunk.text for chunk in chunks("\ud800" * 9, 4)).encode("utf-8", "surrogateescape")


# --- what is understood -----------------------------------------------------------------------------------------------


def test_the_modern_file_has_nothing_wrong_with_it() -> None:
    document = parse((CONF / "multipath-modern.conf").read_text(), "m.conf")
    assert document.problems == ()
    assert ("overrides/protocol", "fast_io_fail_tmo", "20") in flat(document)
    assert ("blacklist/device", "product", "!^TARGET") in flat(document)
    assert ("multipaths/multipath", "alias", 'data "one"') in flat(document)
    (protocol,) = next(document.named("overrides")).children
    assert (protocol.file, protocol.line, protocol.settings[1].line) == ("m.conf", 45, 47)


def test_the_file_of_2009_has_its_problems_line_by_line() -> None:
    document = parse((CONF / "multipath-2009.conf").read_text(), "m.conf")
    assert [(problem.line, problem.code.value, problem.keyword) for problem in document.problems] == [
        (2, "missing_close_brace", "defaults"),
        (3, "removed_keyword", "udev_dir"),
        (4, "removed_keyword", "selector"),
        (6, "ignored_keyword", "getuid_callout"),
        (7, "removed_keyword", "prio_callout"),
        (8, "deprecated_value", "path_checker"),
        (9, "ignored_keyword", "rr_min_io"),
        (10, "ignored_keyword", "rr_weight"),
        (15, "unknown_subsection", "blacklist"),
        (15, "missing_close_brace", "blacklist"),
        (16, "unknown_keyword", "devnode"),
        (17, "odd_regex", "devnode"),
        (17, "unknown_keyword", "devnode"),
        (19, "unknown_subsection", "multipaths"),
        (19, "missing_close_brace", "multipaths"),
        (20, "unknown_subsection", "multipath"),
        (21, "unknown_keyword", "wwid"),
        (22, "unknown_keyword", "alias"),
    ]
    texts = {(problem.line, problem.code): problem.text for problem in document.problems}
    assert 'before "blacklist" begins in line 15' in texts[2, Code.MISSING_CLOSE_BRACE]
    assert "at the end of the file" in texts[19, Code.MISSING_CLOSE_BRACE]
    for line, modern in ((4, "path_selector"), (7, "write prio"), (3, "/dev")):
        assert modern in texts[line, Code.REMOVED_KEYWORD]
    assert "uid_attribute" in texts[6, Code.IGNORED_KEYWORD]
    assert "tur" in texts[8, Code.DEPRECATED_VALUE]
    assert "kernel 2.6.31" in texts[9, Code.IGNORED_KEYWORD]
    assert "service-time" in texts[10, Code.IGNORED_KEYWORD]
    assert not any(problem.fatal for problem in document.problems)
    assert [entry[1] for entry in flat(document)] == [
        "path_grouping_policy",
        "path_checker",
        "failback",
        "no_path_retry",
        "user_friendly_names",
    ]


def test_the_file_of_2009_on_debian_12_still_sets_the_round_robin_words() -> None:
    document = parse((CONF / "multipath-2009.conf").read_text(), "m.conf", DEBIAN_12)
    assert not {problem.keyword for problem in document.problems} & {"rr_min_io", "rr_weight"}
    assert ("defaults", "rr_weight", "priorities") in flat(document)


@pytest.mark.parametrize("name", ["bookworm-0.9.4", "trixie-0.11.1"])
def test_what_multipathd_prints_is_understood_to_the_last_line(name: str) -> None:
    text = (GOLDEN / "multipathd" / f"{name}-config-local-healthy.txt").read_text()
    document = parse_printed(text, "show config local")
    assert {problem.code for problem in document.problems} <= {
        Code.IGNORED_KEYWORD,
        Code.DEPRECATED_KEYWORD,
        Code.DEPRECATED_VALUE,
        Code.DUPLICATE_KEYWORD,
    }
    printed = [line.strip() for line in text.splitlines() if line.strip("\t}") and not line.endswith("{")]
    read = [line for line in printed if not line.startswith("#")]
    ignored = [problem.keyword for problem in document.problems if problem.code is Code.IGNORED_KEYWORD]
    assert len(read) == len(flat(document)) + len(ignored)


def test_a_device_that_multipathd_prints_without_its_brace_swallows_nothing() -> None:
    text = (
        'blacklist_exceptions {\n\tdevice {\n\t\tvendor "AAA"\n}\n'
        'devices {\n\tdevice {\n\t\tvendor "V"\n\t\tproduct "P"\n\t}\n}\n'
    )
    assert [section.name for section in parse(text, "f").sections] == ["blacklist_exceptions"]
    document = parse_printed(text, "f")
    assert [section.name for section in document.sections] == ["blacklist_exceptions", "devices"]
    assert ("devices/device", "product", "P") in flat(document)


def test_all_sections_are_kept_in_order_and_read_after_each_other() -> None:
    document = parse("defaults {\nprio alua\n}\ndefaults {\nprio const\n}\n", "f")
    assert flat(document) == [("defaults", "prio", "alua"), ("defaults", "prio", "const")]
    assert [(problem.line, problem.code) for problem in document.problems] == [(4, Code.DUPLICATE_SECTION)]


# --- what is wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected", "settings_read"),
    [
        # Braces
        ("defaults\nprio x\n}\n", [(1, "missing_open_brace")], 1),
        ("defaults\n{\nprio x\n}\n", [(1, "missing_open_brace"), (2, "stray_open_brace")], 1),
        ("defaults x {\nprio x\n}\n", [(1, "missing_open_brace")], 1),
        (
            "overrides\n{\nprio x\n}\n",
            [(1, "missing_open_brace"), (2, "stray_open_brace"), (3, "outside_section"), (4, "stray_close_brace")],
            0,
        ),
        ("overrides x\nprio x\n}\n", [(1, "missing_open_brace")], 1),
        ('overrides "{"\nprio x\n}\n', [(1, "missing_open_brace")], 1),
        ("overrides {\nprotocol\ntype scsi:fcp\n}\n", [(2, "missing_open_brace"), (3, "unknown_keyword")], 0),
        ("defaults { prio x\n}\n", [(1, "trailing_words")], 0),
        ("defaults { }\nprio x\n}\n", [(1, "trailing_words")], 1),
        ("defaults {\n} x\n", [(2, "trailing_words")], 0),
        ("}\n", [(1, "stray_close_brace")], 0),
        ("defaults {\nprio x", [(1, "missing_close_brace")], 1),
        (
            "devices {\ndevice {\nvendor v\nproduct p\ndevice {\nvendor v\nproduct p\n}\n}\n",
            [(2, "missing_close_brace"), (5, "unknown_subsection"), (6, "duplicate_keyword"), (7, "duplicate_keyword")],
            4,
        ),
        # Sections
        ("bogus {\nprio x\n}\n", [(1, "unknown_section"), (2, "outside_section"), (3, "stray_close_brace")], 0),
        ("devnode_blacklist {\n}\n", [(1, "unknown_section"), (2, "stray_close_brace")], 0),
        (
            "defaults {\nbogus {\nprio x\n}\nprio y\n}\n",
            [(2, "unknown_subsection"), (5, "outside_section"), (6, "stray_close_brace")],
            1,
        ),
        (
            "defaults {\nbogus { x\n}\n",
            [(1, "missing_close_brace"), (2, "trailing_words"), (2, "unknown_subsection")],
            0,
        ),
        ("devices {\ndevice {\nproduct p\n}\n}\n", [(2, "incomplete_section")], 1),
        ("multipaths {\nmultipath {\nalias a\n}\n}\n", [(2, "incomplete_section")], 1),
        # Keywords
        ("prio x\n", [(1, "outside_section")], 0),
        ("bogus x\n", [(1, "outside_section")], 0),
        ("defaults {\nbogus x\n}\n", [(2, "unknown_keyword")], 0),
        ("defaults {\nvendor x\n}\n", [(2, "unknown_keyword")], 0),
        ("defaults {\nselector x\n}\n", [(2, "removed_keyword")], 0),
        ("defaults {\npg_timeout 3\n}\n", [(2, "ignored_keyword")], 0),
        ("defaults {\ndelay_wait_checks 3\n}\n", [(2, "deprecated_keyword")], 1),
        ("defaults {\nprio x\nprio y\n}\n", [(3, "duplicate_keyword")], 2),
        ("blacklist {\nwwid x\nwwid y\n}\n", [], 2),
        ('defaults {\n"prio" x\n}\n', [(2, "trailing_words"), (2, "unknown_keyword")], 0),
        # Values
        ("defaults {\nprio\n}\n", [(2, "missing_value")], 0),
        ("defaults {\nprio x y\n}\n", [(2, "trailing_words")], 1),
        ('defaults {\nprio "x" y\n}\n', [(2, "trailing_words")], 1),
        ('defaults {\nprio x "y z"\n}\n', [(2, "trailing_words")], 1),
        ('defaults {\nprio "x\n}\n', [(2, "open_quote")], 1),
        ('defaults {\nprio "\n}\n', [(2, "open_quote")], 1),
        ('defaults {\nprio ""\n}\n', [], 1),
        ('defaults {\nprio "" y\n}\n', [(2, "trailing_words")], 1),
        ('defaults {\nprio x "\n}\n', [(2, "trailing_words")], 1),
        ("defaults {\nfailback never\n}\n", [(2, "bad_value")], 1),
        ("defaults {\nuxsock_timeout 5\n}\n", [(2, "capped_value")], 1),
        # Characters
        ("defaults {\n\u00a0prio x\n}\n", [(2, "non_ascii")], 1),
        ("defaults {\nprio\rx\n}\n", [(2, "cut_line"), (2, "missing_value")], 0),
        ("defaults {\r\nprio x\r\n}\r\n", [], 1),
        ("defaults {\nprio x\0y\n}\n", [(2, "cut_line")], 1),
        (f"defaults {{\nprio {'x' * 2000}\n}}\n", [(2, "long_line"), (2, "missing_value")], 1),
    ],
)
def test_every_mistake_is_reported_with_its_line(
    text: str, expected: list[tuple[int, str]], settings_read: int
) -> None:
    document = parse(text, "f")
    assert [(problem.line, problem.code.value) for problem in document.problems] == expected
    assert len(flat(document)) == settings_read
    for problem in document.problems:
        assert problem.file == "f"
        assert problem.text.isprintable()
        assert len(problem.text) <= LONGEST


@pytest.mark.parametrize(
    ("keyword", "version", "code"),
    [
        ("bindings_file /x", (0, 9, 4), Code.DEPRECATED_KEYWORD),
        ("bindings_file /x", (0, 9, 7), Code.IGNORED_KEYWORD),
        ("max_retries 3", (0, 9, 4), Code.TOO_NEW_KEYWORD),
        ("purge_disconnected yes", (0, 11, 1), Code.TOO_NEW_KEYWORD),
        ("detect_pgpolicy yes", (0, 9, 5), Code.TOO_NEW_KEYWORD),
        ("rr_weight uniform", (0, 15, 0), Code.IGNORED_KEYWORD),
        ("flush_on_last_del never", (0, 9, 8), Code.BAD_VALUE),
        ("flush_on_last_del yes", (0, 9, 9), Code.DEPRECATED_VALUE),
        ("flush_on_last_del 0", (0, 15, 1), Code.DEPRECATED_VALUE),
        ("flush_on_last_del maybe", (0, 15, 1), Code.BAD_VALUE),
        ("path_grouping_policy group_by_tpg", (0, 9, 4), Code.BAD_VALUE),
        ('features "1 queue_if_no_path"', NEWEST, Code.DEPRECATED_VALUE),
    ],
)
def test_what_is_wrong_depends_on_the_version(keyword: str, version: Version, code: Code) -> None:
    assert only(f"defaults {{\n{keyword}\n}}\n", version).code is code


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('partition_delimiter "/"', Code.CRASH),
        ("mode 0888x", None),
        ("mode 1000", Code.BAD_VALUE),
        ("mode rw", Code.BAD_VALUE),
        ("uid root", None),
        ("gid 6", None),
        ("uid a/b", Code.BAD_VALUE),
        ('gid ""', Code.BAD_VALUE),
        ('uid_attrs "sd:ID_SERIAL dasd:ID_UID"', None),
        ('uid_attrs "sd:ID_SERIAL dasd"', Code.BAD_VALUE),
        ("max_retries off", None),
        ("max_retries 6", Code.CAPPED_VALUE),
        ("rr_min_io 100", None),
        ("san_path_err_threshold 5", None),
        ("flush_on_last_del yes", None),
    ],
)
def test_which_values_multipath_tools_rejects(line: str, code: Code | None) -> None:
    version = (0, 9, 8)
    assert [problem.code for problem in parse(f"defaults {{\n{line}\n}}\n", "f", version).problems] == (
        [] if code is None else [code]
    )


@pytest.mark.parametrize("line", ["rr_weight uniform", "rr_min_io 5", "flush_on_last_del no"])
def test_what_old_versions_accept_is_fine_for_them(line: str) -> None:
    assert found(f"defaults {{\n{line}\n}}\n", (0, 9, 4)) == []


@pytest.mark.parametrize("line", ["max_retries 3", "flush_on_last_del never", "path_grouping_policy group_by_tpg"])
def test_what_newer_versions_know_is_fine_for_them(line: str) -> None:
    assert found(f"defaults {{\n{line}\n}}\n", (0, 9, 9)) == []


@pytest.mark.parametrize(
    ("text", "code", "fatal"),
    [
        ('blacklist {\ndevnode "*x"\n}\n', Code.BAD_REGEX, True),
        ('blacklist {\ndevnode "!(x"\n}\n', Code.BAD_REGEX, True),
        ('blacklist_exceptions {\nproperty "x{"\n}\n', Code.BAD_REGEX, True),
        ('blacklist {\ndevice {\nvendor "["\n}\n}\n', Code.BAD_REGEX, True),
        ('devices {\ndevice {\nvendor "*"\nproduct p\n}\n}\n', Code.BAD_REGEX, False),
        ('blacklist {\nwwid "(a)\\1"\n}\n', Code.UNSUPPORTED_REGEX, False),
        ("defaults {\nreservation_key zz\n}\n", Code.BAD_VALUE, True),
        ('blacklist {\ndevnode "\\!x"\n}\n', None, False),
        ('blacklist {\ndevnode "^hd[a-z][0-9]*"\n}\n', None, False),
        ('blacklist {\ndevnode "]"\n}\n', None, False),
    ],
)
def test_an_expression_that_regcomp_refuses_can_keep_multipathd_from_starting(
    text: str,
    code: Code | None,
    fatal: bool,
) -> None:
    assert [(problem.code, problem.fatal) for problem in parse(text, "f").problems] == ([(code, fatal)] if code else [])


@pytest.mark.parametrize(
    ("vendor", "product_blacklist", "fatal"), [("v", "*", True), ("*", "x", True), ("v", "x", False)]
)
def test_a_product_blacklist_fails_only_when_all_is_read(vendor: str, product_blacklist: str, fatal: bool) -> None:
    device = f'device {{\nvendor "{vendor}"\nproduct p\nproduct_blacklist "{product_blacklist}"\n}}\n'
    document = parse(f"devices {{\n{device}}}\n", "f")
    assert not any(problem.fatal for problem in document.problems)
    merged = merge([parse("", "m"), document])
    assert [problem.keyword for problem in merged.problems if problem.fatal] == ["product_blacklist"] * fatal


def test_foreign_text_stays_short_and_clean_in_a_problem() -> None:
    problem = only("defaults {\n" + "x\x1b" * 200 + " y\n}")
    assert problem.text.isprintable()
    assert len(problem.text) <= LONGEST
    assert problem.keyword.isprintable()


@pytest.mark.parametrize("line", ["x\n", "x y\n"])
def test_the_list_of_problems_has_an_end(line: str) -> None:
    problems = parse(line * (MAX_PROBLEMS + 500), "f").problems
    assert len(problems) == MAX_PROBLEMS + 1
    assert (problems[-1].code, problems[-1].line) == (Code.MORE_PROBLEMS, MAX_PROBLEMS + 1)


def test_of_an_endless_file_the_beginning_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mpathd_watch.core.formats.multipath_conf.parser.MAX_TEXT", 30)
    document = parse("defaults {\nprio x\n}\n" + "# \n" * 30, "f")
    assert flat(document) == [("defaults", "prio", "x")]
    assert [problem.code for problem in document.problems] == [Code.LONG_FILE]


# --- merging ----------------------------------------------------------------------------------------------------------


def test_the_main_file_comes_first_and_conf_d_in_the_order_of_its_names() -> None:
    documents = [
        parse(f"defaults {{\nprio {name}\n}}\n", file)
        for name, file in (("main", "/etc/multipath.conf"), ("b", "/z/b.conf"), ("B", "/a/B.conf"), ("a", "/y/a.conf"))
    ]
    merged = merge([*documents, parse("", "empty")])
    assert [value for _, _, value in flat(merged)] == ["main", "B", "a", "b"]


def test_what_is_fatal_in_the_main_file_is_not_in_conf_d() -> None:
    broken = 'blacklist {\nwwid "*"\n}\n'
    assert [problem.fatal for problem in merge([parse(broken, "main"), parse(broken, "a.conf")]).problems] == [
        True,
        False,
    ]


def test_sections_for_the_same_thing_are_reported() -> None:
    map_section = "multipaths {\nmultipath {\nwwid 1\n}\nmultipath {\nalias x\n}\nmultipath {\nalias y\n}\n}\n"
    device = "devices {\ndevice {\nvendor v\nproduct p\n}\n}\n"
    merged = merge([parse(map_section + device, "m.conf"), parse(map_section + device, "a.conf")])
    twice = [problem for problem in merged.problems if problem.code is Code.DUPLICATE_SECTION]
    assert [(problem.file, problem.line, problem.keyword) for problem in twice] == [
        ("a.conf", 2, "multipath"),
        ("a.conf", 13, "device"),
    ]
    assert "m.conf:13" in twice[1].text


def test_no_file_at_all_is_an_empty_configuration() -> None:
    assert merge([]) == Document()


# --- any text at all --------------------------------------------------------------------------------------------------

NAMES = ["defaults", "blacklist", "blacklist_exceptions", "devices", "device", "overrides", "protocol", "multipaths"]
WORDS = [
    *NAMES,
    "multipath",
    "wwid",
    "vendor",
    "product",
    "prio",
    "no_path_retry",
    "{",
    "}",
    '"',
    "#",
    "!",
    "\r",
    "é",
    "5",
]
PIECES = st.one_of(st.sampled_from([*WORDS, " ", "\n", " {\n", "}\n", '"^(a|b)*[[0-9]*]"', "\0"]), st.text(max_size=4))
ANY_TEXT = st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join), st.lists(PIECES, max_size=60).map(" ".join))
VALID = (CONF / "multipath-modern.conf").read_text()


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The valid file with some pieces cut out, doubled or replaced."""
    text = VALID
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        text = text[:start] + draw(st.one_of(PIECES, st.just(text[start:end] * 2))) + text[end:]
    return text


def works(text: str, version: Version) -> None:
    for document in (parse(text, "f", version), parse_printed(text, "f", version)):
        merged = merge([document, document])
        resolver(merged, version=version).resolve(wwid="1", vendor="v", product="p", protocol="scsi:iscsi")
        blacklist(merged, version=version).hides(
            devnode="sda", wwid="1", vendor="v", product="p", protocol="scsi:iscsi"
        )
        lines = text.count("\n") + 1
        assert all(1 <= problem.line <= lines for problem in document.problems)
        for problem in (*document.problems, *merged.problems):
            assert problem.text.isprintable()
            assert problem.keyword.isprintable()
            assert len(problem.text) <= LONGEST


@settings(max_examples=80, deadline=None)
@given(ANY_TEXT, st.sampled_from([DEBIAN_12, (0, 11, 1), NEWEST]))
def test_no_text_is_too_much(text: str, version: Version) -> None:
    works(text, version)


@settings(max_examples=60, deadline=None)
@given(mutated())
def test_no_damage_to_a_valid_file_is_too_much(text: str) -> None:
    works(text, NEWEST)


VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
SETTINGS = {
    "defaults": ["prio", "prio_args", "uid_attribute", "uid_attrs"],
    "overrides": ["prio", "prio_args", "uid_attribute"],
    "blacklist": ["wwid", "property"],
    "devices/device": ["vendor", "product", "revision", "prio"],
    "multipaths/multipath": ["wwid", "prio", "prio_args"],
}
ENTRIES = st.sampled_from(sorted(SETTINGS)).flatmap(
    lambda place: st.tuples(
        st.just(place), st.dictionaries(st.sampled_from(SETTINGS[place]), VALUES, min_size=1, max_size=3)
    )
)
NOISE = st.sampled_from(["", " # comment", " ! comment", "\t", "\r", '#"{'])


@st.composite
def rendered(draw: st.DrawFn) -> tuple[str, list[tuple[str, str, str]]]:
    """A valid file, written with every liberty that the grammar allows, and its settings."""
    lines: list[str] = []
    expected: list[tuple[str, str, str]] = []
    for place, values in draw(st.lists(ENTRIES, max_size=5)):
        opening = [f"{name}{draw(st.sampled_from(['', ' ', '  ']))}{{{draw(NOISE)}" for name in place.split("/")]
        body = []
        for keyword, value in values.items():
            expected.append((place, keyword, value))
            bare = value and not set(value) & set(' "#!{}')
            shown = value if bare and draw(st.booleans()) else '"' + value.replace('"', '""') + '"'
            body.append(f"{draw(st.sampled_from(['', ' ', '  ']))}{keyword} {shown}{draw(NOISE)}")
        lines += [*opening, *body, *["}"] * len(opening), draw(st.sampled_from(["", "# {", "! }"]))]
    return "\n".join(lines), expected


@settings(max_examples=80, deadline=None)
@given(rendered())
def test_what_is_written_is_read_back(case: tuple[str, list[tuple[str, str, str]]]) -> None:
    text, expected = case
    assert flat(parse(text, "f")) == expected


# --- cost -------------------------------------------------------------------------------------------------------------


def steps(work: Callable[[], object]) -> int:
    """How many calls, of Python and of C functions, ``work`` makes."""
    count = 0

    def profile(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(
    "unit",
    [
        "x\n",
        "defaults {\n",
        "}\n",
        "bogus {\n",
        "device {\n",
        '""',
        "a ",
        '"a" ',
        "é",
        "\r",
        "{",
        "devices {\ndevice {\n",
    ],
)
def test_the_work_grows_with_the_text_and_no_faster(unit: str) -> None:
    small, large = (steps(lambda n=n: parse(unit * n, "f")) for n in (2000, 8000))  # type: ignore[misc]
    assert large <= 4.2 * small + 2000


COMPARED = "multipath-tools 0.9.4 to 0.15.1"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("nonsense 5", f'defaults has no keyword "nonsense": {COMPARED} ignore it'),
        ("udev_dir /dev", f"udev_dir no longer exists, so {COMPARED} ignore it: "),
        ("pg_timeout 5", f"{COMPARED} ignore pg_timeout: remove it"),
        (
            "no_path_retry x",
            f'no_path_retry "x": it must be fail, 0, queue or a number, so multipathd ignores the line ({COMPARED})',
        ),
        ("bindings_file /x", "bindings_file is deprecated: "),
        ("rr_weight uniform", None),
        ("flush_on_last_del yes", None),
        ("flush_on_last_del never", None),
        ("purge_disconnected yes", None),
        ("path_grouping_policy group_by_tpg", None),
    ],
)
def test_of_an_unknown_version_only_what_is_certain_is_a_problem(line: str, expected: str | None) -> None:
    found = [problem.text for problem in parse(f"defaults {{\n{line}\n}}\n", "f", None).problems]
    assert len(found) == (expected is not None)
    assert all(text.startswith(str(expected)) for text in found)


@pytest.mark.parametrize("line", ["nonsense 5", "udev_dir /dev", "no_path_retry x"])
def test_of_a_version_that_was_not_compared_the_compared_ones_are_named(line: str) -> None:
    for version in ((0, 8, 5), (0, 16, 0)):
        assert COMPARED in only(f"defaults {{\n{line}\n}}\n", version).text


def test_of_a_version_newer_than_the_compared_ones_what_they_ignore_is_ignored() -> None:
    (problem,) = parse("defaults {\nrr_weight uniform\n}\n", "f", (0, 16, 0)).problems
    assert problem.text.startswith("multipath-tools 0.15.0 and later ignore rr_weight")


@settings(deadline=None)
@given(st.text(st.sampled_from(" \t\v\f\r{}!#a=.\x1c\x7f\x1b"), max_size=20))
def test_a_line_without_quotes_is_read_at_once_and_as_character_by_character(line: str) -> None:
    assert tokenize(line) == scanned(line)


@pytest.mark.parametrize("read", [parse, parse_printed])
def test_a_number_of_thousands_of_digits_is_only_a_number_that_is_too_large(
    read: Callable[[str, str], Document],
) -> None:
    # Python makes no number of them, and nothing limits the length of a line that multipathd prints.
    digits = "9" * 5000
    lines = (
        f"polling_interval {digits}",
        f"checker_timeout {digits}",
        f"checker_timeout -{digits}",
        f"dev_loss_tmo {digits}",
    )
    document = read("".join(f"defaults {{\n\t{line}\n}}\n" for line in lines), "file")
    found = resolver(document).resolve(wwid="", vendor=None, product=None)
    assert found.polling_interval.value in (5, UNCHECKED_INTERVAL, 20)
    assert found.dev_loss_tmo.value in ("infinity", None)


def test_a_number_may_have_any_number_of_zeros_before_it() -> None:
    document = parse(f"defaults {{\nno_path_retry {'0' * 300}12\n}}\n", "file")
    assert resolver(document).resolve(wwid="", vendor=None, product=None).no_path_retry.value == 12
