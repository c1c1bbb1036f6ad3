"""multipath -ll, as 0.9.4, 0.11.1 and 0.15.1 print it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.formats.printed import multipath_topology
from mpathd_watch.core.formats.printed.multipath_topology import PrintedMap, PrintedPath
from mpathd_watch.core.model.vocabulary import CheckerState, DmState

GOLDEN = Path(__file__).parents[4] / "golden/bundles"
UP = PrintedPath("0:0:0:1", "sda", "8:0", DmState.ACTIVE, CheckerState.READY, running=True, group=1, priority=1)
DOWN = PrintedPath("1:0:0:1", "sdb", "8:16", DmState.FAILED, CheckerState.FAULTY, running=False, group=1)
WWID = "360000000000000000e00000000010001"

GROUPS = """\
mpatha (3600a0b80000f) dm-3 DELL,MD32xx i, with a comma
size=10G features='2 queue_if_no_path retain_attached_hw_handler' hwhandler='1 alua' wp=rw
|-+- policy='service-time 0' prio=50 status=active
| |- 2:0:0:10   sdaa 65:160  active ready running
| `- 3:0:0:10   sdab 65:176  active i/o pending running
`-+- policy='service-time 0' prio=10 status=enabled
  `- #:#:#:#    -    8:48    failed undef unknown
"""


def test_a_link_is_down() -> None:
    text = (GOLDEN / "link-down/sosreport/sos_commands/multipath/multipath_-ll").read_text()
    (found,) = multipath_topology.parse(text)
    assert found == PrintedMap(WWID, "mpio", "dm-0", "IET", "VIRTUAL-DISK", queues=False, paths=(UP, DOWN))


def test_groups_a_checker_with_a_blank_and_a_disk_that_is_gone() -> None:
    (found,) = multipath_topology.parse(GROUPS)
    assert (found.vendor, found.product, found.queues) == ("DELL", "MD32xx i, with a comma", True)
    assert [path.dev for path in found.paths] == ["sdaa", "sdab", ""]
    assert found.paths[1].checker_state is CheckerState.PENDING
    gone = PrintedPath("", "", "8:48", DmState.FAILED, CheckerState.UNDEF, running=False, group=2)
    assert found.paths[2] == gone


def test_the_priority_of_a_group_is_that_of_a_path_only_if_no_other_path_of_it_is_usable() -> None:
    (found,) = multipath_topology.parse(GROUPS)
    assert [(path.group, path.priority) for path in found.paths] == [(1, 50), (1, None), (2, None)]
    for checker, priorities in (
        ("ready", [None, None, None]),
        ("ghost", [None, None, None]),
        ("faulty", [50, None, None]),
    ):
        (found,) = multipath_topology.parse(GROUPS.replace("i/o pending", checker))
        assert [path.priority for path in found.paths] == priorities
    (found,) = multipath_topology.parse(GROUPS.replace("prio=50", "prio=-1"))
    assert [path.priority for path in found.paths] == [None, None, None]


def test_a_path_below_no_group_that_can_be_read_is_a_path() -> None:
    (found,) = multipath_topology.parse(GROUPS.replace("prio=50", "prio=high"))
    assert [(path.dev_t, path.group, path.priority) for path in found.paths] == [
        ("65:160", None, None),
        ("65:176", None, None),
        ("8:48", 1, None),
    ]


def test_the_log_of_v4_and_the_table_of_paths_are_no_maps() -> None:
    log = "105.73 | set open fds limit to 1073741816/1073741816\n"
    table = "===== paths list =====\nuuid hcil    dev dev_t pri dm_st chk_st vend/prod/rev         dev_st \n"
    table += "     0:0:0:1 sda 8:0   -1  undef undef  IET,VIRTUAL-DISK,0001 unknown\n"
    assert multipath_topology.parse(log + table + GROUPS) == multipath_topology.parse(GROUPS)


def test_a_map_named_by_its_wwid_an_action_bold_letters_and_no_disk() -> None:
    text = f"\x1b[1mreload: {WWID} dm-0 ##,##\x1b[0m\nsize=128M features='0' hwhandler='0' wp=rw\n"
    (found,) = multipath_topology.parse(text)
    assert (found.wwid, found.name, found.vendor, found.product) == (WWID, WWID, "", "")


def test_a_native_nvme_device_is_left_out() -> None:
    text = "eui.01 [nvme]:nvme0n1 NVMe,Linux,6.12\nsize=262144 features='n/a' hwhandler='ANA' wp=rw\n"
    text += "|-+- policy='n/a' prio=50 status=optimized\n| `- 0:1:1 nvme0c0n1 0:0 n/a optimized live\n"
    assert multipath_topology.parse(text) == ()


def test_a_truncated_listing_keeps_what_is_whole() -> None:
    cut = GROUPS[: GROUPS.index("sdab")]
    assert [path.dev for map_ in multipath_topology.parse(cut) for path in map_.paths] == ["sdaa"]


@pytest.mark.parametrize("text", ["", "\n", "Failed to connect", "  |- 0:0:0:1 sda 8:0 active ready running"])
def test_no_map(text: str) -> None:
    assert multipath_topology.parse(text) == ()


@given(st.text() | st.lists(st.sampled_from([*GROUPS.split("\n"), "\0", "x" * 2000])).map("\n".join))
def test_any_text_is_read(text: str) -> None:
    for map_ in multipath_topology.parse(text):
        assert map_.wwid
        assert map_.name.isprintable()
