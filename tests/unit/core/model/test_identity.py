"""The order of labels: numbers in them compare as numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.model.identity import by_label, in_order, uid_property
from tests.factories import make_path

labels = st.text(st.one_of(st.sampled_from("0129#./:@a²٣"), st.characters()), max_size=12)
without_digits = st.text(st.characters(blacklist_characters="0123456789"), max_size=4)


@pytest.mark.parametrize(
    "ordered",
    [
        ["a", "a#2", "a#10"],
        ["192.168.1.1:3260", "192.168.1.1:3260#2", "192.168.1.1:3260@eth0", "192.168.2.1:3260", "192.168.10.1:3260"],
        ["192.168.1.1:3260/iqn.x", "192.168.1.1:3260#2/iqn.x", "192.168.1.1:3260#10/iqn.x"],
        ["2:0:0:1", "2:0:0:10", "10:0:0:1"],
        ["lun", "lun9", "lun10", "lunA"],
        ["mpatha", "mpathb", "mpathba"],
        ["", "7", "a"],
    ],
)
def test_numbers_compare_as_numbers(ordered: list[str]) -> None:
    keys = [in_order(label) for label in ordered]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


@given(st.permutations(["lun001", "lun01", "lun1", "lun2"]))
def test_labels_that_differ_in_leading_zeros_have_one_order(shuffled: list[str]) -> None:
    assert sorted(shuffled, key=in_order) == ["lun001", "lun01", "lun1", "lun2"]


@given(st.lists(labels, max_size=5))
def test_the_order_is_total(some: list[str]) -> None:
    keys = sorted(in_order(label) for label in some)
    for place, key in enumerate(keys):
        for later in keys[place:]:
            assert (key < later) + (key > later) + (key == later) == 1
            assert key <= later
    assert len(set(keys)) == len(set(some))


@given(without_digits, st.integers(min_value=0), st.integers(min_value=0), without_digits)
def test_between_the_same_texts_the_smaller_number_comes_first(before: str, one: int, other: int, after: str) -> None:
    smaller, greater = sorted((one, other))
    assert in_order(f"{before}{smaller}{after}") <= in_order(f"{before}{greater}{after}")


def test_a_number_may_have_more_digits_than_python_converts() -> None:
    assert in_order("a9" + "0" * 5000) < in_order("a1" + "0" * 5001)


def test_what_has_a_label_is_sorted_by_it() -> None:
    paths = [make_path(label) for label in ("a#10", "a#2", "a")]
    assert [path.label for path in sorted(paths, key=by_label)] == ["a", "a#2", "a#10"]


@pytest.mark.parametrize(("name", "key"), [("sda", "ID_SERIAL"), ("nvme0n1", "ID_WWN"), ("dasda", "ID_UID")])
def test_multipath_takes_the_wwid_of_each_kind_of_disk_from_another_property(name: str, key: str) -> None:
    assert uid_property(name) == key
