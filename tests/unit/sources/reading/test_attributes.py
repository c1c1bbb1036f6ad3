"""Reading one attribute, with any content and any result of the read."""

from __future__ import annotations

import errno
import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.model.text import MAX_TEXT
from mpathd_watch.core.model.vocabulary import DeviceState
from mpathd_watch.sources.reading import attributes as module
from mpathd_watch.sources.reading.attributes import Attributes, Below, GoneError, entries


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "attribute"


def failing(number: int) -> Callable[..., bytes]:
    def read(path: Path, *_size: int) -> bytes:
        raise OSError(number, os.strerror(number), str(path))

    return read


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"LIO-ORG \n", "LIO-ORG"),
        (b"", ""),
        (b"\n", ""),
        (b"(null)\n", ""),
        (b"off\n", "off"),
        (b"two\nlines\n", "two\\x0alines"),
        (b"a\x00b\n", "a\\x00b"),
        (b"caf\xc3\xa9\n", "café"),
        (b"caf\xe9\n", "caf\\xe9"),
        (b'quo"te\\x20\n', 'quo"te\\x20'),
    ],
)
def test_text_is_stripped_made_harmless_and_empty_where_unset(file: Path, raw: bytes, text: str) -> None:
    file.write_bytes(raw)
    attributes = Attributes()
    assert attributes.text(file) == text
    assert not attributes.problems


@pytest.mark.parametrize("raw", [b"x" * 1024 * 1024, b"\xff" * 1024 * 1024, b"\n" * 1024 * 1024])
def test_a_megabyte_is_neither_read_nor_kept(file: Path, raw: bytes) -> None:
    file.write_bytes(raw)
    assert len(module._read(file, module.PAGE)) == module.PAGE
    assert len(Attributes().text(file)) <= MAX_TEXT


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ENODEV, errno.ENXIO])
def test_what_does_not_exist_is_gone_and_no_problem(file: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(module, "_read", failing(number))
    attributes = Attributes()
    with pytest.raises(GoneError, match="attribute"):
        attributes.text(file)
    with pytest.raises(GoneError):
        attributes.word(file, DeviceState)
    assert (attributes.optional(file), attributes.number(file), attributes.counter(file)) == ("", None, None)
    assert not attributes.problems


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTCONN, errno.EIO, errno.EACCES, errno.EPERM])
def test_what_cannot_be_read_is_absent_and_counted_by_reason(
    file: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(module, "_read", failing(number))
    attributes = Attributes()
    assert (attributes.text(file), attributes.optional(file), attributes.number(file)) == ("", "", None)
    assert attributes.word(file, DeviceState) is DeviceState.UNKNOWN
    assert dict(attributes.problems) == {errno.errorcode[number]: 4}


def test_a_directory_in_the_place_of_an_attribute_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    attributes = Attributes()
    assert attributes.text(tmp_path) == ""
    assert dict(attributes.problems) == {"EISDIR": 1}


def test_a_descriptor_is_closed_even_if_the_read_fails(tmp_path: Path) -> None:
    gc.collect()
    before = len(tuple(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        Attributes().text(tmp_path)
    assert len(tuple(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(("text", "number"), [("5", 5), ("-1", -1), ("0", 0), ("4294967295", 2**32 - 1), ("", None)])
def test_decimal_numbers(file: Path, text: str, number: int | None) -> None:
    file.write_text(text + "\n")
    attributes = Attributes()
    assert attributes.number(file) == number
    assert not attributes.problems


@pytest.mark.parametrize("text", ["off", "5 s", "0x5", "1.5", "--5", "-", "9" * 21, "5\n6", "nan"])
def test_what_is_no_number_is_none_and_counted(file: Path, text: str) -> None:
    file.write_text(text + "\n")
    attributes = Attributes()
    assert attributes.number(file) is None
    assert dict(attributes.problems) == {"unknown_value": 1}


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0x0", 0),
        ("0x1f", 31),
        ("0x7fffffff", 2**31 - 1),
        ("0xffffffff80000000", 2**31),
        ("0xffffffffffffffff", 2**32 - 1),
        ("", None),
    ],
)
def test_counters_are_unsigned_32_bits_however_the_kernel_prints_them(file: Path, text: str, count: int | None) -> None:
    file.write_text(text + "\n")
    attributes = Attributes()
    assert attributes.counter(file) == count
    assert not attributes.problems


@pytest.mark.parametrize("text", ["0x", "many", "0x" + "f" * 19, "0x1 0x2"])
def test_what_is_no_counter_is_none_and_counted(file: Path, text: str) -> None:
    file.write_text(text + "\n")
    attributes = Attributes()
    assert attributes.counter(file) is None
    assert dict(attributes.problems) == {"unknown_value": 1}


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_no_content_makes_a_number_or_counter_that_is_out_of_range(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any-attribute"
    file.write_bytes(raw)
    attributes = Attributes()
    counter, number = attributes.counter(file), attributes.number(file)
    assert counter is None or 0 <= counter < 2**32
    assert number is None or abs(number) < 10**20
    assert attributes.word(file, DeviceState) in DeviceState


def test_an_unknown_word_is_unknown_and_counted(file: Path) -> None:
    file.write_text("exploded\n")
    attributes = Attributes()
    assert attributes.word(file, DeviceState) is DeviceState.UNKNOWN
    assert dict(attributes.problems) == {"unknown_value": 1}


@pytest.mark.parametrize("state", [state for state in DeviceState if state is not DeviceState.UNKNOWN])
def test_every_state_of_the_kernel_is_known(file: Path, state: DeviceState) -> None:
    file.write_text(f"{state}\n")
    attributes = Attributes()
    assert attributes.word(file, DeviceState) is state
    assert not attributes.problems


def test_names_are_sorted_gone_with_the_directory_and_none_if_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sdb", "sda"):
        (tmp_path / name).touch()
    attributes = Attributes()
    assert entries(tmp_path) == attributes.names(tmp_path) == ["sda", "sdb"]
    with pytest.raises(GoneError):
        attributes.names(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        entries(tmp_path / "none")
    monkeypatch.setattr(module, "entries", failing(errno.EIO))
    assert attributes.names(tmp_path) is None
    assert dict(attributes.problems) == {"EIO": 1}


def test_what_is_read_of_an_open_directory_is_of_one_object_even_if_another_takes_its_name(tmp_path: Path) -> None:
    (tmp_path / "sda").mkdir()
    (tmp_path / "sda/vendor").write_text("first\n")
    attributes = Attributes()
    with Below(tmp_path / "sda") as disk:
        (tmp_path / "sda").rename(tmp_path / "gone")
        (tmp_path / "sda").mkdir()
        (tmp_path / "sda/vendor").write_text("second\n")
        assert attributes.text(disk / "vendor") == "first"
    assert attributes.text(disk / "vendor") == "second"


def test_a_directory_that_can_not_be_opened_is_read_by_its_path(tmp_path: Path) -> None:
    with Below(tmp_path / "sda") as disk:
        assert Attributes().optional(disk / "vendor") == ""
        (tmp_path / "sda").mkdir()
        (tmp_path / "sda/vendor").write_text("IET\n")
        assert Attributes().text(disk / "vendor") == "IET"
