"""What is meant, and no fault: records that an orchestrator starts, LUNs that have one path on purpose."""

from __future__ import annotations

import pytest

from tests.fakes.sysfs import TARGET
from tests.field.conftest import NewHost
from tests.field.host.tree import attributes
from tests.field.product import check


@pytest.mark.xfail(strict=True, reason="every manual record of a session in use is a warning so far")
@pytest.mark.field(
    "node.startup is manual on purpose: the orchestrator logs in",
    "kubernetes/kubernetes#21305 and #57475; SynologyOpenSource/synology-csi#55; hpe-storage/csi-driver#69; "
    "the sources of democratic-csi and vdsm",
)
def test_records_that_are_all_manual_are_no_warning(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths()
    for number in (1, 2):
        manual = {"node.startup": "manual", "node.session.scan": "manual"}
        host.record(f"192.168.{number}.1:3260", settings=manual)
    assert "manual_startup" not in check(host).codes("warning")


@pytest.mark.xfail(strict=True, reason="one warning a session so far")
@pytest.mark.field(
    "Longhorn's own advice, blacklist devnode ^sd, and 60 volumes",
    "longhorn/longhorn#1210; longhorn/website#274; Longhorn's knowledge base",
)
def test_sixty_single_path_volumes_that_are_blacklisted_on_purpose(new_host: NewHost) -> None:
    host = new_host()
    for number in range(1, 61):
        session = host.login(
            f"10.42.{number}.9:3260",
            local=f"10.42.{number}.2",
            target=f"iqn.2019-10.io.longhorn:pvc-{number}",
            timeouts=(5, 5, 120),
        )
        wwid = f"3600000000000000000e000000{number:02d}0001"
        host.disk(session, wwid=wwid, vendor="IET", product="VIRTUAL-DISK")
    host.configure(
        'blacklist {\n    devnode "^sd[a-z0-9]+"\n}\n',
        no_path_retry="fail",
        blacklist='\tdevnode "^sd[a-z0-9]+"\n',
    )
    found = check(host)
    assert len(found.findings) <= 10, f"{len(found.findings)} findings"
    assert found.status == "OK"


@pytest.mark.xfail(strict=True, reason="node.discovery_type is not read so far")
@pytest.mark.field(
    "sessions of the firmware's table are started at boot whatever node.startup is; up to 2.1.11 it stays manual",
    "open-iscsi/open-iscsi#263; open-iscsi/open-iscsi#482",
)
def test_a_manual_record_of_a_firmware_session_is_started_at_boot(new_host: NewHost) -> None:
    host = new_host()
    firmware = {"node.startup": "manual", "node.discovery_type": "fw"}
    disks = []
    for number in (0, 1):
        address = f"192.168.{number + 1}.1"
        disks.append(host.disk(host.login(f"{address}:3260", record=firmware)))
        ibft = host.san.root / f"firmware/ibft/target{number}"
        attributes(
            ibft, **{"target-name": TARGET, "ip-addr": address, "port": 3260, "flags": 3, "lun": "0100000000000000"}
        )
    host.map("root", *disks)
    assert "manual_startup" not in check(host).codes("warning")


@pytest.mark.field(
    "one record of three is manual: after the next reboot that path is missing",
    "ansible-collections/community.general#2683 (automatic is set for one portal of a target only)",
)
def test_a_manual_record_beside_automatic_ones_is_told(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths(count=3)
    host.record("192.168.3.1:3260", settings={"node.startup": "manual"})
    told = check(host).only("manual_startup")
    assert told.severity == "warning"
    assert told.subject.startswith("192.168.3.1:3260")
