"""Sessions, and the records that they come from: matched as iscsiadm does it."""

from __future__ import annotations

import pytest

from tests.field.conftest import NewHost
from tests.field.product import check

EQUALLOGIC = (
    "EqualLogic: one group portal, logins are redirected to the array's ports",
    "an EqualLogic how-to (PS6000, two ifaces); open-iscsi/open-iscsi#179",
)


@pytest.mark.parametrize(
    ("ports", "told"),
    [
        pytest.param(
            ("192.0.2.21", "192.0.2.22"),
            False,
            marks=pytest.mark.xfail(strict=True, reason="the current portal is not looked at so far"),
        ),
        (("192.0.2.21", "192.0.2.21"), True),
    ],
)
@pytest.mark.field(*EQUALLOGIC)
def test_redirected_logins_share_a_portal_only_if_they_end_at_the_same(
    new_host: NewHost, ports: tuple[str, str], told: bool
) -> None:
    host = new_host()
    target, wwid = "iqn.2001-05.com.equallogic:0-1cb196-07a83c107-vol", "36090a0180087e6c6a8e7a4c7f5a1b2c3"
    disks = []
    for number, port in enumerate(ports):
        session = host.login(
            "192.0.2.10:3260",
            iface=f"eql.eth{number}",
            target=target,
            local=f"192.0.2.10{number}",
            bound=f"eth{number}",
        )
        session.connection.set("address", port)
        disks.append(host.disk(session, lun=0, wwid=wwid, vendor="EQLOGIC", product="100E-00"))
    host.map("eqlvol", *disks, wwid=wwid)
    assert bool(check(host).of("single_portal")) is told


@pytest.mark.xfail(strict=True, reason="node.session.nr_sessions is not read so far")
@pytest.mark.field(
    "node.session.nr_sessions is 32, and 20 sessions are there",
    "Azure Elastic SAN: Connect to volumes, Linux (32 sessions); systemd/systemd#7409",
)
def test_fewer_sessions_than_the_record_wants_are_told(new_host: NewHost) -> None:
    host = new_host()
    target, wwid = "iqn.2023-03.net.windows.core.blob.elasticsan:vol1", "360014050000000000000000000000a01"
    wanted = {"node.session.nr_sessions": 32}
    sessions = [host.login("10.0.0.4:3260", target=target, record=wanted) for _ in range(20)]
    disks = [host.disk(session, wwid=wwid, vendor="MSFT", product="Virtual HD") for session in sessions]
    host.map("mpatha", *disks, wwid=wwid)
    assert [told for told in check(host).naming("32") if "session" in told.text]


@pytest.mark.field("a Synology advertises fe80::, and a record of it can never log in", "open-iscsi/open-iscsi#33")
def test_a_record_that_never_logged_in_is_told_once(new_host: NewHost) -> None:
    host, target = new_host(), "iqn.2000-01.com.synology:DiskStation.Target-1"
    session = host.login("192.168.1.87:3260", target=target)
    host.map("mpath1", host.disk(session, vendor="SYNOLOGY", product="iSCSI Storage"))
    host.record("fe80::211:32ff:fe0c:d12:3260", target=target)
    told = check(host).only("record_without_session")
    assert told.subject.startswith("[fe80::211:32ff:fe0c:d12]:3260/")


@pytest.mark.field(
    "only one of two portals was ever logged in to; another target has no LUN",
    "truenas/truenas-proxmox-plugin#91; xapi-project/sm#345",
)
def test_one_portal_of_two_and_a_target_without_luns(new_host: NewHost) -> None:
    host = new_host()
    session = host.login("192.168.2.1:3260")
    host.map("mpatha", host.disk(session, vendor="TrueNAS", product="iSCSI Disk"))
    host.login("192.168.0.100:3260", target="iqn.2012-06.com.example:target1")
    found = check(host)
    assert found.of("single_path")
    assert len(found.of("session_without_path")) == 1
