"""multipathd's printed configuration: indentation decides where the closing brace is missing."""

from __future__ import annotations

import pytest

from tests.field.conftest import NewHost
from tests.field.product import check

CONF = """defaults {
    no_path_retry 12
}
blacklist {
    device {
        vendor "IET"
    }
    device {
        vendor "Linux"
        product "scsi_debug"
    }
}
"""
PRINTED = '\tdevice {\n\t\tvendor "IET"\n\tdevice {\n\t\tvendor "Linux"\n\t\tproduct "scsi_debug"\n\t}\n'


@pytest.mark.xfail(strict=True, reason="the printed configuration is read without its indentation so far")
@pytest.mark.field(
    "a blacklist device with only a vendor is printed without its closing brace",
    "osandov/blktests tests/srp/multipath.conf; printed so by multipath-tools 0.9.4, 0.11.1 and 0.15.1",
)
def test_a_vendor_alone_in_the_blacklist_is_found(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths()
    session = host.login("10.42.1.9:3260", target="iqn.2019-10.io.longhorn:pvc-1")
    host.disk(session, wwid="33000000100000001", vendor="IET", product="VIRTUAL-DISK")
    host.configure(CONF, blacklist_devices=PRINTED)
    found = check(host)
    assert found.only("blacklisted_path").where.endswith("multipath.conf:5")
    assert not found.naming("find_multipaths")


@pytest.mark.field(
    "the vendor-only device is the last one of the blacklist, so that one brace is missing before the next section",
    "NetApp/netappdvp#49; printed so by multipath-tools 0.9.4, 0.11.1 and 0.15.1",
)
def test_what_follows_a_vendor_alone_still_counts(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths()
    session = host.login("192.168.9.1:3260", target="iqn.2010-01.com.solidfire:x9kc.vol1.42")
    host.disk(session, wwid="36f47acc1000000007839306b0000002a", vendor="SolidFir", product="SSD SAN")
    host.configure(
        "defaults {\n    no_path_retry 12\n}\n"
        'blacklist {\n    device {\n        vendor "SolidFir"\n    }\n}\n'
        'devices {\n    device {\n        vendor "LIO-ORG"\n        product "disk"\n        no_path_retry 30\n'
        "    }\n}\n",
        blacklist_devices='\tdevice {\n\t\tvendor "SolidFir"\n',
        devices='\tdevice {\n\t\tvendor "LIO-ORG"\n\t\tproduct "disk"\n\t\tno_path_retry 30\n\t}\n',
    )
    found = check(host)
    assert not found.of("configuration_not_loaded"), found
    assert found.only("blacklisted_path").where.endswith("multipath.conf:5")
