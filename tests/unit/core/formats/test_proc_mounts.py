"""/proc/self/mountinfo and /proc/swaps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.formats.proc_mounts import mounts, swaps
from mpathd_watch.core.model.usage import MountFacts, SwapFacts

HOST = """\
22 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime shared:5 - proc proc rw
27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
36 27 254:0 / /srv/my\\040data rw,noatime - xfs /dev/mapper/mpatha rw,attr2
37 27 0:45 /@home /home rw shared:9 master:2 propagate_from:3 - btrfs /dev/sdb2 rw,subvol=/@home
38 27 0:45 / /mnt/all rw shared:9 - btrfs /dev/sdb2 rw,subvol=/
39 27 0:50 / /tmp rw - tmpfs tmpfs rw
"""


def test_mounts_of_block_devices_without_those_of_the_kernel() -> None:
    assert mounts(HOST) == (
        MountFacts("8:1", "/dev/sda1", "/", "ext4"),
        MountFacts("254:0", "/dev/mapper/mpatha", "/srv/my data", "xfs"),
        MountFacts("0:45", "/dev/sdb2", "/mnt/all", "btrfs"),
    )


def test_of_a_file_system_that_is_mounted_in_parts_only_the_first_part_counts() -> None:
    lines = "".join(f"40 1 8:17 /pods/{n} /var/lib/pods/{n} rw - ext4 /dev/sdb1 rw\n" for n in range(3))
    assert mounts(lines) == (MountFacts("8:17", "/dev/sdb1", "/var/lib/pods/0", "ext4"),)
    assert mounts(lines + "41 1 8:17 / /pods rw - ext4 /dev/sdb1 rw\n") == (
        MountFacts("8:17", "/dev/sdb1", "/pods", "ext4"),
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "36 27 254:0 / /srv rw - xfs /dev/dm-0",
        "36 27 254:0 / /srv rw xfs /dev/dm-0 rw rw",
        "36 27 254:0 / /srv rw shared:1 xfs /dev/dm-0 -",
        "36 27 254 / /srv rw - xfs /dev/dm-0 rw",
        "36 27 ٢:0 / /srv rw - xfs /dev/dm-0 rw",
    ],
)
def test_a_line_that_makes_no_sense_is_left_out(line: str) -> None:
    assert mounts(f"{line}\n{HOST}") == mounts(HOST)


def test_swap_areas_without_the_heading() -> None:
    text = (
        "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
        "/dev/dm-1                               partition\t1048572\t\t0\t\t-2\n"
        "/swap\\040file                            file\t\t1048572\t\t0\t\t-3\n"
    )
    assert swaps(text) == (SwapFacts("/dev/dm-1"), SwapFacts("/swap file"))
    assert swaps("") == ()


@given(st.text(max_size=200), st.text(max_size=30), st.text(max_size=30))
def test_no_text_yields_anything_but_printable_facts(text: str, source: str, target: str) -> None:
    found = mounts(f"{text}\n36 27 8:1 / /{target} rw - ext4 {source} rw\n")
    assert all((fact.source + fact.target + fact.fs_type).isprintable() for fact in found)
    assert all(fact.path.isprintable() for fact in swaps(f"Filename\n/{target}\n{text}"))
