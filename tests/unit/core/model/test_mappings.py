"""Mappings in chunks hold what dictionaries hold, in their order, and share what is the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.model.mappings import CHUNK, Chunked

MANY = 5 * CHUNK + 1

writes = st.lists(st.tuples(st.integers(0, 3 * CHUNK), st.none() | st.integers()), max_size=60)
"""Keys with their values; ``None`` for a key that goes."""


@given(start=st.integers(0, 3 * CHUNK), drafts=st.lists(writes, max_size=6))
def test_any_writes_do_to_it_what_they_do_to_a_dictionary(
    start: int, drafts: list[list[tuple[int, int | None]]]
) -> None:
    like = dict.fromkeys(range(start), 0)
    mapping = Chunked.of(like)
    for writes_of_one in drafts:
        before, was = mapping, list(mapping.items())
        draft = mapping.draft()
        for key, value in writes_of_one:
            if value is not None:
                draft[key] = like[key] = value
            elif key in like:
                del draft[key], like[key]
            assert (draft.get(key), key in draft) == (like.get(key), key in like)
        assert list(draft.items()) == list(like.items())
        mapping = draft.finished()
        assert list(mapping.items()) == list(like.items())
        assert list(mapping) == list(like)
        assert list(mapping.values()) == list(like.values())
        assert len(mapping) == len(like)
        assert mapping == like
        assert list(before.items()) == was


def test_a_change_copies_one_chunk_and_shares_the_others() -> None:
    before = Chunked.of(dict.fromkeys(range(MANY), "old"))
    draft = before.draft()
    draft[CHUNK] = "new"
    after = draft.finished()
    assert [ours is theirs for ours, theirs in zip(after.chunks, before.chunks, strict=True)] == [
        number != 1 for number in range(6)
    ]


def test_writing_the_same_object_changes_nothing() -> None:
    before = Chunked.of({"a": "old"})
    draft = before.draft()
    draft["a"] = before["a"]
    assert not draft.changed
    assert draft.finished() is before
    draft["a"] = "new"
    assert draft.changed


def test_another_mapping_is_copied_and_one_in_chunks_is_not() -> None:
    items = {"a": 1}
    mapping = Chunked.of(items)
    items["a"] = 2
    assert mapping["a"] == 1
    assert Chunked.of(mapping) is mapping


def test_a_key_that_is_not_there_is_an_error() -> None:
    mapping = Chunked.of({"a": 1})
    assert mapping.get("b", 3) == 3
    with pytest.raises(KeyError):
        mapping["b"]
    with pytest.raises(KeyError):
        del mapping.draft()["b"]


def test_chunks_that_are_nearly_empty_are_joined() -> None:
    draft = Chunked.of(dict.fromkeys(range(MANY), "old")).draft()
    for key in range(MANY):
        if key % CHUNK:
            del draft[key]
    mapping = draft.finished()
    assert list(mapping) == [0, *range(CHUNK, MANY, CHUNK)]
    assert len(mapping.chunks) == 1


def test_its_text_shows_its_items() -> None:
    assert repr(Chunked.of({"a": 1, "b": None})) == "Chunked({'a': 1, 'b': None})"
