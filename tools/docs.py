"""Write what is generated from the code: docs/metrics.md, docs/alerts.md, docs/findings.md, the journal's catalog.

``python -m tools.docs`` writes the files; with ``--check`` it compares them and fails with one line if any is stale.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from mpathd_watch.core.catalog.alerts import AlertKind
from mpathd_watch.core.catalog.findings import FindingKind, Severity
from mpathd_watch.core.model.vocabulary import Cause, Phase, SourceName, Verdict
from mpathd_watch.core.verdicts.slow_path import Measure
from mpathd_watch.sinks.metrics.families import Family

ROOT: Final = Path(__file__).resolve().parent.parent
_NOTE: Final = "Generated from the code by `python -m tools.docs`; `make check` compares. Do not edit."
_WIDTH: Final = 80

FIELDS: Final[Mapping[str, str]] = {
    "EVENT": "the event, as in the tables here; `daemon` for the daemon's lines about itself",
    "MAP": "the map's name, as in the label `map` of the metrics",
    "WWID": "the map's WWID",
    "PATH": "the path, as in the label `path` of the metrics",
    "DEV": "the disk's kernel name (`sdb`), the last known one while the path is missing",
    "HCTL": "the disk's SCSI address",
    "TARGET": "the target's IQN",
    "PORTAL": "the target's `ADDRESS:PORT`",
    "SESSION": "the session, as in the label `session` of the metrics",
    "HEALTH": "the new health of the path or map",
    "PREVIOUS_HEALTH": "its health before",
    "CAUSE": "what is known of why: " + ", ".join(f"`{cause}`" for cause in Cause),
    "OUTAGE": "an id that all entries of one outage of one path share",
    "ELAPSED_SEC": "seconds since the outage began",
    "PATHS_USABLE": "how many paths of the map take I/O now",
    "PATHS_EXPECTED": "how many paths the map should have",
    "PATHS": "how many paths went with the session",
    "MAPS": "how many maps these paths belong to",
    "SOURCE": "the source: " + ", ".join(f"`{name}`" for name in SourceName),
    "REASON": "why the source does not answer, in a short word",
    "BUDGET_SEC": "the seconds that the timeouts in force promise for the failover, or for the phase that has begun",
    "VERDICT": "whether the outage kept to that: " + ", ".join(f"`{verdict}`" for verdict in Verdict),
    "PHASE": "the phase of the outage that is overdue, or that broke the budget: "
    + ", ".join(f"`{phase}`" for phase in Phase),
    "SILENCE_SEC": "seconds between the last proof of life from the target and the moment its session failed, or, in "
    "`path_suspect`, was looked at",
    "SHARED": "what lost and silent sessions have in common: `all 4 sessions through eth2`",
    "FAILURES": "how many times the path has failed",
    "WITHIN_SEC": "the seconds within which it has",
    "MEASURE": "what a path is slow in: " + ", ".join(f"`{measure}`" for measure in Measure),
    "VALUE_SEC": "the seconds it takes in that measure",
    "SIBLINGS_SEC": "the median of what the map's other usable paths take",
    "ENDED": "the event that is over: `path_flapping` or `path_slow`",
    "CODE": "the code of the finding (findings.md)",
    "SEVERITY": "how bad the finding is: " + ", ".join(f"`{severity.name.lower()}`" for severity in Severity),
    "SUBJECT": "whom the finding is about: a session, a map, a file",
    "WHERE": "the line of a file that says so, `FILE:LINE`",
}
"""Every field the alerts may carry, without the prefix ``MPATHD_WATCH_``."""


def metrics_page() -> str:
    """docs/metrics.md."""
    return "\n".join(_metrics())


def _metrics() -> Iterator[str]:
    yield from ("# Metrics", "", f"<!-- {_NOTE} -->", "")
    yield from textwrap.wrap(
        "`/metrics` serves these, and prometheus_client's `process_*` for the daemon itself. A metric with the label "
        "`state` has one series per word of its vocabulary, always all of them: 1 for the one that holds, 0 for the "
        "others. Counters start at 0 when their object is first seen. What is only known from a source that does not "
        "answer becomes `unknown` or absent, never an old value.",
        120,
    )
    yield from ("", "| metric | type | labels | meaning |", "|---|---|---|---|")
    for family in Family:
        shape = family.value
        labels = ", ".join(f"`{label}`" for label in shape.labels) or "-"
        absent = f" Absent {shape.absent}." if shape.absent else ""
        yield f"| `{family.metric}` | {shape.kind} | {labels} | {shape.help}{absent} |"
    yield from ("", "## Vocabularies of `state`", "", "| metric | words |", "|---|---|")
    for family in Family:
        if family.value.words is not None:
            yield f"| `{family.metric}` | {', '.join(f'`{word.value}`' for word in family.value.words)} |"
    yield from ("", f"`cause` of `{Family.PATH_FAILURES_TOTAL.metric}` is one of")
    yield ", ".join(f"`{cause.value}`" for cause in Cause) + "."
    yield ""


def alerts_page() -> str:
    """docs/alerts.md."""
    return "\n".join(_alerts())


def _alerts() -> Iterator[str]:
    yield from ("# Alerts in the journal", "", f"<!-- {_NOTE} -->", "")
    yield from textwrap.wrap(
        "One entry per transition. `journalctl -t mpathd-watch` shows them, `journalctl -x` adds the explanations "
        "below, and every entry can be selected by `MESSAGE_ID` or by a field, for example "
        "`journalctl MPATHD_WATCH_OUTAGE=ID` for one outage from its first to its last entry. Where one lost session "
        "takes several paths with it, `session_lost` is the alert and the paths' own entries have priority info.",
        120,
    )
    yield from ("", "| event | priority | MESSAGE_ID |", "|---|---|---|")
    for kind in AlertKind:
        yield f"| [`{kind.event}`](#{kind.event}) | {kind.value.priority.name.lower()} | `{kind.value.message_id}` |"
    yield from ("", "## Fields", "", "Each stands where it applies.", "", "| field | holds |", "|---|---|")
    for name, meaning in FIELDS.items():
        yield f"| `MPATHD_WATCH_{name}` | {meaning} |"
    for kind in AlertKind:
        yield from ("", f"## {kind.event}", "")
        yield from textwrap.wrap(kind.value.meaning, 120)
        yield ""
        yield from textwrap.wrap(f"**What to do:** {kind.value.remedy}", 120)
    yield ""


_CHECK_HEAD: Final = """\
`mpathd-watch check` looks at this host once and holds what is configured against what is in force. It changes nothing,
and needs no running daemon. The daemon makes the same audit at its start, at a reload, when files change and
after changes of sessions and maps, and exports `mpathd_watch_config_findings`; in the journal it tells each finding
once, as `config_finding`: at once what comes of a changed file, else what has stood for a minute. `--config`,
`--sysfs` and `--multipathd-socket` are those of the daemon; `--root DIR` reads the files below DIR.

It reads the sessions and maps in sysfs, the maps that multipathd lists, and these files:

| file | what for |
|---|---|
| `/etc/multipath.conf`, `/etc/multipath/conf.d/*.conf` | what multipathd is told |
| `/etc/iscsi/iscsid.conf` | what new node records will say; may need root |
| `/var/lib/iscsi/nodes/`, `/etc/iscsi/nodes/` (Debian 12) | the node records: what each session is to have; need root |

Node records may hold CHAP passwords, so only root can read them, and **without root the check can't say whether the
timeouts of the records are in force**; it then reports [`unreadable_file`](#unreadable_file). Of the records and of
iscsid.conf it keeps timeouts, addresses and how they are started, never a name or password of CHAP.

## As a Nagios plugin

The first line is `MPATHD-WATCH STATUS: summary | critical=0 warning=1 info=0`, with the number of findings of each
severity as performance data. A finding has a line of its own, `SEVERITY code: object: what is wrong (FILE:LINE)`, and
below it, indented, what it leads to and what to do. After an empty line follows what the timeouts in force promise for
each map, and which of them are not the configured ones. A `|` in a name or a quotation is printed as a broken bar
(`\N{BROKEN BAR}`), because Nagios would take what follows it for performance data; the JSON has it as it is.

| exit status | the first line says | when |
|---|---|---|
| 0 | `OK` | nothing was found, or only findings of severity info |
| 1 | `WARNING` | the worst finding is a warning |
| 2 | `CRITICAL` | the worst finding is critical, or the command line is wrong (one line on stderr, nothing else) |
| 3 | `UNKNOWN` | sysfs could not be read, so findings say little; or the daemon's configuration file is wrong |

For example, in NRPE, with a line in sudoers that permits this one command:

    command[check_mpathd_watch]=/usr/bin/sudo /usr/bin/mpathd-watch check

## As JSON

`--json` prints one object, with the same exit status (if the daemon's configuration file is wrong, one line on stderr
instead). Version 1 is stable: keys may be added, none changes its meaning or goes without a new `version`.

| key | holds |
|---|---|
| `version` | 1 |
| `status` | `OK`, `WARNING`, `CRITICAL` or `UNKNOWN` |
| `findings` | the findings, worst first |
| `budgets` | by the session's label: what its timeouts promise; `null` if they can't be read |
| `timeouts` | by the session's label: its three timeouts, configured and in force |
| `maps` | by the map's name: what multipath-tools is set to for it, and what is promised |

An entry of `findings` has

| key | holds |
|---|---|
| `severity` | `info`, `warning` or `critical` |
| `code` | the code, as in the table below |
| `subject` | the session, map, file or service concerned; several maps of the same trouble are named together |
| `text` | what is wrong |
| `where` | `FILE:LINE` of the setting concerned, or `FILE`; `null` if no file sets it |
| `leads_to`, `remedy` | as in the sections below |

An entry of `budgets` counts seconds from the moment a link breaks silently, by noop_out_interval and noop_out_timeout;
`null` means that nothing bounds them.

| key | holds |
|---|---|
| `detection_best_seconds`, `detection_worst_seconds` | until the kernel notices: timeout, interval + timeout + 1 |
| `failover_best_seconds`, `failover_worst_seconds` | until it gives the path up: the same and `recovery_tmo` |

An entry of `timeouts` is a list with one of these for each timeout:

| key | holds |
|---|---|
| `timeout` | open-iscsi's name: `noop_out_interval`, `noop_out_timeout` or `replacement_timeout` |
| `configured`, `effective` | seconds, `"off"`, or `null` if it is not known |
| `where` | the line that configures it, `FILE:LINE`; `null` if none does |
| `why` | why something else is in force, in a sentence; `null` if nothing else is |

An entry of `maps` has

| key | holds |
|---|---|
| `wwid` | the map's WWID |
| `budget` | as in `budgets`, from the best of its sessions to the worst; `null` if it is not known |
| `reinstatement_worst_seconds` | until multipathd uses a path again whose transport is back |
| `settings` | each keyword of multipath.conf that matters here, with `value` and `origin` |
"""


def findings_page() -> str:
    """docs/findings.md."""
    return "\n".join(_findings())


def _findings() -> Iterator[str]:
    yield from ("# Findings of the check", "", f"<!-- {_NOTE} -->", "", _CHECK_HEAD)
    yield from ("## All findings", "", "| code | severity | what it is |", "|---|---|---|")
    worst_first = sorted(FindingKind, key=lambda kind: -kind.value.severity)
    for kind in worst_first:
        yield f"| [`{kind.code}`](#{kind.code}) | {kind.value.severity.name.lower()} | {kind.value.title} |"
    for kind in worst_first:
        about = kind.value
        yield from ("", f"## {kind.code}", "")
        # Commands and section names are not broken at hyphens.
        for paragraph in (f"{about.title}.", f"**Leads to:** {about.leads_to}", f"**Remedy:** {about.remedy}"):
            yield from textwrap.wrap(paragraph, 120, break_long_words=False, break_on_hyphens=False)
            yield ""
        yield f"Severity: {about.severity.name.lower()}."
    yield ""


def catalog() -> str:
    """systemd/mpathd-watch.catalog, in the format of journalctl(1), section on --update-catalog."""
    return "\n".join(_catalog())


def _catalog() -> Iterator[str]:
    yield f"# {_NOTE}"
    for kind in AlertKind:
        text = kind.value
        yield from ("", f"-- {text.message_id}", f"Subject: {text.subject}", "Defined-By: mpathd-watch")
        yield from ("Documentation: man:mpathd-watch(8)", "")
        yield from textwrap.wrap(text.meaning, _WIDTH, break_long_words=False, break_on_hyphens=False)
        yield ""
        yield from textwrap.wrap(text.remedy, _WIDTH, break_long_words=False, break_on_hyphens=False)
    yield ""


FILES: Final[Mapping[str, Callable[[], str]]] = {
    "docs/metrics.md": metrics_page,
    "docs/alerts.md": alerts_page,
    "docs/findings.md": findings_page,
    "systemd/mpathd-watch.catalog": catalog,
}


def stale(root: Path = ROOT) -> list[str]:
    """The generated files below ``root`` that do not say what the code says."""
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
