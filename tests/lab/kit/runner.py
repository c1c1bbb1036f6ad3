"""Runs scenarios one after the other, each on a restored guest, and keeps their logs."""

from __future__ import annotations

import shutil
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from tests.lab.kit import image, scenario
from tests.lab.kit.errors import LabError
from tests.lab.kit.guest import Guest
from tests.lab.kit.scenario import Lab, Scenario
from tests.lab.kit.states import States


@dataclass(frozen=True)
class Options:
    """How to run: suites to restrict to (empty: as the scenarios say), the package, where logs go."""

    suites: tuple[str, ...]
    deb: Path | None
    logs: Path
    sit: bool


class Runner:
    """A run of scenarios."""

    def __init__(self, options: Options, directory: Path) -> None:
        self._options = options
        self._directory = directory
        self._started = time.monotonic()
        self._states: dict[str, States] = {}
        self.passed: list[str] = []
        self.failed: list[str] = []

    def run(self, names: list[str]) -> bool:
        """Run the scenarios of these names on the suites each is meant for; return whether all passed."""
        planned = [(each, suite) for each in map(scenario.load, names) for suite in self._suites(each)]
        planned.sort(key=lambda pair: image.SUITES.index(pair[1]))
        for each, suite in planned:
            passed = self._run_one(each, suite)
            (self.passed if passed else self.failed).append(f"{each.name} ({suite})")
            if not passed and self._options.sit:
                break
        for name in self.failed:
            self.say(f"FAILED: {name}")
        return not self.failed

    def say(self, text: str) -> None:
        """Print a line with the seconds since the run began."""
        print(f"{time.monotonic() - self._started:8.1f}  {text}", flush=True)

    def _suites(self, each: Scenario) -> tuple[str, ...]:
        return self._options.suites or each.suites

    def _run_one(self, each: Scenario, suite: str) -> bool:
        logs = self._options.logs / suite / each.name
        logs.mkdir(parents=True, exist_ok=True)
        (logs / "story.log").write_text(each.story + "\n\n", encoding="utf-8")
        self.say(f"{each.name} ({suite}): {each.title}")
        began = time.monotonic()
        try:
            state = self._states_of(suite).ready(each.san)
            guest = Guest.restore(state, self._directory / f"{suite}-{each.name}")
        except (LabError, OSError) as error:
            self.say(f"{each.name}: no guest: {error}")
            return False
        lab = Lab(guest, each.san, self._options.deb is not None, logs / "story.log")
        keep = False
        try:
            passed = self._play(each, lab)
            self._collect(lab, logs)
            self.say(f"{each.name}: {'passed' if passed else 'FAILED'} after {time.monotonic() - began:.1f} s")
            keep = not passed and self._options.sit
            if keep:
                self.say(f"the guest is left running: {' '.join(guest.ssh_command)}")
                self.say(f"end it with: kill $(cat {guest.directory}/qemu.pid)")
            return passed
        finally:
            if not keep:
                guest.stop()

    def _play(self, each: Scenario, lab: Lab) -> bool:
        try:
            each.run(lab)
            lab.finish(each.alerts)
        except LabError as error:
            lab.check(False, str(error))
            self._finish_after_error(each, lab)
        except Exception:  # noqa: BLE001
            # A mistake in one scenario must not keep the others from running.
            lab.check(False, traceback.format_exc())
        return not lab.failures

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


def run(names: list[str], options: Options) -> bool:
    """Run scenarios (all if `names` is empty), print how many passed and failed, and return whether all passed."""
    chosen = names or scenario.names()
    directory = Path(tempfile.mkdtemp(prefix="mpathd-watch-lab-"))
    runner = Runner(options, directory)
    try:
        runner.run(chosen)
    finally:
        if not (options.sit and runner.failed):
            shutil.rmtree(directory)
    print(f"logs: {options.logs}")
    print(f"{len(runner.passed)} passed, {len(runner.failed)} failed", flush=True)
    return not runner.failed
