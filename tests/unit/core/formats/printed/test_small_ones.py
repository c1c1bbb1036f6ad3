"""The udev database, lists of packages and the kernel's log."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.formats.printed import kernel_log, packages, udevadm
from mpathd_watch.core.formats.printed.udevadm import UdevDisk

COMMANDS = Path(__file__).parents[4] / "golden/bundles/link-down/sosreport/sos_commands"
UDEV = (COMMANDS / "devices/udevadm_info_--export-db").read_text()
LOG = (COMMANDS / "logs/journalctl_--no-pager_--boot").read_text()


def test_the_disks_of_the_udev_database() -> None:
    found = {disk.name: disk for disk in udevadm.disks(UDEV)}
    assert found["sda"] == UdevDisk(
        "sda",
        "8:0",
        "/devices/platform/host0/session1/target0:0:0/0:0:0:1/block/sda",
        "360000000000000000e00000000010001",
        "IET",
        "VIRTUAL-DISK",
    )
    assert found["dm-0"].dev_t == "253:0"


def test_a_partition_is_no_disk() -> None:
    entry = (
        "P: x\nE: DEVPATH=/devices/x/block/sda/sda1\nE: SUBSYSTEM=block\nE: DEVTYPE=partition\nE: MAJOR=8\nE: MINOR=1"
    )
    assert udevadm.disks(entry) == ()
    assert udevadm.disks(entry.replace("partition", "disk"))[0].wwid == ""


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("ii  multipath-tools     0.11.1-2    amd64  maintain", (0, 11, 1)),
        ("ii  multipath-tools:amd64 1:0.9.4-3+deb12u1 amd64 x", (0, 9, 4)),
        ("un  multipath-tools  <none>  <none>", None),
        ("ii  multipath-tools-boot  0.11.1-2  all  x", None),
        ("device-mapper-multipath-0.8.7-32.el9_5.2.x86_64    Mon 3 Mar 2025", (0, 8, 7)),
        ("device-mapper-multipath-libs-0.8.7-32.el9.x86_64", None),
        ("multipath-tools-0.9.4+71+suse.c648a77-150500.3.6.1.x86_64", (0, 9, 4)),
        ("multipath-tools      SUSE Linux Enterprise 15    0.10.2+122+suse.53a2acd-150700.1.1", (0, 10, 2)),
        ("device-mapper-multipath  (none)  0.15-1.fc44", (0, 15, 0)),
        ("", None),
    ],
)
def test_the_version_of_multipath_tools(text: str, version: tuple[int, int, int] | None) -> None:
    assert packages.multipath_tools(f"other-1.2-3\n{text}\nlast") == version


def test_the_error_that_took_a_session() -> None:
    assert kernel_log.connection_errors(LOG) == {2: 1022}


def test_the_first_error_after_the_last_login_of_this_boot_counts() -> None:
    def errors(*lines: str) -> dict[int, int]:
        return kernel_log.connection_errors("\n".join(lines))

    lost, late = (
        "kernel:  connection1:0: detected conn error (1022)",
        "kernel:  connection1:0: detected conn error (1020)",
    )
    back = "iscsid: connection1:0 is operational after recovery (1 attempts)"
    assert errors(lost, late) == {1: 1022}
    assert errors(lost, back) == {}
    assert errors(lost, back, late, lost) == {1: 1020}
    assert errors(lost, "kernel: Linux version 6.12", "noise") == {}


@given(st.text() | st.lists(st.sampled_from([*LOG.split("\n"), *UDEV.split("\n")])).map("\n".join))
def test_any_text_is_read(text: str) -> None:
    udevadm.disks(text)
    packages.multipath_tools(text)
    kernel_log.connection_errors(text)


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("multipath-tools 1.2.3-1 4.5.6-1", (4, 5, 6)),
        ("multipath-tools multipath-tools 0.9.8+71-1", (0, 9, 8)),
        ("a multipath-tools-x device-mapper-multipath-0.8.7-20.el9", (0, 8, 7)),
        ("multipath-tools-1.2 device-mapper-multipath 0.8.7-1", (0, 8, 7)),
        ("multipath-tools x0.9.8-1", None),
        ("multipath-tools", None),
    ],
)
def test_a_version_in_a_column_of_its_own(line: str, version: tuple[int, int, int] | None) -> None:
    assert packages.multipath_tools(line) == version
