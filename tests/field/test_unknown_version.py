"""Which multipath-tools is installed is not known: nothing is claimed that depends on it."""

from __future__ import annotations

import pytest

from tests.field.conftest import NewHost
from tests.field.product import check


@pytest.mark.field(
    "the sample multipath.conf for SAP HANA on Red Hat: no package database of Debian, flush_on_last_del yes",
    "IBM/sap-hana-qrg sample multipath.conf (NetApp)",
)
def test_a_value_that_is_deprecated_in_newer_versions_is_no_warning(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths()
    (host.root / "var/lib/dpkg/status").unlink()
    host.configure("defaults {\n    no_path_retry 12\n    flush_on_last_del yes\n}\n", flush_on_last_del="yes")
    found = check(host)
    # Before 0.9.9 the word "always", which newer versions want, is an error.
    assert not found.codes("warning"), found


@pytest.mark.xfail(strict=True, reason="the default of the newest version, built as Debian does, is claimed so far")
@pytest.mark.field(
    "SUSE: find_multipaths is greedy by default, and no file has it",
    "SUSE/doc-sle#1321; rear/rear#2298",
)
def test_the_default_of_another_distribution_is_not_claimed(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths()
    (host.root / "var/lib/dpkg/status").unlink()
    host.multipathd.running = False
    session = host.login("192.168.9.1:3260", target="iqn.2004-04.com.qnap:ts-453d:backup")
    host.disk(session, wwid="36001405b5f1d3e2f9ca5f7dab2c3d4e5")
    found = check(host)
    assert all("unknown" in each.text for each in found.naming("find_multipaths")), found
