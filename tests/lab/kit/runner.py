"""Runs scenarios one after the other, each on a restored guest, and keeps their logs.

A scenario that fails is played once more on a fresh guest: an emulated guest on a shared machine stalls at times. What
passes only then is listed at the end of the run, and too much of it fails the run.
"""

from __future__ import annotations

import shutil
import tempfile
import time
import traceback
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from tests.lab.kit import image, scenario
from tests.lab.kit.errors import LabError
from tests.lab.kit.guest import Guest
from tests.lab.kit.scenario import Lab, Scenario
from tests.lab.kit.states import States

MOST_UNSTEADY = 2
"""Scenarios of a run that may pass only at the second attempt."""

SETTLING = 3.0
"""Seconds from the restoring of a guest to the beginning of a scenario. QEMU has to translate again what runs in the
guest: in the first seconds the daemon and its scraper take twice as long."""

MOST_TOLD = 12
"""Unmet expectations of one scenario that are printed at the end of a run; its log has them all."""

LONGEST_TOLD = 240

FAILED = "failed.txt"
SUMMARY = "summary.txt"


class Extent(Enum):
    """Which scenarios are run if none are named."""

    QUICK = auto()
    """Those that CI runs."""
    WHOLE = auto()
    """All but those that take long."""
    LONG = auto()
    """Those that take long, each once only."""


@dataclass(frozen=True)
class Options:
    """How to run: suites to restrict to (empty: as the scenarios say), the package, where logs go, what to run."""

    suites: tuple[str, ...]
    deb: Path | None
    logs: Path
    sit: bool
    extent: Extent = Extent.WHOLE


class Runner:
    """A run of scenarios."""

    def __init__(self, options: Options, directory: Path) -> None:
        self._options = options
        self._directory = directory
        self._started = time.monotonic()
        self._states: dict[str, States] = {}
        self.passed: list[str] = []
        self.failed: dict[str, list[str]] = {}
        """Scenario -> what was not met, at the last attempt."""
        self.unsteady: dict[str, list[str]] = {}
        """Scenario that passed at the second attempt -> what was not met at the first."""
        self.failed_logs: list[Path] = []

    @property
    def well(self) -> bool:
        """Whether the run passed."""
        return not self.failed and len(self.unsteady) <= MOST_UNSTEADY

    def run(self, planned: list[tuple[Scenario, str]]) -> None:
        """Run each of these scenarios on its suite, suite by suite."""
        for each, suite in sorted(planned, key=lambda pair: image.SUITES.index(pair[1])):
            if not self._run_one(each, suite) and self._options.sit:
                break

    def summary(self) -> list[str]:
        """Return the lines to print at the end, the worst last: what failed and why."""
        lines: list[str] = []
        for name, unmet in self.unsteady.items():
            lines.append(f"passed only at the second attempt: {name}: what was not met at the first:")
            lines += _told(unmet)
        for name, unmet in self.failed.items():
            lines.append(f"FAILED: {name}:")
            lines += _told(unmet)
        if len(self.unsteady) > MOST_UNSTEADY:
            lines.append(
                f"FAILED: {len(self.unsteady)} scenarios passed only at the second attempt: more than {MOST_UNSTEADY}"
            )
        lines.append(f"{len(self.passed)} passed, {len(self.failed)} failed")
        return lines

    def say(self, text: str) -> None:
        """Print a line with the seconds since the run began."""
        print(f"{time.monotonic() - self._started:8.1f}  {text}", flush=True)

    def _run_one(self, each: Scenario, suite: str) -> bool:
        name = f"{each.name} ({suite})"
        logs = self._options.logs / suite / each.name
        first = logs.with_name(f"{each.name}.first")
        for directory in (logs, first):
            shutil.rmtree(directory, ignore_errors=True)
        unmet = self._attempt(each, suite, logs)
        if unmet and not self._options.sit and self._options.extent is not Extent.LONG:
            self.say(f"{each.name}: once more, on a fresh guest")
            logs.rename(first)
            again = self._attempt(each, suite, logs)
            if not again:
                self.unsteady[name] = unmet
                self.failed_logs.append(first)
            unmet = again
        if unmet:
            self.failed[name] = unmet
            self.failed_logs.append(logs)
        else:
            self.passed.append(name)
        return not unmet

    def _attempt(self, each: Scenario, suite: str, logs: Path) -> list[str]:
        """Play a scenario on a guest of its own; return what was not met."""
        logs.mkdir(parents=True)
        (logs / "story.log").write_text(each.story + "\n\n", encoding="utf-8")
        self.say(f"{each.name} ({suite}): {each.title}")
        began = time.monotonic()
        try:
            state = self._states_of(suite).ready(each.san)
            # A directory of its own for each attempt: QEMU leaves sockets behind when it dies.
            guest = Guest.restore(state, Path(tempfile.mkdtemp(prefix=f"{suite}-{each.name}-", dir=self._directory)))
        except (LabError, OSError) as error:
            self.say(f"{each.name}: no guest: {error}")
            return [f"no guest: {error}"]
        time.sleep(SETTLING)
        lab = Lab(guest, each.san, self._options.deb is not None, logs / "story.log")
        keep = False
        try:
            self._play(each, lab)
            self._collect(lab, logs)
            took = time.monotonic() - began
            self.say(f"{each.name}: {'FAILED' if lab.failures else 'passed'} after {took:.1f} s")
            keep = bool(lab.failures) and self._options.sit
            if keep:
                self.say(f"the guest is left running: {' '.join(guest.ssh_command)}")
                self.say(f"end it with: kill $(cat {guest.directory}/qemu.pid)")
            return lab.failures
        finally:
            if not keep:
                guest.stop()

    def _play(self, each: Scenario, lab: Lab) -> None:
        try:
            each.run(lab)
            lab.finish(each.alerts)
        except LabError as error:
            lab.check(False, str(error))
            self._finish_after_error(each, lab)
        except Exception as error:  # noqa: BLE001
            # A mistake in one scenario must not keep the others from running.
            lab.say(traceback.format_exc())
            where = traceback.extract_tb(error.__traceback__)[-1]
            lab.check(False, f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})")

    def _finish_after_error(self, each: Scenario, lab: Lab) -> None:
        try:
            lab.finish(each.alerts)
        except LabError as error:
            lab.check(False, str(error))

    def _collect(self, lab: Lab, logs: Path) -> None:
        try:
            lab.truth.store(logs)
            lab.writes.store(logs)
            lab.watch.store(logs)
            journal = lab.guest.run("journalctl --boot --output=short-monotonic --no-pager")
            (logs / "journal.txt").write_text(journal, encoding="utf-8")
        except LabError as error:
            lab.say(f"logs are incomplete: {error}")

    def _states_of(self, suite: str) -> States:
        if suite not in self._states:
            built = image.get(suite)
            directory = self._directory / f"{suite}-states"
            self._states[suite] = States(built, self._options.deb, directory, self.say, record=True)
        return self._states[suite]


def plan(names: list[str], options: Options) -> list[tuple[Scenario, str]]:
    """Return which scenario to run on which suite: those named, or all that the options ask for.

    Of the quick ones and of those that take long, `suites` only leaves out what the scenarios have for others.
    """
    if names or options.extent is Extent.WHOLE:
        chosen = names or scenario.names()
        return [(each, suite) for each in map(scenario.load, chosen) for suite in options.suites or each.suites]
    usual = [scenario.load(name) for name in scenario.names()]
    if options.extent is Extent.QUICK:
        planned = [(each, suite) for each in usual for suite in each.quick_suites]
    else:
        long = map(scenario.load, scenario.names(takes_long=True))
        planned = [(each, suite) for each in long for suite in each.suites]
        planned += [(each, suite) for each in usual for suite in each.long_suites]
    return [(each, suite) for each, suite in planned if suite in (options.suites or image.SUITES)]


def left_out(planned: list[tuple[Scenario, str]]) -> list[str]:
    """Return `NAME (SUITE)` of each scenario that would be run as well if all but those that take long were run."""
    run = {(each.name, suite) for each, suite in planned}
    every = [(each.name, suite) for each in map(scenario.load, scenario.names()) for suite in each.suites]
    return [f"{name} ({suite})" for name, suite in every if (name, suite) not in run]


def _told(unmet: list[str]) -> list[str]:
    """Return what was not met as lines, one for each."""
    lines = [f"    {' '.join(each.split())[:LONGEST_TOLD]}" for each in unmet[:MOST_TOLD]]
    return [*lines, f"    and {len(unmet) - MOST_TOLD} more"] if len(unmet) > MOST_TOLD else lines


def run(names: list[str], options: Options) -> bool:
    """Run scenarios (as `plan` says), print what failed and why, and return whether the run passed.

    What is printed is kept with the logs, in `summary.txt`; `failed.txt` has the directories of the failed ones.
    """
    planned = plan(names, options)
    options.logs.mkdir(parents=True, exist_ok=True)
    for name in (FAILED, SUMMARY):
        (options.logs / name).unlink(missing_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="mpathd-watch-lab-"))
    runner = Runner(options, directory)
    try:
        runner.run(planned)
    finally:
        if not (options.sit and runner.failed):
            shutil.rmtree(directory)
    failed = "".join(f"{path.relative_to(options.logs)}\n" for path in runner.failed_logs)
    (options.logs / FAILED).write_text(failed, encoding="utf-8")
    summary = "\n".join(runner.summary())
    (options.logs / SUMMARY).write_text(f"{summary}\n", encoding="utf-8")
    print(f"logs: {options.logs}")
    if options.extent is Extent.QUICK and not names:
        missing = left_out(planned)
        print(f"NOT RUN: {len(missing)} scenarios, which `make lab-test` runs: {', '.join(missing)}")
    print(summary, flush=True)
    return runner.well
