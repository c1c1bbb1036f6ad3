"""The status document, version 1: JSON-ready and stable. docs/status-json.md describes every key.

What is not known is ``None``. Moments are RFC 3339 in UTC; the ``seconds`` beside a moment are the time since then.
This module imports nothing of the core: ``status`` shows what a daemon answers without loading it.
"""

from __future__ import annotations

import json
from typing import Final, Literal, TypedDict, cast

VERSION: Final = 1


class StatusError(ValueError):
    """The text is no status document of a version known here; the message is one line for people."""


class DaemonEntry(TypedDict):
    """The daemon; ``started``: it has read the host completely once, so an empty list means that there is nothing."""

    name: str
    version: str
    started: bool


class SourceEntry(TypedDict):
    """One source; ``up`` is null until it has answered or failed once. ``detail`` names the reason and the remedy."""

    source: str
    up: bool | None
    reason: str | None
    detail: str | None
    last_success: str | None
    seconds: float | None
    errors: dict[str, int]


class StatesEntry(TypedDict):
    """The raw states, in the words of the kernel and of multipathd. ``access`` is the array's, as the kernel has it."""

    dm: str | None
    checker: str | None
    device: str | None
    session: str | None
    access: str | None


class TimeoutsEntry(TypedDict):
    """Live timeouts in seconds, in open-iscsi's words; 0 turns a ping off, "off" the replacement timeout."""

    noop_out_interval: float | None
    noop_out_timeout: float | None
    replacement_timeout: float | Literal["off"] | None


class BudgetEntry(TypedDict):
    """Seconds from the break of a link at best and at worst, by the live timeouts; null where nothing bounds them."""

    detection_best: float | None
    detection_worst: float | None
    failover_best: float | None
    failover_worst: float | None


class FindingsEntry(TypedDict):
    """The number of findings of the daemon's audit; ``mpathd-watch check`` lists them."""

    critical: int
    warning: int
    info: int


class IncidentEntry(TypedDict):
    """An incident that goes on: what one cause has taken.

    ``what``: what is lost, in a sentence, null until it was logged. ``worst``: the worst health of a map, as it was
    logged. ``paths``: how many paths it has taken, of so many ``maps``; ``out``: how many of them are not up again.
    """

    id: str
    began: str
    seconds: float
    what: str | None
    causes: list[str]
    worst: str | None
    paths: int
    out: int
    maps: int


class OutageEntry(TypedDict):
    """The open outage of a path; the moments that it has not reached are null.

    ``inherited``: it existed when the path was first seen, so it began earlier than ``began``.
    """

    id: str
    incident: str | None
    cause: str
    began: str
    seconds: float
    inherited: bool
    last_alive: str | None
    suspected: str | None
    stalled: str | None
    failed: str | None
    transport_up: str | None
    timeouts: TimeoutsEntry | None


class TcpEntry(TypedDict):
    """A session's TCP connection (``TcpFacts``): round trip in seconds, retransmitted segments, timer doublings."""

    rtt: float | None
    retransmits: int | None
    backoff: int | None


class PathEntry(TypedDict):
    """One expected path of a map.

    ``handler``, ``port_group`` and ``preferred``: see ``AccessFacts``. ``deadline``: when its current phase must be
    over; ``overdue``: the phase should be over. ``marginal`` is reported by multipathd. ``last_proven``: when its
    failover last kept its budget.
    """

    path: str
    health: str
    since: str
    seconds: float
    present: bool
    dev: str | None
    hctl: str | None
    transport: str | None
    session: str | None
    target: str | None
    portal: str | None
    iface: str | None
    handler: str | None
    port_group: int | None
    preferred: bool | None
    states: StatesEntry
    deadline: str | None
    seconds_left: float | None
    overdue: bool
    flapping: bool
    slow: bool
    marginal: bool | None
    outage: OutageEntry | None
    failures: dict[str, int]
    reinstatements: int
    last_proven: str | None


class MapEntry(TypedDict):
    """One multipath map.

    ``exists`` is false of one that is only expected. ``optimized``: how many paths are active/optimized. ``queues``:
    whether I/O hangs once no path is usable.
    """

    map: str
    wwid: str
    sysfs_name: str | None
    exists: bool
    vendor: str | None
    product: str | None
    health: str
    since: str
    seconds: float
    usable: int
    expected: int
    present: int
    optimized: int | None
    queues: bool | None
    queueing: str | None
    suspended: bool | None
    paths: list[PathEntry]


class SessionEntry(TypedDict):
    """One iSCSI session; ``sid`` is the kernel's current number of it.

    ``timeouts`` are in force, ``configured`` are those of its node record, ``reasons`` has by timeout why these differ.
    ``silence``: how many seconds the target had been silent when the session was last read. ``suspicion``: why its
    paths are suspect.
    """

    session: str
    sid: int | None
    state: str | None
    target: str | None
    portal: str
    iface: str | None
    initiator: str | None
    netdev: str | None
    silence: float | None
    suspicion: str | None
    tcp: TcpEntry | None
    timeouts: TimeoutsEntry | None
    configured: TimeoutsEntry | None
    reasons: dict[str, str]
    budget: BudgetEntry | None


class Document(TypedDict):
    """The whole document."""

    version: Literal[1]
    generated: str
    daemon: DaemonEntry
    sources: list[SourceEntry]
    findings: FindingsEntry | None
    incidents: list[IncidentEntry]
    maps: list[MapEntry]
    sessions: list[SessionEntry]


def parse(text: str | bytes) -> Document:
    """The document that a daemon wrote as JSON. Raises ``StatusError`` for anything else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StatusError(f"the daemon's status is not JSON: {error}") from error
    version = found.get("version") if isinstance(found, dict) else None
    if version != VERSION:
        raise StatusError(f"the daemon's status has version {version!r}, this program reads version {VERSION}")
    return cast("Document", found)
