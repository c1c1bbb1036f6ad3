"""A notice as a mail. What comes from the SAN can forge neither a header nor a line."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from mpathd_watch.core.alerting.notices import Notice, Step
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.catalog.fields import PREFIX
from mpathd_watch.core.model.text import clean
from mpathd_watch.sinks.dates import date
from mpathd_watch.sinks.hooks.wording import explained, fields

_WIDTH: Final = 78
_GIST: Final = 160
"""Characters of the subject: what is longer no client shows."""
_URGENT: Final = {Priority.CRIT: "1 (Highest)", Priority.ERR: "2 (High)"}
_HEADS: Final = {
    Step.REMINDER: "reminder: ",
    Step.ALL_CLEAR: "all clear: ",
    Step.DROPPED: "not followed any more: ",
    Step.TEST: "test: ",
}
_FOOT: Final = {
    Step.ALERT: "A reminder follows while this stands, and an all-clear when it is over.",
    Step.SUMMARY: "So many messages came that the rest is in this one. The journal has all entries: "
    "journalctl -t mpathd-watch",
    Step.TEST: "This is a test (mpathd-watch notify --test).",
}


def letter(notice: Notice, host: str, sender: str, to: Sequence[str], zone: tzinfo | None = None) -> EmailMessage:
    """The mail about a notice of this host."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Subject"] = _subject(notice, host)
    mail["Date"] = format_datetime(date(notice.at.wall, zone).astimezone(zone))
    mail["Message-ID"] = _message_id(notice, host, notice.number)
    if notice.number:
        first, last = (_message_id(notice, host, number) for number in (0, notice.number - 1))
        mail["In-Reply-To"] = last
        mail["References"] = " ".join(dict.fromkeys((first, last)))
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if notice.priority in _URGENT:
        mail["X-Priority"] = _URGENT[notice.priority]
    mail["X-Mpathd-Watch-Event"] = notice.entry.event
    mail["X-Mpathd-Watch-Notice"] = notice.step.value
    if incident := notice.entry.fields.get("INCIDENT"):
        mail["X-Mpathd-Watch-Incident"] = clean(incident)
    mail.set_content("\n".join(_body(notice, host, zone)) + "\n", charset="utf-8")
    return mail


def _subject(notice: Notice, host: str) -> str:
    text = f"[{host}] {_HEADS.get(notice.step, '')}{clean(notice.entry.message)}"
    return text if len(text) <= _GIST else f"{text[: _GIST - 3].rstrip()}..."


def _message_id(notice: Notice, host: str, number: int) -> str:
    return f"<mpathd-watch.{notice.thread}.{number}@{_domain(host)}>"


def _domain(host: str) -> str:
    """The host's name as the right side of a Message-ID, which takes few characters."""
    return "".join(c for c in host if c.isascii() and (c.isalnum() or c in "-.")).strip(".") or "localhost"


def _body(notice: Notice, host: str, zone: tzinfo | None) -> Iterator[str]:
    yield from _wrapped(clean(notice.entry.message))
    meaning, remedy = explained(notice.entry)
    if notice.step is not Step.ALL_CLEAR:
        for title, text in (("What it means", meaning), ("What to do", remedy)):
            if text:
                yield from ("", f"{title}:", *_wrapped(text))
    if notice.quoted:
        yield from ("", "The worst of these entries first:")
        for entry in notice.quoted:
            yield from _wrapped(f"{entry.priority.name.lower()}: {clean(entry.message)}", "  ")
    at = date(notice.at.wall, zone).astimezone(zone)
    yield from ("", f"On {host} at {at.strftime('%Y-%m-%d %H:%M:%S %Z')}:")
    for name, value in fields(notice, host).items():
        if name not in ("MESSAGE", f"{PREFIX}HOST", f"{PREFIX}NOTICE_THREAD"):
            yield f"  {name}={clean(value)}"
    if foot := _foot(notice):
        yield from ("", *_wrapped(foot))


def _foot(notice: Notice) -> str:
    """What follows, if something does."""
    return "" if notice.step is Step.ALERT and not notice.topics else _FOOT.get(notice.step, "")


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  " if indent else "",
        break_long_words=False,
        break_on_hyphens=False,
    )
