"""The simulator's oracle for a real kernel: compares the logs of a run with what the product reported in it.

Its rules have the letters of `tests.sim.oracle`: (a) each health is true, or was so until a moment ago; (b) each outage
is reported once, with its instants and an allowed cause, and none is invented; (c) all is well in the end; (e) no path
is overdue in a phase that the kernel ended in time; (f) each failure that was counted has its end.

It reads only files, so that a run can be judged again: `python -m tests.lab judge DIRECTORY`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mpathd_watch.core.model.vocabulary import Cause, DeviceState, Health, MapHealth, SessionStatus
from tests.lab.kit.timeline import ABSENT, Deed, Key, Line, Span, Steps, Timeline, Track
from tests.lab.kit.watch import METRIC_PREFIX, Entry, entry_of, parse_series
from tests.sim.oracle.health import DELAYS, LONGEST
from tests.sim.oracle.known import healths
from tests.sim.oracle.outages import APART, DETECTED_AFTER, LAST, POLL, TOLERANCE
from tests.sim.oracle.truth import FAILED, MISSING, STALLED, UP, USABLE
from tests.sim.oracle.violation import Violation

EMULATED = 2.0
"""Seconds that everything may take longer than the oracle's delays say, because the guest is emulated.

0.5 s of it are those between two scrapes. What the recorder itself was late is added.
"""
EARLY = 1.0
"""Seconds by which the product may be ahead of the recorder, which looks ten times a second if it can."""
SETTLED = 15.0
"""Seconds after a path has joined its map, and after a disturbance, from which on its outages are judged closely."""
ANSWERS_AGAIN = 8.0
"""Seconds within which multipathd answers after it has been started, or goes on."""
STEP = 0.01
STORY = 40.0
"""Seconds of the story before what is wrong."""

DEEDS = "deeds.jsonl"
DISTURBING = ABSENT | {"multipathd reconfigured"}
"""What the lab does that impairs one of the product's sources."""
_IN_TIME = {"detection": "suspect", "replacement": "stalled"}
"""Phases that the kernel ends, and the health that a path has meanwhile."""

PORTALS = {"192.168.1.1:3260": "p1", "192.168.2.1:3260": "p2"}


@dataclass
class Report:
    """What was reported of one outage: all entries of its id."""

    map: str
    path: str
    entries: list[Entry] = field(default_factory=list)

    @property
    def real(self) -> bool:
        """Whether the path was ever worse than suspect."""
        return self.instant("stalled", "failed", "missing") is not None

    @property
    def began(self) -> float:
        """When the path was first reported as worse than suspect, or else at all."""
        at = self.instant("stalled", "failed", "missing")
        return self.entries[0].at if at is None else at

    @property
    def ended(self) -> float | None:
        """When the path was reported as up again."""
        return self.instant("up")

    @property
    def cause(self) -> str:
        """The last cause that was given."""
        return next((each.fields["CAUSE"] for each in reversed(self.entries) if each.fields.get("CAUSE")), "unknown")

    def instant(self, *words: str) -> float | None:
        """When the path was first reported in one of these healths."""
        return next((each.at for each in self.entries if each.fields.get("HEALTH") in words), None)


@dataclass
class TrueOutage:
    """One outage as it was; `clear`: nothing impaired the product's sources, so that its report is judged closely."""

    track: Track
    began: float
    stalled: float | None = None
    failed: float | None = None
    ended: float | None = None
    by_session: bool = False
    clear: bool = True
    reports: int = 0

    def until(self, end: float) -> float:
        """When it ended, or the record did."""
        return end if self.ended is None else self.ended


@dataclass
class Logs:
    """What one run has left. `began` and `ended`: between which instants the product is judged."""

    timeline: Timeline
    entries: list[Entry]
    series: list[tuple[float, str, Mapping[str, str], float | None]]
    began: float
    ended: float

    @classmethod
    def read(cls, directory: Path) -> Logs:
        """Read the logs in a directory; without `deeds.jsonl` it is not known what the lab did."""
        deeds = read_deeds(directory / DEEDS) if (directory / DEEDS).exists() else None
        lines = _lines(directory / "truth.jsonl")
        entries = [entry_of(line) for line in _lines(directory / "journal.jsonl")]
        changes = [
            (line["mono"], *parse_series(line["series"]), line["value"])
            for line in _lines(directory / "metrics.jsonl")
            if "series" in line
        ]
        return cls.of(lines, deeds, entries, changes)

    @classmethod
    def of(
        cls,
        lines: Sequence[Line],
        deeds: Sequence[Deed] | None,
        entries: Iterable[Entry],
        series: Iterable[tuple[float, str, Mapping[str, str], float | None]],
        interfaces: Mapping[str, str] = PORTALS,
    ) -> Logs:
        """Put together what was read."""
        timeline = Timeline(lines, deeds, interfaces)
        changes = sorted(series, key=lambda each: each[0])
        first = max(timeline.lines[0]["mono"], changes[0][0] if changes else 0.0) if timeline.lines else 0.0
        # A recorder that has nothing to write leaves no line, and neither has a scraper.
        last = max([timeline.end, *(at for at, *_ in changes[-1:])])
        timeline.end = last
        known = sorted((each for each in entries if each.at >= first), key=lambda each: each.at)
        return cls(timeline, known, changes, first, last)

    def states(self, name: str, **labels: str) -> Steps[str | None]:
        """Which state of a state metric was 1, over time."""
        current: dict[str, float | None] = {}
        steps: Steps[str | None] = Steps(None)
        wanted = [each for each in self.series if each[1] == METRIC_PREFIX + name and labels.items() <= each[2].items()]
        for position, (at, _, series_labels, value) in enumerate(wanted):
            current[series_labels.get("state", "")] = value
            if position + 1 == len(wanted) or wanted[position + 1][0] > at:
                steps.set(at, next((state for state, each in current.items() if each == 1), None))
        return steps

    def last(self, name: str) -> dict[tuple[tuple[str, str], ...], float]:
        """The last values of all series of a name."""
        found: dict[tuple[tuple[str, str], ...], float | None] = {}
        for _, series, labels, value in self.series:
            if series == METRIC_PREFIX + name:
                found[tuple(sorted(labels.items()))] = value
        return {labels: value for labels, value in found.items() if value is not None}


class Judge:
    """Finds where the product reported something else than what was so."""

    def __init__(self, logs: Logs) -> None:
        self.violations: list[Violation] = []
        self.outages: list[TrueOutage] = []
        self.judged = 0
        """How often a health was compared."""
        self._logs = logs
        self._truth = logs.timeline
        self._absent = [
            Span(deed.span.begin, deed.span.end + ANSWERS_AGAIN) for deed in self._truth.deeds if deed.kind in ABSENT
        ]
        self._disturbed = [deed.span for deed in self._truth.deeds if deed.kind in DISTURBING]

    def judge(self, *, at_the_end: bool = True) -> list[Violation]:
        """Apply the rules; `at_the_end`: everything has been repaired a while ago."""
        for key, track in self._truth.tracks.items():
            self._judge_healths(key, track)
            self._find_outages(track)
        self._judge_maps()
        self._judge_reports()
        self._judge_overdue()
        if at_the_end:
            self._judge_end()
        self.violations.sort(key=lambda each: each.at)
        return self.violations

    # --- (a) ----------------------------------------------------------------------------------------------------------

    def _judge_healths(self, key: Key, track: Track) -> None:
        """Compare what is reported whenever it, or what may be reported, changes."""
        reported = self._logs.states("path_health", map=track.map, path=track.portal)
        moments = {at for at in reported.moments if at > self._logs.began}
        for name, steps in track.steps.items():
            for at in steps.moments:
                moments.add(at + DELAYS[name] + EMULATED + self._late(at, at + DELAYS[name]) + STEP)
        for span in self._absent:
            moments.add(span.end + LONGEST + EMULATED + STEP)
        moments.add(self._logs.ended - STEP)
        wrong: str | None = None
        for at in sorted(moment for moment in moments if self._logs.began + SETTLED / 3 < moment < self._logs.ended):
            health = reported.at(at)
            if health is None:
                continue
            self.judged += 1
            allowed = self._allowed(track, at)
            if health in allowed or (health == Health.UNKNOWN and self._may_be_unknown(track, at)):
                wrong = None
            elif wrong != health:
                wrong = health
                self._accuse("a", at, f"{' '.join(key)} is {_or(allowed)}, and reported as {health}")

    def _allowed(self, track: Track, at: float) -> frozenset[Health]:
        """The words of all that may be known of a path."""
        values: dict[str, set[Any]] = {}
        for name, steps in track.steps.items():
            begin = at - DELAYS[name] - EMULATED - self._late(at - DELAYS[name] - EMULATED, at)
            if name in ("member", "checker"):
                for span in self._absent:
                    if span.touches(begin, at):
                        begin = min(begin, span.begin - DELAYS[name])
            found = steps.within(begin, at + EARLY)
            values[name] = set().union(*found) if name == "checker" else set(found)
        return healths(values)

    def _may_be_unknown(self, track: Track, at: float) -> bool:
        """Whether it is not known yet what dm does, or multipathd has just begun to answer again."""
        begin = at - DELAYS["member"] - EMULATED - self._late(at - 10.0, at)
        if any(begin <= joined <= at + EARLY for joined in track.joined):
            return True
        return any(span.touches(at - EMULATED, at) for span in self._absent)

    def _judge_maps(self) -> None:
        """The health of a map follows from that of its paths, in each scrape."""
        for name in {name for name, _ in self._truth.tracks}:
            reported = self._logs.states("map_health", map=name)
            paths = [
                self._logs.states("path_health", map=name, path=portal)
                for map_, portal in self._truth.tracks
                if map_ == name
            ]
            for at in sorted({*reported.moments, *(moment for steps in paths for moment in steps.moments)}):
                words, health = [steps.at(at) for steps in paths], reported.at(at)
                right = _map_health(words)
                if health is not None and right is not None and health != right:
                    self._accuse("a", at, f"map {name} is {right}, and reported as {health}")

    # --- (b) ----------------------------------------------------------------------------------------------------------

    def _find_outages(self, track: Track) -> None:
        outage: TrueOutage | None = None
        been_up = False
        for at, words in track.words:
            been_up = been_up or words <= USABLE
            if outage is not None and words != UP and words & USABLE:
                outage.clear = False  # it may have been up for a moment
            if outage is None:
                if words & USABLE or not been_up:
                    continue
                outage = TrueOutage(track, at, clear=self._is_clear(track, at))
                outage.by_session = words == STALLED and track.steps["session"].at(at) is SessionStatus.FAILED
                self.outages.append(outage)
            if words == STALLED and outage.stalled is None:
                outage.stalled = at
            if words in (FAILED, MISSING) and outage.failed is None:
                outage.failed = at
            if words == UP:
                outage.ended = at
                outage = None
        for each in self.outages:
            if any(span.touches(each.began - SETTLED, each.until(self._logs.ended)) for span in self._absent):
                each.clear = False

    def _is_clear(self, track: Track, at: float) -> bool:
        recent = any(
            each.track is track and each.ended is not None and at - each.ended < APART + EMULATED
            for each in self.outages
        )
        new = any(at - SETTLED < joined <= at for joined in track.joined)
        disturbed = any(span.touches(at - SETTLED, at) for span in self._disturbed)
        return not recent and not new and not disturbed

    def _reports(self) -> list[Report]:
        """What was reported of each outage, in order; only of what was worse than suspect."""
        found: dict[str, Report] = {}
        for entry in self._logs.entries:
            outage = entry.fields.get("OUTAGE")
            if outage and (entry.event or "").startswith("path_") and "PATH" in entry.fields:
                report = found.setdefault(outage, Report(entry.fields["MAP"], entry.fields["PATH"]))
                report.entries.append(entry)
        return [report for report in found.values() if report.real]

    def _judge_reports(self) -> None:
        for report in self._reports():
            self._judge_report(report)
        for outage in self.outages:
            self._must_be_reported(outage)

    def _judge_report(self, report: Report) -> None:
        name, ended = f"{report.map} {report.path}", report.ended or self._logs.ended
        late = self._late(report.began - LONGEST, ended)
        found = [
            each
            for each in self.outages
            if (each.track.map, each.track.portal) == (report.map, report.path)
            and each.began <= ended + EARLY
            and each.until(self._logs.ended) >= report.began - LONGEST - EMULATED - late
        ]
        if not found:
            self._accuse("b", report.began, f"{name}: the outage {report.entries[0].fields['OUTAGE']} is invented")
            return
        nearest = min(found, key=lambda each: abs(each.began - report.began))
        nearest.reports += 1
        causes = set().union(*(self._causes(each) for each in found)) | {Cause.UNKNOWN}
        if not all(each.clear for each in found):
            causes.add(Cause.CONNECTION_ERROR)
        if report.cause not in causes:
            text = f"{name}: the cause is {_or(causes)}, and reported as {report.cause}"
            self._accuse("b", report.entries[-1].at, text)
        if len(found) == 1 and nearest.clear and nearest.ended is not None:
            self._compare(name, report, nearest)

    def _compare(self, name: str, report: Report, true: TrueOutage) -> None:
        ended = true.until(self._logs.ended)
        if ended - true.began < DETECTED_AFTER + EMULATED:
            return
        if true.by_session:
            if true.failed is None or true.stalled is None or true.failed - true.stalled > TOLERANCE + EMULATED:
                self._near(name, "stalled", report.instant("stalled"), true.stalled)
            self._near(name, "failed", report.instant("failed", "missing"), true.failed)
            known = self._causes(true)
            if known and report.cause in {Cause.UNKNOWN, Cause.CONNECTION_ERROR} - known:
                text = f"{name}: the cause is {_or(known)}, and reported as {report.cause}"
                self._accuse("b", report.entries[-1].at, text)
        self._near(name, "up", report.ended, ended)

    def _near(self, name: str, what: str, reported: float | None, true: float | None) -> None:
        if true is None:
            # Over before the recorder, or the product, has looked.
            return
        if reported is None:
            self._accuse("b", true, f"{name}: {what} at {true:.1f}, and never reported")
        elif not -EARLY <= reported - true <= TOLERANCE + POLL + EMULATED + self._late(true - 1.0, reported):
            self._accuse("b", true, f"{name}: {what} at {true:.1f}, and reported {reported - true:+.1f} s from that")

    def _must_be_reported(self, outage: TrueOutage) -> None:
        ended = outage.until(self._logs.ended)
        lasted = ended - outage.began - self._late(outage.began, ended)
        if not outage.clear or lasted < DETECTED_AFTER + EMULATED or outage.reports == 1:
            return
        later = [each for each in self.outages if each.track is outage.track and each.began > outage.began]
        if later and later[0].began - ended < APART + EMULATED:
            return
        name = f"{outage.track.map} {outage.track.portal}"
        when = f"from {outage.began:.1f} to {ended:.1f}"
        self._accuse("b", outage.began, f"{name}: the outage {when} is reported {outage.reports} times")

    def _causes(self, outage: TrueOutage) -> set[Cause]:
        """All that held while an outage began, or went on."""
        truth, track, found = self._truth, outage.track, set[Cause]()
        begin, end = outage.began - LAST - EMULATED, outage.until(self._logs.ended)
        portal = track.portal
        # A silent session fails long after its carrier was lost.
        heard = max((at for at in truth.heard[portal] if at <= outage.began), default=begin)
        if not all(truth.carriers[truth.interfaces[portal]].within(min(begin, heard), end)):
            found.add(Cause.CARRIER_LOST)
        found |= {cause for at, of, cause in truth.errors if of == portal and begin <= at <= end}
        if SessionStatus.MISSING in track.steps["session"].within(begin, end):
            found |= {Cause.LOGOUT, Cause.REMOVED}
        if not all(track.steps["member"].within(begin, end)):
            found |= {Cause.LOGOUT, Cause.REMOVED}
        disks = track.steps["disk"].within(begin, end)
        if DeviceState.OFFLINE in disks:
            found.add(Cause.DEVICE_OFFLINE)
        if truth.known:
            if truth.did(("LUN not ready",), portal, begin, end):
                found.add(Cause.CHECKER)
            if truth.did(("path failed by hand",), portal, begin, end):
                found.add(Cause.ADMINISTRATOR)
            # A check that multipathd could not end ends as one that failed.
            if truth.did(ABSENT, portal, begin - SETTLED, end):
                found.add(Cause.CHECKER)
        elif not track.raw(outage.began).gone:
            found |= {Cause.CHECKER, Cause.ADMINISTRATOR}
        return found

    # --- (c), (e), (f) ------------------------------------------------------------------------------------------------

    def _judge_overdue(self) -> None:
        for entry in self._logs.entries:
            phase = entry.fields.get("PHASE")
            if entry.event != "path_overdue" or phase not in _IN_TIME:
                continue
            began = next(
                (
                    each.at
                    for each in reversed(self._logs.entries)
                    if each.at < entry.at and each.fields.get("HEALTH") == _IN_TIME[phase]
                    if each.fields.get("PATH") == entry.fields.get("PATH")
                ),
                entry.at,
            )
            if not self._late(began - LONGEST, entry.at):
                text = f"the kernel ends {phase} in time, and path_overdue is logged: {entry.message}"
                self._accuse("e", entry.at, text)

    def _judge_end(self) -> None:
        end, seen = self._logs.ended, False
        for name, right in (("path_health", Health.UP), ("map_health", MapHealth.HEALTHY)):
            for labels, value in self._logs.last(name).items():
                states = dict(labels)
                state = states.pop("state")
                seen = True
                if value == 1 and state != right:
                    self._accuse("c", end, f"{' '.join(states.values())} is {state}")
        if not seen:
            self._accuse("c", end, "nothing is reported")
        for labels, value in self._logs.last("source_up").items():
            if value != 1:
                self._accuse("c", end, f"source {dict(labels)['source']} is not up")
        for labels, value in self._logs.last("path_overdue").items():
            if value:
                self._accuse("c", end, f"{dict(labels)['path']} is overdue")
        failures = self._sums("path_failures_total")
        ends = self._sums("path_reinstatements_total")
        for path, count in failures.items():
            if count > ends.get(path, 0.0):
                text = f"{' '.join(path)} has {count:g} failures and {ends.get(path, 0.0):g} reinstatements"
                self._accuse("f", end, text)

    def _sums(self, name: str) -> dict[Key, float]:
        sums: dict[Key, float] = {}
        for labels, value in self._logs.last(name).items():
            of = dict(labels)
            key = (of["map"], of["path"])
            sums[key] = sums.get(key, 0.0) + value
        return sums

    def _late(self, begin: float, end: float) -> float:
        return self._truth.lateness(begin, end)

    def _accuse(self, rule: str, at: float, text: str) -> None:
        self.violations.append(Violation(rule, at, text))

    # --- the story ----------------------------------------------------------------------------------------------------

    def story(self, moment: float, before: float, after: float) -> Iterator[str]:
        """What was, beside what was reported, around a moment."""
        lines: list[tuple[float, str, str]] = []
        for deed in self._truth.deeds:
            of = f" ({deed.number})" if deed.number else ""
            lines.append((deed.span.begin, "FAULT", f"{deed.kind}{of}"))
            if deed.span.end > deed.span.begin and math.isfinite(deed.span.end):
                lines.append((deed.span.end, "FAULT", f"end of {deed.kind}{of}"))
        for key, track in self._truth.tracks.items():
            name = " ".join(key)
            for what in ("member", "session", "disk", "failed"):
                lines += [(at, "world", f"{name}: {what} {value}") for at, value in track.steps[what]]
            lines += [(at, "world", f"{name} is {_or(words)}") for at, words in track.words]
            reported = self._logs.states("path_health", map=track.map, path=track.portal)
            lines += [(at, "product", f"{name} {health}  (scraped)") for at, health in reported]
        for link, carrier in self._truth.carriers.items():
            lines += [(at, "world", f"{link} has {'its' if there else 'no'} carrier") for at, there in carrier]
        lines += [(at, "world", f"connection error of {portal}: {cause}") for at, portal, cause in self._truth.errors]
        lines += [
            (span.end, "world", f"nothing was read for {span.end - span.begin:.1f} s") for span in self._truth.late
        ]
        for entry in self._logs.entries:
            lines.append((entry.at, "product", f"<{entry.priority}> {entry.event or '-'}: {entry.message}"))
        for at, who, text in sorted(lines):
            if moment - before <= at <= moment + after:
                yield f"{at:9.2f}  {who:8}{text}"


def read_deeds(path: Path) -> list[Deed]:
    """Read what the lab did; a deed that has no end lasted to the end of the record."""
    return [
        Deed(line["kind"], line["number"], Span(line["begin"], math.inf if line["end"] is None else line["end"]))
        for line in _lines(path)
        if "kind" in line
    ]


def _lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def _map_health(words: Sequence[str | None]) -> str | None:
    """By docs/health.md; `None` where a path's health is not known."""
    if not words or None in words or Health.UNKNOWN in words:
        return None
    usable = sum(word in USABLE for word in words)
    if usable < 2:
        return MapHealth.LOST if usable == 0 else MapHealth.AT_RISK
    return MapHealth.HEALTHY if set(words) == {Health.UP} else MapHealth.DEGRADED


def _or(words: Iterable[str]) -> str:
    return " or ".join(sorted(words))
