"""Bugs that are planted into the core, one at a time, to show that the simulator finds them.

Each replaces a text in a copy of the package. Most are of a kind that the history of the project knows: a forgotten
reset, a lost resync, an old reading that overrules a newer one, a wrong precedence, a deadline off by a grace.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mpathd_watch

TREE = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Bug:
    """A bug: in which file of the core, which text is replaced by which."""

    name: str
    file: str
    right: str
    wrong: str


BUGS = (
    Bug(
        "late_uevent_counts",
        "folding/dm.py",
        "if seqnum is not None and event.seqnum <= seqnum:",
        "if False:",
    ),
    Bug("every_outage_is_an_incident", "judging/incidents.py", "        return True\n", "        return False\n"),
    Bug("incident_never_ends", "judging/incident_entries.py", "        if incident.out == 0:", "        if False:"),
    Bug(
        "incident_counts_what_is_up_again",
        "judging/incident_entries.py",
        "    for left in draft.incidents.left:\n        _leave(draft, left.incident, left.ended)\n",
        "",
    ),
    Bug(
        "incident_is_lost_over_a_restart",
        "judging/restarts.py",
        "    draft.incidents.update(_going_on(memory))\n",
        "",
    ),
    Bug(
        "lost_map_is_no_news_of_an_incident",
        "judging/incident_entries.py",
        "critical = damage.worst is MapHealth.LOST and incident.worst is not MapHealth.LOST",
        "critical = False",
    ),
    Bug(
        "incident_entries_are_not_counted",
        "judging/incident_entries.py",
        "        incident = replace(incident, entries=incident.entries + 1)\n    draft",
        "        pass\n    draft",
    ),
    Bug("parts_wake_people", "judging/incident_entries.py", "max(alert.priority, Priority.INFO)", "alert.priority"),
    Bug("no_resync_after_loss", "folding/sources.py", '    draft.resync("events_lost")\n', ""),
    Bug(
        "old_listing_overrules_uevent",
        "folding/dm.py",
        """    if path.dm.changed is not None and requested < path.dm.changed:
        return path
    reinstated""",
        "    reinstated",
    ),
    Bug(
        "grace_forgotten",
        "judging/suspicion.py",
        "nexus.heard + silent_after + draft.rest.settings.silence_grace_seconds",
        "nexus.heard + silent_after",
    ),
    Bug(
        "silence_is_never_suspect",
        "judging/suspicion.py",
        "    return Suspicion.SILENCE if nexus.read >= limit else nexus.suspicion\n",
        "    return None\n",
    ),
    Bug("carrier_is_never_carried", "judging/suspicion.py", "return replace(nexus, carried=True)", "return nexus"),
    Bug(
        "silent_session_is_not_read_again",
        "judging/suspicion.py",
        "    elif look < inf:\n        draft.deadlines[_SILENCE] = look\n",
        "",
    ),
    Bug(
        "transport_up_not_reset",
        "verdicts/outage.py",
        """        changes["transport_lost"] = True
        changes["transport_up"] = None
""",
        """        changes["transport_lost"] = True
""",
    ),
    Bug(
        "held_before_given_up",
        "verdicts/health.py",
        "    if Liveness.GIVEN_UP in (raw.device.liveness, raw.nexus):",
        """    if Liveness.HOLDING in (raw.device.liveness, raw.nexus):
        return Health.STALLED
    if Liveness.GIVEN_UP in (raw.device.liveness, raw.nexus):""",
    ),
    Bug(
        "one_usable_path_is_enough",
        "verdicts/health.py",
        "    if usable == 1 and not (",
        "    if usable == 0 and not (",
    ),
    Bug(
        "reason_of_the_kernel_is_ignored",
        "state/nexus.py",
        "        return self.error.reason\n",
        "        return None\n",
    ),
    Bug(
        "vanished_disk_is_ignored",
        "folding/maps.py",
        "        if label not in labels and path.member:\n",
        "        if label is None:\n",
    ),
    Bug(
        "reload_is_ignored",
        "folding/dm.py",
        """    draft.refresh(Scope.MAPS, Scope.PATHS)
    if draft.is_up(SourceName.MULTIPATHD):
        return
""",
        "    return\n",
    ),
    Bug("port_group_is_never_up", "judging/port_groups.py", "        if not left:\n", "        if len(left) > 9:\n"),
    Bug("latest_deadline_first", "state/deadlines.py", "soonest = min(self._soonest)", "soonest = max(self._soonest)"),
    Bug(
        "no_slack",
        "judging/paths/deadlines.py",
        "over = deadline.monotonic + draft.rest.settings.slack_seconds + _lateness(draft, path)",
        "over = deadline.monotonic",
    ),
    Bug(
        "checker_is_kept",
        "folding/sources.py",
        "            _forget_listings(draft, restarted=event.reason == NOT_RUNNING)\n",
        "",
    ),
    Bug("disks_are_kept", "folding/sources.py", "            sysfs.forget_disks(draft)\n", ""),
    Bug(
        "counted_twice",
        "judging/paths/counting.py",
        "path.failures.get(outage.cause, 0) + 1",
        "path.failures.get(outage.cause, 0) + 2",
    ),
    Bug(
        "dm_stays_stale",
        "folding/dm.py",
        "        draft.rest = replace(draft.rest, dm_stale=None)\n        # A map",
        "        # A map",
    ),
    Bug(
        "wall_clock_measures",
        "model/instant.py",
        "return max(0.0, self.monotonic - earlier.monotonic)",
        "return max(0.0, self.wall - earlier.wall)",
    ),
    Bug(
        "last_alive_is_now",
        "judging/paths/corrections.py",
        "last_alive=draft.now.earlier(draft.now.monotonic - nexus.heard)",
        "last_alive=draft.now",
    ),
    Bug(
        "replacement_is_never_over",
        "verdicts/outage.py",
        "promised.of(phase) + slack + promised.lateness(phase)",
        "promised.of(phase) + 100 * slack + promised.lateness(phase)",
    ),
    Bug(
        "administrator_after_a_return",
        "judging/paths/disk_counters.py",
        "if on_purpose and fresh and timed and not outage.soon else",
        "if on_purpose and fresh and timed else",
    ),
    Bug(
        "suspect_path_is_failed_by_access",
        "judging/paths/judged.py",
        "    failed = outage is not None and outage.real\n",
        "    failed = outage is not None\n",
    ),
    Bug(
        "outage_is_new_after_a_restart",
        "judging/restarts.py",
        "        outage=replace(outage, unwatched=gaps),\n",
        "        outage=None,\n",
    ),
    Bug(
        "announced_again_after_a_restart",
        "judging/restarts.py",
        "health=known.health, since=known.since, announced=known.announced)",
        "health=known.health, since=known.since)",
    ),
    Bug(
        "map_is_announced_again",
        "judging/restarts.py",
        "announced=was.announced, troubled=was.troubled)",
        "troubled=was.troubled)",
    ),
    Bug(
        "start_has_no_grace",
        "judging/expected.py",
        "return path.awaited and (GRACE in draft.deadlines or",
        "return path.awaited and (",
    ),
    Bug(
        "unwatched_time_is_watched",
        "judging/restarts.py",
        "    gaps = (*outage.unwatched[:-1], replace(outage.unwatched[-1], latest=draft.now))\n",
        "    gaps = outage.unwatched[:-1]\n",
    ),
    Bug(
        "clock_of_another_boot",
        "judging/restarts.py",
        "    same = memory.same_boot and alive.monotonic <= now.monotonic\n",
        "    same = True\n",
    ),
    Bug(
        "removed_map_is_expected",
        "folding/expected.py",
        "    if wwid in draft.rest.expected:\n        draft.remember({wwid: None})\n",
        "",
    ),
    Bug(
        "restored_session_is_kept_as_lost",
        "judging/nexuses.py",
        "                draft.emit(NexusAnnounced(label, None))\n",
        "",
    ),
)
"""Every planted bug. The last eight are about restarts, and two before them are bugs that the simulator found."""


def run(names: Sequence[str], seed: str, hours: float) -> int:
    """Plant the bugs of these names, or all, and print after how many hours each is found; 1 if one is not."""
    chosen = [bug for bug in BUGS if not names or bug.name in names]
    missed = 0
    print(f"{'bug':36} {'found after':>12}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for bug, found in zip(chosen, pool.map(partial(found_by, seed=seed, hours=hours), chosen), strict=True):
            missed += found is None
            print(f"{bug.name:36} {'NOT FOUND' if found is None else found:>12}", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} found")
    return int(missed > 0)


def found_by(bug: Bug, seed: str, hours: float) -> str | None:
    """How many simulated hours passed until the bug was found; ``None`` if it was not."""
    with tempfile.TemporaryDirectory() as directory:
        plant(bug, Path(directory))
        command = [sys.executable, "-m", "tests.sim", "until", str(hours), "--seed", seed]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)  # noqa: S603  # our own
    words = done.stdout.split()
    if done.returncode not in (0, 1) or not words:
        message = f"{bug.name}: the simulator ended with {done.returncode}: {done.stderr[-500:]}"
        raise RuntimeError(message)
    return f"{words[-2]} h" if done.returncode == 1 else None


def plant(bug: Bug, directory: Path) -> None:
    """Copy the package with the bug to ``directory``, and link the tests.

    ``ValueError`` if its place is not there, ``SyntaxError`` if it is no Python then.
    """
    package = Path(mpathd_watch.__file__).parent
    shutil.copytree(package, directory / "mpathd_watch", ignore=shutil.ignore_patterns("__pycache__"))
    (directory / "tests").symlink_to(TREE / "tests")
    file = directory / "mpathd_watch/core" / bug.file
    text = file.read_text(encoding="utf-8")
    if text.count(bug.right) != 1:
        message = f"{bug.name}: its text is {text.count(bug.right)} times in {bug.file}"
        raise ValueError(message)
    text = text.replace(bug.right, bug.wrong)
    compile(text, str(file), "exec")
    file.write_text(text, encoding="utf-8")
