"""What the next boot brings: only what is certain is reported, once for each cause."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.model.system import BootImage, Mount, System, Unit
from mpathd_watch.core.model.vocabulary import Transport
from tests.factories import TARGET, make_map, make_path
from tests.hosts import FIRST, PORTALS, Host, down, lines, records

WWID = "wwid-of-mpio"
DEV_NULL = "/etc/systemd/system/%s"
SERVICE, SOCKET, ALIAS = "multipathd.service", "multipathd.socket", "multipath-tools.service"
LOGIN, FEDORA, STARTER, ISCSID = "open-iscsi.service", "iscsi.service", "iscsi-starter.service", "iscsid.service"


def off(name: str, **facts: bool) -> Unit:
    return Unit(name, started=False, active=facts.get("active"))


def on(name: str) -> Unit:
    return Unit(name, started=True)


def masked(name: str, *, started: bool = False) -> Unit:
    return Unit(name, started, DEV_NULL % name)


def found(host: Host, kind: FindingKind = FindingKind.NOT_STARTED_AT_BOOT) -> list[Finding]:
    return [finding for finding in host.findings if finding.kind is kind]


def told(*units: Unit, **changes: object) -> list[tuple[str, str, str]]:
    """Of each finding what it says, on a host with these units."""
    host = replace(Host(system=System(units=units)), **changes)  # type: ignore[arg-type]  # the fields' own types
    return [(finding.subject, finding.text, finding.where) for finding in found(host)]


NOT_ENABLED = "it is not enabled, and no other unit starts it, but there is 1 map"


def test_multipathd_that_nothing_starts() -> None:
    assert told(off(SERVICE), off(SOCKET)) == [(SERVICE, NOT_ENABLED, "")]
    assert told(off(SOCKET)) == [(SOCKET, NOT_ENABLED, "")]


def test_multipathd_that_is_masked() -> None:
    expected = [(SERVICE, "it is masked, but there is 1 map", DEV_NULL % SERVICE)]
    assert told(masked(SERVICE, started=True)) == expected
    assert told(masked(SERVICE), on(SOCKET)) == expected, "a socket does not start a masked service"
    assert told(masked(SERVICE), on(ALIAS)) == [], "Debian 12 has the same unit twice"


@pytest.mark.parametrize("started", [SERVICE, SOCKET, ALIAS])
def test_each_of_its_units_is_enough(started: str) -> None:
    assert told(*(on(name) if name == started else off(name) for name in (SERVICE, SOCKET, ALIAS))) == []


def test_where_nothing_is_known_of_units_or_there_is_none_nothing_is_reported() -> None:
    assert told() == []
    assert found(Host()) == []
    assert told(off(SERVICE), maps=[]) == []


def test_a_multipathd_that_another_than_systemd_runs_is_started_by_that() -> None:
    elsewhere = off(SERVICE, active=False)
    assert told(elsewhere) == []
    assert told(elsewhere, changes=down(reason="not_running")) == [(SERVICE, NOT_ENABLED, "")]
    assert told(off(SERVICE, active=True)) == [(SERVICE, NOT_ENABLED, "")]
    assert told(off(SERVICE)) == [(SERVICE, NOT_ENABLED, "")]


BOTH = "it is not enabled, and no other unit starts it, but 2 sessions in use are automatic"


def test_sessions_that_nothing_logs_in() -> None:
    assert told(off(LOGIN)) == [(LOGIN, BOTH, "")]
    one = {**records(*PORTALS, text=lines(startup="manual")), **records(FIRST)}
    assert told(off(LOGIN), records=one)[0][1].endswith("but 1 session in use is automatic")
    assert told(off(FEDORA), off(STARTER)) == [(FEDORA, BOTH, "")]
    assert told(masked(LOGIN, started=True))[0] == (
        LOGIN,
        "it is masked, but 2 sessions in use are automatic",
        DEV_NULL % LOGIN,
    )


@pytest.mark.parametrize("started", [LOGIN, FEDORA, STARTER])
def test_each_unit_that_logs_in_is_enough(started: str) -> None:
    assert told(*(on(name) if name == started else off(name) for name in (LOGIN, FEDORA, STARTER))) == []


def test_a_unit_that_starts_a_masked_one_is_not() -> None:
    assert told(masked(FEDORA), on(STARTER)) == [
        (FEDORA, "it is masked, but 2 sessions in use are automatic", DEV_NULL % FEDORA)
    ]


@pytest.mark.parametrize("startup", ["manual", "onboot"])
def test_records_that_an_orchestrator_or_the_initramfs_starts_need_no_unit(startup: str) -> None:
    assert told(off(LOGIN), records=records(*PORTALS, text=lines(startup=startup))) == []
    assert told(off(LOGIN), records={}) == []


def test_an_iscsid_that_is_masked() -> None:
    assert told(on(LOGIN), masked(ISCSID)) == [
        (ISCSID, "it is masked, but 2 sessions in use are automatic", DEV_NULL % ISCSID)
    ]
    assert told(on(LOGIN), off(ISCSID)) == [], "its socket or iscsiadm starts it"


def test_an_iscsid_that_another_than_systemd_runs_is_started_by_that() -> None:
    units = (off(LOGIN), off(ISCSID, active=False))
    assert told(*units, iscsid_running=True) == []
    assert told(*units) == [(LOGIN, BOTH, "")]
    assert told(off(LOGIN), off(ISCSID, active=True), iscsid_running=True) == [(LOGIN, BOTH, "")]


def test_sessions_that_the_initramfs_has_logged_in_need_no_unit() -> None:
    host = Host(system=System(units=(off(LOGIN),), root_maps=(WWID, "unknown")))
    assert found(host) == []


# --- mounts -----------------------------------------------------------------------------------------------------------


def mount(target: str = "/srv", line: int = 3, *maps: str, nofail: bool = False) -> Mount:
    return Mount(target, f"/dev/mapper{target}", f"/etc/fstab:{line}", nofail, maps or (WWID,))


def mounted(*mounts: Mount, maps: list[object] | None = None, **facts: object) -> list[tuple[str, str, str]]:
    host = Host(system=System(mounts=mounts, **facts))  # type: ignore[arg-type]  # the fields' own types
    if maps is not None:
        host.maps = maps  # type: ignore[assignment]  # maps
    kind = FindingKind.MOUNTED_WITHOUT_NETDEV
    return [(finding.subject, finding.text, finding.where) for finding in found(host, kind)]


def test_a_mount_that_the_boot_waits_for_and_one_that_it_does_not_wait_for() -> None:
    assert mounted(mount(), mount("/opt", 5, nofail=True)) == [
        (
            "/srv",
            "/dev/mapper/srv is on mpio, without _netdev: the boot waits for that before it logs in the sessions",
            "/etc/fstab:3",
        ),
        (
            "/opt",
            "/dev/mapper/opt is on mpio, without _netdev: with nofail the boot does not wait, but nothing orders that "
            "after the sessions",
            "/etc/fstab:5",
        ),
    ]


def test_many_mounts_are_one_finding() -> None:
    maps = [make_map(f"m{number}") for number in range(9)]
    mounts = [mount(f"/srv/{number}", number, f"wwid-of-m{number}") for number in range(9)]
    ((subject, text, where),) = mounted(*mounts, maps=list(maps))
    assert (subject, where) == ("/srv/0, /srv/1, /srv/2 and 6 more", "/etc/fstab:0")
    assert text.startswith("they are on m0, m1, m2 and 6 more, without _netdev: ")


def test_a_file_system_on_another_transport_or_on_no_map_that_is_known_is_local() -> None:
    fibre = make_path(transport=Transport.FC, nexus="", label="1:0:0:1")
    assert mounted(mount(), maps=[make_map(paths=[fibre])]) == []
    assert mounted(mount("/srv", 3, "unknown")) == []


def test_a_file_system_on_the_sessions_of_the_root_file_system_is_there_early() -> None:
    root = make_map("root", paths=[make_path()])
    other = make_path("192.168.7.1:3260", nexus=f"192.168.7.1:3260/{TARGET}")
    for paths, findings in (([make_path(), other], 0), ([other], 1)):
        assert len(mounted(mount(), maps=[root, make_map(paths=paths)], root_maps=("wwid-of-root",))) == findings


# --- initramfs --------------------------------------------------------------------------------------------------------


def test_an_initramfs_that_is_older_than_the_configuration() -> None:
    image = BootImage("/boot/initrd", ("/etc/multipath.conf",))
    host = Host(system=System(root_maps=(WWID,), image=image))
    kind = FindingKind.INITRAMFS_DIFFERS
    assert [(each.subject, each.text, each.where) for each in found(host, kind)] == [
        (
            "/boot/initrd",
            "/etc/multipath.conf was changed after it was built, and the system starts from mpio",
            "/etc/multipath.conf",
        )
    ]
    for system in (
        System(root_maps=(WWID,)),
        System(root_maps=("unknown",), image=image),
        System(root_maps=(WWID,), image=BootImage("/boot/initrd")),
        System(image=image),
    ):
        assert found(Host(system=system), kind) == []
