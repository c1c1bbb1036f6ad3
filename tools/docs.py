"""Write what is generated from the code: pages below docs/, the journal's catalog, examples and a plot.

``python -m tools.docs`` writes the files; with ``--check`` it compares them and fails with one line if any is stale.
The prose around the generated tables is in tools/templates.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from itertools import dropwhile, takewhile
from pathlib import Path
from string import Template
from typing import Any, Final, TypeVar

from mpathd_watch.core.audit import audit
from mpathd_watch.core.catalog.alerts import AlertKind
from mpathd_watch.core.catalog.fields import FIELDS, PREFIX
from mpathd_watch.core.catalog.findings import FindingKind, Severity
from mpathd_watch.core.catalog.words import VOCABULARIES, Vocabulary
from mpathd_watch.core.effects import Alert
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.vocabulary import (
    AccessState,
    Cause,
    CheckerState,
    DeviceState,
    Health,
    Liveness,
    SessionStatus,
    Standing,
    Transport,
)
from mpathd_watch.core.state import State
from mpathd_watch.core.transports import table
from mpathd_watch.core.verdicts.health import CLOSED, CONDEMNED_BY_CHECKER, RawStates, evidence, path_health
from mpathd_watch.daemon.replay import SHIPPED, Playback
from mpathd_watch.sinks import check
from mpathd_watch.sinks.history.plot import plot
from mpathd_watch.sinks.history.summary import Summary, summary_lines
from mpathd_watch.sinks.history.table import table as past_table
from mpathd_watch.sinks.history.timeline import journal_lines, timeline
from mpathd_watch.sinks.metrics.row import Block, Label, Row
from mpathd_watch.sinks.metrics.table import BLOCKS
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.status.screen import render
from mpathd_watch.sinks.view import View
from mpathd_watch.sources.recording import read as read_recording
from mpathd_watch.store.reading import Filters
from tools.recorded_history import recorded_history

Item = TypeVar("Item")
ROOT: Final = Path(__file__).resolve().parent.parent
TEMPLATES: Final = Path(__file__).resolve().parent / "templates"
_NOTE: Final = "Generated from the code by `python -m tools.docs`; `make check` compares. Do not edit."
_PAGE_WIDTH: Final = 120
_CATALOG_WIDTH: Final = 80
_FEW: Final = 10
"""As many words as a cell of a table has room for."""


def _page(name: str, **parts: Iterable[str]) -> str:
    """The template ``name`` with the lines of ``parts`` in their places."""
    template = Template((TEMPLATES / name).read_text(encoding="utf-8"))
    return template.substitute({"note": _NOTE} | {part: "\n".join(lines) for part, lines in parts.items()})


def _wrapped(text: str, width: int = _PAGE_WIDTH) -> list[str]:
    # Commands and names of sections are not broken at hyphens.
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _coded(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


# --- docs/metrics.md --------------------------------------------------------------------------------------------------


def metrics_page() -> str:
    """docs/metrics.md."""
    return _page("metrics.md.in", blocks=_blocks(), labels=_labels(), words=_words())


def _blocks() -> Iterator[str]:
    for number, block in enumerate(BLOCKS):
        yield from () if number == 0 else ("",)
        yield from (f"## {block.title}", "", "| metric | type | labels | meaning |", "|---|---|---|---|")
        for row in block.rows:
            labels = _coded(label.name for label in (*block.labels, *row.labels)) or "-"
            absent = f" Absent {row.absent}." if row.absent else ""
            yield f"| `{row.metric}` | {row.kind} | {labels} | {row.help}{absent} |"
        yield from ("", "```promql")
        for place, row in enumerate(block.rows):
            yield from () if place == 0 else ("",)
            yield from (f"# {row.example.answers}", row.example.query)
        yield "```"


def _labels() -> Iterator[str]:
    for label, holders in _holders().items():
        words = f" See {_link(label.words)}." if label.words else ""
        yield f"| `{label.name}` | {', '.join(holders)} | {label.meaning}{words} |"


def _holders() -> dict[Label, list[str]]:
    """Each label with what has it: all metrics of a block, or some of them."""
    holders: dict[Label, list[str]] = {}
    for block in BLOCKS:
        for label in block.labels:
            holders.setdefault(label, []).append(f"all metrics of [{block.title}](#{_anchor(block.title)})")
    for _, row in _rows():
        for label in row.labels:
            holders.setdefault(label, []).append(f"`{row.name}`")
    return holders


def _words() -> Iterator[str]:
    for number, vocabulary in enumerate(VOCABULARIES):
        yield from () if number == 0 else ("",)
        yield from (f"### {vocabulary.title}", "")
        yield from _wrapped(f"In {', and in '.join(_uses(vocabulary))}.")
        yield from ("", "| word | means |", "|---|---|")
        for word, meaning in vocabulary.meanings.items():
            yield f"| `{word}` | {meaning} |"
        if vocabulary.more:
            yield from ("", f"Or {vocabulary.more}.")


def _uses(vocabulary: Vocabulary) -> Iterator[str]:
    """Where the words of a vocabulary are to be met."""
    metrics: dict[str, list[str]] = {}
    for block, row in _rows():
        for label in (*block.labels, *row.labels):
            if label.words is vocabulary:
                metrics.setdefault(label.name, []).append(row.metric)
    yield from (f"the label `{label}` of {_coded(names)}" for label, names in metrics.items())
    for name, field in FIELDS.items():
        if vocabulary in field.words:
            yield f"the field `{PREFIX}{name}` of the [journal](alerts.md#fields)"
    if vocabulary.elsewhere:
        yield vocabulary.elsewhere


def _rows() -> Iterator[tuple[Block[Any], Row[Any]]]:
    for block in BLOCKS:
        for row in block.rows:
            yield block, row


def _link(vocabulary: Vocabulary, page: str = "") -> str:
    return f"[{vocabulary.title}]({page}#{_anchor(vocabulary.title)})"


def _anchor(title: str) -> str:
    """The anchor that a Markdown heading gets."""
    return "".join(c for c in title.lower().replace(" ", "-") if c.isalnum() or c in "-_")


# --- docs/alerts.md ---------------------------------------------------------------------------------------------------


def alerts_page() -> str:
    """docs/alerts.md."""
    return _page("alerts.md.in", alerts=_alerts(), fields=_fields(), sections=_alert_sections())


def _alerts() -> Iterator[str]:
    for kind in AlertKind:
        yield f"| [`{kind.event}`](#{kind.event}) | {kind.value.priority.name.lower()} | `{kind.value.message_id}` |"


def _fields() -> Iterator[str]:
    for name, field in FIELDS.items():
        words = [_listed(each) for each in field.words]
        yield f"| `{PREFIX}{name}` | {field.meaning}{': ' if words else ''}{', or '.join(words)} |"


def _listed(vocabulary: Vocabulary) -> str:
    """The words, if they are few, and where they are explained."""
    link = _link(vocabulary, "metrics.md")
    return f"{_coded(vocabulary.meanings)} ({link})" if len(vocabulary.meanings) <= _FEW else f"see {link}"


def _alert_sections() -> Iterator[str]:
    for number, kind in enumerate(AlertKind):
        yield from () if number == 0 else ("",)
        yield from (f"## {kind.event}", "", *_wrapped(kind.value.meaning), "")
        yield from _wrapped(f"**What to do:** {kind.value.remedy}")


# --- docs/findings.md -------------------------------------------------------------------------------------------------


def findings_page() -> str:
    """docs/findings.md."""
    worst_first = sorted(FindingKind, key=lambda kind: -kind.value.severity)
    return _page("findings.md.in", findings=_findings(worst_first), sections=_finding_sections(worst_first))


def _findings(kinds: Iterable[FindingKind]) -> Iterator[str]:
    for kind in kinds:
        yield f"| [`{kind.code}`](#{kind.code}) | {kind.value.severity.name.lower()} | {kind.value.title} |"


def _finding_sections(kinds: Iterable[FindingKind]) -> Iterator[str]:
    for number, kind in enumerate(kinds):
        about = kind.value
        yield from () if number == 0 else ("",)
        yield from (f"## {kind.code}", "")
        for paragraph in (f"{about.title}.", f"**Leads to:** {about.leads_to}", f"**Remedy:** {about.remedy}"):
            yield from (*_wrapped(paragraph), "")
        for row in table.ROWS.values():
            if kind in row.remedies:
                yield from (*_wrapped(f"**Remedy for {row.protocol}:** {row.remedies[kind]}"), "")
        milder = f"; {Severity.INFO.name.lower()} if {about.milder}" if about.milder else ""
        yield from _wrapped(f"Severity: {about.severity.name.lower()}{milder}.")


# --- docs/health.md ---------------------------------------------------------------------------------------------------

_REPORTS: Final = (
    ("dm uses the path (active), and the checker finds it up (ready)", Standing.USABLE, CheckerState.READY, False),
    ("dm uses the path, and the checker's state is unknown", Standing.USABLE, CheckerState.UNKNOWN, False),
    (
        f"dm has failed the path, or the checker reports one of {', '.join(sorted(CONDEMNED_BY_CHECKER))}",
        Standing.FAILED,
        CheckerState.FAULTY,
        False,
    ),
    ("It is not known whether dm uses the path", Standing.UNKNOWN, CheckerState.UNKNOWN, False),
    (
        "The same, since multipathd has not answered from the start on, and no uevent is missed",
        Standing.UNKNOWN,
        CheckerState.UNKNOWN,
        True,
    ),
)
"""What dm and the checker can report: one table each."""


_REPORTS_OF_ALUA: Final = (
    ("dm active, checker `ready` or `ghost`", Standing.USABLE, CheckerState.READY),
    ("dm active, checker `faulty`", Standing.USABLE, CheckerState.FAULTY),
    ("dm failed", Standing.FAILED, CheckerState.FAULTY),
)
"""What dm and the checker can report of a path whose transport works."""


def health_page() -> str:
    """docs/health.md."""
    tables = "\n\n".join("\n".join(_health_table(*report)) for report in _REPORTS)
    return _page("health.md.in", tables=(tables,), access=("\n".join(_access_table()),))


def _access_table() -> Iterator[str]:
    def cell(access: AccessState | None, standing: Standing, checker: CheckerState) -> str:
        closed = access if access in CLOSED else None
        raw = RawStates(True, standing, checker, DeviceState.RUNNING, Liveness.CARRYING, closed=closed)
        health, cause = path_health(raw, transport_was_lost=False), evidence(raw).cause
        return f"`{health}`" if health is Health.UP or cause is Cause.UNKNOWN else f"`{health}`, `{cause}`"

    yield f"| access state | {' | '.join(title for title, _, _ in _REPORTS_OF_ALUA)} |"
    yield f"|---|{'---|' * len(_REPORTS_OF_ALUA)}"
    states: tuple[AccessState | None, ...] = (*AccessState, None)
    for group in _alike(states, lambda access: [cell(access, *report[1:]) for report in _REPORTS_OF_ALUA]):
        names = ", ".join("none" if each is None else f"`{each}`" for each in group)
        yield f"| {names} | {' | '.join(cell(group[0], *report[1:]) for report in _REPORTS_OF_ALUA)} |"


def _health_table(title: str, standing: Standing, checker: CheckerState, unmanaged: bool) -> Iterator[str]:
    def cell(device: DeviceState, session: SessionStatus | None) -> str:
        nexus = None if session is None else table.of(Transport.ISCSI).liveness[session]
        return _healths(RawStates(True, standing, checker, device, nexus, unmanaged=unmanaged))

    columns = _alike(DeviceState, lambda device: [cell(device, each) for each in _SESSIONS])
    rows = _alike(_SESSIONS, lambda session: [cell(group[0], session) for group in columns])
    yield from (f"## {title}", "", f"| session | {' | '.join(f'device {_coded(group)}' for group in columns)} |")
    yield f"|---|{'---|' * len(columns)}"
    for group in rows:
        names = ", ".join("none (another transport)" if each is None else f"`{each}`" for each in group)
        yield f"| {names} | {' | '.join(cell(devices[0], group[0]) for devices in columns)} |"


_SESSIONS: Final = (*(each for each in SessionStatus if each is not SessionStatus.MISSING), None)


def _healths(raw: RawStates) -> str:
    """The health of a path in these states; two where it depends on what was seen of its outage."""
    found = dict.fromkeys(path_health(raw, transport_was_lost=lost) for lost in (True, False))
    return " or ".join(f"`{health}`" for health in found)


def _alike(items: Iterable[Item], outcome: Callable[[Item], object]) -> list[list[Item]]:
    """The items in groups that have the same outcome, in the order of the first of each."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(repr(outcome(item)), []).append(item)
    return list(groups.values())


# --- the journal's catalog --------------------------------------------------------------------------------------------


def catalog() -> str:
    """systemd/mpathd-watch.catalog, in the format of journalctl(1), section on --update-catalog."""
    return "\n".join(_catalog())


def _catalog() -> Iterator[str]:
    yield f"# {_NOTE}"
    for kind in AlertKind:
        text = kind.value
        yield from ("", f"-- {text.message_id}", f"Subject: {text.subject}", "Defined-By: mpathd-watch")
        yield from ("Documentation: man:mpathd-watch(8)", "")
        yield from (*_wrapped(text.meaning, _CATALOG_WIDTH), "", *_wrapped(text.remedy, _CATALOG_WIDTH))
    yield ""


# --- the examples in README.md ----------------------------------------------------------------------------------------

_EXAMPLE: Final = re.compile(r"(<!-- (\w+) example: [^\n]*-->\n```\n).*?(```\n)", re.DOTALL)
_EXAMPLE_WIDTH: Final = 118
_IN_THE_MIDDLE: Final = 38.0
"""Seconds from the beginning of the shipped recording to the moment of the status that README.md shows."""


def readme() -> str:
    """README.md with the examples that the shipped recording gives now."""
    alerts: list[tuple[Instant, Alert]] = []
    playback = Playback(lambda alert: alerts.append((playback.now, alert)))
    screen, first = "", None
    for event, at in read_recording(Path(str(files("mpathd_watch") / "recordings" / SHIPPED))):
        first = first or at
        if not screen and at.since(first) > _IN_THE_MIDDLE:
            moment = first.later(_IN_THE_MIDDLE)
            screen = render(document(View(playback.engine.state, moment)), colour=False, zone=UTC)
        playback.play(event, at)
    examples = {
        "journal": "".join(f"{line}\n" for at, alert in alerts for line in _journal_lines(at, alert)),
        "status": "$ mpathd-watch status\n" + "".join(f"{line}\n" for line in _narrowed(screen.splitlines())),
        "check": "# mpathd-watch check\n" + "".join(f"{line}\n" for line in _narrowed(_check(playback.engine.state))),
    }
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    return _EXAMPLE.sub(lambda found: f"{found[1]}{examples[found[2]]}{found[3]}", page)


def _journal_lines(at: Instant, alert: Alert) -> list[str]:
    """An entry about the outage; what the audit found at the start is another matter."""
    if alert.kind is AlertKind.CONFIG_FINDING:
        return []
    time = datetime.fromtimestamp(at.wall, UTC).strftime("%H:%M:%S")
    head = f"{time} {alert.priority.name.lower():<7} {alert.kind.event:<15} "
    return _folded(alert.message, head, " " * len(head))


def _check(state: State) -> Iterator[str]:
    """What ``check`` prints: its first line, the first finding with its explanation, and the budgets."""
    first, finding, *lines = check.text(check.judge(audit(state), state, check.Question())).splitlines()
    budgets = dropwhile(lambda line: not line.startswith("Durations"), lines)
    yield from (first, finding, next(line for line in lines if line.startswith(" ")), "...")
    yield from takewhile(bool, budgets)


def _narrowed(lines: Iterable[str]) -> Iterator[str]:
    """The lines, those that are too wide for the page continued on an indented line."""
    for line in lines:
        yield from [line] if len(line) <= _EXAMPLE_WIDTH else _folded(line, "", " " * 10)


def _folded(text: str, head: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        _EXAMPLE_WIDTH,
        initial_indent=head,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


# --- the examples in docs/history.md, and the plot --------------------------------------------------------------------


def history_page() -> str:
    """docs/history.md with what the shipped recording leaves."""
    with recorded_history() as (history, played):
        filters, now = Filters(), played.end.wall
        outages = history.outages(filters)
        summary = Summary(history.verdicts(filters), history.risks(filters, now), outages[-1])
        lines = [*past_table(outages, (), now, width=None, zone=UTC), "", *summary_lines(summary, UTC)]
        entries = [entry for outage, entry in played.entries if outage == outages[-1].id]
        shown = [*timeline(outages[-1], now, zone=UTC), "", *journal_lines(entries, zone=UTC)]
    return _page(
        "history.md.in",
        table=("$ mpathd-watch history", *_narrowed(lines)),
        timeline=(f"$ mpathd-watch history show {outages[-1].id[:4]}", *_narrowed(shown)),
    )


def outage_plot() -> str:
    """The plot of the outage in the shipped recording."""
    with recorded_history() as (history, played):
        (outage,) = history.by_id(history.outages(Filters())[-1].id)
        return plot(outage, played.end.wall)


# --- writing and comparing --------------------------------------------------------------------------------------------

FILES: Final[Mapping[str, Callable[[], str]]] = {
    "docs/metrics.md": metrics_page,
    "docs/alerts.md": alerts_page,
    "docs/findings.md": findings_page,
    "docs/health.md": health_page,
    "systemd/mpathd-watch.catalog": catalog,
    "README.md": readme,
    "docs/history.md": history_page,
    "docs/outage.svg": outage_plot,
}


def stale(root: Path = ROOT) -> list[str]:
    """The generated files below ``root`` that are not what the code generates now."""
    return [name for name, text in FILES.items() if _read(root / name) != text()]


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def main(arguments: list[str] | None = None) -> int:
    """Write or check; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.docs", description="generate documentation from the code")
    parser.add_argument("--check", action="store_true", help="compare only; fail if a file is stale")
    options = parser.parse_args(arguments)
    names = stale()
    if options.check and names:
        sys.stderr.write(f"stale: {', '.join(names)}; run 'python -m tools.docs' and commit the result\n")
        return 1
    for name in names:
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(FILES[name](), encoding="utf-8")
        sys.stdout.write(f"wrote {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
