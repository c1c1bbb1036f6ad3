"""What can go wrong around the daemon itself, besides the faults of the first layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

from tests.sim.daemon.product import DaemonProduct, bad_file
from tests.sim.daemon.replies import GARBAGE
from tests.sim.faults import Fault, Repair, Stage
from tests.sim.world.changes import What


class DaemonStage(Stage):
    """Does the faults of both layers."""

    def play(self, fault: Fault) -> None:
        kind = KINDS.get(fault.kind)
        if kind is None:
            super().play(fault)
            return
        self.tell(f"{fault.kind} ({fault.which}) for {fault.seconds:.1f} s")
        repair = kind(self, fault)
        if repair is not None:
            self.world.clock.after(fault.seconds, lambda: self._end(fault, repair))

    def repair_all(self) -> None:
        super().repair_all()
        faulty = self.daemon.faulty
        faulty.hung.clear()
        faulty.unreadable = faulty.backlog_full = faulty.hanging_up = False
        faulty.garbage = None
        self._follow()
        self.daemon.reload = lambda: self.daemon.config
        self.daemon.hang_up()

    @property
    def daemon(self) -> DaemonProduct:
        """The product of this layer."""
        assert isinstance(self.product, DaemonProduct)
        return self.product

    def changed(self) -> None:
        """Something about the sources has changed."""
        self._follow()
        self.world.changes.report(What.SOURCE, self.product.sources.sysfs)

    def _follow(self) -> None:
        host = self.daemon.host
        if host is not None:
            host.server.full = self.daemon.faulty.backlog_full
            host.release()


Kind = Callable[[DaemonStage, Fault], Repair | None]


def _hangs(*names: str) -> Kind:
    def play(stage: DaemonStage, _: Fault) -> Repair:
        stage.daemon.faulty.hung.update(names)
        stage.changed()

        def repair() -> None:
            stage.daemon.faulty.hung.difference_update(names)
            stage.changed()

        return repair

    return play


def _switch(name: str) -> Kind:
    def play(stage: DaemonStage, _: Fault) -> Repair:
        setattr(stage.daemon.faulty, name, True)
        stage.changed()

        def repair() -> None:
            setattr(stage.daemon.faulty, name, False)
            stage.changed()

        return repair

    return play


def _garbage(stage: DaemonStage, fault: Fault) -> Repair:
    stage.daemon.faulty.garbage = GARBAGE[fault.which % len(GARBAGE)]
    stage.changed()

    def repair() -> None:
        stage.daemon.faulty.garbage = None
        stage.changed()

    return repair


def _reload(stage: DaemonStage, fault: Fault) -> None:
    daemon = stage.daemon
    daemon.reload = bad_file if fault.which % 3 == 0 else lambda: daemon.config
    daemon.hang_up()


def _reload_hangs(stage: DaemonStage, fault: Fault) -> Repair:
    repair = _hangs("reload")(stage, fault)
    stage.daemon.hang_up()
    assert repair is not None
    return repair


def _restarts(stage: DaemonStage, fault: Fault) -> None:
    """It is cancelled and started again several times, a moment apart."""
    for number in range(1 + fault.which % 5):
        stage.world.clock.after(number * (0.001, 0.05, 0.4, 3.0)[fault.which % 4], lambda: _restart(stage))


def _restart(stage: DaemonStage) -> None:
    stage.end_daemon()
    stage.start_daemon()


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "ends_hang": _hangs("iscsi-ends"),
        "tcp_hangs": _hangs("iscsi-tcp"),
        "network_hangs": _hangs("network"),
        "configuration_hangs": _hangs("configuration"),
        "sysfs_unreadable": _switch("unreadable"),
        "multipathd_full": _switch("backlog_full"),
        "multipathd_hangs_up": _switch("hanging_up"),
        "garbage": _garbage,
        "reload": _reload,
        "reload_hangs": _reload_hangs,
        "restarts": _restarts,
    }
)
"""Every kind of fault: what begins it, and returns what ends it."""


def drawn(random: Random, begin: float, end: float) -> tuple[Fault, ...]:
    """A few of them between the seconds ``begin`` and ``end``; none in half of the runs."""
    if random.random() < 0.5:
        return ()
    kinds = random.sample(sorted(KINDS), random.choice((1, 2, 4)))
    pause = random.choice((10.0, 60.0, 150.0))
    faults: list[Fault] = []
    at = begin + random.expovariate(1 / pause)
    while at < end:
        seconds = min(random.choice((0.3, 3.0, 20.0, 90.0)) * random.uniform(0.5, 1.5), end - at)
        faults.append(Fault(random.choice(kinds), round(at, 3), round(seconds, 3), random.randrange(1000)))
        at += random.expovariate(1 / pause)
    return tuple(faults)
