"""The report of a bug of ours."""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING

from mpathd_watch.daemon.internal_errors import where

if TYPE_CHECKING:
    import pytest


def test_it_says_where_without_reading_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[object] = []
    for reader in ("getline", "getlines", "updatecache", "checkcache"):
        monkeypatch.setattr(linecache, reader, lambda *arguments: read.append(arguments))

    def inner() -> None:
        raise KeyError("sdb")

    try:
        inner()
    except KeyError as error:
        text = where(error)
    *_frames, last_frame, what = text.splitlines()
    assert what == "KeyError: 'sdb'"
    assert last_frame.startswith(f"{__file__}:")
    assert last_frame.endswith(".inner")
    assert read == []


def test_an_endless_recursion_is_cut() -> None:
    def again() -> None:
        again()

    try:
        again()
    except RecursionError as error:
        text = where(error)
    assert len(text.splitlines()) == 51
    assert text.splitlines()[-1].startswith("RecursionError: ")
