"""Members of a map that lack an attribute, or use another vocabulary: each is judged by what is known of it."""

from __future__ import annotations

import pytest

from tests.field.conftest import NewHost
from tests.field.host.multipathd import FAULTY, GHOST, Gone
from tests.field.product import Watched, check, status, watch

PURE = "eui.00e6d65b65a8f34024a9374e00011745"


@pytest.mark.field(
    "NVMe namespaces below dm-multipath (nvme_core.multipath=N)",
    "a published multipath.conf (NVMe, Pure); opensvc/multipath-tools#28",
)
def test_two_live_nvme_namespaces_are_a_healthy_map(new_host: NewHost) -> None:
    host = new_host(iscsi=False)
    one, two = (
        host.storage.nvme(
            f"pci0000:00/0000:00:0{5 + number}.0/nvme/nvme{number}", wwid=PURE, model="Pure Storage FlashArray"
        )
        for number in (0, 1)
    )
    host.map("mpatha", one, two, wwid=PURE, vendor="NVME", product="Pure Storage FlashArray", hwhandler="0")
    seen = status(host)
    assert seen.health("mpatha") == "healthy"
    assert seen.map("mpatha")["usable"] == 2

    async def story(daemon: Watched) -> None:
        wanted = 'mpathd_watch_map_health{map="mpatha",state="healthy"} 1.0'
        lines = await daemon.until(lambda lines: wanted in lines)
        assert wanted in lines
        assert "map_lost" not in daemon.events()

    watch(host, story)
    two.device.joinpath("state").write_text("connecting\n")
    assert status(host).path("nvme1n1")["health"] in {"stalled", "failed", "suspect", "recovering"}


@pytest.mark.field(
    "maps whose paths are all gone: ##,## and #:#", "opensvc/multipath-tools#12; opensvc/multipath-tools#131"
)
def test_maps_whose_paths_are_all_gone_are_lost(new_host: NewHost) -> None:
    host = new_host()
    one, two = "36006016022f04400e3e62561e0efe3a6", "36006016022f0440013d6296107dfe3c7"
    host.map(one, wwid=one, groups=[])
    host.map(two, wwid=two, groups=[[Gone("gone1"), Gone("gone2")]])
    assert len(check(host).of("map_without_path")) == 2
    seen = status(host)
    assert (seen.health(one), seen.health(two)) == ("lost", "lost")


@pytest.mark.field("3PAR Peer Persistence: half of the paths are ghosts", "hreinecke/sg3_utils#62")
@pytest.mark.parametrize(("active_is_dead", "health"), [(False, "healthy"), (True, "degraded")])
def test_a_ghost_is_a_path_that_can_be_used(new_host: NewHost, active_is_dead: bool, health: str) -> None:
    host, wwid = new_host(), "360002ac0000000000123456789012345"
    disks = [
        host.disk(
            host.login(f"192.168.{nic}.{array}:3260", target=f"iqn.2000-05.com.3pardata:2121000{array}"),
            wwid=wwid,
            vendor="3PARdata",
            product="VV",
            access="active/optimized" if array == 1 else "standby",
        )
        for array in (1, 2)
        for nic in (1, 2)
    ]
    host.map("mpathax", *disks, wwid=wwid, groups=[disks[:2], disks[2:]])
    host.multipathd.words = {disk.name: GHOST for disk in disks[2:]}
    if active_is_dead:
        host.multipathd.words |= {disk.name: FAULTY for disk in disks[:2]}
    assert status(host).health("mpathax") == health


@pytest.mark.field("iSER exports no address of this host's end", "open-iscsi/open-iscsi usr/iscsi_sysfs.c")
def test_iser_sessions_have_no_addresses_and_are_healthy(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths()
    for session in host.san.sessions:
        session.connection.remove("local_port")
        session.iscsi_host.remove("ipaddress")
        session.iscsi_host.remove("netdev")
    found = check(host)
    assert found.status == "OK"
    assert not found.codes("warning")
    assert status(host).health("mpio") == "healthy"


@pytest.mark.field("zfcp and SAS paths", "SUSE/doc-sle#1229")
@pytest.mark.parametrize(
    "places",
    [
        [f"css0/0.0.000{n}/0.0.190{n}/host{n}/rport-{n}:0-3/target{n}:0:3/{n}:0:3:1" for n in (0, 1)],
        [
            f"pci0000:00/0000:00:0{n}.0/host{n}/port-{n}:0/expander-{n}:0/port-{n}:0:1/end_device-{n}:0:1"
            f"/target{n}:0:1/{n}:0:1:0"
            for n in (1, 2)
        ],
    ],
    ids=["zfcp", "SAS"],
)
def test_a_map_of_another_scsi_transport_is_healthy(new_host: NewHost, places: list[str]) -> None:
    host = new_host(iscsi=False)
    host.map("mpatha", *(host.disk(place=place, vendor="IBM", product="2107900") for place in places))
    found = check(host)
    assert found.status == "OK"
    assert not found.codes("warning")
    assert status(host).health("mpatha") == "healthy"


@pytest.mark.field(
    "SAS disks whose vendor is blank: relabelled drives",
    "opensvc/multipath-tools#56; opensvc/multipath-tools#144",
)
def test_disks_without_a_vendor_are_members(new_host: NewHost) -> None:
    host, wwid = new_host(iscsi=False), "35000c500d9549ddf"
    disks = [
        host.disk(
            place=f"pci0000:d7/0000:d7:02.0/0000:da:00.{n}/host1{n}/port-1{n}:0/expander-1{n}:0/port-1{n}:0:1"
            f"/end_device-1{n}:1:0/target1{n}:0:1/1{n}:0:1:0",
            wwid=wwid,
            vendor="",
            product="OOS16000G",
            size=31251759104,
            access="",
        )
        for n in (0, 1)
    ]
    disks[1].device.remove("vendor")
    disks[1].device.remove("model")
    host.map("mpatha", *disks, wwid=wwid, vendor="##", hwhandler="0")
    found = check(host)
    assert found.status == "OK", found
    assert status(host).health("mpatha") == "healthy"


@pytest.mark.field(
    "NVMe over TCP without native multipath: the controller reconnects, resets, or is about to go",
    "ceph/ceph-csi#5974; linux-nvme/nvme-cli#1289; openebs/mayastor-control-plane#950",
)
@pytest.mark.parametrize("word", ["connecting", "resetting", "deleting", "deleting (no IO)", "dead"])
def test_an_nvme_path_whose_controller_is_not_live_is_not_usable(new_host: NewHost, word: str) -> None:
    host = new_host(iscsi=False)
    states = ("live", word)
    pair = [
        host.storage.nvme(f"virtual/nvme-fabrics/ctl/nvme{number}", state=states[number], wwid=PURE)
        for number in (0, 1)
    ]
    host.map("mpatha", *pair, wwid=PURE, vendor="NVME", product="Linux", hwhandler="0")
    seen = status(host)
    assert seen.map("mpatha")["usable"] == 1
    assert seen.health("mpatha") == "at_risk"
    assert seen.path("nvme0n1")["health"] == "up"
    assert seen.path("nvme1n1")["health"] in {"stalled", "failed", "recovering"}
