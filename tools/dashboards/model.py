"""What a dashboard is made of, apart from how Grafana writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

RUNBOOKS: Final = "file:///usr/share/doc/mpathd-watch/runbooks.md"
"""Where the runbooks are, unless the variable of that name says something else: as in the alerts' runbook_url."""

FLEET: Final = "mpathd-watch-fleet"
HOST: Final = "mpathd-watch-host"
MAP: Final = "mpathd-watch-map"


class Kind(Enum):
    """How a panel shows its queries."""

    NUMBER = "stat"
    LINES = "timeseries"
    STATES = "state-timeline"
    TABLE = "table"


class Unit(Enum):
    """Grafana's names of the units in use."""

    NUMBER = "none"
    COUNT = "short"
    SHARE = "percentunit"
    SECONDS = "s"
    DURATION = "dtdurations"
    MOMENT = "dateTimeFromNow"
    PER_SECOND = "cps"
    IOPS = "iops"
    TEXT = "string"


@dataclass(frozen=True, slots=True)
class Word:
    """The text and the colour of a number that stands for a word."""

    text: str
    colour: str


Words = Mapping[int, Word]


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and the name of each of its series, with labels in double braces."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    ``source`` is a label, or the letter of a query (A, B and so on). ``link`` is where a click on a cell leads to.
    """

    source: str
    title: str
    unit: Unit | None = None
    words: Words = field(default_factory=dict)
    link: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    ``runbook`` is an alert, or a section of the runbooks. ``empty`` says what it means that the panel has no data;
    without it there is always some. ``limits`` are the least values that are coloured, by colour.
    """

    title: str
    kind: Kind
    unit: Unit
    description: str
    runbook: str
    queries: tuple[Query, ...]
    width: int = 12
    height: int = 8
    empty: str = ""
    columns: tuple[Column, ...] = ()
    words: Words = field(default_factory=dict)
    limits: Mapping[str, float] = field(default_factory=dict)
    stacked: bool = False
    link: str = ""
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A heading with the panels below it."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A list from which a value of the dashboard is chosen: ``query`` gives it. ``several``: more than one, or all."""

    name: str
    label: str
    query: str
    description: str
    several: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard. ``since`` is the beginning of its time range, as Grafana writes it."""

    uid: str
    title: str
    description: str
    variables: tuple[Variable, ...]
    rows: tuple[Row, ...]
    since: str


def to_host(title: str) -> str:
    """The address of a host's dashboard, from a table whose column ``title`` has the instance."""
    return (
        f"/d/{HOST}?var-datasource=${{datasource}}"
        f"&var-instance=${{__data.fields.{title}:percentencode}}&${{__url_time_range}}"
    )


def to_map(label: str) -> str:
    """The address of a map's dashboard, on that of its host. ``label`` is the variable with the map's name."""
    return (
        f"/d/{MAP}?var-datasource=${{datasource}}&var-instance=${{instance:percentencode}}"
        f"&var-map=${{{label}:percentencode}}&${{__url_time_range}}"
    )
