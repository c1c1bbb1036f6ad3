"""What the next boot brings: services, file systems and an initramfs that are not as maps and sessions need them."""

from __future__ import annotations

import os

import pytest

from tests.fakes.sysfs import WWID
from tests.field.conftest import NewHost
from tests.field.host import Host
from tests.field.product import check

PART = "part1-mpath-{}"
DATA_FS = "5d1a0c4e-8f0e-4c58-9c0e-77a8c1a8c001"


@pytest.mark.field(
    "after an update multipathd is disabled: the next boot has no maps",
    "NetApp's Linux host documentation (systemctl enable multipathd); SUSE's SCA pattern mpio-00001",
)
@pytest.mark.parametrize(("unit", "masked"), [("multipathd", False), ("multipathd", True), ("open-iscsi", False)])
def test_a_service_that_the_next_boot_does_not_start(new_host: NewHost, unit: str, masked: bool) -> None:
    host = new_host()
    host.two_paths()
    assert check(host).of("not_started_at_boot") == []
    if masked:
        host.tree.link(f"etc/systemd/system/{unit}.service", "/dev/null")
    else:
        for kind in ("service", "socket"):
            host.debian.disable(f"{unit}.{kind}")
    found = check(host).only("not_started_at_boot")
    assert (found.severity, found.subject) == ("critical", f"{unit}.service")
    assert found.where == (f"/etc/systemd/system/{unit}.service" if masked else "")


@pytest.mark.field(
    "an appliance starts iSCSI by a target of its own",
    "netapp/trident: a machine configuration with iscsi-loaded.target, Requires=iscsi.service",
)
def test_a_service_that_another_unit_starts(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths()
    host.debian.disable("open-iscsi.service")
    host.tree.write("etc/systemd/system/iscsi-loaded.target", "[Unit]\nRequires=open-iscsi.service\n")
    assert check(host).of("not_started_at_boot") == []


def file_system_on_a_map(new_host: NewHost, options: str) -> Host:
    """A host with a file system on a partition of a map, by its UUID."""
    host = new_host()
    made = host.two_paths()
    part = host.storage.dm("mpio-part1", PART.format(WWID), made, fs=DATA_FS)
    dev_t = part.get("dev")
    host.debian.mount("/srv", dev_t, "/dev/mapper/mpio-part1", spec=f"UUID={DATA_FS}", options=options)
    return host


@pytest.mark.field(
    "a file system on iSCSI without _netdev: the boot waits, then emergency mode",
    "SUSE TID 000019648; HPE's tunelinux (fc and iscsi file systems)",
)
@pytest.mark.parametrize("options", ["defaults", "nofail", "x-systemd.automount"])
def test_a_file_system_that_is_mounted_before_the_sessions_are_there(new_host: NewHost, options: str) -> None:
    found = check(file_system_on_a_map(new_host, options)).only("mounted_without_netdev")
    assert (found.severity, found.subject) == ("warning", "/srv")
    assert found.where.startswith("/etc/fstab:")
    assert DATA_FS in found.text
    assert "mpio" in found.text


@pytest.mark.field("the same with _netdev, or not mounted at boot", "systemd.mount(5); fstab(5)")
@pytest.mark.parametrize(
    "options", ["_netdev", "defaults,_netdev,nofail", "noauto", "nofail,x-systemd.requires=iscsi.service"]
)
def test_a_file_system_that_is_mounted_late(new_host: NewHost, options: str) -> None:
    assert check(file_system_on_a_map(new_host, options)).of("mounted_without_netdev") == []


@pytest.mark.field(
    "root on multipath, and multipath.conf edited without update-initramfs",
    "Red Hat insights-core, MultipathConfTreeInitramfs; SUSE's SCA pattern mpio-00002",
)
def test_an_initramfs_that_is_older_than_multipath_conf(new_host: NewHost) -> None:
    host = new_host()
    made = host.two_paths()
    host.debian.root_on(made.get("dev"), "/dev/mapper/mpio", "/dev/mapper/mpio")
    assert check(host).of("initramfs_differs") == []
    conf = host.root / "etc/multipath.conf"
    later = conf.stat().st_mtime + 3600
    os.utime(conf, (later, later))
    found = check(host).only("initramfs_differs")
    assert (found.severity, found.where) == ("info", "/etc/multipath.conf")


@pytest.mark.field("PowerPath beside dm-multipath", "SUSE's SCA pattern mpio-00005")
def test_another_multipath_product_is_loaded(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths()
    assert check(host).of("two_multipath_products") == []
    host.debian.modules("emcp", "emcpgpx")
    found = check(host).only("two_multipath_products")
    assert (found.subject, found.where) == ("emcp, emcpgpx", "/proc/modules")
