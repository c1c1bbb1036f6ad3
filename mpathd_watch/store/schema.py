"""The tables of the store, and how a database of an older version becomes one of this version.

Every moment is an integer of microseconds. ``*_mono`` are CLOCK_MONOTONIC of the boot that the row is of. Other moments
are those of the wall clock, since 1970. In ``outages`` everything but ``began`` counts from ``began``, by
CLOCK_MONOTONIC, and may be negative. Each moment there is a range, ``*_least`` to ``*_most``: the two differ where no
daemon watched. ``*_most`` is NULL beside a ``*_least`` if nothing bounds it: the host was booted in between, and the
wall clock proves nothing. Both are NULL if it never came.

JSON columns: ``timeouts`` and ``bounds`` are objects of seconds by name, null where nothing bounds them. ``phases`` is
an object of ``[least, most]`` in seconds by the name of the phase, ``most`` null as above. ``states`` is a list of
``[microseconds since began, health, dm, checker, device, session, access]``, one for each change, empty where a word is
not known. ``resume`` is what a restart needs (``OpenOutage``, ``Incident``, ``KeptMap``), by
``core/recording/codec.py``.
"""

from __future__ import annotations

from typing import Final

VERSION: Final = 2
"""``PRAGMA user_version`` of a database that this version writes."""
APPLICATION: Final = 0x6D705744
"""``PRAGMA application_id``: mpWD."""
MICRO: Final = 1e6
"""Microseconds of a second: the unit of every moment."""
STAGES: Final = ("last_alive", "suspected", "stalled", "failed", "transport_up", "reinstated")
"""The instants of an outage, each a pair of columns."""

_STAGES = ",\n  ".join(f"{stage}_least INTEGER, {stage}_most INTEGER" for stage in STAGES)

_FIRST: Final = (
    # ``pruned``: up to when outages have been removed to keep to the bounds. ``findings``: a JSON list of the findings
    # that were announced.
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    # Runs of the daemon. ``alive`` is when it last wrote. Until the daemon knows the present, it is ``began``, and
    # ``alive_mono`` is 0. ``clean``: it ended in order, at ``alive``.
    """CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  version TEXT NOT NULL,
  boot TEXT NOT NULL,
  began INTEGER NOT NULL,
  began_mono INTEGER NOT NULL,
  alive INTEGER NOT NULL,
  alive_mono INTEGER NOT NULL,
  clean INTEGER NOT NULL DEFAULT 0
)""",
    # ``began`` is when it was first seen; ``began_earliest`` is another moment if nobody watched it begin, NULL if that
    # is not known. ``verdict`` is NULL while it goes on. One that was left has a verdict and was never reinstated.
    f"""CREATE TABLE outages (
  id TEXT PRIMARY KEY,
  wwid TEXT NOT NULL,
  map TEXT NOT NULL,
  path TEXT NOT NULL,
  began INTEGER NOT NULL,
  began_earliest INTEGER,
  inherited INTEGER NOT NULL,
  {_STAGES},
  cause TEXT NOT NULL,
  evidence TEXT NOT NULL DEFAULT '',
  timeouts TEXT,
  bounds TEXT,
  phases TEXT NOT NULL DEFAULT '{{}}',
  verdict TEXT,
  broken TEXT,
  incident TEXT,
  drill TEXT,
  states TEXT NOT NULL DEFAULT '[]',
  resume TEXT
) WITHOUT ROWID""",
    "CREATE INDEX outages_by_time ON outages (began)",
    "CREATE INDEX outages_open ON outages (id) WHERE resume IS NOT NULL",
    # Changes of the health of maps; ``was`` is ``unknown`` for the first one of each run.
    """CREATE TABLE map_changes (
  id INTEGER PRIMARY KEY,
  wwid TEXT NOT NULL,
  map TEXT NOT NULL,
  at INTEGER NOT NULL,
  was TEXT NOT NULL,
  health TEXT NOT NULL
)""",
    "CREATE INDEX map_changes_by_time ON map_changes (at)",
    # The present: maps as they are, nexuses whose loss was announced, what is expected (JSON of ``ExpectedMap``).
    "CREATE TABLE maps (wwid TEXT PRIMARY KEY, map TEXT NOT NULL, resume TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE lost_nexuses (label TEXT PRIMARY KEY, shared TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE expected (wwid TEXT PRIMARY KEY, name TEXT NOT NULL, map TEXT NOT NULL) WITHOUT ROWID",
    # Reports of drills, as JSON (docs/drill.md). ``outages.drill`` is the id of one.
    """CREATE TABLE drills (
  id TEXT PRIMARY KEY,
  began INTEGER NOT NULL,
  ended INTEGER,
  passed INTEGER,
  report TEXT NOT NULL
) WITHOUT ROWID""",
)
_SECOND: Final = (
    # ``outages.incident`` is the id of one. ``causes`` is a JSON list; ``worst`` is NULL if no map was reported.
    """CREATE TABLE incidents (
  id TEXT PRIMARY KEY,
  began INTEGER NOT NULL,
  ended INTEGER,
  what TEXT NOT NULL,
  worst TEXT,
  causes TEXT NOT NULL,
  paths INTEGER NOT NULL,
  maps INTEGER NOT NULL,
  over_budget INTEGER NOT NULL,
  resume TEXT
) WITHOUT ROWID""",
    "CREATE INDEX incidents_by_time ON incidents (began)",
    "CREATE INDEX incidents_open ON incidents (id) WHERE resume IS NOT NULL",
)
_FIRST_TABLES: Final = frozenset(
    {"meta", "runs", "outages", "map_changes", "maps", "lost_nexuses", "expected", "drills"}
)
TABLES: Final = (frozenset[str](), _FIRST_TABLES, _FIRST_TABLES | {"incidents"})
"""All tables of each version."""
MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (_FIRST, _SECOND)
"""The statements that make version N + 1 of version N, at index N. Version 0 is an empty database."""
