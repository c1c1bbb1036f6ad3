"""dmsetup info, table and status."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.formats.printed import dmsetup
from mpathd_watch.core.formats.printed.dmsetup import DmDevice, DmTarget
from mpathd_watch.core.model.vocabulary import DmState

COLUMNS = """\
Name             Maj Min Stat Open Targ Event  UUID                                   
mpio             253   0 L--w    1    1      0 mpath-360000000000000000e00000000010001
held             253  12 L-sw    1    1      0 mpath-3600                             
vg-root          253   1 L--w    1    1      0 LVM-abc
"""  # noqa: W291  # dmsetup pads its columns
LONG = """\
Name:              mpio
State:             ACTIVE
Major, minor:      253, 0
UUID: mpath-3600

Name:              held
State:             SUSPENDED
Major, minor:      253, 1

Name:              cut
Major, minor:      253, 2

Name:              broken
"""
TABLE = (
    "mpio: 0 262144 multipath 1 queue_if_no_path 0 1 1 service-time 0 2 2 8:0 1 1 8:16 1 1 \nroot: 0 8 linear 8:2 0\n"
)
STATUS = "mpio: 0 262144 multipath 2 0 0 0 1 1 A 0 2 2 8:0 A 0 0 1 8:16 F 1 0 1 8:32 ? \n"


def test_columns() -> None:
    mpio, held, root = dmsetup.devices(COLUMNS)
    assert mpio == DmDevice("mpio", "dm-0", "mpath-360000000000000000e00000000010001", suspended=False)
    assert (held.sysfs_name, held.suspended) == ("dm-12", True)
    assert root.uuid == "LVM-abc"


def test_blocks() -> None:
    mpio, held, cut = dmsetup.devices(LONG)
    assert mpio == DmDevice("mpio", "dm-0", "mpath-3600", suspended=False)
    assert held.suspended is True
    assert (cut.suspended, cut.uuid) == (None, "")


def test_a_table_has_the_features_and_the_paths() -> None:
    (found,) = dmsetup.tables(TABLE)
    assert found == DmTarget("mpio", True, {"8:0": DmState.UNKNOWN, "8:16": DmState.UNKNOWN})
    (plain,) = dmsetup.tables("a: 0 8 multipath x 8:0 1\n")
    assert (plain.queues, list(plain.paths)) == (False, ["8:0"])
    (empty,) = dmsetup.tables("a: 0 8 multipath \n")
    assert not empty.paths


def test_a_status_has_the_states() -> None:
    (found,) = dmsetup.statuses(STATUS)
    assert found == DmTarget("mpio", None, {"8:0": DmState.ACTIVE, "8:16": DmState.FAILED, "8:32": DmState.UNKNOWN})


@given(st.text() | st.lists(st.sampled_from([*COLUMNS.split("\n"), *LONG.split("\n"), TABLE, STATUS])).map("\n".join))
def test_any_text_is_read(text: str) -> None:
    dmsetup.devices(text)
    dmsetup.tables(text)
    dmsetup.statuses(text)
