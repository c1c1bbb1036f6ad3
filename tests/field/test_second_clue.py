"""One clue says that something is dead, another that it lives: no critical finding without the second one."""

from __future__ import annotations

import pytest

from mpathd_watch.sources.multipathd.replies import MAPS_COMMAND, PATHS_COMMAND
from tests.field.conftest import NewHost
from tests.field.product import check, status

CONTAINER = (
    "multipathd in a container of its own PID namespace: /run is shared, the pid in the pidfile is the container's",
    "openstack/kolla-ansible ansible/roles/multipathd; opensvc/multipath-tools#111; siderolabs/extensions#960",
)


@pytest.mark.field(*CONTAINER)
def test_a_multipathd_of_another_pid_namespace_is_found_and_asked(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths()
    host.multipathd.pidfile = "1\n"
    found = check(host)
    assert not found.of("multipathd_not_running")
    assert not found.of("queues_without_multipathd")
    assert status(host).health("mpio") == "healthy"
    assert host.multipathd.connections


@pytest.mark.field(*CONTAINER)
def test_without_any_process_of_its_name_multipathd_is_down_and_nobody_connects(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths()
    host.multipathd.pidfile = "1\n"
    host.multipathd.running = False
    assert check(host).of("multipathd_not_running")
    assert host.multipathd.connections == 0


@pytest.mark.field(
    "iscsid -f and multipathd -d in the container of a CSI driver that has a /run of its own: no pidfile",
    "hpe-storage/csi-driver#58",
)
def test_daemons_without_pidfiles_are_found_by_their_names(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths()
    host.multipathd.pidfile = ""
    host.root.joinpath("run/iscsid.pid").unlink()
    found = check(host)
    assert not found.codes() & {"multipathd_not_running", "queues_without_multipathd", "iscsid_not_running"}
    assert status(host).health("mpio") == "healthy"


@pytest.mark.field(
    "multipathd 0.8.8 (Ubuntu 22.04) breaks its listing off at the first path without a checker: that of a local disk",
    "opensvc/multipath-tools#49; show_paths() and snprint_path_checker() of 0.8.8",
)
def test_a_listing_that_breaks_off_is_not_a_dead_multipathd(new_host: NewHost) -> None:
    host = new_host(version="0.8.8-1ubuntu1.22.04.4")
    host.storage.local_disk(wwid="3500a0751e1a2b3c4")
    host.two_paths()
    host.multipathd.replies[PATHS_COMMAND] = "|[orphan]|sda|8:0|undef|undef|fail\n"
    found = check(host)
    assert not found.codes("critical"), found
    assert status(host).health("mpio") in {"healthy", "unknown"}


@pytest.mark.field(
    "the same, and the local disk is the last in the list",
    "opensvc/multipath-tools#49; show_paths() and snprint_path_checker() of 0.8.8",
)
def test_a_listing_that_breaks_off_at_its_end_is_read_as_far_as_it_goes(new_host: NewHost) -> None:
    host = new_host(version="0.8.8-1ubuntu1.22.04.4")
    host.two_paths()
    host.storage.local_disk(wwid="3500a0751e1a2b3c4")
    host.multipathd.replies[PATHS_COMMAND] = f"{host.multipathd.paths()}|[orphan]|sdc|8:32|undef|undef|fail\n"
    assert not check(host).codes("critical")
    assert status(host).health("mpio") == "healthy"


@pytest.mark.field(
    "multipathd can't get its lock within 4 s: 1,024 LUNs over 16 paths, or paths that time out in a reconfigure",
    "opensvc/multipath-tools#45; opensvc/multipath-tools#114",
)
def test_a_multipathd_that_is_busy_is_not_dead(new_host: NewHost) -> None:
    host = new_host()
    host.two_paths()
    host.multipathd.replies[PATHS_COMMAND] = "timeout\n"
    host.multipathd.replies[MAPS_COMMAND] = "timeout\n"
    found = check(host)
    assert not found.codes("critical"), found
    assert status(host).health("mpio") != "lost"
