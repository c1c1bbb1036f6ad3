"""What a scenario works with: one object that holds the guest, its SAN, the faults, the truth, and the expectations.

A scenario is a module in `tests/lab/scenarios/`, or in `tests/lab/long/` if it takes too long to run each time, with

    a docstring    the story that is expected, for people; its first line is the title
    SAN            what to set up (`tests.lab.kit.san.San`); default ARTICLE
    SUITES         Debian suites to run it on; default trixie alone
    LONG_SUITES    further suites, on which it is run only with the scenarios that take long; default none
    QUICK_SUITES   those of SUITES on which CI runs it, too; default none
    ALERTS         events of priority warning or worse that belong to the story; any other one fails the scenario
    run(lab)       the story

Waits raise and so end a scenario; expectations are noted, and all that were not met are printed at the end.
"""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.lab import long, scenarios
from tests.lab.kit import outage
from tests.lab.kit import san as san_module
from tests.lab.kit.errors import LabError
from tests.lab.kit.faults import Faults
from tests.lab.kit.guest import Guest
from tests.lab.kit.io import Writes
from tests.lab.kit.load import Load
from tests.lab.kit.outage import TrueOutage
from tests.lab.kit.san import ARTICLE, San
from tests.lab.kit.tail import wait_for
from tests.lab.kit.truth import PingTimeout, Truth, start_recorder
from tests.lab.kit.watch import UNIT, Entry, Start, Watch, start_followers

T = TypeVar("T")

TOLERANCE = 1.5
"""Seconds between the truth and what the product says of it that are still called the same instant."""

PHASE_TOLERANCE = 1.0
"""Seconds between what a phase really took and what the product measured."""

EARLY_WARNINGS = frozenset({"suspect"})
"""Healths that a story leaves out unless it names them: early warnings, that may or may not come before the verdict."""

LEAD_SHORTFALL = 3.0
"""Seconds of noop_out_timeout that may have passed when silence is reported."""

MAP_LATENESS = 0.3
"""Seconds that may lie between an entry about a path and one about its map that have the same reason."""

CAUSES = (
    *("nop_timeout", "connection_closed", "connection_error", "carrier_lost", "logout", "device_offline", "checker"),
    *("administrator", "removed", "unknown"),
    *("array_standby", "array_unavailable", "array_transitioning", "array_offline"),
)

FLEETING = 1.0
"""Seconds. A health that does not hold for as long may be over before it is seen, in a busy guest above all."""

DENIALS = """journalctl --boot --output=cat --quiet --grep='apparmor="(DENIED|ALLOWED)"' | grep -v 'comm="python3"'"""
"""Prints what AppArmor has denied to the product, or would have denied with the profile in complain mode.

python3 is a program of the lab that tries on purpose what is denied.
"""

SESSION_LOSS = frozenset({"path_suspect", "path_stalled", "path_failed", "session_lost", "map_degraded", "map_at_risk"})
"""ALERTS of a story in which one of two sessions is lost."""


@dataclass(frozen=True)
class Scenario:
    """One module of `tests/lab/scenarios/` or `tests/lab/long/`."""

    name: str
    story: str
    san: San
    suites: tuple[str, ...]
    long_suites: tuple[str, ...]
    quick_suites: tuple[str, ...]
    alerts: frozenset[str]
    run: Callable[[Lab], None]

    @property
    def title(self) -> str:
        """First line of the story."""
        return self.story.splitlines()[0]


def names(*, takes_long: bool = False) -> list[str]:
    """Return the names of all scenarios, or of those that take long."""
    package = long if takes_long else scenarios
    return sorted(module.name for module in pkgutil.iter_modules(package.__path__))


def load(name: str) -> Scenario:
    """Import a scenario, one that takes long or another.

    Raises:
        LabError: there is none of this name.
    """
    known = {each: package for package in (long, scenarios) for each in names(takes_long=package is long)}
    if name not in known:
        raise LabError(f"no such scenario: {name} (known: {', '.join(known)})")
    module = importlib.import_module(f"{known[name].__name__}.{name}")
    return Scenario(
        name,
        (module.__doc__ or name).strip(),
        getattr(module, "SAN", ARTICLE),
        getattr(module, "SUITES", ("trixie",)),
        getattr(module, "LONG_SUITES", ()),
        getattr(module, "QUICK_SUITES", ()),
        frozenset(getattr(module, "ALERTS", ())),
        module.run,
    )


class Lab:
    """A restored guest at the start of a scenario. Instants are the guest's CLOCK_MONOTONIC in seconds."""

    def __init__(self, guest: Guest, san: San, product: bool, log: Path) -> None:
        self.guest = guest
        self.san = san
        self.truth = Truth(guest, san.array.interfaces)
        self.writes = Writes(guest)
        self.watch = Watch(guest, product)
        self.faults = Faults(guest, san, self.say)
        self.load = Load(guest, f"/dev/mapper/{san.map_name(1)}", self.say)
        self.failures: list[str] = []
        self._fleeting: set[tuple[str, str, str]] = set()
        self._started = time.monotonic()
        self._log = log

    @property
    def logs(self) -> Path:
        """Directory in which a scenario keeps what it leaves."""
        return self._log.parent

    def say(self, text: str) -> None:
        """Print what happens, with the seconds since the scenario began."""
        line = f"  {time.monotonic() - self._started:6.1f}  {text}"
        print(line, flush=True)
        with self._log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def reboot(self) -> None:
        """Reboot the guest. The record and what the product reports begin again; the SAN is not there yet."""
        self.say("reboot")
        if self.watch.present:
            self.guest.run(f"systemctl stop {UNIT}")
        self.guest.reset()
        start_recorder(self.guest)
        self.truth = Truth(self.guest, self.san.array.interfaces)
        if self.watch.present:
            start_followers(self.guest)
        self.watch = Watch(self.guest, self.watch.present, since=0.0)
        self.say("the guest is up again")

    def see_stalled(self, portal: str, since: float, timeout: float = 20.0) -> float:
        """Wait for the truth to say that the session to `portal` is FAILED, later than `since`; return the instant."""
        at = self.truth.wait_session(portal, "FAILED", after=since, timeout=timeout)
        return self._seen(f"session to {portal} FAILED", at, since)

    def see_failed(self, portal: str, since: float, timeout: float = 20.0, lun: int = 1) -> float:
        """Wait for dm's F or an offline SCSI disk, whichever is first, later than `since`; return the instant."""

        def look() -> float | None:
            instants = (
                self.truth.dm_verdict(portal, "F", after=since, lun=lun),
                self.truth.device_instant(portal, "transport-offline", after=since, lun=lun),
                self.truth.device_instant(portal, "offline", after=since, lun=lun),
            )
            return min((at for at in instants if at is not None), default=None)

        return self._seen(f"path through {portal} failed", self.wait(f"{portal} failed", look, timeout), since)

    def see_dm(self, portal: str, verdict: str, since: float, timeout: float = 20.0, lun: int = 1) -> float:
        """Wait for dm's own "A" or "F" of a path, later than `since`; return the instant."""
        at = self.truth.wait_dm(portal, verdict, after=since, timeout=timeout, lun=lun)
        return self._seen(f"dm says {verdict} of {portal}", at, since)

    def see_logged_in(self, portal: str, since: float, timeout: float = 30.0) -> float:
        """Wait for the session to `portal` to be LOGGED_IN again, later than `since`; return the instant."""
        at = self.truth.wait_session(portal, "LOGGED_IN", after=since, timeout=timeout)
        return self._seen(f"session to {portal} LOGGED_IN", at, since)

    def see_ping_timeout(self, portal: str, since: float, timeout: float = 20.0) -> PingTimeout:
        """Wait for the kernel to give up on the silent session to `portal`, later than `since`."""
        what = f"the kernel's ping timeout of {portal}"
        found = self.wait(what, lambda: self.truth.ping_timeout(portal, since), timeout)
        silence = found.at - found.heard
        self.say(f"truth: ping timeout of {portal} at {found.at - since:+.1f} s, after {silence:.1f} s of silence")
        return found

    def reconfigure(self, san: San) -> None:
        """Put the multipath.conf of `san` into force, and wait until multipathd has applied it."""
        self.say(f"multipathd reconfigured: {san.multipath_defaults} {san.for_iscsi}")
        san_module.reconfigure(self.guest, san)
        self.san = san

    def set_pings(self, number: int, interval: int, timeout: int) -> None:
        """Give a session other noop timeouts, by its record and a new login, and wait until its path is up."""
        portal = self.san.portals[number]
        self.say(f"{portal}: noop_out_interval {interval}, noop_out_timeout {timeout}")
        san_module.set_pings(self.guest, portal, interval, timeout)
        self.relogin(number)

    def relogin(self, number: int) -> None:
        """Log out of a portal and in again, and wait until multipathd has given the new session its timeout."""
        path = self.san.portals[number]
        logout = self.faults.logout(number)
        self.truth.wait_device(path, None, after=logout, timeout=20)
        # Until a path belongs to a map its session has the timeout of its record.
        san_module.wait_for_paths(self.guest, self.san.map_name(1), 1)
        login = self.faults.login(number)
        self.truth.wait_device(path, "running", after=login, timeout=20)
        san_module.wait_for_paths(self.guest, self.san.map_name(1), 2)
        self.truth.wait(
            "session",
            after=login,
            timeout=20,
            portal=path,
            recovery_tmo=str(self.san.fast_io_fail_tmo),
            state="LOGGED_IN",
        )
        self.expect_state("path_health", "up", map=self.san.map_name(1), path=path)

    def active_link(self, lun: int = 1) -> int:
        """Return the number of the link whose path group dm uses at present."""
        groups = self.wait("dm's current group", lambda: self.truth.active_paths(self.san.map_name(lun)), 10.0)
        return next(
            number
            for number, portal in self.san.portals.items()
            if (device := self.truth.device(portal, lun)) and device.values["dev_t"] in groups
        )

    def wait(self, what: str, look: Callable[[], T | None], timeout: float) -> T:
        """Wait until `look` returns something other than None, at most `timeout` seconds, and return that."""
        return wait_for(look, what, timeout)

    def pause_until(self, at: float) -> None:
        """Let the guest run until its clock says `at`: for faults of a given length, never to wait for an effect."""
        while (left := at - self.guest.now()) > 0:
            time.sleep(min(left, 1.0))

    def check(self, holds: bool, what: str) -> bool:
        """Note whether an expectation holds."""
        if not holds:
            self.failures.append(what)
            self.say(f"NOT AS EXPECTED: {what}")
        return holds

    def within(self, seconds: float, ours: float | None, truth: float, what: str) -> None:
        """Expect that the product's instant `ours` is at most `seconds` away from the truth's."""
        if not self.watch.present:
            return
        if ours is None:
            self.check(False, f"{what}: never said")
        elif self.check(abs(ours - truth) <= seconds, f"{what}: {ours - truth:+.2f} s from the truth"):
            self.say(f"ours: {what} {ours - truth:+.2f} s from the truth")

    def expect_path(self, map_name: str, path: str, health: str, at: float) -> Entry | None:
        """Expect journal and metrics to say that a path became `health` at `at`; return the journal entry."""
        return self._expect_health("path_health", health, at, map=map_name, path=path)

    def expect_map(self, map_name: str, health: str, at: float) -> Entry | None:
        """Expect journal and metrics to say that a map became `health` at `at`; return the journal entry."""
        return self._expect_health("map_health", health, at, map=map_name)

    def expect_recovery(self, map_name: str, path: str, back: float, up: float) -> None:
        """Expect a path to become `recovering` at the instant `back`, and `up` at the instant `up`.

        When multipathd was so quick that the one was over within a second, it may have been seen or not.
        """
        if up - back >= FLEETING:
            self.expect_path(map_name, path, "recovering", back)
        else:
            self._fleeting.add((map_name, path, "recovering"))
        self.expect_path(map_name, path, "up", up)

    def expect_known(self, metric: str, health: str, start: Start, **labels: str) -> None:
        """Expect journal and metrics of a daemon that has just begun to say what is when systemd has started it.

        READY=1 promises that the whole host has been read. How long that takes is a matter of the guest's processors.
        """
        if not self.watch.present:
            return
        name = " ".join([*labels.values(), health])
        found = self.watch.find_health(health, after=start.began, **{key.upper(): each for key, each in labels.items()})
        scraped = self.watch.metric_instant(metric, health, after=start.began, **labels)
        for where, at in (("journal", found.at if found else None), ("metric", scraped)):
            if self.check(at is not None and at <= start.done, f"{name} ({where}): not when systemd had started it"):
                self.say(f"ours: {name} ({where}) {start.done - (at or 0.0):.2f} s before systemd had started it")

    def expect_path_story(
        self, map_name: str, path: str, story: Iterable[str], optional: Iterable[str] = EARLY_WARNINGS
    ) -> None:
        """Expect these healths of a path, in this order, in the journal of this scenario.

        Those in `optional` may come in between; others that are not in the story may not.
        """
        fleeting = {health for *key, health in self._fleeting if key == [map_name, path]}
        told_for_sure = [health for health in story if health not in fleeting]
        skipped = (set(optional) | fleeting) - set(told_for_sure)
        self._expect_story(
            f"{map_name} {path}",
            told_for_sure,
            lambda: self.watch.healths(MAP=map_name, PATH=path),
            lambda _, health: health not in skipped,
        )

    def expect_map_story(self, map_name: str, story: Iterable[str]) -> None:
        """Expect exactly these healths of a map, in this order, in the journal of this scenario.

        A story that does not name `degraded` leaves it out where it comes of a path that is suspect, as it does that.
        """
        wanted = list(story)

        def counts(at: float, health: str) -> bool:
            return health != "degraded" or "degraded" in wanted or not self._any_suspect(map_name, at + MAP_LATENESS)

        self._expect_story(map_name, wanted, lambda: self.watch.healths(MAP=map_name), counts)

    def expect_suspect(
        self, map_name: str, path: str, cut_at: float, ping_timeout_at: float, noop_out_timeout: float
    ) -> None:
        """Expect that a path was reported as suspect after its link was cut, well before the kernel's own verdict.

        That is `noop_out_timeout` - 3 s before it where that is more than nothing, or else just before it.
        """
        if not self.watch.present:
            return
        found = self._patiently(
            lambda: next(iter(self.watch.entries(cut_at, "path_suspect", MAP=map_name, PATH=path)), None),
            ping_timeout_at,
        )
        if found is None:
            self.check(False, f"{path} suspect (journal): never said, cut at {cut_at:.1f}")
            return
        lead, least = ping_timeout_at - found.at, max(0.0, noop_out_timeout - LEAD_SHORTFALL)
        self.say(f"ours: {path} suspect {found.at - cut_at:.2f} s after the cut, {lead:.2f} s before the ping timeout")
        self.check(
            lead > 0 and lead >= least, f"{path} suspect {lead:.2f} s before the ping timeout, expected {least:g} s"
        )
        labels = {"map": map_name, "path": path}
        scraped = self._patiently(
            lambda: self.watch.metric_instant("path_health", "suspect", after=cut_at, **labels), found.at
        )
        if scraped is None and self.watch.held(found, MAP=map_name, PATH=path) < FLEETING:
            self.say(f"ours: {path} suspect was over too soon to be scraped")
        else:
            self.check(scraped is not None, f"{path} suspect (metric): never said")

    def expect_no_suspect(self, since: float, path: str | None = None) -> None:
        """Expect that no path, or not this one, was reported as suspect later than `since`."""
        fields, labels = ({}, {}) if path is None else ({"PATH": path}, {"path": path})
        for entry in self.watch.entries(since, "path_suspect", **fields):
            self.check(False, f"false alarm: {entry}")
        scraped = self.watch.metric_instant("path_health", "suspect", after=since, **labels)
        self.check(scraped is None, f"{path or 'a path'} was suspect by the metrics at {scraped}")

    def expect_carrier_lost(self, map_name: str, path: str, cut_at: float) -> None:
        """Expect that a path was suspect as soon as its interface had lost its carrier or its address."""
        entry = self.expect_path(map_name, path, "suspect", cut_at)
        if entry:
            cause = entry.fields.get("CAUSE")
            self.check(cause == "carrier_lost", f"{path} suspect: cause {cause}, expected carrier_lost")

    def expect_cause(self, map_name: str, path: str, cause: str, since: float, failures: int = 1) -> None:
        """Expect that the failures of a path later than `since` are reported and counted with this cause."""
        if not self.watch.present:
            return

        def told() -> set[str]:
            entries = self.watch.entries(since, MAP=map_name, PATH=path)
            return {each.fields["CAUSE"] for each in entries if each.fields.get("CAUSE")}

        def counted() -> dict[str, float]:
            labels = {"map": map_name, "path": path}
            name = "path_failures_by_cause_total"
            rise = {each: self.watch.rise(name, since, cause=each, **labels) for each in CAUSES}
            return {each: number for each, number in rise.items() if number}

        self._patiently(lambda: (cause in told() and bool(counted())) or None, self.guest.now())
        self.say(f"ours: {path}: told {', '.join(told()) or 'nothing'}, counted {counted()}")
        self.check(cause in told(), f"{path}: cause {told() or 'not given'}, expected {cause}")
        self.check(
            counted() == {cause: failures},
            f"{path}: path_failures_by_cause_total rose by {counted()}, expected {failures} {cause}",
        )

    def expect_one_outage(self, map_name: str, path: str, causes: Iterable[str] = (), since: float = 0.0) -> None:
        """Expect the path's entries later than `since` to share one outage id, and its cause to be one of `causes`."""
        if not self.watch.present:
            return
        entries = [each for each in self.watch.entries(since, MAP=map_name, PATH=path) if "OUTAGE" in each.fields]
        self.check(len({each.fields["OUTAGE"] for each in entries}) == 1, f"{path}: its entries are of one outage")
        wanted = set(causes)
        said = {each.fields["CAUSE"] for each in entries if each.fields.get("CAUSE")}
        self.check(not wanted or bool(said & wanted), f"{path}: cause {said or 'not given'}, expected {wanted}")

    def see_outage(self, portal: str, since: float, timeout: float = 120.0) -> TrueOutage:
        """Wait until the outage of a lost session that began later than `since` is over, and return it."""
        recheck = self.san.recheck_interval(self.guest.image.suite)
        found = self.wait(f"{portal} is back", lambda: outage.find(self.truth, portal, since, recheck), timeout)
        self.say(f"truth: {portal}: {found}")
        return found

    def expect_outage(
        self,
        map_name: str,
        path: str,
        since: float,
        *,
        verdict: str = "within_budget",
        broken: str | None = None,
    ) -> None:
        """Wait until the outage that began later than `since` is over, and expect the product's account to be true.

        That is: its cause is the lost carrier or the error in the kernel's log; its phases are those of the truth, to a
        second; the verdict is `verdict`, as the truth's own is; `broken` is the phase that broke the budget. `since`
        must be later than the end of any other outage.
        """
        truth = self.see_outage(path, since)
        self.check(truth.verdict == verdict, f"{path}: the verdict by the truth is {truth.verdict}")
        if not self.watch.present:
            return
        self.expect_verdict(map_name, path, since, verdict, broken)
        self.expect_one_outage(map_name, path, {self.truth.cause(path, since)}, since)
        taken = truth.phases
        for phase in outage.PHASES:
            count = self.watch.rise("outage_phase_seconds_count", since, phase=phase)
            seconds = self.watch.rise("outage_phase_seconds_sum", since, phase=phase)
            if not self.check(count == (phase in taken), f"{path}: {phase} was observed {count:g} times"):
                continue
            if phase in taken:
                self.within(PHASE_TOLERANCE, seconds, taken[phase], f"{path} {phase}")
        entry = next(iter(self.watch.entries(since, "path_reinstated", MAP=map_name, PATH=path)), None)
        if entry is None:
            return
        bound = truth.bounds["failover"]
        told = float(entry.fields.get("BUDGET_SEC", "inf"))
        self.check(told == bound, f"{path}: BUDGET_SEC is {told:g}, expected {bound:g}")
        if "detection" in taken:
            silence = entry.fields.get("SILENCE_SEC")
            self.within(PHASE_TOLERANCE, float(silence) if silence else None, taken["detection"], f"{path} silence")

    def expect_verdict(self, map_name: str, path: str, since: float, verdict: str, broken: str | None = None) -> None:
        """Expect that one outage has ended since `since`, this path's, with this verdict in journal and metrics."""
        entry = self.expect_event("path_reinstated", after=since, MAP=map_name, PATH=path)
        if entry is not None:
            told = (entry.fields.get("VERDICT"), entry.fields.get("PHASE"))
            self.check(told == (verdict, broken), f"{path}: verdict {told}, expected {(verdict, broken)}")

        def counted() -> dict[str, float]:
            return {each: self.watch.rise("outages_total", since, verdict=each) for each in outage.VERDICTS}

        self._patiently(lambda: any(counted().values()) or None, self.guest.now())
        rise = {each: number for each, number in counted().items() if number}
        if self.watch.present:
            self.check(rise == {verdict: 1}, f"{path}: outages_total rose by {rise}, expected one {verdict}")

    def expect_event(self, event: str, timeout: float = 10.0, after: float = 0.0, **fields: str) -> Entry | None:
        """Expect a journal entry of this event with these fields, waiting for it at most `timeout` seconds."""
        if not self.watch.present:
            return None
        try:
            return self.wait(event, lambda: next(iter(self.watch.entries(after, event, **fields)), None), timeout)
        except LabError:
            self.check(False, f"no journal entry {event} {fields or ''} within {timeout:g} s")
            return None

    def expect_state(self, name: str, state: str, timeout: float = 10.0, **labels: str) -> None:
        """Expect a state metric to reach `state`, waiting for it at most `timeout` seconds."""
        if not self.watch.present:
            return
        try:
            self.wait(name, lambda: self.watch.state(name, **labels) == state or None, timeout)
        except LabError:
            self.check(False, f"{name} {labels} is {self.watch.state(name, **labels)}, expected {state}")

    def expect_raw(self, map_name: str, path: str, timeout: float = 10.0, **raw: str) -> None:
        """Expect raw states of a path (dm=, checker=, device=, access=), waiting for them at most `timeout` seconds."""
        if not self.watch.present:
            return

        def reported() -> Mapping[str, str]:
            return self.watch.info("path_state_info", map=map_name, path=path)

        try:
            self.wait(f"{path} {raw}", lambda: raw.items() <= reported().items() or None, timeout)
        except LabError:
            self.check(False, f"{map_name} {path}: raw states are {dict(reported())}, expected {raw}")

    def expect_metric(self, name: str, value: float, timeout: float = 10.0, **labels: str) -> None:
        """Expect a metric to reach `value`, waiting for it at most `timeout` seconds."""
        if not self.watch.present:
            return
        try:
            self.wait(name, lambda: self.watch.metric(name, **labels) == value or None, timeout)
        except LabError:
            self.check(False, f"{name} {labels} is {self.watch.metric(name, **labels)}, expected {value:g}")

    def expect_info(self, name: str, timeout: float = 10.0, /, *, of: dict[str, str], **labels: str) -> None:
        """Expect that the one series of an info metric with the labels `of` comes to have these labels, too."""
        if not self.watch.present:
            return

        def shown() -> list[dict[str, str]]:
            return self.watch.infos(name, **of)

        try:
            self.wait(name, lambda: [labels.items() <= each.items() for each in shown()] == [True] or None, timeout)
        except LabError:
            self.check(False, f"{name}: the labels are {shown()}, expected {labels} for {of}")

    def expect_finding(self, code: str, subject: str, timeout: float = 30.0) -> None:
        """Expect that `check` in the guest comes to report a finding, and no other above info."""
        self._expect_findings([(code, subject)], timeout)

    def expect_no_finding(self, timeout: float = 30.0) -> None:
        """Expect that `check` in the guest comes to report nothing above info."""
        self._expect_findings([], timeout)

    def _expect_findings(self, wanted: list[tuple[str, str]], timeout: float) -> None:
        if not self.watch.present:
            return
        found: list[dict[str, str]] = []

        def look() -> bool | None:
            found[:] = [each for each in self.watch.check()["findings"] if each["severity"] != "info"]
            return [(each["code"], each["subject"]) for each in found] == wanted or None

        try:
            self.wait("findings", look, timeout)
        except LabError:
            self.check(False, f"check reports {found}, expected {wanted}")
        for each in found:
            self.say(f"ours: {each['code']}: {each['subject']}: {each['text']}")

    def finish(self, alerts: frozenset[str]) -> None:
        """Expect that every journal entry of the product is accounted for."""
        for entry in self.watch.unexpected(alerts):
            self.check(False, f"unexpected journal entry: {entry}")
        for line in self.guest.run(DENIALS, check=False).splitlines():
            self.check(False, f"AppArmor: {line}")

    def _seen(self, what: str, at: float, since: float) -> float:
        self.say(f"truth: {what} at {at - since:+.1f} s")
        return at

    def _expect_health(self, metric: str, health: str, at: float, **labels: str) -> Entry | None:
        if not self.watch.present:
            return None
        fields = {key.upper(): value for key, value in labels.items()}
        name = " ".join([*labels.values(), health])
        # An entry may rightly come a little before the recorder has noticed.
        after = at - TOLERANCE

        def entry() -> Entry | None:
            return self.watch.find_health(health, after=after, **fields)

        def sample() -> float | None:
            return self.watch.metric_instant(metric, health, after=after, **labels)

        found = self._patiently(entry, at + TOLERANCE)
        self.within(TOLERANCE, found.at if found else None, at, f"{name} (journal)")
        scraped = self._patiently(sample, at + TOLERANCE)
        if scraped is None and found and self.watch.held(found, **fields) < FLEETING:
            self.say(f"ours: {name} was over too soon to be scraped")
        elif scraped is None and found and self._was_brief(found, fields):
            shown = self.watch.state(metric, **labels)
            self.check(shown == health, f"{name} (metric): it is {shown}")
        else:
            self.within(TOLERANCE, scraped, at, f"{name} (metric)")
        return found

    def _was_brief(self, entry: Entry, fields: dict[str, str]) -> bool:
        """Whether the health before that of an entry was over too soon to be scraped."""
        before = [at for at, _ in self.watch.healths(0.0, **fields) if at < entry.at]
        return bool(before) and entry.at - before[-1] < FLEETING

    def _patiently(self, look: Callable[[], T | None], until: float) -> T | None:
        # Past the tolerance a little more time, so that "late" can be told from "never".
        try:
            return wait_for(look, "", max(0.5, until + 3.0 - self.guest.now()))
        except LabError:
            return None

    def _any_suspect(self, map_name: str, at: float) -> bool:
        """Return whether, by the entries up to `at`, any path of a map was suspect."""
        latest: dict[str, str] = {}
        for entry in self.watch.entries(MAP=map_name):
            if entry.at <= at and (entry.event or "").startswith("path_") and "HEALTH" in entry.fields:
                latest[entry.fields.get("PATH", "")] = entry.fields["HEALTH"]
        return "suspect" in latest.values()

    def _expect_story(
        self,
        what: str,
        story: list[str],
        tell: Callable[[], list[tuple[float, str]]],
        counts: Callable[[float, str], bool],
    ) -> None:
        if not self.watch.present:
            return

        def told() -> list[str]:
            return [health for at, health in tell() if counts(at, health)]

        self._patiently(lambda: told() == story or None, self.guest.now())
        self.check(told() == story, f"{what}: story {' > '.join(told()) or 'empty'}, expected {' > '.join(story)}")
