"""What multipathd's replies mean, in every version's wording and with every kind of foreign text in them."""

from __future__ import annotations

import json
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.formats.multipath_conf import NEWEST, parse_printed
from mpathd_watch.core.model.facts import PathListing
from mpathd_watch.core.model.vocabulary import CheckerState, DmState
from mpathd_watch.sources.multipathd import mapjson
from mpathd_watch.sources.multipathd.replies import (
    MAPS_COMMAND,
    PATHS_COMMAND,
    BadReply,
    parse_configuration,
    parse_maps,
    parse_paths,
)
from tests.golden import GOLDEN

GOLDEN = GOLDEN / "multipathd"
RAW_COLUMNS_OF_GOLDEN = "wmdDitoTcp0MPI"

PATH_LINE = "3600a|mpatha|sda|8:0|active|ready|tur|normal|0\n"

MAP_HEAD = """{{
   "major_version": 0,
   "minor_version": 1,
   "maps": [{{
      "name" : "{name}",
      "uuid" : "3600a",
      "sysfs" : "dm-0",
      "failback" : "manual",
      "queueing" : "{queueing}",
      "paths" : 1,
      "write_prot" : "rw",
      "dm_st" : "active",
      "features" : "{features}",
      "hwhandler" : "0",
      "action" : "",
      "path_faults" : 0,
      "vend" : "{vend}",
      "prod" : "{prod}",
      "rev" : "0001",
      "switch_grp" : 0,
      "map_loads" : 1,
      "total_q_time" : 0,
      "q_timeouts" : 0,
      "path_groups": [{{
         "selector" : "service-time 0",
         "pri" : 1,
         "dm_st" : "active",
         "marginal_st" : "normal",
         "group" : 1,
         "paths": [{{
            "dev" : "sda",
            "dev_t" : "8:0",
            "dm_st" : "active",
            "dev_st" : "running",
            "chk_st" : "{chk}",
            "checker" : "tur",
            "pri" : 1,
            "host_wwnn" : "[undef]",
            "target_wwnn" : "iqn.2009-02.com.example:disk1",
            "host_wwpn" : "[undef]",
            "target_wwpn" : "[undef]",
            "host_adapter" : "192.0.2.10",
            "lun_hex" : "0x0001000000000000",
            "marginal_st" : "normal"
         }}]
      }}]
   }}]
}}
"""


def maps_json(
    name: str = "mpatha",
    *,
    queueing: str = "off",
    features: str = "0",
    vend: str = "IET",
    prod: str = "DISK",
    chk: str = "ready",
) -> str:
    return MAP_HEAD.format(name=name, queueing=queueing, features=features, vend=vend, prod=prod, chk=chk)


def golden(pattern: str) -> list[Path]:
    return sorted(GOLDEN.glob(pattern))


def columns(text: str) -> str:
    """Cut the columns of PATHS_COMMAND out of a recorded listing that has more."""
    wanted = [RAW_COLUMNS_OF_GOLDEN.index(letter) for letter in "wmdDtTcM0"]
    return "".join("|".join(line.split("|")[at] for at in wanted) + "\n" for line in text.splitlines())


def test_commands_fit_a_request_and_are_quoted() -> None:
    assert PATHS_COMMAND.endswith('"%w|%m|%d|%D|%t|%T|%c|%M|%0"')
    assert MAPS_COMMAND == "show maps json"


def test_paths_mapped_and_unmapped() -> None:
    text = (
        "3600a|mpatha|sda|8:0|active|ready|tur|normal|0\n"
        "3600a|mpatha|sdb|8:16|failed|i/o pending|directio|marginal|12\n"
        "3600b|[orphan]|sdc|8:32|undef|undef|(null)|normal|0\n"
        "|[offline]|sdd|8:48|undef|faulty|none|normal|0\n"
        "3600c|mpathc|-|#:#|undef|undef||normal|0\n"
    )
    parsed = parse_paths(text)
    assert parsed.problems == {}
    assert parsed.items == (
        PathListing("3600a", "mpatha", "sda", "8:0", DmState.ACTIVE, CheckerState.READY, "tur", False, 0),
        PathListing("3600a", "mpatha", "sdb", "8:16", DmState.FAILED, CheckerState.PENDING, "directio", True, 12),
        PathListing("3600b", "", "sdc", "8:32", DmState.UNKNOWN, CheckerState.UNDEF, "", False, 0),
        PathListing("", "", "sdd", "8:48", DmState.UNKNOWN, CheckerState.FAULTY, "none", False, 0),
        PathListing("3600c", "mpathc", "", "", DmState.UNKNOWN, CheckerState.UNDEF, "", False, 0),
    )


@pytest.mark.parametrize("word", sorted(set(CheckerState) - {CheckerState.UNKNOWN}))
def test_every_checker_state_is_known(word: str) -> None:
    parsed = parse_paths(f"3600a|mpatha|sda|8:0|active|{word}|tur|normal|0\n")
    assert parsed.items[0].checker_state is CheckerState(word)
    assert parsed.problems == {}


@pytest.mark.parametrize(
    ("dm", "chk", "count"), [("active", "brilliant", 1), ("sleepy", "brilliant", 2), ("active", "unknown", 1)]
)
def test_unheard_of_states_are_unknown_and_counted(dm: str, chk: str, count: int) -> None:
    parsed = parse_paths(f"3600a|mpatha|sda|8:0|{dm}|{chk}|tur|normal|0\n")
    assert parsed.items[0].checker_state is CheckerState.UNKNOWN
    assert parsed.problems == {"unknown_value": count}


@pytest.mark.parametrize("alias", ["a|b", "a b", 'a"b', "a\\b", "|", "\u2028", "a\x0bb", "", "fail"])
def test_an_alias_may_hold_anything_but_a_newline(alias: str) -> None:
    parsed = parse_paths(f"3600a|{alias}|sda|8:0|active|ready|tur|normal|0\n")
    assert parsed.problems == {}
    assert parsed.items[0].map_name == alias
    assert parsed.items[0].dev == "sda"


def test_bad_lines_are_counted_and_the_others_kept() -> None:
    parsed = parse_paths(PATH_LINE + "\n" + "sda 8:0 active\n" + "a|b|c|d|e|f|g|h|i\n" + PATH_LINE)
    assert len(parsed.items) == 2
    assert parsed.problems == {"bad_line": 3}


@pytest.mark.parametrize(
    ("words", "marginal", "failures", "problems"),
    [
        ("normal|0", False, 0, {}),
        ("marginal|7", True, 7, {}),
        ("normal|4294967295", False, 4294967295, {}),
        ("|0", None, 0, {}),
        ("normal|", False, None, {}),
        ("|", None, None, {}),
        ("shaky|-1", None, None, {"unknown_value": 2}),
        (" marginal |1 ", None, None, {"unknown_value": 2}),
        ("Normal|0x1", None, None, {"unknown_value": 2}),
        ("\u0661|\u0661", None, None, {"unknown_value": 2}),
        (f"normal|{'9' * 5000}", False, None, {"unknown_value": 1}),
    ],
)
def test_what_multipathd_thinks_of_a_path(
    words: str, marginal: bool | None, failures: int | None, problems: dict[str, int]
) -> None:
    parsed = parse_paths(f"3600a|mpatha|sda|8:0|active|ready|tur|{words}\n")
    assert (parsed.items[0].marginal, parsed.items[0].failures) == (marginal, failures)
    assert parsed.items[0].checker == "tur"
    assert parsed.problems == problems


@pytest.mark.parametrize(
    ("word", "marginal", "problems"),
    [
        ("normal", False, {}),
        ("marginal", True, {}),
        ("", None, {}),
        ("odd", None, {"unknown_value": 1}),
        (None, None, {"unknown_value": 1}),
        (["marginal"], None, {"unknown_value": 1}),
        (True, None, {"unknown_value": 1}),
    ],
)
def test_the_words_of_a_path_in_the_json(word: object, marginal: bool | None, problems: dict[str, int]) -> None:
    document = json.loads(maps_json())
    (path,) = document["maps"][0]["path_groups"][0]["paths"]
    path["marginal_st"] = word
    parsed = parse_maps(json.dumps(document))
    assert (parsed.items[0].paths[0].marginal, parsed.items[0].paths[0].failures) == (marginal, None)
    assert parsed.problems == problems
    del path["marginal_st"]
    parsed = parse_maps(json.dumps(document))
    assert (parsed.items[0].paths[0].marginal, parsed.problems) == (None, {})


@pytest.mark.parametrize("parse", [parse_paths, parse_maps])
def test_ok_stands_for_an_empty_listing(parse: object) -> None:
    assert parse in (parse_paths, parse_maps)
    for text in ("ok\n", "ok", "221324.290721 | /etc/multipath.conf line 35: ignoring deprecated option\nok\n"):
        assert parse_paths(text).items == ()
        assert parse_maps(text).items == ()


ERRORS = [
    ("timeout\n", "timeout"),
    ("fail\ntimeout\n", "timeout"),
    ("fail\n", "fail"),
    ("fail", "fail"),
    ("fail\ndevice not found\n", "fail"),
    ("fail\nmap or partition in use\n", "fail"),
    ("permission deny: need to be root\n", "no_permission"),
    ("fail\npermission deny: need to be root\n", "no_permission"),
    ("multipath-tools v0.9.4 (12/19, 2022)\nCLI commands reference:\n list|show paths\n", "bad_command"),
    ("fail\nshow: not found\nmultipath-tools v0.11.1 (01/24, 2025)\nCLI commands reference:\n", "bad_command"),
    ("", "empty"),
]


@pytest.mark.parametrize(("text", "reason"), ERRORS)
def test_error_texts_of_all_versions(text: str, reason: str) -> None:
    for parse in (parse_paths, parse_maps):
        with pytest.raises(BadReply) as caught:
            parse(text)
        assert caught.value.reason == reason
        assert caught.value.detail.endswith(".")
        assert "\n" not in caught.value.detail


@pytest.mark.parametrize(
    "text", [PATH_LINE + "3600a|mpatha|sdb|8:16|undef|undef|", PATH_LINE[:-1], PATH_LINE + "fail\n"]
)
def test_a_path_list_cut_short_is_no_list(text: str) -> None:
    with pytest.raises(BadReply) as caught:
        parse_paths(text)
    assert caught.value.reason == "truncated"


def test_a_path_list_in_no_known_form() -> None:
    with pytest.raises(BadReply) as caught:
        parse_paths("\x1b[31mhello\nworld\n")
    assert caught.value.reason == "unintelligible"
    assert "\x1b" not in caught.value.detail


def test_notices_before_a_listing_are_skipped() -> None:
    notice = (
        '221324.290721 | /etc/multipath.conf line 35: ignoring deprecated option "rr_weight", using built-in value\n'
    )
    assert parse_paths(notice * 2 + PATH_LINE) == parse_paths(PATH_LINE)
    assert parse_maps(notice + maps_json()) == parse_maps(maps_json())
    with pytest.raises(BadReply, match="lock"):
        parse_paths(notice + "timeout\n")
    for nothing in (notice, notice.rstrip("\n"), notice * 2):
        with pytest.raises(BadReply) as caught:
            parse_maps(nothing)
        assert caught.value.reason == "empty"


def test_a_map() -> None:
    parsed = parse_maps(maps_json())
    assert parsed.problems == {}
    (found,) = parsed.items
    assert (found.wwid, found.name, found.sysfs_name) == ("3600a", "mpatha", "dm-0")
    assert (found.queueing, found.queues, found.vendor, found.product) == ("off", False, "IET", "DISK")
    expected = PathListing("3600a", "mpatha", "sda", "8:0", DmState.ACTIVE, CheckerState.READY, "tur")
    assert found.paths == (replace(expected, marginal=False, group=1, priority=1),)


@pytest.mark.parametrize(
    ("queueing", "features", "queues", "problems"),
    [
        ("on", "0", True, {}),
        ("off", "1 queue_if_no_path", False, {}),
        ("4 chk", "0", True, {}),
        ("12 sec", "0", True, {}),
        ("-", "1 queue_if_no_path", True, {}),
        ("-", "2 queue_if_no_path retain_attached_hw_handler", True, {}),
        ("-", "0", False, {}),
        ("", "0", None, {}),
        ("perhaps", "0", None, {"unknown_value": 1}),
    ],
)
def test_queueing(queueing: str, features: str, queues: bool | None, problems: dict[str, int]) -> None:
    parsed = parse_maps(maps_json(queueing=queueing, features=features))
    assert parsed.items[0].queues is queues
    assert parsed.items[0].queueing == queueing
    assert parsed.problems == problems


def test_queueing_that_is_not_reported() -> None:
    document = json.loads(maps_json(queueing="-"))
    del document["maps"][0]["features"]
    assert parse_maps(json.dumps(document)).items[0].queues is None
    del document["maps"][0]["queueing"]
    assert parse_maps(json.dumps(document)).items[0].queues is None


def with_numbers(group: object, priority: object) -> str:
    """A map with these as the number of its group and the priority of its path; ``...`` leaves one out."""
    document = json.loads(maps_json())
    (listed,) = document["maps"][0]["path_groups"]
    for holder, key, value in ((listed, "group", group), (listed["paths"][0], "pri", priority)):
        holder[key] = value
        if value is ...:
            del holder[key]
    return json.dumps(document)


@pytest.mark.parametrize(
    ("group", "priority", "expected"),
    [
        (1, 50, (1, 50)),
        (2, 0, (2, 0)),
        (2**31 - 1, 2**31 - 1, (2**31 - 1, 2**31 - 1)),
        (1, -1, (1, None)),
        (..., ..., (None, None)),
        (None, None, (None, None)),
    ],
)
def test_the_number_of_a_group_and_the_priority_of_a_path(
    group: object, priority: object, expected: tuple[int | None, int | None]
) -> None:
    parsed = parse_maps(with_numbers(group, priority))
    assert [(path.group, path.priority) for path in parsed.items[0].paths] == [expected]
    assert parsed.problems == {}


@pytest.mark.parametrize(
    ("group", "priority"), [(0, -2), (-1, "50"), (2**31, 2**31), ("1", 1.5), (True, [1]), ([], {})]
)
def test_a_group_or_a_priority_that_makes_no_sense(group: object, priority: object) -> None:
    parsed = parse_maps(with_numbers(group, priority))
    assert [(path.group, path.priority) for path in parsed.items[0].paths] == [(None, None)]
    assert parsed.problems == {"unknown_value": 2}


def test_placeholders_mean_absent() -> None:
    text = maps_json(vend="##", prod="##").replace('"dm-0"', '"undef"')
    (found,) = parse_maps(text).items
    assert (found.vendor, found.product, found.sysfs_name) == ("", "", "")


UNESCAPED = [
    'a"b',
    '"',
    "a\\b",
    "A\\test",
    "\\",
    "a\tb",
    "a\x01b",
    'a",',
    '"a"',
    "\\xff",
    "\\u0041",
    "é",
]


@pytest.mark.parametrize("word", UNESCAPED)
def test_values_multipathd_did_not_escape(word: str) -> None:
    parsed = parse_maps(maps_json(name=word, prod=word))
    assert parsed.problems == {}
    assert parsed.items[0].name == parsed.items[0].product == word
    assert parsed.items[0].wwid == "3600a"
    assert parsed.items[0].paths[0].checker == "tur"


def test_a_value_cannot_pose_as_another_member() -> None:
    (found,) = parse_maps(maps_json(prod='x", "uuid" : "evil')).items
    assert (found.wwid, found.product) == ("3600a", 'x", "uuid" : "evil')


def test_a_value_that_looks_like_an_unused_member_is_cut_there() -> None:
    (found,) = parse_maps(maps_json(prod='x", "y" : "z')).items
    assert (found.wwid, found.product) == ("3600a", "x")


def test_a_newline_in_a_value() -> None:
    (found,) = parse_maps(maps_json(name="a\nb")).items
    assert found.name == "a\nb"


def test_bad_maps_and_paths_are_counted_and_the_others_kept() -> None:
    good = json.loads(maps_json())["maps"][0]
    nameless = {**good, "name": 7}
    groupless = {**good, "path_groups": None}
    half = {**good, "path_groups": [*good["path_groups"], 5, {"paths": [7, {"dev": "sdb", "dev_t": 3}]}]}
    parsed = parse_maps(json.dumps({"maps": [good, 3, nameless, groupless, half]}))
    assert [len(found.paths) for found in parsed.items] == [1, 1]
    assert parsed.problems == {"bad_map": 3, "bad_path": 3}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "bad_json"),
        ("hello", "bad_json"),
        ("[" * 100_000, "bad_json"),
        ('{"maps": ' + "[" * 100_000, "bad_json"),
        ('{"maps": ' + "9" * 10_000 + "}", "bad_json"),
        ('{"maps": 1, "maps": []}', "bad_json"),
        ("[]", "unintelligible"),
        ("{}", "unintelligible"),
        ('{"maps": {}}', "unintelligible"),
        ("NaN", "unintelligible"),
    ],
)
def test_json_that_is_not_the_list_of_maps(text: str, reason: str) -> None:
    with pytest.raises(BadReply) as caught:
        parse_maps(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize("text", [maps_json(), maps_json(name='a"b'), maps_json(name="a\\b")])
@given(share=st.floats(0, 1, exclude_max=True))
def test_truncated_maps_are_refused(text: str, share: float) -> None:
    cut = text[: int(share * (len(text.rstrip()) - 1))]
    with pytest.raises(BadReply):
        parse_maps(cut)


@given(at=st.integers(0, 3 * len(PATH_LINE)))
def test_truncated_paths_lose_no_path_silently(at: int) -> None:
    text = PATH_LINE * 3
    try:
        parsed = parse_paths(text[:at])
    except BadReply:
        return
    assert len(parsed.items) == text[:at].count("\n")
    assert text[:at].endswith("\n")


WORDS = st.sampled_from(
    ["|", "\n", "\\", '"', " : ", ",", "{", "}", "[", "]", '"maps": [', '"name" : "', "8:0", "ok", "fail"]
)
TEXTS = st.one_of(st.text(), st.lists(st.one_of(WORDS, st.text(max_size=5)), max_size=40).map("".join))


@settings(max_examples=500)
@given(text=TEXTS)
def test_nothing_but_bad_reply_is_ever_raised(text: str) -> None:
    for parse in (parse_paths, parse_maps):
        try:
            parse(text)
        except BadReply as error:
            assert error.detail  # noqa: PT017 - a BadReply is allowed, not required


@settings(max_examples=300)
@given(name=st.text(min_size=1).filter(lambda text: "\n" not in text))
def test_any_alias_without_a_newline_comes_back_or_is_refused(name: str) -> None:
    (found,) = parse_maps(maps_json(name=name)).items
    assert found.name == name or '" : "' in name
    assert found.wwid == "3600a"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["maps", "name", "uuid", "path_groups", "paths", "dev", "dev_t", "queueing", "features", "group", "pri"]
            ),
            inner,
        )
    ),
    max_leaves=30,
)


@given(maps=st.lists(JSON_VALUES, max_size=4))
def test_json_of_any_shape(maps: list[object]) -> None:
    parsed = parse_maps(json.dumps({"maps": maps}))
    assert len(parsed.items) + parsed.problems.get("bad_map", 0) == len(maps)


def outcome(text: str) -> object:
    try:
        return parse_maps(text)
    except BadReply as error:
        return error.reason, error.detail


@given(st.lists(JSON_VALUES, max_size=4), st.none() | st.integers(0, 4), st.data())
def test_maps_read_one_by_one_are_those_of_the_whole_document(
    maps: list[object], indent: int | None, data: st.DataObject
) -> None:
    text = json.dumps({"major_version": 0, "minor_version": 1, "maps": maps}, indent=indent)
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(WORDS) + text[at + data.draw(st.integers(0, 3)) :]
    found = outcome(text)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(mapjson, "_HEAD", re.compile("never^"))
        assert outcome(text) == found


def test_the_maps_of_a_large_host_take_little_more_than_their_text() -> None:
    entry = json.loads(maps_json())["maps"][0]
    text = json.dumps({"major_version": 0, "minor_version": 1, "maps": [entry] * 1000}, indent=3)
    tracemalloc.start()
    parsed = parse_maps(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(parsed.items) == 1000
    assert peak < len(text)


@pytest.mark.parametrize("file", golden("*-paths-raw-*.txt"), ids=lambda file: file.stem)
def test_recorded_path_listings(file: Path) -> None:
    text = file.read_text()
    if text == "ok\n":
        assert parse_paths(text).items == ()
        return
    parsed = parse_paths(columns(text))
    assert parsed.problems == {}
    assert len(parsed.items) == len(text.splitlines())
    assert {path.dev for path in parsed.items} == {line.split("|")[2] for line in text.splitlines()}
    assert all(path.dm_state is not DmState.UNKNOWN or not path.map_name for path in parsed.items)
    assert all(path.marginal is False for path in parsed.items)
    assert [path.failures for path in parsed.items] == [int(line.split("|")[10]) for line in text.splitlines()]
    assert all(path.failures or path.dm_state is not DmState.FAILED for path in parsed.items)


@pytest.mark.parametrize("file", golden("*maps-json-*.*") + golden("*maps*.json"), ids=lambda file: file.stem)
def test_recorded_map_listings(file: Path) -> None:
    text = file.read_text()
    parsed = parse_maps(text)
    assert parsed.problems == {}
    document = json.loads(text)["maps"]
    assert [found.name for found in parsed.items] == [entry["name"] for entry in document]
    devs = [path["dev"] for entry in document for group in entry["path_groups"] for path in group["paths"]]
    assert [path.dev for found in parsed.items for path in found.paths] == devs
    assert all(path.wwid == found.wwid for found in parsed.items for path in found.paths)
    assert all(found.queues is not None for found in parsed.items)
    assert all(path.marginal is False for found in parsed.items for path in found.paths)
    groups = [group for entry in document for group in entry["path_groups"]]
    numbers = [(group["group"], path["pri"]) for group in groups for path in group["paths"]]
    assert [(path.group, path.priority) for found in parsed.items for path in found.paths] == numbers
    assert all(group >= 1 and priority >= 0 for group, priority in numbers)


@pytest.mark.parametrize("file", golden("*-wildcards-*.txt"), ids=lambda file: file.stem)
def test_recorded_wildcards_have_every_one_that_is_asked_for(file: Path) -> None:
    _, _, rest = file.read_text().partition("\npath format wildcards:\n")
    known = {line.split()[0] for line in rest.partition("\n\n")[0].splitlines()}
    asked = re.findall("%.", PATHS_COMMAND)
    assert len(asked) == 9
    assert set(asked) <= known


@pytest.mark.parametrize(
    ("file", "reason"),
    [(file, "no_permission") for file in golden("*-refused-*.txt")]
    + [(file, "bad_command") for file in golden("*-unknown-command-*.txt")],
    ids=lambda value: value.stem if isinstance(value, Path) else value,
)
def test_recorded_refusals(file: Path, reason: str) -> None:
    with pytest.raises(BadReply) as caught:
        parse_paths(file.read_text())
    assert caught.value.reason == reason


# --- show config local ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", golden("*-config-local-*"), ids=lambda path: path.name)
def test_a_configuration_is_one_document(path: Path) -> None:
    text = path.read_text()
    parsed = parse_configuration(text, NEWEST)
    assert (parsed.items, parsed.problems) == ((parse_printed(text, "show config local"),), {})
    notice = '221324.290721 | /etc/multipath.conf line 35: "selector" is deprecated\n'
    assert parse_configuration(notice + text, NEWEST) == parsed


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("ok\n", "unintelligible"),
        ("fail\n", "fail"),
        ("timeout\n", "timeout"),
        ("fail\npermission deny: need to be root\n", "no_permission"),
        ("permission deny: need to be root\n", "no_permission"),
        ("blacklist {\n}\n", "unintelligible"),
        ("\x1b[31m", "unintelligible"),
    ],
)
def test_what_is_no_configuration_is_refused(text: str, reason: str) -> None:
    with pytest.raises(BadReply) as caught:
        parse_configuration(text, NEWEST)
    assert caught.value.reason == reason
    assert caught.value.detail.isprintable()


@settings(deadline=None)
@given(st.text() | st.text(alphabet=' \t\n{}"#!defaults0123456789', max_size=200))
def test_any_configuration_is_a_document_or_refused(text: str) -> None:
    try:
        parsed = parse_configuration(text, NEWEST)
    except BadReply:
        return
    assert len(parsed.items) == 1
