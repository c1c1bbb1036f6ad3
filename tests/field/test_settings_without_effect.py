"""Lines of multipath.conf that do not have the effect they were written for."""

from __future__ import annotations

import pytest

from tests.field.conftest import NewHost
from tests.field.host.host import RETRY
from tests.field.product import check


@pytest.mark.xfail(strict=True, reason="a multipath subsection that counts for no map is not told so far")
@pytest.mark.field(
    "multipaths has the WWID in capitals, so that alias and no_path_retry never apply",
    "a how-to: 'multipath LUN gets no alias'",
)
def test_a_subsection_for_a_wwid_in_capitals_is_told(new_host: NewHost) -> None:
    host, wwid = new_host(), "3600c0ff000520811c2256f5f01000000"
    host.two_paths("mpatha", wwid=wwid)
    section = f"  wwid {wwid.upper()}\n  alias database1\n  no_path_retry queue\n"
    host.configure(f"{RETRY}multipaths {{\n multipath {{\n{section} }}\n}}\n")
    told = [
        each
        for each in check(host).findings
        if wwid.upper() in each.text or each.where.endswith((".conf:5", ".conf:6"))
    ]
    assert told


@pytest.mark.xfail(strict=True, reason="deprecated values are not told so far")
@pytest.mark.field(
    "flush_on_last_del yes with 0.11",
    "IBM/sap-hana-qrg sample multipath.conf (NetApp); Infinidat; multipath-tools 0.11.1 and 0.15.1 complain",
)
def test_a_deprecated_value_is_told_as_multipath_tools_does(new_host: NewHost) -> None:
    host = new_host(version="0.11.1-2")
    host.configure("defaults {\n flush_on_last_del yes\n}\n", no_path_retry="fail", flush_on_last_del="always")
    assert check(host).naming("flush_on_last_del")


@pytest.mark.field("the brace is on a line of its own", "hpe-storage/python-hpedockerplugin#692")
def test_both_lines_of_a_lone_brace_are_told(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths()
    host.configure("defaults\n{\n no_path_retry 12\n}\n")
    found = check(host)
    assert {told.where.rpartition(":")[2] for told in found.of("syntax_error")} == {"1", "2"}
    assert not found.of("configuration_not_loaded")


@pytest.mark.field(
    'blacklisted by "*"',
    "gluster/gluster-ansible-infra#79 (devnode); the multipath.conf of XenServer (wwid); refused by 0.9.4 to 0.15.1",
)
@pytest.mark.parametrize("entry", ['devnode "*"', 'wwid "*"'])
def test_an_asterisk_is_no_regular_expression(new_host: NewHost, entry: str) -> None:
    host = new_host()
    host.configure(f"blacklist {{\n {entry}\n}}\n", no_path_retry="fail")
    assert check(host).of("refused_configuration")


@pytest.mark.xfail(strict=True, reason="a multipath subsection that counts for no map is not told so far")
@pytest.mark.field(
    "multipaths has the WWID as the array shows it, without the 3 in front",
    "The Geek Diary: why a LUN's WWID starts with the number 3 (Huawei XSG1)",
)
def test_a_subsection_for_a_wwid_without_its_leading_3_is_told(new_host: NewHost) -> None:
    host, shown = new_host(), "640e27a1b2c3d4e5f60718293a4b5c6d"
    host.two_paths("mpatha", wwid=f"3{shown}")
    host.configure(f"{RETRY}multipaths {{\n multipath {{\n  wwid {shown}\n  alias oradata\n }}\n}}\n")
    told = [each for each in check(host).findings if shown in each.text or each.where.endswith((".conf:5", ".conf:6"))]
    assert told


@pytest.mark.field(
    "a subsection for a LUN that is not on this host now: one file for all hosts of a cluster",
    "a thread on linux-cluster, June 2008: two nodes of an Oracle RAC with the same configuration",
)
def test_a_subsection_for_a_lun_that_is_elsewhere_is_no_fault(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths("mpatha")
    section = " multipath {\n  wwid 3640e27a1b2c3d4e5f60718293a4b5c6e\n  alias oradata2\n }\n"
    host.configure(f"{RETRY}multipaths {{\n{section}}}\n")
    assert not check(host).codes("warning")
