"""Write what is generated from the code: docs/metrics.md, docs/alerts.md and the journal's catalog.

``python -m tools.docs`` writes the files; with ``--check`` it compares them and fails with one line if any is stale.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from mpathd_watch.core.alerts import AlertKind
from mpathd_watch.core.vocabulary import Cause, SourceName
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
