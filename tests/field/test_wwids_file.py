"""Maps that multipath-tools does not remember in /etc/multipath/wwids."""

from __future__ import annotations

import pytest

from tests.fakes.sysfs import WWID
from tests.field.conftest import NewHost
from tests.field.host.host import RETRY
from tests.field.product import Check, check

CODE = "wwid_not_remembered"
HEADER = (
    "# Multipath wwids, Version : 1.0\n# NOTE: This file is automatically maintained by multipath\n# Valid WWIDs:\n"
)


def with_wwids(new_host: NewHost, *wwids: str, find: str = "strict") -> Check:
    host = new_host()
    host.two_paths("mpatha")
    host.tree.write("etc/multipath/wwids", HEADER + "".join(f"/{wwid}/\n" for wwid in wwids))
    host.configure(f"{RETRY}defaults {{\n find_multipaths {find}\n}}\n", find_multipaths=find)
    return check(host)


@pytest.mark.field(
    "a LUN was mapped by hand, and the file with the WWIDs was restored from a backup: no map after a reboot",
    "TheGrandWazoo/freenas-proxmox#162; SUSE support, TID 000019511",
)
@pytest.mark.parametrize("find", ["strict", "yes", "no"])
def test_a_map_whose_wwid_is_not_in_the_file_is_told(new_host: NewHost, find: str) -> None:
    told = with_wwids(new_host, "36001405000000000000000000000000aa", find=find).only(CODE)
    assert told.subject == "mpatha"
    assert "/etc/multipath/wwids" in told.text


@pytest.mark.field("every map is in the file, and so are LUNs that are gone", "multipath.conf(5), find_multipaths")
@pytest.mark.parametrize("find", ["strict", "yes", "no"])
def test_a_map_whose_wwid_is_in_the_file_is_sound(new_host: NewHost, find: str) -> None:
    assert not with_wwids(new_host, WWID, "36001405000000000000000000000000aa", find=find).of(CODE)


@pytest.mark.field("every LUN becomes a map, remembered or not", "multipath.conf(5), find_multipaths greedy and smart")
@pytest.mark.parametrize("find", ["greedy", "smart"])
def test_where_every_lun_becomes_a_map_nothing_is_missed(new_host: NewHost, find: str) -> None:
    assert not with_wwids(new_host, find=find).of(CODE)


@pytest.mark.field("/etc/multipath can be looked into, and the file is gone", "multipath-tools: wwids.c makes it anew")
def test_a_file_that_is_missing_remembers_nothing(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths("mpatha")
    (host.root / "etc/multipath/wwids").unlink()
    assert check(host).only(CODE).subject == "mpatha"


@pytest.mark.field("multipathd runs in a container with an /etc of its own", "kubernetes-csi/csi-driver-iscsi")
def test_without_multipath_tools_on_the_host_a_missing_file_is_no_fault(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths("mpatha")
    (host.root / "etc/multipath/wwids").unlink()
    (host.root / "var/lib/dpkg/status").unlink()
    assert not check(host).of(CODE)
