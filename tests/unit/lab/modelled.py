"""The lab's chaos, played in the simulator's world: with the logs that the lab would have of it.

So the judge is tried on many plans without a guest. It must find nothing where the simulator's oracle finds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mpathd_watch.core.effects import Alert, Effect
from mpathd_watch.core.events import DmPathEvent, Event
from mpathd_watch.core.model.vocabulary import DeviceState, Health, MapHealth, SourceName
from mpathd_watch.core.state import State
from tests.lab.kit.chaos import Fault, Plan
from tests.lab.kit.judge import Judge, Logs
from tests.lab.kit.timeline import Deed, Span
from tests.lab.kit.watch import METRIC_PREFIX, Entry
from tests.sim.run import Plan as Played
from tests.sim.run import Run
from tests.sim.world.changes import What
from tests.sim.world.disks import Disk
from tests.sim.world.host import World
from tests.sim.world.shape import Shape

BEGIN, QUIET = 60.0, 70.0
RECORDED, SCRAPED = 0.1, 0.4
SHAPE = Shape(recv_tmo=5, ping_tmo=5, recovery_tmo=5, polling_interval=3, max_polling_interval=3)
"""That of `san.QUICK`."""

Line = dict[str, Any]
Act = Callable[[World, int], None]


def _filtered(*, inbound: bool, outbound: bool) -> Act:
    return lambda world, number: world.set_link(_link(world, number), inbound=inbound, outbound=outbound)


def _link(world: World, number: int) -> Any:
    return world.links[number - 1]


def _portal(world: World, number: int) -> Any:
    return world.portals[number - 1]


def _disk(world: World, number: int) -> Disk | None:
    session = world.session_to(_portal(world, number))
    return session.disks[0] if session and session.disks else None


def _state(state: DeviceState) -> Act:
    def act(world: World, number: int) -> None:
        disk = _disk(world, number)
        if disk is not None and (state is not DeviceState.RUNNING or disk.state is DeviceState.OFFLINE):
            world.set_device_state(disk, state)

    return act


def _by_hand(*, fail: bool) -> Act:
    def act(world: World, number: int) -> None:
        disk = _disk(world, number)
        if disk is not None:
            (world.multipathd.fail_path if fail else world.multipathd.reinstate_path)(disk)

    return act


ACTS: Mapping[str, tuple[Act, Act]] = {
    "link down": (
        lambda world, number: world.set_link(_link(world, number), carrier=False),
        lambda world, number: world.set_link(_link(world, number), carrier=True),
    ),
    "silent drop": (_filtered(inbound=False, outbound=False), _filtered(inbound=True, outbound=True)),
    "silent drop to target": (_filtered(inbound=True, outbound=False), _filtered(inbound=True, outbound=True)),
    "silent drop from target": (_filtered(inbound=False, outbound=True), _filtered(inbound=True, outbound=True)),
    **dict.fromkeys(
        ("reset", "target killed"),
        (
            lambda world, number: world.kill_portal(_portal(world, number)),
            lambda world, number: world.revive_portal(_portal(world, number)),
        ),
    ),
    "logout": (
        lambda world, number: world.log_out(_portal(world, number)),
        lambda world, number: world.log_in(_portal(world, number)),
    ),
    "device offline": (_state(DeviceState.OFFLINE), _state(DeviceState.RUNNING)),
    "path failed by hand": (_by_hand(fail=True), _by_hand(fail=False)),
    "LUN not ready": (
        lambda world, number: world.set_ready(_portal(world, number), 0, ready=False),
        lambda world, number: world.set_ready(_portal(world, number), 0, ready=True),
    ),
    "multipathd frozen": (lambda world, _: world.multipathd.stop(), lambda world, _: world.multipathd.go_on()),
    "multipathd killed": (lambda world, _: world.multipathd.kill(), lambda world, _: world.multipathd.start()),
    "multipathd reconfigured": (lambda world, _: world.multipathd.reconfigure(), lambda _, __: None),
}


class Modelled:
    """A plan played in the model."""

    def __init__(self, plan: Plan) -> None:
        self.run = Run(Played(plan.seed, SHAPE, ()))
        self.world, self.clock = self.run.world, self.run.clock
        self.lines: list[Line] = []
        self.entries: list[Entry] = []
        self.series: list[tuple[float, str, Mapping[str, str], float | None]] = []
        self.deeds: list[Deed] = []
        self._known: dict[tuple[str, str], Line] = {}
        self._shown: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        self.world.changes.listen(self._changed)
        self.run.product.observers.append(self._stepped)
        self.world.set_busy(busy=plan.busy)
        self._play(plan)

    def judge(self) -> Judge:
        """Judge what was recorded and reported."""
        interfaces = {portal.label: portal.link.name for portal in self.world.portals}
        judge = Judge(Logs.of(self.lines, self.deeds, self.entries, self.series, interfaces))
        judge.judge()
        return judge

    def _play(self, plan: Plan) -> None:
        start = self.clock.now
        self.run.product.start()
        self.run.restarted()
        self.run.peace.healthy = False
        for fault in plan.faults:
            make, repair = ACTS[fault.kind]
            begin = start + BEGIN + fault.at
            self.clock.at(begin, partial(make, self.world, fault.number))
            self.clock.at(begin + fault.seconds, partial(repair, self.world, fault.number))
            self.deeds.append(_deed(fault, begin))
        self.clock.at(start + BEGIN - 20.0, self._look)
        self.clock.at(start + BEGIN - 20.0, self._scrape)
        self.clock.run(start + BEGIN + plan.ends + QUIET)

    # --- the recorder -------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        for portal in self.world.portals:
            session = self.world.session_to(portal)
            if session is not None:
                self._write("session", f"session{session.sid}", self._session(session))
                self._write("heard", portal.label, {"portal": portal.label, "heard": session.heard})
                for disk in session.disks:
                    self._write("device", disk.name, _device(disk))
        for key in [key for key in self._known if key[0] in ("session", "device")]:
            self._gone(*key)
        for link in self.world.links:
            self._write("link", link.name, {"carrier": "1" if link.carrier else "0"})
        for map_ in self.world.maps:
            paths = {disk.dev_t: "F" if disk in map_.failed else "A" for disk in map_.members}
            self._write("map", map_.name, {"paths": paths})
        self.clock.after(RECORDED, self._look)

    def _session(self, session: Any) -> Line:
        timeouts = {"recovery_tmo": "5", "recv_tmo": "5", "ping_tmo": "5"}
        up = "up" if session.connected else "failed"
        return {"portal": session.portal.label, "state": str(session.state), "connection": up, **timeouts}

    def _gone(self, source: str, name: str) -> None:
        there = {f"session{session.sid}" for session in self.world.sessions}
        there |= {disk.name for disk in self.world.disks()}
        if name not in there:
            self._write(source, name, {**self._known[source, name], "state": None})

    def _write(self, source: str, name: str, values: Line) -> None:
        if self._known.get((source, name)) != values:
            self._known[source, name] = values
            self.lines.append({"mono": self.clock.now, "source": source, "id": name, **values})

    def _changed(self, what: What, thing: Any) -> None:
        line: Line = {"mono": self.clock.now}
        if what is What.UEVENT and isinstance(thing, DmPathEvent):
            event = {"DM_ACTION": str(thing.action), "DM_NAME": thing.map_name, "DM_PATH": thing.dev_t}
            self.lines.append({**line, "source": "uevent", **event})
        elif what is What.ERROR:
            session, error = thing
            text = f" connection{session.sid}:0: detected conn error ({error})"
            self.lines.append({**line, "source": "kmsg", "text": text})

    # --- the scraper and the journal ----------------------------------------------------------------------------------

    def _scrape(self) -> None:
        state = self.run.product.state
        for map_ in state.maps.values():
            for each in MapHealth:
                self._show("map_health", each is map_.health, map=map_.name, state=each)
            for label, path in map_.paths.items():
                for word in Health:
                    self._show("path_health", word is path.health, map=map_.name, path=label, state=word)
                self._show("path_overdue", path.verdict.overdue, map=map_.name, path=label)
                self._show("path_reinstatements_total", path.reinstatements, map=map_.name, path=label)
                self._show("path_failures_total", sum(path.failures.values()), map=map_.name, path=label)
        for name in (SourceName.UEVENT, SourceName.SYSFS, SourceName.MULTIPATHD):
            self._show("source_up", state.source(name).up is True, source=name)
        self.clock.after(SCRAPED, self._scrape)

    def _show(self, name: str, value: float, **labels: str) -> None:
        key = (name, frozenset(labels.items()))
        if self._shown.get(key) != float(value):
            self._shown[key] = float(value)
            texts = {label: str(text) for label, text in labels.items()}
            self.series.append((self.clock.now, METRIC_PREFIX + name, texts, float(value)))

    def _stepped(self, _: State, __: State, ___: Event, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, Alert):
                fields = {key: str(value) for key, value in effect.fields.items()}
                fields["EVENT"] = effect.kind.event
                self.entries.append(Entry(self.clock.now, effect.priority, effect.message, fields, from_systemd=False))


def _device(disk: Disk) -> Line:
    return {"dev_t": disk.dev_t, "hctl": disk.hctl, "portal": disk.session.portal.label, "state": str(disk.state)}


def _deed(fault: Fault, begin: float) -> Deed:
    return Deed(fault.kind, fault.number, Span(begin, begin + fault.seconds))
