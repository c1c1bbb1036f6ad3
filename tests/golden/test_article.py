"""The shipped recording of a real outage, replayed: exactly these transitions, alerts and metrics come of it.

After a change that means to alter them: ``pytest tests/golden --update-golden``, and read the difference.
"""

from __future__ import annotations

import json
import re
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import Health
from mpathd_watch.core.recording.codec import encode_event
from mpathd_watch.daemon.replay import SHIPPED, Playback
from mpathd_watch.sinks.metrics import Exposition
from mpathd_watch.sinks.recorder import Recorder
from mpathd_watch.sources.recording import read

EXPECTED = Path(__file__).parent / "article"
RECORDING = Path(str(files("mpathd_watch") / "recordings" / SHIPPED))
NOT_OURS = re.compile(r"(# \w+ )?(process_|mpathd_watch_build_info)")


class Story:
    """What a replay of the shipped recording does, seconds counted from its first event."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, object]] = []
        self.transitions: list[str] = []
        self._first: Instant | None = None
        self._now = Instant(0.0, 0.0)
        self.playback = Playback(self._tell)
        for event, at in read(RECORDING):
            self._first = self._first or at
            self._now = at
            before = self._healths()
            self.playback.play(event, at)
            after = self._healths()
            self.transitions += [
                f"{self._second():7.3f} {what} {after[what]}" for what in after if before.get(what) != after[what]
            ]

    def _second(self) -> float:
        assert self._first is not None
        return round(self._now.since(self._first), 3)

    def _tell(self, alert: Alert) -> None:
        self.alerts.append(
            {
                "second": self._second(),
                "event": alert.kind.event,
                "message_id": alert.kind.value.message_id,
                "priority": int(alert.priority),
                "message": alert.message,
                "fields": dict(alert.fields),
            }
        )

    def _healths(self) -> dict[str, str]:
        found = {}
        for known in self.playback.engine.state.maps.values():
            found[f"map {known.label}"] = known.health.value
            found |= {f"path {known.label} {path.label}": path.health.value for path in known.paths.values()}
        return found

    def metrics(self) -> str:
        """What a scrape gets at the end, without what differs from process to process."""
        exposition = Exposition(self.playback.engine.view)
        lines = b"".join(exposition.render(exposition.format())).decode().splitlines(keepends=True)
        return "".join(line for line in lines if not NOT_OURS.match(line))


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


def compare(name: str, text: str, request: pytest.FixtureRequest) -> None:
    """``text`` is what the golden file holds, which ``--update-golden`` writes."""
    golden = EXPECTED / name
    if request.config.getoption("--update-golden"):
        golden.write_text(text, encoding="utf-8")
    assert text.splitlines() == golden.read_text(encoding="utf-8").splitlines()


def test_the_transitions_are_these(story: Story, request: pytest.FixtureRequest) -> None:
    compare("transitions.txt", "\n".join(story.transitions) + "\n", request)


def test_the_journal_entries_are_these(story: Story, request: pytest.FixtureRequest) -> None:
    compare("journal.json", json.dumps(story.alerts, indent=1) + "\n", request)


def test_the_metrics_at_the_end_are_these(story: Story, request: pytest.FixtureRequest) -> None:
    compare("metrics.txt", story.metrics(), request)


def test_the_path_goes_through_every_phase_once_and_the_map_with_it(story: Story) -> None:
    path = [line.split()[-1] for line in story.transitions if "path mpio 192.168.2.1:3260" in line]
    assert path == ["unknown", "up", "suspect", "stalled", "failed", "recovering", "up"]
    known = [line.split()[-1] for line in story.transitions if "map mpio" in line]
    assert known == ["unknown", "healthy", "degraded", "at_risk", "healthy"]
    warned = ["path_suspect", "map_degraded"]
    lost = ["path_stalled", "map_at_risk", "incident_began", "path_failed"]
    events = [*warned, *lost, "path_recovering", "path_reinstated", "map_recovered", "incident_ended"]
    told = [alert["event"] for alert in story.alerts]
    # At the start the audit: what was configured, and is not in force.
    assert told == ["config_finding"] * (len(told) - len(events)) + events
    assert all(earlier["second"] <= later["second"] for earlier, later in pairwise(story.alerts))  # type: ignore[operator]


def test_a_recording_is_the_same_after_it_has_been_read_and_written_again(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "again", "0.1.0", 1 << 20)
    for event, at in read(RECORDING):
        recorder.add(event, at)
    recorder.close()
    again = [{"at": [at.monotonic, at.wall], **encode_event(event)} for event, at in read(tmp_path / "again")]
    first = [json.loads(line) for line in RECORDING.read_text(encoding="utf-8").splitlines()[1:]]
    # A recording of an older version lacks what has come into the events since.
    assert all(_within(old, new) for old, new in zip(first, again, strict=True))
    assert (tmp_path / "again").stat().st_size < RECORDING.stat().st_size / 8


def test_a_recording_of_format_2_stays_readable() -> None:
    """Both parts were written by the first version that had this format; the shipped recording is of format 1."""
    directory = Path(__file__).parent / "recording"
    assert list(read(directory / "format-2.gz.1", directory / "format-2.gz")) == list(read(RECORDING))
    alone = Playback(lambda _: None)
    for event, at in read(directory / "format-2.gz"):
        alone.play(event, at)
    (map_,) = alone.engine.state.maps.values()
    assert {path.health for path in map_.paths.values()} == {Health.UP}


def _within(part: Any, whole: Any) -> bool:
    """Whether ``whole`` says all that ``part`` does."""
    if isinstance(part, dict):
        return all(key in whole and _within(value, whole[key]) for key, value in part.items())
    if isinstance(part, list):
        return len(part) == len(whole) and all(map(_within, part, whole))
    return bool(part == whole)
