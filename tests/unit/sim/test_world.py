"""The laws of the simulated world, one by one."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest

from mpathd_watch.core.model.vocabulary import AccessState, CheckerState, DeviceState, DmAction, SessionStatus
from tests.sim.clock import on_grid
from tests.sim.laws import Laws
from tests.sim.world.disks import Outcome
from tests.sim.world.sessions import CONN_CLOSED, NOP_TIMEDOUT
from tests.sim.world.shape import DEBIAN_12, DEBIAN_13, FAILOVER, OFF, QUEUE, SID, Shape
from tests.unit.sim.played import SHORTEST, Played, world

QUICK = Shape(recv_tmo=5, ping_tmo=5, recovery_tmo=5, polling_interval=3, max_polling_interval=3)
SEEDS = [str(seed) for seed in range(20)]


def cut(played: Played, begin: float, end: float) -> None:
    """The first link has no carrier from when to when."""
    link = played.portal.link
    played.at(begin, lambda: played.world.set_link(link, carrier=False))
    played.at(end, lambda: played.world.set_link(link, carrier=True))


def drop(played: Played, begin: float, end: float) -> None:
    """The first link drops everything from when to when."""
    link = played.portal.link
    played.at(begin, lambda: played.world.set_link(link, inbound=False, outbound=False))
    played.at(end, lambda: played.world.set_link(link))


# --- the same plan, the same steps ------------------------------------------------------------------------------------


def story(seed: str) -> list[tuple[float, str]]:
    played = world(replace(QUICK, busy=True), Laws(), seed)
    cut(played, 10.0, 40.0)
    drop(played, 80.0, 95.0)
    played.at(120.0, lambda: played.world.kill_portal(played.world.portals[1]))
    played.at(140.0, lambda: played.world.revive_portal(played.world.portals[1]))
    played.run(200.0)
    return played.happened


def test_a_seed_decides_all_that_happens() -> None:
    assert len(story("a")) > 20
    assert story("a") == story("a")
    assert story("a") != story("b")


# --- sessions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("recv", "ping"), [(5, 10), (2, 3)])
def test_an_idle_session_is_dropped_recv_and_ping_and_at_most_a_second_after_the_last_answer(
    seed: str, recv: int, ping: int
) -> None:
    shape = Shape(recv_tmo=recv, ping_tmo=ping, polling_interval=10)
    played = world(shape, replace(Laws(), session_down=(0.0, 0.0)), seed)
    played.run(33.3)
    heard = played.session.heard - played.began
    assert 33.3 - recv <= heard <= 33.3
    played.world.set_link(played.portal.link, inbound=False, outbound=False)
    played.run(70.0)
    (error,) = played.when(f"error 1 {NOP_TIMEDOUT}")
    assert heard + recv + ping - 0.001 <= error <= heard + recv + ping + 1.001
    assert played.when("session 1 FAILED") == [error]


def test_a_busy_session_has_its_last_answer_when_the_link_breaks() -> None:
    played = world(Shape(recv_tmo=5, ping_tmo=10, busy=True))
    drop(played, 33.3, 100.0)
    played.run(60.0)
    assert played.when(f"error 1 {NOP_TIMEDOUT}") == [48.3]


def test_without_pings_the_kernel_waits_for_the_connection() -> None:
    played = world(Shape(recv_tmo=0, ping_tmo=0, busy=True))
    drop(played, 10.0, 500.0)
    played.run(400.0)
    assert played.session.state is SessionStatus.LOGGED_IN
    assert played.session.waits
    assert played.disk.outcome() is Outcome.HELD


def test_a_session_that_fails_blocks_its_disks_until_recovery_tmo() -> None:
    laws = replace(SHORTEST, disks_follow=(0.02, 0.02))
    played = world(replace(QUICK, recovery_tmo=7), laws)
    played.at(10.0, lambda: played.world.kill_portal(played.portal))
    played.run(40.0)
    assert played.when(f"error 1 {CONN_CLOSED}") == played.when("session 1 FAILED") == [10.0]
    assert played.when("disk sda blocked") == [10.02]
    (free,) = played.when("session 1 FREE")
    assert 17.0 <= free <= 17.26
    assert played.when("disk sda transport-offline") == [pytest.approx(free + 0.02, abs=0.002)]


def test_with_recovery_off_the_disks_stay_blocked() -> None:
    played = world(replace(QUICK, recovery_tmo=OFF))
    played.at(10.0, lambda: played.world.kill_portal(played.portal))
    played.run(500.0)
    assert played.session.state is SessionStatus.FAILED
    assert played.disk.state is DeviceState.BLOCKED


def test_a_long_timer_of_the_kernel_may_be_an_eighth_late() -> None:
    laws, played = Laws(), world()
    short = [laws.timer_lateness(played.world.random, 5.0) for _ in range(100)]
    long = [laws.timer_lateness(played.world.random, 20.0) for _ in range(100)]
    assert 0.0 <= min(short) <= max(short) <= 0.26
    assert 1.0 < max(long) <= 2.5


@pytest.mark.parametrize("revived", [10.5, 12.5, 19.0, 31.0])
def test_iscsid_tries_a_portal_that_refuses_every_three_seconds(revived: float) -> None:
    played = world(QUICK)
    played.at(10.0, lambda: played.world.kill_portal(played.portal))
    played.at(revived, lambda: played.world.revive_portal(played.portal))
    played.run(60.0)
    attempt = 12.0 if revived <= 12.0 else on_grid(revived, 12.0, 3.0)
    assert played.when("session 1 LOGGED_IN") == [pytest.approx(attempt + 0.1)]


def test_a_target_that_starts_rejects_logins_until_it_is_ready() -> None:
    played = world(QUICK)
    played.at(10.0, lambda: played.world.kill_portal(played.portal))
    played.at(14.0, lambda: played.world.revive_portal(played.portal, starts=2.0))
    played.run(60.0)
    # 12.0 refused, 15.0 rejected after 0.1 s, and then DefaultTime2Wait.
    assert played.when("session 1 LOGGED_IN") == [pytest.approx(17.2)]


@pytest.mark.parametrize(
    ("version", "end", "login"),
    [
        # Connects begin at 22.0 and 15 s later again; iscsid looks once a second.
        (DEBIAN_13, 21.0, 22.1),
        (DEBIAN_13, 24.5, 26.1),
        (DEBIAN_13, 29.5, 34.1),
        (DEBIAN_13, 34.0, 37.1),
        (DEBIAN_12, 24.5, 26.1),
        (DEBIAN_12, 25.5, 30.1),
        (DEBIAN_12, 29.5, 37.1),
    ],
)
def test_a_syn_that_is_not_answered_is_sent_again_by_the_kernels_habits(
    version: tuple[int, int, int], end: float, login: float
) -> None:
    laws = replace(SHORTEST, syn_retries=Laws.of(version).syn_retries)
    played = world(replace(QUICK, version=version, busy=True), laws)
    drop(played, 10.0, end)
    played.run(60.0)
    assert played.when("session 1 FAILED") == [20.0]
    assert played.when("session 1 LOGGED_IN") == [pytest.approx(login)]


@pytest.mark.parametrize(
    ("end", "login"),
    [
        (21.9, 22.1),  # the connect begins at 22.0
        (22.5, 24.1),  # ARP asks again at 23.0, and iscsid looks at 24.0
        (24.5, 29.1),  # ARP asks no more; "No route to host" at 26.0, and 3 s later again
        (28.0, 29.1),
        (33.5, 36.1),
    ],
)
def test_without_a_carrier_a_connect_fails_after_four_seconds(end: float, login: float) -> None:
    played = world(replace(QUICK, busy=True))
    cut(played, 10.0, end)
    played.run(60.0)
    assert played.when("session 1 FAILED") == [20.0]
    assert played.when("session 1 LOGGED_IN") == [pytest.approx(login)]


def test_without_iscsid_no_session_is_back() -> None:
    played = world(QUICK)
    played.world.set_iscsid(runs=False)
    played.at(10.0, lambda: played.world.reset(played.portal))
    played.at(50.0, lambda: played.world.set_iscsid(runs=True))
    played.run(80.0)
    assert played.when("session 1 LOGGED_IN") == [pytest.approx(52.1)]


def test_tcp_gets_through_with_its_next_retransmission_after_a_short_cut() -> None:
    played = world(Shape(busy=True))
    drop(played, 10.0, 13.5)
    played.run(60.0)
    # Sent again after 0.2, 0.6, 1.4, 3.0 and 6.2 s.
    assert played.session.heard_again - played.began == pytest.approx(16.201)
    assert played.session.retransmits == 5
    assert not played.when(f"error 1 {NOP_TIMEDOUT}")


def test_an_idle_session_notices_nothing_of_a_cut_between_two_pings() -> None:
    played = world(Shape(recv_tmo=5, ping_tmo=10, polling_interval=20, max_polling_interval=20))
    played.run(22.0)
    heard = played.session.heard - played.began
    drop(played, heard + 0.5, heard + 1.0)
    played.run(60.0)
    assert played.session.retransmits == 0
    assert not [each for each in played.happened if "session" in each[1]]


def test_a_refused_connection_ends_with_its_next_packet() -> None:
    played = world(Shape(recv_tmo=5, ping_tmo=5, polling_interval=20, max_polling_interval=20))
    played.run(22.0)
    heard = played.session.heard - played.began
    played.world.refuse(played.portal)
    played.run(50.0)
    assert played.when(f"error 1 {CONN_CLOSED}") == [pytest.approx(heard + 5.0)]
    busy = world(Shape(busy=True))
    busy.at(22.0, lambda: busy.world.refuse(busy.portal))
    busy.run(50.0)
    assert busy.when(f"error 1 {CONN_CLOSED}") == [22.0]


def test_a_command_to_a_portal_that_refuses_ends_the_connection() -> None:
    played = world(QUICK)
    played.run(20.5)
    played.world.refuse(played.portal)
    played.disk.command()
    played.run(21.0)
    assert played.when(f"error 1 {CONN_CLOSED}") == [20.5]


# --- links ------------------------------------------------------------------------------------------------------------


def test_packets_pass_at_once_or_a_moment_after_the_carrier_is_back() -> None:
    laws = replace(SHORTEST, link_active=(0.4, 0.4))
    assert {laws.activation(Random(seed)) for seed in range(20)} == {0.0, 0.4}  # noqa: S311  # a simulation
    later = next(seed for seed in SEEDS if passes_later(world(QUICK, laws, seed)))
    assert later


def passes_later(played: Played) -> bool:
    """Whether packets pass 0.4 s after the carrier is back, and not at once."""
    link = played.portal.link
    cut(played, 10.0, 11.0)
    played.run(11.01)
    at_once = link.passes
    played.run(11.41)
    assert link.carrier
    assert link.passes
    return not at_once


def test_a_carrier_that_is_lost_at_once_again_passes_nothing() -> None:
    played = world(QUICK, replace(SHORTEST, link_active=(0.4, 0.4)))
    link = played.portal.link
    cut(played, 10.0, 11.0)
    played.at(11.0, lambda: played.world.set_link(link, carrier=False))
    played.run(20.0)
    assert not link.passes


# --- dm ---------------------------------------------------------------------------------------------------------------


def test_dm_numbers_the_uevents_of_each_map() -> None:
    played = world(replace(QUICK, maps=2))
    for number in range(3):
        played.at(20.0 + 40 * number, lambda: played.world.kill_portal(played.portal))
        played.at(40.0 + 40 * number, lambda: played.world.revive_portal(played.portal))
    played.run(150.0)
    for map_ in played.world.maps:
        of_map = [each for each in played.uevents if each.map_name == map_.name]
        assert [each.seqnum for each in of_map] == [1, 2, 3, 4, 5, 6]
        assert [each.action for each in of_map] == 3 * [DmAction.PATH_FAILED, DmAction.PATH_REINSTATED]


def test_dm_fails_a_path_with_io_at_once_and_one_without_at_the_next_check() -> None:
    shape = replace(QUICK, policy=FAILOVER, busy=True)
    played = world(shape)
    active, standby = played.world.maps[0].members
    played.run(20.5)
    for disk in (active, standby):
        played.world.set_device_state(disk, DeviceState.OFFLINE)
    played.run(30.0)
    (first,) = played.when(f"dm {active.dev_t} {DmAction.PATH_FAILED.value}")
    (second,) = played.when(f"dm {standby.dev_t} {DmAction.PATH_FAILED.value}")
    assert first == pytest.approx(20.51)
    assert 20.51 < second <= 23.6


def test_a_new_table_has_only_active_paths_and_no_uevent_for_them() -> None:
    played = world(QUICK)
    map_ = played.world.maps[0]
    map_.fail(played.disk)
    map_.load(list(map_.members))
    assert not map_.failed
    assert len(played.uevents) == 1


# --- multipathd -------------------------------------------------------------------------------------------------------


def checks(played: Played, until: float) -> list[float]:
    """The moments at which multipathd checks the first disk."""
    moments = list[float]()
    original = played.disk.command

    def command() -> None:
        moments.append(round(played.now, 2))
        original()

    played.disk.command = command  # type: ignore[method-assign]
    played.run(until)
    return moments


@pytest.mark.parametrize("version", [DEBIAN_12, DEBIAN_13, SID])
def test_the_checks_of_a_path_that_is_up_are_further_and_further_apart(version: tuple[int, int, int]) -> None:
    moments = checks(world(Shape(polling_interval=5, max_polling_interval=20, version=version)), 100.0)
    apart = [later - earlier for earlier, later in pairwise(moments)]
    assert apart[:5] == [10.0, 20.0, 20.0, 20.0, 20.0]


@pytest.mark.parametrize(("version", "later"), [(DEBIAN_12, 5.0), (DEBIAN_13, 20.0), (SID, 5.0)])
def test_0_11_checks_a_path_that_failed_in_use_at_the_interval_that_had_grown(
    version: tuple[int, int, int], later: float
) -> None:
    played = world(Shape(polling_interval=5, max_polling_interval=20, version=version, busy=True))
    played.at(60.5, lambda: played.world.set_ready(played.portal, 0, ready=False))
    moments = [moment for moment in checks(played, 200.0) if moment > 60.6]
    apart = {round(after - before, 2) for before, after in pairwise(moments)}
    assert apart == {later}


@pytest.mark.parametrize("version", [DEBIAN_12, DEBIAN_13])
def test_the_first_answer_after_an_outage_is_that_of_before_it(version: tuple[int, int, int]) -> None:
    played = world(replace(QUICK, version=version))
    drop(played, 20.5, 45.0)
    played.run(80.0)
    (back,) = played.when("session 1 LOGGED_IN")
    (reinstated,) = played.when(f"dm {played.disk.dev_t} {DmAction.PATH_REINSTATED.value}")
    assert 3.0 <= reinstated - back <= 6.0


def test_a_checker_that_was_not_on_its_way_has_a_new_answer() -> None:
    played = world(QUICK)
    played.at(20.5, lambda: played.world.kill_portal(played.portal))
    played.at(35.0, lambda: played.world.revive_portal(played.portal))
    played.run(80.0)
    (back,) = played.when("session 1 LOGGED_IN")
    (reinstated,) = played.when(f"dm {played.disk.dev_t} {DmAction.PATH_REINSTATED.value}")
    assert reinstated - back <= 3.0


def test_a_late_answer_is_collected_a_second_later() -> None:
    at_once, late = (noticed(replace(SHORTEST, late_answers=share)) for share in (0.0, 1.0))
    assert late - at_once == pytest.approx(1.0)


def noticed(laws: Laws) -> float:
    """When dm fails the path to a LUN that is not ready from the second 20.5 on."""
    played = world(QUICK, laws)
    played.at(20.5, lambda: played.world.set_ready(played.portal, 0, ready=False))
    played.run(40.0)
    return played.when(f"dm {played.disk.dev_t} {DmAction.PATH_FAILED.value}")[0]


def test_a_blocked_disk_is_looked_at_every_second_and_not_checked() -> None:
    played = world(QUICK)
    played.at(20.5, lambda: played.world.kill_portal(played.portal))
    played.run(27.5)
    (offline,) = played.when("disk sda transport-offline")
    (failed,) = played.when(f"dm {played.disk.dev_t} {DmAction.PATH_FAILED.value}")
    assert 0.0 <= failed - offline <= 1.0


def test_a_path_failed_by_hand_stays_failed_until_it_is_reinstated() -> None:
    played = world(QUICK)
    daemon = played.world.multipathd
    played.run(20.5)
    daemon.fail_path(played.disk)
    played.run(100.0)
    assert played.disk in played.world.maps[0].failed
    assert daemon.state_of(played.disk) is CheckerState.FAULTY
    assert daemon.is_by_hand(played.disk)
    daemon.reinstate_path(played.disk)
    assert played.disk not in played.world.maps[0].failed


def test_a_stopped_multipathd_checks_nothing_until_it_goes_on() -> None:
    played = world(QUICK)
    played.run(20.5)
    played.world.multipathd.stop()
    played.world.set_device_state(played.disk, DeviceState.OFFLINE)
    played.run(60.0)
    assert not played.uevents
    played.world.multipathd.go_on()
    played.run(63.0)
    assert [each.action for each in played.uevents] == [DmAction.PATH_FAILED]


# --- the words of queueing --------------------------------------------------------------------------------------------


def queueing(played: Played) -> str:
    (listed,) = played.world.multipathd.listed_maps()
    return listed.queueing


@pytest.mark.parametrize(("retry", "word"), [("fail", "off"), (QUEUE, "on"), (6, "6 chk")])
def test_what_a_map_lists_while_it_has_paths(retry: str | int, word: str) -> None:
    assert queueing(world(replace(QUICK, no_path_retry=retry))) == word


def test_a_map_without_paths_counts_down_its_checks_and_a_second_and_then_queues_no_more() -> None:
    played = world(replace(QUICK, no_path_retry=4))
    played.run(20.5)
    for disk in tuple(played.world.disks()):
        played.world.set_device_state(disk, DeviceState.OFFLINE)
    played.run(25.0)
    lost = max(moment for moment, each in played.happened if each.startswith("dm"))
    assert queueing(played) == f"{round(lost + 4 * 3 + 1 - played.now)} sec"
    played.run(lost + 12.9)
    assert queueing(played) == "0 sec"
    played.run(lost + 13.1)
    assert queueing(played) == "off"
    for disk in tuple(played.world.disks()):
        played.world.set_device_state(disk, DeviceState.RUNNING)
    played.run(lost + 30.0)
    assert queueing(played) == "4 chk"


# --- an array with ALUA -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "outcome", "checker"),
    [
        (AccessState.NON_OPTIMIZED, Outcome.DONE, CheckerState.READY),
        (AccessState.STANDBY, Outcome.FAILED, CheckerState.GHOST),
        (AccessState.UNAVAILABLE, Outcome.FAILED, CheckerState.FAULTY),
        (AccessState.TRANSITIONING, Outcome.HELD, CheckerState.READY),
    ],
)
def test_what_a_port_groups_state_does_to_io_and_to_the_checker(
    state: AccessState, outcome: Outcome, checker: CheckerState
) -> None:
    played = world(replace(QUICK, alua=True))
    played.run(20.5)
    played.world.set_access(played.portal, state)
    assert played.disk.access is AccessState.OPTIMIZED
    played.run(40.0)
    assert played.disk.access is state
    assert played.disk.outcome() is outcome
    assert played.world.multipathd.state_of(played.disk) is checker


@pytest.mark.parametrize(("version", "failed"), [(DEBIAN_12, True), (DEBIAN_13, False)])
def test_a_long_transition_fails_a_path_by_its_checker_on_debian_12_alone(
    version: tuple[int, int, int], failed: bool
) -> None:
    played = world(replace(QUICK, alua=True, version=version))
    played.run(20.5)
    played.world.set_access(played.portal, AccessState.TRANSITIONING)
    played.run(100.0)
    assert (played.disk in played.world.maps[0].failed) is failed


def test_the_kernel_gives_up_io_after_a_transition_of_three_minutes() -> None:
    played = world(replace(QUICK, alua=True, busy=True), replace(SHORTEST, command_limit=(180.0, 180.0)))
    played.at(20.5, lambda: played.world.set_access(played.portal, AccessState.TRANSITIONING))
    played.run(210.0)
    assert played.when(f"dm {played.disk.dev_t} {DmAction.PATH_FAILED.value}") == [200.5]


# --- logout and login -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("busy", [False, True])
def test_a_logout_takes_the_disk_out_of_the_map_and_fails_its_path_first_only_with_io(busy: bool) -> None:
    laws = replace(SHORTEST, map_unloaded=(0.2, 0.2))
    played = world(replace(QUICK, busy=busy), laws)
    disk = played.disk
    played.run(20.5)
    played.world.log_out(played.portal)
    assert played.world.session_to(played.portal) is None
    assert disk.state is DeviceState.DELETED
    played.run(20.6)
    assert bool(played.uevents) is busy
    played.run(21.0)
    assert disk not in played.world.maps[0].members


def test_a_login_makes_a_new_session_with_new_disks() -> None:
    played = world(QUICK)
    old, disk = played.session, played.disk
    played.at(10.5, lambda: played.world.log_out(played.portal))
    played.at(20.0, lambda: played.world.log_in(played.portal))
    played.run(30.0)
    assert played.session.sid > old.sid
    assert played.disk is not disk
    assert played.disk in played.world.maps[0].members
