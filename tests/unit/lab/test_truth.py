"""The lab's record of what really happened, and of what the product reported: port groups, unit attentions, IPv6."""

from __future__ import annotations

import json
import socket
import struct
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.guest import recorder
from tests.lab.kit.guest import Guest
from tests.lab.kit.truth import Truth
from tests.lab.kit.watch import METRICS_LOG, Watch

PORTAL = "[2001:db8:2::1]:3260"


class Recorded(Guest):
    """A guest that has files, and a clock that stands still."""

    def __init__(self, **files: list[dict[str, Any]]) -> None:
        self._files = {name: "".join(json.dumps(line) + "\n" for line in lines) for name, lines in files.items()}

    def read_file(self, path: str, offset: int = 0) -> bytes:
        name = path.rpartition("/")[2].partition(".")[0]
        return self._files.get(name, "").encode()[offset:]

    def now(self) -> float:
        return 0.0


def truth(*lines: dict[str, Any]) -> Truth:
    return Truth(Recorded(truth=[{"real": 0.0, **line} for line in lines]), {PORTAL: "p2"})


def access(at: float, state: str | None, hctl: str = "2:0:0:1") -> dict[str, Any]:
    return {"mono": at, "source": "access", "id": "sdb", "hctl": hctl, "portal": PORTAL, "access": state}


def attention(at: float, kind: str, hctl: str) -> dict[str, Any]:
    device = f"/devices/platform/host2/session1/target2:0:0/{hctl}"
    return {"mono": at, "source": "uevent", "SUBSYSTEM": "scsi", "DEVPATH": device, "SDEV_UA": kind}


def test_the_access_state_of_a_path_is_that_of_its_lun() -> None:
    seen = truth(access(1, "active/optimized"), access(2, "standby", "2:0:0:2"), access(3, "standby"), access(4, None))
    assert seen.access_instant(PORTAL, "standby", after=0) == 3
    assert seen.access_instant(PORTAL, "standby", after=0, lun=2) == 2
    assert seen.access_instant(PORTAL, "standby", after=3) is None
    assert seen.access(PORTAL) is None
    assert seen.access(PORTAL, lun=2) == "standby"
    assert seen.access("192.168.2.1:3260") is None


def dm(at: float, action: str, number: str = "8:32") -> dict[str, Any]:
    return {"mono": at, "source": "uevent", "DM_ACTION": action, "DM_PATH": number}


def test_a_path_that_multipathd_reinstates_for_a_moment_has_failed_twice() -> None:
    """As in the lab: a check that was under way when dm failed the path."""
    device = {"mono": 0.5, "source": "device", "id": "sdc", "hctl": "2:0:0:1", "portal": PORTAL, "dev_t": "8:32"}
    failed, reinstated = "PATH_FAILED", "PATH_REINSTATED"
    events = [(1, failed), (2, reinstated), (3, failed), (4, reinstated)]
    seen = truth(device, dm(2.5, failed, "8:48"), *(dm(at, action) for at, action in events))
    assert seen.failures(PORTAL, 0.5) == [1, 3]
    assert seen.failures(PORTAL, 2.5) == [3]
    assert seen.failures(PORTAL, 4.0) == []


def test_unit_attentions_are_uevents_with_a_kind_and_an_address() -> None:
    seen = truth(
        attention(1, "CAPACITY_DATA_HAS_CHANGED", "2:0:0:1"),
        {"mono": 2, "source": "uevent", "SUBSYSTEM": "scsi", "DEVPATH": "/devices/2:0:0:1", "ACTION": "change"},
        attention(3, "POWER_ON_RESET_OCCURRED", "3:0:0:1"),
    )
    assert [(each.at, each.kind, each.hctl) for each in seen.attentions(after=0)] == [
        (1, "CAPACITY_DATA_HAS_CHANGED", "2:0:0:1"),
        (3, "POWER_ON_RESET_OCCURRED", "3:0:0:1"),
    ]
    assert [each.at for each in seen.attentions(after=1)] == [3]


def test_the_addresses_of_a_map_are_those_of_every_disk_that_was_in_it() -> None:
    def disk(number: str, hctl: str) -> dict[str, Any]:
        return {"mono": 1, "source": "device", "id": "sdx", "dev_t": number, "hctl": hctl, "portal": None}

    def map_(at: float, name: str, *numbers: str) -> dict[str, Any]:
        groups = [["A", numbers[:1]], ["E", numbers[1:]]]
        return {"mono": at, "source": "map", "id": name, "paths": dict.fromkeys(numbers, "A"), "groups": groups}

    seen = truth(
        disk("8:0", "0:0:0:1"),
        disk("8:16", "1:0:0:1"),
        disk("8:32", "0:0:0:2"),
        map_(2, "a", "8:0", "8:16"),
        map_(3, "b", "8:32"),
        map_(4, "a", "8:0"),
    )
    assert seen.addresses("a") == {"0:0:0:1", "1:0:0:1"}
    assert seen.addresses("b") == {"0:0:0:2"}
    assert seen.addresses("c") == set()
    assert [list(group) for group in seen.path_groups("a")] == [["A", ["8:0"]], ["E", []]]
    assert seen.active_paths("b") == ["8:32"]


def test_the_labels_of_an_info_metric_are_those_of_the_series_that_is_1_now() -> None:
    def series(at: float, access_state: str, value: float | None) -> dict[str, Any]:
        labels = f'map="mpio",path="{PORTAL}",access="{access_state}"'
        return {"mono": at, "began": at, "series": f"mpathd_watch_path_state_info{{{labels}}}", "value": value}

    lines = [series(1, "standby", 1), series(2, "active/optimized", 1), series(2, "standby", None)]
    assert METRICS_LOG.endswith("/metrics.jsonl")
    watch = Watch(Recorded(metrics=lines), present=True)
    assert [each["access"] for each in watch.infos("path_state_info", path=PORTAL)] == ["active/optimized"]
    assert watch.infos("path_state_info", path="another") == []
    assert watch.infos("path_info") == []


def diag_message(address: IPv4Address | IPv6Address, port: int, milliseconds: int) -> bytes:
    """An answer of sock_diag with INET_DIAG_INFO, as struct inet_diag_msg and struct tcp_info lay it out."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    peer = address.packed.ljust(16, b"\0")
    head = struct.pack("=4B", family, recorder.TCP_ESTABLISHED, 0, 0) + struct.pack("!HH", 40000, port)
    message = (head + bytes(16) + peer).ljust(recorder.DIAG_MESSAGE_SIZE, b"\0")
    info = struct.pack("=52xI", milliseconds).ljust(104, b"\0")
    other = struct.pack("=HHI", 8, 9, 0)
    return message + other + struct.pack("=HH", 4 + len(info), recorder.INET_DIAG_INFO) + info


@given(st.ip_addresses(), st.integers(0, 2**32 - 1))
def test_a_connection_to_a_portal_was_last_heard_so_long_ago(
    address: IPv4Address | IPv6Address, milliseconds: int
) -> None:
    now = 5e6
    ((peer, heard),) = recorder.last_heard(diag_message(address, recorder.ISCSI_PORT, milliseconds), now)
    host = peer.rpartition(":")[0]
    assert peer.endswith(":3260")
    assert (IPv4Address(host) if address.version == 4 else IPv6Address(host.strip("[]"))) == address
    assert host.startswith("[") is (address.version == 6)
    assert heard == pytest.approx(now - milliseconds / 1e3)


def test_a_connection_from_a_portal_is_no_session_of_ours() -> None:
    """LIO's end of a session is on the same host: its peer has some port of the initiator's."""
    assert list(recorder.last_heard(diag_message(IPv4Address("192.168.1.1"), 40001, 5), 1.0)) == []


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("192.168.1.1", "192.168.1.1:3260"),
        ("2001:db8:1::1", "[2001:db8:1::1]:3260"),
        ("[2001:db8:1::1]", "[2001:db8:1::1]:3260"),
    ],
)
def test_a_portal_has_brackets_around_an_ipv6_address(address: str, shown: str) -> None:
    assert recorder.in_brackets(address, "3260") == shown
