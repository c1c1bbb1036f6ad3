"""The plan of the lab's chaos: the same for the same seed, and one that can be played and repaired."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.lab.kit import chaos
from tests.lab.kit.array import NUMBERS
from tests.lab.kit.chaos import KINDS, MULTIPATHD, Fault, Plan, Stage
from tests.lab.kit.errors import LabError
from tests.lab.kit.faults import Faults
from tests.lab.kit.san import QUICK
from tests.lab.long import chaos as twenty_minutes
from tests.lab.scenarios import chaos_short

REAL = Path(__file__).parent / "two_outages"
SEEDS = [str(number) for number in range(200)]


def short(seed: str) -> Plan:
    return chaos.drawn(seed, chaos_short.SECONDS, chaos_short.PAUSE, chaos_short.FAULTS)


def test_a_seed_decides_the_whole_plan() -> None:
    assert short("one") == short("one")
    assert short("one") != short("another")


def test_the_seed_is_fresh_unless_the_environment_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(chaos.SEED, raising=False)
    assert chaos.seed() != chaos.seed()
    monkeypatch.setenv(chaos.SEED, "mine")
    assert chaos.seed() == "mine"


def test_the_short_plan_has_so_many_faults_and_is_over_in_time() -> None:
    for seed in SEEDS:
        plan = short(seed)
        assert len(plan.faults) == chaos_short.FAULTS
        assert 0 < plan.ends <= chaos_short.SECONDS + 1.0


def test_the_long_plan_has_every_kind_and_is_over_in_time() -> None:
    plans = [chaos.drawn(seed, twenty_minutes.SECONDS, twenty_minutes.PAUSE) for seed in SEEDS[:10]]
    assert {fault.kind for plan in plans for fault in plan.faults} == set(KINDS)
    assert all(plan.ends <= twenty_minutes.SECONDS + 1.0 and len(plan.faults) > 50 for plan in plans)
    assert {plan.busy for plan in plans} == {True, False}


def test_only_one_thing_at_a_time_is_wrong_with_a_link() -> None:
    for seed in SEEDS:
        plan = chaos.drawn(seed, twenty_minutes.SECONDS, twenty_minutes.PAUSE)
        for number in (MULTIPATHD, *NUMBERS):
            of_it = [fault for fault in plan.faults if fault.number == number]
            for before, after in itertools.pairwise(of_it):
                assert before.at + before.seconds <= after.at


def test_what_needs_multipathd_is_done_while_it_works() -> None:
    for seed in SEEDS:
        plan = chaos.drawn(seed, twenty_minutes.SECONDS, twenty_minutes.PAUSE)
        absent = [fault for fault in plan.faults if fault.number == MULTIPATHD]
        for fault in plan.faults:
            if KINDS[fault.kind].daemon:
                for other in absent:
                    assert other.at + other.seconds <= fault.at or fault.at + fault.seconds <= other.at


class Hands(Faults):
    """Notes what is done instead of doing it."""

    def __init__(self, refused: str = "") -> None:
        self.done: list[str] = []
        self._refused = refused
        super().__init__(cast("Any", self), QUICK, self.done.append)

    def timed(self, _: str) -> float:
        if self._refused and self._refused in self.done[-1]:
            self.done[-1], self._refused = f"refused: {self.done[-1]}", ""
            raise LabError("no")
        return 0.0

    def write_file(self, path: str, contents: str) -> None:
        self.done.append(f"{path}: {contents}")


class Stand:
    """A lab whose clock jumps to where it is wanted."""

    def __init__(self, refused: str = "") -> None:
        self.faults = Hands(refused)
        self.clock = 100.0
        self.said: list[str] = []
        self.say = self.said.append
        self.san = QUICK
        self.guest = SimpleNamespace(now=lambda: self.clock)
        self.truth = SimpleNamespace(device_name=lambda _: "sdx")

    def pause_until(self, at: float) -> None:
        self.clock = max(self.clock, at)


def played(stand: Stand, *faults: Fault) -> list[dict[str, object]]:
    return chaos._play(Stage(cast("Any", stand)), Plan("x", faults, busy=False), 100.0)


@pytest.mark.parametrize("kind", KINDS)
def test_each_fault_is_made_and_repaired(kind: str) -> None:
    stand = Stand()
    number = MULTIPATHD if kind in chaos.OF_MULTIPATHD else 2
    header, deed = played(stand, Fault(kind, number, 5.0, 2.5))
    assert header == {"seed": "x", "began": 100.0}
    assert deed == {"kind": kind, "number": number, "begin": 105.0, "end": 107.5}
    assert len(stand.faults.done) >= (1 if kind == "multipathd reconfigured" else 2)


def test_a_filter_is_ended_and_the_other_stays() -> None:
    stand = Stand()
    played(
        stand, Fault("silent drop", 1, 1.0, 9.0), Fault("reset", 2, 2.0, 1.0), Fault("silent drop to target", 2, 4, 1)
    )
    rules = [each.partition(": ")[2] for each in stand.faults.done if each.startswith("/")]
    assert all(each.startswith("flush ruleset\n") for each in rules)
    assert ["t1" in each for each in rules] == [True, True, True, True, True, False]
    assert ["reject" in each for each in rules] == [False, True, False, False, False, False]
    assert ['iifname "t2" drop' in each for each in rules] == [False, False, False, True, False, False]


def test_a_repair_that_is_refused_is_tried_again_in_the_end() -> None:
    stand = Stand("login")
    _, deed, other = played(stand, Fault("logout", 1, 1.0, 2.0), Fault("link down", 2, 5.0, 1.0))
    assert stand.faults.done[-1] == "login to 192.168.1.1:3260"
    assert stand.said == ["could not be done: logout (1): no"]
    assert (deed["end"], other["end"]) == (106.0, 106.0)


class Whole(Stand):
    """A lab in which everything is up again at once, and which leaves the logs of a real run."""

    def __init__(self, logs: Path, *, drop: str = "") -> None:
        super().__init__()
        self.logs = logs
        self.checked: list[str] = []
        self.load = SimpleNamespace(io=lambda **_: None)
        record = SimpleNamespace(values={"state": "LOGGED_IN"})
        self.truth = SimpleNamespace(
            session=lambda _: record,
            device=lambda _: SimpleNamespace(values={"state": "running"}),
            dm_verdicts=lambda _: [(1.0, "F"), (2.0, "A")],
            store=lambda to: self._leave(to, "truth", ""),
        )
        self.watch = SimpleNamespace(present=True, store=lambda to: self._reports(to, drop))
        self.expect_state = self.expect_metric = lambda *_, **__: None

    def wait(self, _: str, look: Any, __: float) -> Any:
        return look()

    def check(self, holds: bool, what: str) -> None:
        assert not holds
        self.checked.append(what)

    def _reports(self, to: Path, drop: str) -> None:
        self._leave(to, "journal", drop)
        self._leave(to, "metrics", "")

    def _leave(self, to: Path, name: str, drop: str) -> None:
        lines = (REAL / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not drop or drop not in line]
        (to / f"{name}.jsonl").write_text("\n".join(kept), encoding="utf-8")


PULLED = Plan("x", (Fault("link down", 1, 10.9, 17.0), Fault("link down", 2, 40.6, 15.0)), busy=True)


def test_a_run_whose_reports_are_right_passes(tmp_path: Path) -> None:
    stand = Whole(tmp_path)
    chaos.play(cast("Any", stand), PULLED, "chaos_short")
    assert stand.checked == []
    assert "LAB_SEED=x repeats it" in stand.said[0]
    assert stand.said[-1] == "2 outages, 44 healths compared, 0 violations"


def test_a_run_whose_reports_are_wrong_fails_with_its_story(tmp_path: Path) -> None:
    stand = Whole(tmp_path, drop='"MPATHD_WATCH_PATH": "192.168.1.1:3260"')
    chaos.play(cast("Any", stand), PULLED, "chaos_short")
    assert stand.checked == [
        "(b) mpio 192.168.1.1:3260: the outage from 120.3 to 136.1 is reported 0 times (at 20.3 s; seed x)"
    ]
    assert "repeat it: LAB_SEED=x python -m tests.lab test chaos_short" in stand.said
    assert "     10.9 link down (1) for 17.0 s" in stand.said
    assert any(line.startswith("   120.33  world   mpio 192.168.1.1:3260: session FAILED") for line in stand.said)
