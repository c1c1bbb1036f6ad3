"""Many maps of scsi_debug: how they are made, and how their state, and that of a uevent socket, is read."""

from __future__ import annotations

import ctypes
import re
import struct
import subprocess
from typing import cast

import pytest

from mpathd_watch.sinks import metrics
from mpathd_watch.sinks.view import View
from tests.factories import NOW, make_map, make_path, make_state
from tests.lab.guest import fail_paths
from tests.lab.kit import exposition, many_maps
from tests.lab.kit.guest import MEMORY_MIB, Guest
from tests.lab.kit.many_maps import Disk, ManyMaps
from tests.lab.kit.san import MANY_MAPS, MORE_MAPS, QUICK, set_up

STATUS = """\
naa.33333330000007d0: 0 16384 multipath 2 0 0 0 1 1 A 0 4 2 8:16 A 0 0 1 8:32 F 2 0 1 65:16 A 0 0 1 128:240 A 0 0 1
naa.33333330000007d1: 0 16384 multipath 2 0 0 0 2 1 A 0 1 2 8:48 A 0 0 1 E 0 1 2 8:64 F 1 0 1
mpio-part1: 0 8192 linear
"""

LISTED = """\
/sys/class/scsi_disk/2:0:0:0/device/block/sda/dev:8:0
/sys/class/scsi_disk/13:0:0:16640/device/block/sdaab/dev:128:240
"""

SOCKETS = """\
lrwx------ 1 root root 64 Nov 26 12:00 3 -> 'socket:[21001]'
lrwx------ 1 root root 64 Nov 26 12:00 4 -> socket:[21002]
lr-x------ 1 root root 64 Nov 26 12:00 5 -> /sys/block
sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
00000000d1b9c1f4 15  642        00000001 131328   0        0     2        412      21001
0000000053a5ac2d 15  1          00000002 0        0        0     2        7        11111
00000000a9f3c2de 8   642        00000001 0        0        0     2        5        21002
"""


class FakeGuest(Guest):
    """Keeps what would be run, and runs nothing."""

    def __init__(self) -> None:
        self.scripts: list[str] = []
        self.files: dict[str, str] = {}

    def run(self, script: str, timeout: float = 60.0, check: bool = True) -> str:
        del timeout, check
        self.scripts.append(script)
        return '{"began": 1.5, "ended": 2.0}'

    def write_file(self, path: str, contents: str | bytes) -> None:
        self.files[path] = contents if isinstance(contents, str) else contents.decode()


def test_multipathd_starts_only_when_all_disks_are_there() -> None:
    guest = FakeGuest()
    set_up(guest, MORE_MAPS)
    script = "\n".join(guest.scripts)
    order = [
        "systemctl stop multipathd.socket multipathd.service",
        "ln -sf /dev/null",
        "udevadm control --reload",
        "modprobe scsi_debug add_host=0 num_tgts=2 max_luns=1 ",
        "echo 256 > max_luns",
        "-eq 2048",
        "udevadm settle",
        "systemctl start multipathd.service",
        "[0-9]+ A",
    ]
    places = [script.index(each) for each in order]
    assert places == sorted(places)
    assert "iscsiadm" not in script
    assert 'ENV{ID_WWN}="$attr{device/wwid}"' in guest.files["/etc/udev/rules.d/59-lab.rules"]
    assert len(guest.files["/etc/udev/rules.d/59-lab.rules"].splitlines()) == 1


def test_the_scripts_that_wait_are_shell() -> None:
    guest = FakeGuest()
    ManyMaps(2).set_up(guest)
    for script in [*guest.scripts, many_maps.overflow(1, 2, ["sda"], ["sdb"])]:
        subprocess.run(["/bin/sh", "-n", "-c", script], check=True)  # noqa: S603  # our own script


def test_the_big_host_has_the_memory_for_its_disks() -> None:
    assert MANY_MAPS.memory_mib == QUICK.memory_mib == MEMORY_MIB
    assert MORE_MAPS.memory_mib > 2 * MEMORY_MIB
    assert MORE_MAPS.many
    assert MORE_MAPS.many.paths == 2048
    assert len({each.key() for each in (QUICK, MANY_MAPS, MORE_MAPS)}) == 3


def test_multipath_conf_has_the_interval_of_the_checks() -> None:
    text = ManyMaps(2, polling_interval=7).multipath_conf()
    assert "\tpolling_interval 7\n\tmax_polling_interval 7\n" in text
    assert text.count("{") == text.count("}") == 2


def test_dms_status_has_each_path_of_each_map() -> None:
    assert many_maps.parse_status(STATUS) == {
        "naa.33333330000007d0": {"8:16": "A", "8:32": "F", "65:16": "A", "128:240": "A"},
        "naa.33333330000007d1": {"8:48": "A", "8:64": "F"},
    }


def test_without_maps_there_is_no_status() -> None:
    assert many_maps.parse_status("No devices found\n") == {}


def test_disks_have_an_address_and_a_host() -> None:
    found = many_maps.parse_disks(LISTED)
    assert found == {"8:0": Disk("2:0:0:0", "sda"), "128:240": Disk("13:0:0:16640", "sdaab")}
    assert [disk.host for disk in found.values()] == [2, 13]


def test_paths_to_fail_are_passed_in_a_file() -> None:
    guest = FakeGuest()
    burst = many_maps.fail(guest, {"a": "8:0", "b": "128:240"}.items())
    assert (burst.began, burst.ended) == (1.5, 2.0)
    assert guest.files[many_maps.PATHS_FILE] == "a 8:0\nb 128:240\n"
    assert many_maps.PATHS_FILE in guest.scripts[-1]


def test_the_states_of_disks_are_written_in_one_go() -> None:
    class Timed(FakeGuest):
        """Prints the clock twice, as the script does."""

        def run(self, script: str, timeout: float = 60.0, check: bool = True) -> str:
            super().run(script, timeout, check)
            return "12.50\n13.25\n"

    guest = Timed()
    burst = many_maps.set_states(guest, [Disk("2:0:0:0", "sda"), Disk("2:0:0:1", "sdb")], "offline")
    assert (burst.began, burst.ended) == (12.5, 13.25)
    (script,) = guest.scripts
    assert "2:0:0:0/device/state /sys/class/scsi_device/2:0:0:1/device/state; do echo offline > " in script


def test_a_message_to_dm_has_the_kernels_layout() -> None:
    class DmIoctl(ctypes.Structure):
        """struct dm_ioctl of linux/dm-ioctl.h."""

        _fields_ = (
            ("version", ctypes.c_uint32 * 3),
            ("data_size", ctypes.c_uint32),
            ("data_start", ctypes.c_uint32),
            ("target_count", ctypes.c_uint32),
            ("open_count", ctypes.c_int32),
            ("flags", ctypes.c_uint32),
            ("event_nr", ctypes.c_uint32),
            ("padding", ctypes.c_uint32),
            ("dev", ctypes.c_uint64),
            ("name", ctypes.c_char * 128),
            ("uuid", ctypes.c_char * 129),
            ("data", ctypes.c_char * 7),
        )

    request = fail_paths.request("naa.1", "fail_path 8:16")
    header = DmIoctl.from_buffer_copy(request)
    assert list(header.version) == [4, 0, 0]
    assert (header.data_size, header.data_start) == (len(request), ctypes.sizeof(DmIoctl))
    assert (header.name, header.uuid, header.flags) == (b"naa.1", b"", 0)
    sector, message = struct.unpack_from("=Q15s", request, header.data_start)
    assert (sector, message) == (0, b"fail_path 8:16\0")
    # _IOWR(0xfd, 14, struct dm_ioctl)
    expected = 3 << 30 | ctypes.sizeof(DmIoctl) << 16 | 0xFD << 8 | 14
    assert expected == fail_paths.DM_TARGET_MSG


def test_the_daemon_goes_on_whatever_happens_while_it_is_stopped() -> None:
    lines = many_maps.overflow(642, 500, ["sda", "sdb"], ["sdc"]).splitlines()
    assert lines[0] == "trap 'kill -CONT 642' EXIT"
    assert lines[1] == "kill -STOP 642"
    flood = next(number for number, line in enumerate(lines) if line.startswith("count=500;"))
    commands = [re.sub(" >&2$", "", line) for line in lines if line.startswith("multipathd")]
    assert commands == ["multipathd fail path sda", "multipathd fail path sdb", "multipathd reinstate path sdc"]
    assert all(flood < lines.index(f"{each} >&2") for each in commands)


def test_dropped_uevents_are_those_of_the_process() -> None:
    assert many_maps.netlink_drops(SOCKETS) == 412
    assert many_maps.netlink_drops(SOCKETS.replace("[21001]", "[21003]")) == 0


@pytest.fixture
def scraped() -> exposition.Exposition:
    state = make_state([make_map(paths=[make_path()])])
    product = metrics.Exposition(lambda: View(state, NOW))
    wanted = product.format(names=["mpathd_watch_path_health", "mpathd_watch_uevent_overflows_total"])
    return exposition.Exposition(b"".join(product.render(wanted)).decode())


def test_a_scrape_has_the_healths_and_counters_that_were_asked_for(scraped: exposition.Exposition) -> None:
    ((subject, health),) = scraped.states("path_health").items()
    assert all(subject)
    assert health == "up"
    assert scraped.states("map_health") == {}
    assert scraped.value("uevent_overflows_total") == 0


def test_counters_are_summed_over_what_is_not_asked_for() -> None:
    text = 'mpathd_watch_resyncs_total{reason="events_lost"} 2\nmpathd_watch_resyncs_total{reason="unknown_path"} 1\n'
    found = exposition.Exposition(text)
    assert found.value("resyncs_total", reason="events_lost") == 2
    assert found.value("resyncs_total") == 3
    assert found.value("resyncs_total", reason="no_such") == 0


def test_the_metrics_that_are_scraped_exist() -> None:
    product = metrics.Exposition(lambda: View(make_state([make_map(paths=[make_path()])]), NOW))
    text = b"".join(product.render(product.format())).decode()
    for name in ("path_health", "map_health", "uevent_overflows_total", "resyncs_total", "outlet_lost_total"):
        assert f"# TYPE mpathd_watch_{name.removesuffix('_total')}" in text


def test_a_scrape_asks_the_guest_for_these_metrics_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Reply:
        """An empty answer."""

        def __enter__(self) -> Reply:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def read(self) -> bytes:
            return b""

    class Forwarding:
        """A guest of which only the port is used."""

        def port(self, name: str) -> int:
            assert name == "metrics"
            return 12345

    def opened(url: str, timeout: float) -> Reply:
        del timeout
        asked.append(url)
        return Reply()

    monkeypatch.setattr("urllib.request.urlopen", opened)
    exposition.scrape(cast("Guest", Forwarding()), "path_health", "map_health")
    (url,) = asked
    names = "name%5B%5D=mpathd_watch_path_health&name%5B%5D=mpathd_watch_map_health"
    assert url == f"http://127.0.0.1:12345/metrics?{names}"
