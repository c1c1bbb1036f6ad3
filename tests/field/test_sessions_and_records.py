"""Sessions, and the records that they come from: matched as iscsiadm does it."""

from __future__ import annotations

import pytest

from tests.field.conftest import NewHost
from tests.field.product import check, status

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


@pytest.mark.field(
    "one portal under two portal group tags: iscsiadm can make one session only ('session exists')",
    "oVirt/vdsm#259",
)
def test_a_second_portal_group_tag_of_a_portal_needs_no_session(new_host: NewHost) -> None:
    host, target = new_host(), "iqn.2003-01.org.alpine.01"
    disks = []
    for portal in ("192.168.122.34:3260", "192.168.123.34:3260"):
        disks.append(host.disk(host.login(portal, target=target)))
        host.record(portal, target=target, tpgt=2)
    host.map("mpatha", *disks)
    assert not check(host).of("record_without_session")


LEADING = {"node.leading_login": "Yes"}


@pytest.mark.xfail(strict=True, reason="node.leading_login is not read so far")
@pytest.mark.field(
    "node.leading_login: a portal with a session needs none through another iface",
    "open-iscsi/open-iscsi#73; __do_leading_login() in its usr/iscsiadm.c",
)
def test_a_leading_login_is_complete_with_one_iface(new_host: NewHost) -> None:
    host = new_host()
    disks = []
    for controller, address in (("a", "10.81.32.10"), ("b", "10.81.33.11")):
        target = f"iqn.2015-10.com.dell:dellemc-powerstore-apx00240413185-{controller}-725b50f6"
        session = host.login(f"{address}:3260", target=target, iface="san1", record=LEADING)
        host.record(f"{address}:3260", target=target, iface="san2", settings=LEADING)
        disks.append(host.disk(session, vendor="DellEMC", product="PowerStore"))
    host.map("mpatha", *disks)
    assert not check(host).of("record_without_session")


@pytest.mark.field("node.leading_login, and no session at all", "open-iscsi/open-iscsi#73")
def test_a_leading_login_that_made_no_session_is_told(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths()
    target = "iqn.2015-10.com.dell:dellemc-powerstore-apx00240413185-b-6dfd9c7b"
    host.record("10.81.32.11:3260", target=target, settings=LEADING)
    assert check(host).only("record_without_session").subject == f"10.81.32.11:3260/{target}"


@pytest.mark.field(
    "a portal on 0.0.0.0 has the portal group tag -1, and its record is a file in the old layout",
    "webmin/webmin#1321; openebs-archive/jiva#28",
)
def test_a_record_without_a_portal_group_tag_belongs_to_its_session(new_host: NewHost) -> None:
    host, target = new_host(), "iqn.2005-10.org.freenas.ctl:v1"
    host.two_paths()
    portal = "192.168.0.136:3260"
    session = host.login(portal, target=target)
    host.forget_record(portal, target=target)
    other = host.login("192.168.7.136:3260", target=target)
    for address in ("192.168.0.136", "192.168.7.136"):
        folder = host.root / f"{host.nodes}/{target}/{address},3260,1"
        if folder.exists():
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
        host.tree.write(
            f"{host.nodes}/{target}/{address},3260",
            "# BEGIN RECORD 2.1.8\n"
            f"node.name = {target}\nnode.tpgt = -1\nnode.startup = automatic\niface.iscsi_ifacename = default\n"
            f"node.conn[0].address = {address}\nnode.conn[0].port = 3260\n"
            "node.session.timeo.replacement_timeout = 5\n"
            "node.conn[0].timeo.noop_out_interval = 5\nnode.conn[0].timeo.noop_out_timeout = 10\n# END RECORD\n",
        )
    wwid = "36589cfc000000f3a2b1c0d9e8f7a6b50"
    disks = [host.disk(each, wwid=wwid, vendor="TrueNAS", product="iSCSI Disk") for each in (session, other)]
    host.map("mpathb", *disks, wwid=wwid)
    found = check(host)
    assert not found.of("record_without_session")
    configured = found.document["timeouts"][f"{portal}/{target}"]
    assert {each["configured"] for each in configured} == {5, 10}


@pytest.mark.field(
    "the portal is a host name in the node record: the kernel has the name as persistent_address",
    "democratic-csi/democratic-csi#353; open-iscsi/open-iscsi#450",
)
def test_a_portal_that_is_a_host_name_is_found_again(new_host: NewHost) -> None:
    host, target = new_host(), "iqn.2005-10.org.freenas.ctl:csi-pvc-4562489f2f2c4fb4-cluster"
    names = ("san-a.storage.example.net", "san-b.storage.example.net")
    disks = []
    for number, name in enumerate(names, 1):
        session = host.login(f"{name}:3260", target=target, local=f"192.168.{number}.2")
        session.connection.set("address", f"192.168.{number}.1")
        disks.append(host.disk(session))
    host.map("mpatha", *disks)
    found = check(host)
    assert found.status == "OK", found
    assert not found.of("record_without_session")
    assert status(host).health("mpatha") == "healthy"
