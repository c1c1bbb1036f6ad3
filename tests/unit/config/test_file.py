"""The configuration file: what it may contain, and that all mistakes are reported at once."""

from __future__ import annotations

import errno
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.config import DEFAULT_PATH, Config, ConfigError, load, parse
from mpathd_watch.config.listen_address import ListenAddress, UnixPath
from mpathd_watch.config.obsolete import OBSOLETE
from mpathd_watch.config.receivers import Hook, Mail, Receivers, Server
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.model.acknowledgement import Acknowledgement
from mpathd_watch.core.model.declaration import Setting, declared
from mpathd_watch.core.model.expectation import Expectation
from mpathd_watch.core.model.settings import Settings
from tools.settings import toml

KNOWN = {**declared(Config), **declared(Settings), **declared(Receivers)}

EVERYTHING = """
listen = ["127.0.0.1:10068", "unix:/run/x.sock"]
systemd_socket = true
web_config = "/etc/web.yml"
sysfs = "/somewhere/sys"
multipathd_socket = "@/org/kernel/linux/storage/multipathd"
record = "/tmp/it.jsonl"
record_mib = 20
history_days = 30
history_mib = 10
single_path_ok = ["mpio", "36001405a4f0c2d1e8b94f6c9a1b2c3d4"]
settle_seconds = 7
slack_seconds = 3.5
silence_grace_seconds = 1.5
flap_failures = 5
flap_window_seconds = 300
state_dir = "/somewhere"

learn_seconds = 30
start_grace_seconds = 120
expect_maps = false
[[expect]]
map = "mpatha"
paths = ["192.168.1.1:3260", "192.168.2.1:3260"]
[[expect]]
map = "36001405a4f0c2d1e8b94f6c9a1b2c3d4"
paths = 4
[[acknowledge]]
finding = "single_path"
object = "backup*"
reason = "the backup array has one port"

[[acknowledge]]
finding = "pings_off"
reason = "the target answers none"

[mail]
to = ["root", "storage@example.com", "root"]
from = "san@example.com"
server = "[2001:db8::25]:2525"
priority = "err"
repeat_hours = 12

[[hook]]
command = ["/usr/local/bin/page", "--team", "storage"]
priority = "notice"
events = ["map_lost", "source_down"]
timeout_seconds = 5
repeat_hours = 0
[[hook]]
command = ["true"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def complaint(file: Path, content: str | bytes) -> str:
    """The error message about a file with this content, without the name of the file."""
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as caught:
        load(file, required=True)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith(f"{file}: ")
    return message.removeprefix(f"{file}: ")


def test_every_key_is_read(file: Path) -> None:
    file.write_text(EVERYTHING)
    config = load(file, required=True)
    assert config == Config(
        listen=(ListenAddress("127.0.0.1", 10068), UnixPath("/run/x.sock")),
        systemd_socket=True,
        web_config="/etc/web.yml",
        sysfs="/somewhere/sys",
        multipathd_socket="@/org/kernel/linux/storage/multipathd",
        record="/tmp/it.jsonl",  # noqa: S108  # only a text here
        record_mib=20,
        history_days=30,
        history_mib=10,
        settings=Settings(
            single_path_ok=frozenset({"mpio", "36001405a4f0c2d1e8b94f6c9a1b2c3d4"}),
            acknowledge=(
                Acknowledgement("single_path", "the backup array has one port", "backup*"),
                Acknowledgement("pings_off", "the target answers none", "*"),
            ),
            settle_seconds=7.0,
            slack_seconds=3.5,
            silence_grace_seconds=1.5,
            flap_failures=5,
            flap_window_seconds=300.0,
            learn_seconds=30.0,
            start_grace_seconds=120.0,
            expect_maps=False,
            expect=(
                Expectation("mpatha", 2, frozenset({"192.168.1.1:3260", "192.168.2.1:3260"})),
                Expectation("36001405a4f0c2d1e8b94f6c9a1b2c3d4", 4),
            ),
        ),
        receivers=Receivers(
            mail=Mail(
                ("root", "storage@example.com"), "san@example.com", Server("2001:db8::25", 2525), Priority.ERR, 12.0
            ),
            hook=(
                Hook(
                    ("/usr/local/bin/page", "--team", "storage"),
                    Priority.NOTICE,
                    frozenset({"map_lost", "source_down"}),
                    5.0,
                    0.0,
                ),
                Hook(("true",), Priority.WARNING, frozenset(), 30.0, 24.0),
            ),
        ),
        obsolete=(f"{file}: state_dir {OBSOLETE['state_dir']}",),
    )
    assert all(getattr(config, field.name) != field.default for field in fields(Config))
    assert all(getattr(config.settings, field.name) != field.default for field in fields(Settings))
    assert type(config.settings.settle_seconds) is float


def test_every_field_of_the_core_s_settings_is_declared_as_a_setting() -> None:
    assert list(declared(Settings)) == [field.name for field in fields(Settings)]


@pytest.mark.parametrize("setting", KNOWN.values(), ids=KNOWN)
def test_every_default_is_what_its_own_check_accepts(setting: Setting) -> None:
    assert setting.kind.read(tomllib.loads(f"it = {toml(setting.default)}")["it"]) == setting.default


def test_the_defaults_are_those_of_the_contract() -> None:
    assert [str(each) for each in Config().listen] == [":10068"]
    assert Path("/etc/mpathd-watch/config.toml") == DEFAULT_PATH


@pytest.mark.parametrize("content", ["", "\n", "# nothing\n", "\r\n"])
def test_an_empty_file_is_the_defaults(file: Path, content: str) -> None:
    file.write_text(content)
    assert load(file, required=True) == Config()


@pytest.mark.parametrize("key", ["settle_seconds", "slack_seconds", "silence_grace_seconds", "flap_window_seconds"])
@pytest.mark.parametrize("seconds", ["0", "0.0", "-0.0", "3600", "1e3", "0x10"])
def test_seconds_may_be_written_as_any_number_in_range(file: Path, key: str, seconds: str) -> None:
    file.write_text(f"{key} = {seconds}")
    assert 0 <= getattr(load(file, required=True).settings, key) <= 3600


@pytest.mark.parametrize("key", ["settle_seconds", "slack_seconds", "silence_grace_seconds", "flap_window_seconds"])
@pytest.mark.parametrize(
    "value",
    ["true", "false", '"5"', "-1", "3600.1", "nan", "inf", "-inf", "[5]", "{ s = 5 }", "2026-01-01", "1e999"],
)
def test_what_is_no_number_of_seconds_is_refused(file: Path, key: str, value: str) -> None:
    assert complaint(file, f"{key} = {value}").startswith(f"{key} must be a number of seconds from 0 to 3600, not ")


@pytest.mark.parametrize("value", ["true", "1.0", '"3"', "-1", "101", "nan", "[3]"])
def test_what_is_no_count_is_refused(file: Path, value: str) -> None:
    wanted = "flap_failures must be a whole number from 0 to 100, not "
    assert complaint(file, f"flap_failures = {value}").startswith(wanted)


@pytest.mark.parametrize("key", ["sysfs", "multipathd_socket", "record"])
@pytest.mark.parametrize("value", ["1", "true", '["x"]', "{ a = 1 }", "12:00:00", '"a\\nb"', '"\\u0000"', '"\\u202e"'])
def test_what_is_no_text_is_refused(file: Path, key: str, value: str) -> None:
    assert complaint(file, f"{key} = {value}").startswith(f"{key} must be a text, not ")


@pytest.mark.parametrize("value", ['"mpio"', "1", "[1]", '["a", true]', '[["a"]]', '["a\\nb"]', "{ a = 1 }"])
def test_what_is_no_list_of_names_is_refused(file: Path, value: str) -> None:
    assert complaint(file, f"single_path_ok = {value}").startswith(
        "single_path_ok must be a list of names or WWIDs, not "
    )


def test_all_mistakes_are_named_at_once(file: Path) -> None:
    message = complaint(
        file, 'listen = 1\nsysfs = "/sys"\nsettle_seconds = true\nLISTEN = 1\nzeal = 2\n[single_path_ok]\nmpio = true\n'
    )
    known = (
        "(known: acknowledge, expect, expect_maps, flap_failures, flap_window_seconds, history_days, history_mib,"
        " hook, learn_seconds, listen, mail, multipathd_socket, record, record_mib, settle_seconds,"
        " silence_grace_seconds, single_path_ok, slack_seconds, start_grace_seconds, sysfs, systemd_socket, web_config)"
    )
    assert message.split("; ") == [
        f"unknown key 'LISTEN' {known}",
        f"unknown key 'zeal' {known}",
        "listen must be ADDRESS:PORT, for example :10068, 192.0.2.1:10068 or [2001:db8::1]:10068, or unix:/PATH, "
        "or a list of these, not 1",
        "settle_seconds must be a number of seconds from 0 to 3600, not True",
        "single_path_ok must be a list of names or WWIDs, not {'mpio': True}",
    ]


FINDING, WHY = 'finding = "single_path"\n', 'reason = "meant"\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("acknowledge = 1", "it must be tables, each of them headed [[acknowledge]]"),
        ("acknowledge = [1]", "it must be tables, each of them headed [[acknowledge]]"),
        (f"[acknowledge]\n{FINDING}{WHY}", "it must be tables, each of them headed [[acknowledge]]"),
        (f"[[acknowledge]]\n{FINDING}", "table 1 has no reason"),
        (f"[[acknowledge]]\n{WHY}", "table 1 has no finding"),
        (f"[[acknowledge]]\n{FINDING}{WHY}[[acknowledge]]\n", "table 2 has no finding"),
        (f'[[acknowledge]]\n{FINDING}reason = " "\n', "reason of table 1 must be a text that is not empty"),
        (f'[[acknowledge]]\n{FINDING}reason = "a\\nb"\n', "reason of table 1 must be a text that is not empty"),
        (f"[[acknowledge]]\n{FINDING}{WHY}object = 1\n", "object of table 1 must be a text that is not empty"),
        (
            f'[[acknowledge]]\n{FINDING}{WHY}map = "a"\n',
            "table 1 has the unknown key 'map' (known: finding, object, reason)",
        ),
        (
            f'[[acknowledge]]\nfinding = "single_pth"\n{WHY}',
            "there is no finding 'single_pth' (did you mean single_path?)",
        ),
        (f'[[acknowledge]]\nfinding = "zzzz"\n{WHY}', "there is no finding 'zzzz'"),
    ],
)
def test_what_is_no_acknowledgement_is_refused_with_the_reason(file: Path, content: str, message: str) -> None:
    assert complaint(file, content) == f"acknowledge: {message}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("listen", "not TOML: "),
        ("listen = ", "not TOML: "),
        ("listen = 'x'\nlisten = 'y'", "not TOML: Cannot overwrite a value"),
        ("[", "not TOML: "),
        ("\ufeffsysfs = '/sys'", "not TOML: "),
        ("a = \x00", "not TOML: "),
        ('<?xml version="1.0"?>', "not TOML: "),
        (b"listen = '\xff'", "not UTF-8 at byte 10"),
        (b"\xff\xfel\x00", "not UTF-8 at byte 0"),
        ("a = " + "[" * 100_000, "nested too deeply"),
        ("a = " + "9" * 5000, "not TOML: a number of more digits than Python reads"),
        (
            "settle_seconds = 0x" + "f" * 5000,
            "settle_seconds must be a number of seconds from 0 to 3600, not a number of",
        ),
    ],
)
def test_what_is_no_configuration_is_one_clear_line(file: Path, content: str | bytes, message: str) -> None:
    assert complaint(file, content).startswith(message)


def test_a_long_value_is_not_repeated_whole(file: Path) -> None:
    assert len(complaint(file, f"sysfs = [{'1,' * 10_000}]")) < 200


def test_a_missing_file_is_the_defaults_unless_it_was_asked_for(file: Path) -> None:
    assert load(file, required=False) == Config()
    with pytest.raises(ConfigError) as caught:
        load(file, required=True)
    assert str(caught.value) == f"{file}: no such file"


@pytest.mark.parametrize("required", [True, False])
def test_a_directory_in_the_place_of_the_file_is_reported(tmp_path: Path, required: bool) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, required=required)
    assert str(caught.value) == f"{tmp_path}: Is a directory"


@pytest.mark.parametrize("required", [True, False])
def test_a_file_in_the_place_of_its_directory_is_reported(file: Path, required: bool) -> None:
    file.touch()
    with pytest.raises(ConfigError, match="Not a directory"):
        load(file / "config.toml", required=required)


@pytest.mark.parametrize("required", [True, False])
def test_a_file_that_may_not_be_read_is_reported(file: Path, monkeypatch: pytest.MonkeyPatch, required: bool) -> None:
    def refuse(_path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(file))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ConfigError) as caught:
        load(file, required=required)
    assert str(caught.value) == f"{file}: Permission denied"


toml_values = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from(list(KNOWN)) | st.text(max_size=5)


@settings(deadline=None)
@given(st.dictionaries(keys, toml_values, max_size=5))
def test_any_table_is_a_configuration_or_one_line_that_names_each_wrong_key(table: dict[str, Any]) -> None:
    try:
        config = parse(table)
    except ConfigError as error:
        message = str(error)
        assert message.isprintable()
        assert all(repr(key) in message for key in table.keys() - KNOWN.keys())
    else:
        assert table.keys() <= KNOWN.keys()
        for part in (config, config.settings):
            assert all(type(getattr(part, field.name)) is type(field.default) for field in fields(part))


@settings(deadline=None)
@given(
    st.text(max_size=40)
    | st.sampled_from(EVERYTHING.splitlines()).flatmap(lambda line: st.permutations(line).map("".join))
)
def test_any_file_is_a_configuration_or_one_line(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any-config"
    file.write_bytes(content.encode())
    try:
        load(file, required=True)
    except ConfigError as error:
        message = str(error)
        assert message.isprintable()


MAP, PATHS = 'map = "mpatha"\n', "paths = 2\n"
NO_PATHS = "must be a whole number from 1 to 1024, or a list of names"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("expect = 1", "it must be tables, each of them headed [[expect]]"),
        ("expect = [1]", "it must be tables, each of them headed [[expect]]"),
        (f"[expect]\n{MAP}{PATHS}", "it must be tables, each of them headed [[expect]]"),
        (f"[[expect]]\n{MAP}", "table 1 has no paths"),
        (f"[[expect]]\n{PATHS}", "table 1 has no map"),
        (f"[[expect]]\n{MAP}{PATHS}[[expect]]\n{PATHS}", "table 2 has no map"),
        (f'[[expect]]\nmap = " "\n{PATHS}', "map of table 1 must be a text that is not empty"),
        (f"[[expect]]\nmap = 1\n{PATHS}", "map of table 1 must be a text that is not empty"),
        *(
            (f"[[expect]]\n{MAP}paths = {value}\n", f"paths of table 1 {NO_PATHS}")
            for value in ("0", "-1", "1025", "true", "2.0", '"a"', "[]", "[1]", '[""]', '["a\\nb"]')
        ),
        (
            f"[[expect]]\n{MAP}{PATHS}number = 1\n",
            "table 1 has the unknown key 'number' (known: map, paths)",
        ),
        (f"[[expect]]\n{MAP}{PATHS}[[expect]]\n{MAP}{PATHS}", "map 'mpatha' is in more than one table"),
    ],
)
def test_what_is_no_expectation_is_refused_with_the_reason(file: Path, content: str, message: str) -> None:
    assert complaint(file, content) == f"expect: {message}"


@pytest.mark.parametrize("value", ["1", '"yes"', "[true]", "{ a = 1 }"])
def test_what_is_neither_true_nor_false_is_refused(file: Path, value: str) -> None:
    assert complaint(file, f"expect_maps = {value}").startswith("expect_maps must be true or false, not ")
