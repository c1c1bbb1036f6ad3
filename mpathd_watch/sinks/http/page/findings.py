"""What the audit of the configuration has found, and the timeouts in force with what they promise."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from mpathd_watch.core.catalog.findings import Finding, Severity
from mpathd_watch.core.model.text import plural
from mpathd_watch.sinks.http.page.html import DASH, sentence
from mpathd_watch.sinks.status.document import Document
from mpathd_watch.sinks.status.promises import promises

MOST: Final = 20
"""Findings that are shown; ``check`` prints all of them."""
_TONES: Final = {Severity.CRITICAL: "bad", Severity.WARNING: "warn", Severity.INFO: "wait"}


def findings(found: Sequence[Finding]) -> str:
    """The findings that are worse than info, each with its remedy; empty if there are none."""
    serious = [finding for finding in found if finding.severity > Severity.INFO]
    if not serious:
        return ""
    rest = [f"{len(serious) - MOST} more"] if len(serious) > MOST else []
    if len(serious) < len(found):
        rest.append(f"{len(found) - len(serious)} of level info")
    listed = f"{' and '.join(rest)}: see mpathd-watch check" if rest else ""
    more = f'<p class="facts">{sentence(listed)}</p>' if listed else ""
    return (
        f'<section class="findings"><div class="head"><h2>Configuration: {plural(len(serious), "finding")}</h2></div>'
        f"<ul>{''.join(map(_finding, serious[:MOST]))}</ul>{more}</section>\n"
    )


def _finding(finding: Finding) -> str:
    where = f" <small>{escape(finding.where)}</small>" if finding.where else ""
    return (
        f'<li><span class="badge {_TONES[finding.severity]}">{finding.severity.name.lower()}</span> '
        f"<strong>{escape(finding.subject)}</strong>: {escape(finding.text)}{where}"
        f"<p>{escape(finding.remedy)}</p></li>"
    )


def timeouts(document: Document) -> str:
    """The timeouts in force, and what they promise; empty if no session's are known."""
    rows = "".join(
        f'<tr><td class="name">{escape(promise.who)}</td>'
        f'<td data-label="noop_out interval/timeout, replacement">{escape(promise.live)}</td>'
        f'<td data-label="Budget">{escape(promise.promised)}</td>'
        f'<td data-label="Node record">{escape(promise.configured) or DASH}</td></tr>'
        for promise in promises(document)
    )
    if not rows:
        return ""
    return (
        '<section class="timeouts"><div class="head"><h2>Timeouts in force</h2></div>'
        '<div class="wide"><table><thead><tr><th>Session</th><th>noop_out interval/timeout, replacement</th>'
        f"<th>Budget</th><th>Node record</th></tr></thead><tbody>{rows}</tbody></table></div></section>\n"
    )
