"""How fast interfaces run, asked rarely, and their IPv4 settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.core.model.facts import Ipv4Settings
from mpathd_watch.sources.netlink.conversation import attribute, messages
from mpathd_watch.sources.network import ipv4, links, speeds
from mpathd_watch.sources.network.speeds import Speed, Speeds
from tests.fakes.rtnetlink import link

FAST = Speed(10000, "full")


class Host:
    """Interfaces in sysfs, and a clock."""

    def __init__(self, net: Path) -> None:
        self.net = net
        self.now = 0.0
        self.speeds = Speeds(lambda: self.now, net)

    def put(self, name: str, speed: str = "10000\n", duplex: str = "full\n") -> None:
        (self.net / name).mkdir(parents=True, exist_ok=True)
        (self.net / name / "speed").write_text(speed)
        (self.net / name / "duplex").write_text(duplex)

    def of(self, name: str = "eth0", *, carrier: bool = True) -> Speed:
        return self.speeds.of([(name, carrier)])[name]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.mark.parametrize(
    ("speed", "duplex", "expected"),
    [
        ("10000\n", "full\n", FAST),
        ("100\n", "half\n", Speed(100, "half")),
        ("-1\n", "unknown\n", Speed()),
        ("0\n", "", Speed()),
        ("\n", "\x1b\n", Speed()),
        ("x" * 5000, "full" * 5000, Speed()),
    ],
)
def test_what_the_driver_reports(host: Host, speed: str, duplex: str, expected: Speed) -> None:
    host.put("eth0", speed, duplex)
    assert host.of() == expected


def test_an_interface_that_is_gone_or_has_an_odd_name(host: Host) -> None:
    for name in ("eth9", "..", ".", "", "a/b"):
        assert host.of(name) == Speed()


def test_it_is_asked_again_after_a_minute_or_when_its_carrier_returns(host: Host) -> None:
    host.put("eth0")
    assert host.of() == FAST
    host.put("eth0", "1000\n")
    host.now = speeds.AGAIN_AFTER - 1
    assert host.of() == FAST
    host.now = speeds.AGAIN_AFTER
    assert host.of() == Speed(1000, "full")
    host.put("eth0", "100\n")
    assert host.of(carrier=False) == Speed(1000, "full"), "one without a carrier keeps it"
    assert host.of() == Speed(100, "full")


def test_one_that_never_had_a_carrier_is_not_asked(host: Host) -> None:
    host.put("eth0")
    assert host.of(carrier=False) == Speed()
    assert host.of() == FAST


def test_not_all_of_very_many_are_asked_at_once(host: Host) -> None:
    names = [f"eth{number}" for number in range(speeds.MAX_ASKED + 1)]
    for name in names:
        host.put(name)
    wanted = [(name, True) for name in names]
    assert list(host.speeds.of(wanted).values()).count(FAST) == speeds.MAX_ASKED
    assert list(host.speeds.of(wanted).values()).count(FAST) == speeds.MAX_ASKED + 1
    assert host.speeds.of([]) == {}


# --- IPv4 settings ----------------------------------------------------------------------------------------------------

RP_FILTER, ARPFILTER, ARP_ANNOUNCE, ARP_IGNORE = 8, 13, 18, 19


def test_the_settings_come_with_the_interface() -> None:
    ((raw),) = messages(link(2, "eth0", mtu=9000, ipv4={RP_FILTER: 1, ARPFILTER: 0, ARP_ANNOUNCE: 2, ARP_IGNORE: 3}))
    found = links.parse(raw)
    assert found is not None
    assert (found.mtu, found.ipv4) == (9000, Ipv4Settings(1, 0, 2, 3))
    plain = links.parse(next(messages(link(2, "eth0"))))
    assert plain is not None
    assert (plain.mtu, plain.ipv4) == (None, None)


def test_the_larger_value_is_in_force() -> None:
    assert ipv4.in_force(Ipv4Settings(2, 0, 1, 0), Ipv4Settings(1, 1, 0, 2)) == Ipv4Settings(2, 1, 1, 2)
    assert ipv4.in_force(None, Ipv4Settings(1, 1, 1, 1)) is None
    assert ipv4.in_force(Ipv4Settings(1, 1, 1, 1), None) is None


def test_the_settings_of_all(tmp_path: Path) -> None:
    assert ipv4.of_all(tmp_path) is None
    for number, name in enumerate(("rp_filter", "arp_filter", "arp_announce", "arp_ignore")):
        (tmp_path / name).write_text(f"{number}\n")
    assert ipv4.of_all(tmp_path) == Ipv4Settings(0, 1, 2, 3)
    (tmp_path / "arp_ignore").write_text("x\n")
    assert ipv4.of_all(tmp_path) is None
    (tmp_path / "arp_ignore").unlink()
    os.mkfifo(tmp_path / "arp_ignore")
    assert ipv4.of_all(tmp_path) is None


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(raw: bytes) -> None:
    for each in (raw, attribute(2, raw), attribute(2, attribute(1, raw))):
        found = ipv4.own(each)
        assert found is None or isinstance(found, Ipv4Settings)
