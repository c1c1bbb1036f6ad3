"""One clue says that something is dead, another that it lives: no critical finding without the second one."""

from __future__ import annotations

import pytest

from tests.field.conftest import NewHost
from tests.field.product import check, status

CONTAINER = (
    "multipathd in a container of its own PID namespace: /run is shared, the pid in the pidfile is the container's",
    "openstack/kolla-ansible ansible/roles/multipathd; opensvc/multipath-tools#111; siderolabs/extensions#960",
)


@pytest.mark.xfail(strict=True, reason="the pidfile alone is believed so far")
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
