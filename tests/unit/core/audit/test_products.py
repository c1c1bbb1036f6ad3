"""Products that join paths beside dm-multipath."""

from __future__ import annotations

from mpathd_watch.core.catalog.findings import FindingKind
from mpathd_watch.core.model.system import System
from tests.factories import make_map, make_path
from tests.hosts import Host

KIND = FindingKind.TWO_MULTIPATH_PRODUCTS


def told(host: Host) -> list[tuple[str, str, str]]:
    return [(each.subject, each.text, each.where) for each in host.findings if each.kind is KIND]


def test_modules_of_another_product_beside_maps() -> None:
    text = "loaded beside dm-multipath, which has 1 map"
    assert told(Host(system=System(products=("vxdmp",)))) == [("vxdmp", f"is {text}", "/proc/modules")]
    found = told(Host(system=System(products=("emcp", "emcpdm", "emcpgpx", "emcpmpx"))))
    assert found == [("emcp, emcpdm, emcpgpx and 1 more", f"are {text}", "/proc/modules")]
    assert told(Host(system=System(products=("vxdmp",)), maps=[])) == []


def test_maps_on_namespaces_that_the_kernel_joins_itself() -> None:
    heads = System(native=("nvme0n1", "nvme1n1"))
    joined = [make_map(f"m{number}", paths=[make_path(dev=f"nvme{number}n1")]) for number in (0, 1)]
    assert [(subject, where) for subject, _, where in told(Host(system=heads, maps=joined))] == [
        ("m0", "/sys/block/nvme0n1"),
        ("m1", "/sys/block/nvme1n1"),
    ]
    for path in (make_path(dev="nvme2n1"), make_path(dev="nvme0n1", member=False)):
        assert told(Host(system=heads, maps=[make_map(paths=[path])])) == []
