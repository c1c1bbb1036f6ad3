"""What scenarios with many maps wait for and expect: each transition is reported once, and each health is right."""

from __future__ import annotations

from collections.abc import Callable, Collection

from tests.lab.kit import exposition, many_maps, transitions
from tests.lab.kit.errors import LabError
from tests.lab.kit.many_maps import Disk
from tests.lab.kit.scenario import Lab
from tests.lab.kit.transitions import Comparison, Subject, Transition

REPORT_PATIENCE = 60.0
"""Seconds until the last report. Longer than may be expected, so that late differs from never."""

QUIET = 3.0
"""Seconds after the last report in which nothing else may be reported."""

HEALTHS = ("path_health", "map_health")


class Account:
    """All paths and maps of a guest from now on: what happened to them, and what was reported."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.disks: dict[str, Disk] = many_maps.disks(lab.guest)
        self.before = many_maps.status(lab.guest)
        self.since = lab.guest.now()
        self._labels = {dev_t: disk.hctl for dev_t, disk in self.disks.items()}

    @property
    def hosts(self) -> list[int]:
        """The SCSI hosts: each has one path of every map."""
        return sorted({disk.host for disk in self.disks.values()})

    def through(self, host: int) -> dict[str, str]:
        """Return map -> device number of its path through a SCSI host."""
        return {name: dev_t for name, paths in self.before.items() for dev_t in paths if self.disks[dev_t].host == host}

    def true_paths(self) -> list[Transition]:
        """Return the transitions of paths so far."""
        return transitions.of_kernel(self._lab.truth.records("uevent", self.since), self._labels)

    def label(self, dev_t: str) -> str:
        """Return what the product calls the path with this device number."""
        return self._labels[dev_t]

    def with_maps(self, paths: list[Transition]) -> list[Transition]:
        """Return these transitions of paths, and those of maps that follow."""
        return paths + transitions.of_maps(paths, {name: len(members) for name, members in self.before.items()})

    def reported(self, optional: Collection[str] = ()) -> list[Transition]:
        """Return what the product has reported so far, without healths that may be reported or not."""
        found = transitions.of_journal(self._lab.watch.entries(self.since))
        return [each for each in found if each.health not in optional]

    def see(self, health: str, count: int, timeout: float) -> float:
        """Wait until paths have come into a health so many times; return the instant of the last one."""

        def look() -> float | None:
            found = [each.at for each in self.true_paths() if each.health == health]
            return max(found) if len(found) >= count else None

        at = self._lab.wait(f"{count} uevents of paths that are {health}", look, timeout)
        self._lab.say(f"truth: {count} paths {health}, the last one at {at - self.since:+.2f} s")
        return at

    def expect_recorded(self) -> None:
        """Expect that the recorder has missed nothing: the uevents lead to what dm has now."""
        lost = self._lab.truth.records("lost", self.since)
        self._lab.check(not lost, f"the recorder lost uevents {len(lost)} times")
        after = many_maps.status(self._lab.guest)
        wrong = transitions.unrecorded(self.before, self.true_paths(), after, self._labels)
        self._lab.check(not wrong, f"{len(wrong)} paths have a state that no uevent led to: {'; '.join(wrong[:3])}")

    def expect_reported(
        self, true: Callable[[], list[Transition]] | None = None, optional: Collection[str] = ()
    ) -> Comparison:
        """Wait for the reports, and expect that they have each transition once, in its order, and no other.

        `true` returns the transitions of paths, by default those of dm's uevents. Healths in `optional` do not count.
        """
        happened = true or self.true_paths

        def counts() -> tuple[int, int]:
            return len(self.reported(optional)), len(self.with_maps(happened()))

        def look() -> bool | None:
            ours, theirs = counts()
            return ours >= theirs or None

        try:
            self._lab.wait("the reports", look, REPORT_PATIENCE)
        except LabError:
            self._lab.say("ours: {} reports of {} transitions".format(*counts()))
        self._lab.pause_until(self._lab.guest.now() + QUIET)
        found = transitions.compare(self.with_maps(happened()), self.reported(optional))
        for problem in found.problems():
            self._lab.check(False, problem)
        late = sorted(found.lateness) or [0.0]
        self._lab.say(
            f"ours: {len(found.lateness)} transitions reported, half of them within {late[len(late) // 2]:.2f} s, "
            f"all within {late[-1]:.2f} s; the last report {found.settled:+.2f} s from the last uevent"
        )
        return found

    def recorder_lateness(self) -> float:
        """Return for how many seconds at most the guest let the recorder wait: nothing else can be quicker."""
        return max((each.values["seconds"] for each in self._lab.truth.records("late", self.since)), default=0.0)

    def expect_healths(self, timeout: float) -> None:
        """Expect that the metrics come to have the health of each path and map that follows from dm's status."""
        try:
            self._lab.wait("healths", lambda: not self._wrong_healths() or None, timeout)
        except LabError:
            wrong = self._wrong_healths()
            self._lab.check(not wrong, f"{len(wrong)} healths are not right: {'; '.join(wrong[:3])}")

    def _wrong_healths(self) -> list[str]:
        try:
            scraped = exposition.scrape(self._lab.guest, *HEALTHS)
        except OSError as error:
            return [f"no metrics: {error}"]
        found: dict[Subject, str] = {}
        for name in HEALTHS:
            found.update(scraped.states(name))
        states = many_maps.status(self._lab.guest)
        expected = transitions.healths(states, self._labels) | transitions.map_healths(states)
        return transitions.differences(expected, found)
