"""What the lab sets up: two arrays with the same target, and the multipath.conf for each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.kit import lio, san, scsi_debug
from tests.lab.kit.array import Array
from tests.lab.kit.chap import CANARY
from tests.lab.kit.errors import LabError
from tests.lab.kit.faults import Faults
from tests.lab.kit.guest import Guest
from tests.lab.kit.lio import STATES, TRANSITIONING, Lio
from tests.lab.kit.san import ARTICLE, LIO, LIO_CHAP, LIO_IPV6, PORTALS, QUICK, San
from tests.lab.kit.tgt import Tgt

ARRAYS = (Tgt(), Tgt(bonded=True), Lio(), Lio(ipv6=True), Lio(chap=True))


class FakeGuest(Guest):
    """Keeps what would be run, and runs nothing."""

    def __init__(self) -> None:
        self.scripts: list[str] = []
        self.files: dict[str, str] = {}

    def run(self, script: str, timeout: float = 60.0, check: bool = True) -> str:
        del timeout, check
        self.scripts.append(script)
        return ""

    def timed(self, script: str) -> float:
        self.scripts.append(script)
        return 1.0

    def write_file(self, path: str, contents: str | bytes) -> None:
        self.files[path] = contents if isinstance(contents, str) else contents.decode()


def faults(chosen: San) -> tuple[Faults, FakeGuest]:
    guest = FakeGuest()
    return Faults(guest, chosen, lambda _: None), guest


@pytest.mark.parametrize("array", ARRAYS, ids=repr)
def test_an_array_has_two_portals_and_an_interface_to_each(array: Array) -> None:
    assert list(array.portals) == [1, 2]
    assert len(set(array.portals.values())) == 2
    assert array.interfaces == {label: f"p{number}" for number, label in array.portals.items()}


def test_scenarios_may_name_the_portals_of_either_array() -> None:
    assert Lio().portals == PORTALS == {1: "192.168.1.1:3260", 2: "192.168.2.1:3260"}
    assert LIO_IPV6.portals == {1: "[2001:db8:1::1]:3260", 2: "[2001:db8:2::1]:3260"}


@pytest.mark.parametrize("array", ARRAYS, ids=repr)
def test_each_lun_has_its_own_wwid_as_multipath_spells_it(array: Array) -> None:
    wwids = [array.wwid(lun) for lun in (1, 2, 3, 4, 104)]
    assert len(set(wwids)) == len(wwids)
    assert all(re.fullmatch(r"3[0-9a-f]{32}", wwid) for wwid in wwids)


def test_the_wwid_of_a_lio_disk_is_its_serial_number_behind_the_company_id() -> None:
    assert lio.wwid(4) == "36001405" + "4".rjust(25, "0")
    assert lio.naa(4) == "naa.6001405" + "4".rjust(25, "0")


@pytest.mark.parametrize("chosen", [LIO, LIO_IPV6], ids=["IPv4", "IPv6"])
def test_lio_exports_each_lun_at_both_portals_in_the_portals_own_group(chosen: San) -> None:
    guest = FakeGuest()
    chosen.array.set_up(guest, chosen.luns)
    (script,) = guest.scripts
    assert script.startswith("set -e\n")
    lines = script.splitlines()
    for lun in chosen.luns:
        for number, portal in chosen.portals.items():
            port = f"{lio.FABRIC}/tpgt_{number}/lun/lun_{lun}"
            linked = lines.index(f"ln -s {lio.CORE}/disk{lun} {port}/disk")
            # A port has a group only once there is a disk behind it, and the disk must be enabled.
            assert lines.index(f"echo 1 > {lio.CORE}/disk{lun}/enable") < linked
            assert lines.index(f"mkdir {lio.CORE}/disk{lun}/alua/group{number}") < linked
            assert linked < lines.index(f"echo group{number} > {port}/alua_tg_pt_gp")
            opened = lines.index(f"echo 1 > {lio.FABRIC}/tpgt_{number}/enable")
            assert max(linked, lines.index(f"mkdir '{lio.FABRIC}/tpgt_{number}/np/{portal}'")) < opened


def test_with_chap_both_sides_get_the_same_names_and_passwords() -> None:
    guest = FakeGuest()
    LIO_CHAP.array.set_up(guest, LIO_CHAP.luns)
    lines = guest.scripts[0].splitlines()
    configured = LIO_CHAP.iscsid_settings()
    places = {f"{lio.FABRIC}/tpgt_{number}/auth": "node.session" for number in (1, 2)}
    places[f"{lio.ISCSI}/discovery_auth"] = "discovery.sendtargets"
    pairs = {
        "userid": "username",
        "password": "password",
        "userid_mutual": "username_in",
        "password_mutual": "password_in",
    }
    for directory, prefix in places.items():
        assert configured[f"{prefix}.auth.authmethod"] == "CHAP"
        for attribute, key in pairs.items():
            assert f"printf %s {configured[f'{prefix}.auth.{key}']} > {directory}/{attribute}" in lines
    for number in (1, 2):
        enforced = lines.index(f"echo 1 > {lio.FABRIC}/tpgt_{number}/attrib/authentication")
        assert enforced > lines.index(f"echo 0 > {lio.FABRIC}/tpgt_{number}/attrib/authentication")
        assert enforced < lines.index(f"echo 1 > {lio.FABRIC}/tpgt_{number}/enable")
    assert f"echo 1 > {lio.ISCSI}/discovery_auth/enforce_discovery_auth" in lines
    secrets = [value for key, value in configured.items() if key.endswith((".password", ".password_in"))]
    assert len(set(secrets)) == 4
    assert all(12 <= len(value) <= 16 and value.startswith(CANARY) for value in secrets)
    assert LIO_CHAP.key() != LIO.with_luns(LIO_CHAP.aliases).key()
    assert not any("auth" in key for key in LIO.iscsid_settings())


def test_a_replaced_lun_keeps_its_number_and_gets_another_disk() -> None:
    broken, guest = faults(LIO)
    broken.replace_lun(4)
    (script,) = guest.scripts
    for number in (1, 2):
        port = f"{lio.FABRIC}/tpgt_{number}/lun/lun_4"
        assert script.index(f"rm {port}/disk") < script.index(f"ln -s {lio.CORE}/disk104 {port}/disk")
    assert lio.wwid(4 + lio.ANOTHER) != LIO.wwid(4)


@pytest.mark.parametrize("state", STATES)
def test_a_port_group_gets_its_state_for_all_disks(state: str) -> None:
    broken, guest = faults(LIO)
    assert broken.port_group(2, state) == 1.0
    (script,) = guest.scripts
    assert f"{lio.CORE}/disk*/alua/group2/alua_access_state" in script
    assert f"echo {STATES[state]} >" in script


def test_port_groups_change_one_right_after_the_other() -> None:
    broken, guest = faults(LIO)
    broken.port_groups({1: lio.STANDBY, 2: lio.OPTIMIZED})
    (script,) = guest.scripts
    assert re.search(r"group1/.*echo 2 > .* && for .*group2/.*echo 0 > ", script)


@pytest.mark.parametrize(
    ("chosen", "break_it"),
    [
        (LIO, lambda broken: broken.link_down(2)),
        (LIO, lambda broken: broken.lun_offline(1)),
        (QUICK, lambda broken: broken.port_group(2, TRANSITIONING)),
        (QUICK, lambda broken: broken.replace_lun(1)),
    ],
)
def test_a_fault_of_the_other_array_ends_the_scenario(chosen: San, break_it: Callable[[Faults], float]) -> None:
    broken, guest = faults(chosen)
    with pytest.raises(LabError):
        break_it(broken)
    assert guest.scripts == []


@pytest.mark.parametrize(
    ("chosen", "prefix", "matches"),
    [
        (QUICK, "ip netns exec san ", 'iifname "t2"'),
        (LIO, "", "ip daddr 192.168.2.1"),
        (LIO_IPV6, "", "ip6 daddr 2001:db8:2::1"),
    ],
    ids=["tgt", "lio", "IPv6"],
)
def test_packets_are_dropped_and_reset_where_the_portals_are(chosen: San, prefix: str, matches: str) -> None:
    broken, guest = faults(chosen)
    broken.drop_silently(2)
    assert f"{matches} drop;" in guest.files["/run/lab/faults.nft"]
    broken.reset(2)
    assert f"{matches} tcp dport 3260 reject with tcp reset;" in guest.files["/run/lab/faults.nft"]
    broken.drop_nothing()
    assert guest.scripts[-1] == f"{prefix}nft flush ruleset"
    assert all(script.startswith(f"{prefix}nft ") for script in guest.scripts)


def test_multipath_conf_names_the_maps_and_the_array() -> None:
    assert f"wwid {Tgt().wwid(1)}\n\t\talias mpio\n" in ARTICLE.multipath_conf()
    assert "devices {" not in ARTICLE.multipath_conf()
    text = LIO.multipath_conf()
    assert 'devices {\n\tdevice {\n\t\tvendor "LIO-ORG"\n\t\tproduct ".*"\n\t\tpath_checker tur\n\t}\n}\n' in text
    assert [LIO.map_name(lun) for lun in LIO.luns] == ["mpio", "lun2", "lun3", "lun4"]
    assert all(f"wwid {lio.wwid(lun)}\n\t\talias {LIO.map_name(lun)}\n" in text for lun in LIO.luns)


def test_a_saved_guest_serves_equal_sans_alone() -> None:
    sans = [ARTICLE, QUICK, QUICK.with_array(Tgt(bonded=True)), LIO, LIO_IPV6, replace(LIO, for_array={})]
    assert len({each.key() for each in sans}) == len(sans)
    assert replace(LIO).key() == LIO.key()


@pytest.mark.parametrize("chosen", [QUICK, LIO], ids=["tgt", "lio"])
def test_a_lun_comes_and_goes_at_both_portals(chosen: San) -> None:
    guest = FakeGuest()
    san.add_lun(guest, chosen, 7)
    san.remove_lun(guest, chosen, 7)
    added, flushed, removed = guest.scripts
    assert added.endswith(f" && {san.RESCAN}")
    assert flushed.startswith(f"multipath -f {chosen.wwid(7)} && ")
    marks = ("-C 1 ", "-C 2 ") if chosen is QUICK else ("tpgt_1/lun/lun_7", "tpgt_2/lun/lun_7")
    assert all(mark in script for mark in marks for script in (added, removed))


def test_the_disk_of_scsi_debug_grows_and_is_scanned() -> None:
    broken, guest = faults(QUICK)
    broken.plug_in_debug_disk()
    broken.grow_debug_disk(3)
    broken.rescan_debug_disk()
    plugged, grown, scanned = guest.scripts
    assert "vpd_use_hostno=0" in plugged
    assert grown.startswith("echo 3 > ")
    assert scanned.endswith(f"until multipathd resize map {scsi_debug.WWID}; do sleep 0.5; done'")


def test_the_readme_names_every_part() -> None:
    lab = Path(san.__file__).parents[1]
    readme = (lab / "README.md").read_text(encoding="utf-8")
    kit = {f"kit/{path.name}" for path in (lab / "kit").glob("[a-z]*.py")}
    named = set(re.findall(r"`(kit/\w+\.py)`", readme))
    assert named <= kit
    assert {"kit/array.py", "kit/tgt.py", "kit/lio.py", "kit/scsi_debug.py", "kit/port_groups.py"} <= named
