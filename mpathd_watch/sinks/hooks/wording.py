"""A notice as mails and hooks show it: its fields by their names in the journal, and what the catalog says of it."""

from __future__ import annotations

import json
import re
from typing import Final

from mpathd_watch.core.alerting.notices import Notice, Step
from mpathd_watch.core.alerting.pairs import Entry
from mpathd_watch.core.catalog.alerts import AlertKind
from mpathd_watch.core.catalog.fields import PREFIX
from mpathd_watch.core.model.text import quoted

_FIELD: Final = re.compile(f"@{PREFIX}([A-Z_]+)@")


def fields(notice: Notice, host: str) -> dict[str, str]:
    """The fields of the entry, and ``HOST``, ``NOTICE`` and ``NOTICE_THREAD``, which the journal does not have."""
    entry = notice.entry
    kind = kind_of(entry)
    return {
        "MESSAGE": entry.message,
        "PRIORITY": str(int(notice.priority)),
        **({"MESSAGE_ID": kind.value.message_id} if kind else {}),
        f"{PREFIX}EVENT": entry.event,
        **{f"{PREFIX}{name}": value for name, value in entry.fields.items()},
        f"{PREFIX}HOST": host,
        f"{PREFIX}NOTICE": notice.step.value,
        f"{PREFIX}NOTICE_THREAD": notice.thread,
    }


def as_json(notice: Notice, host: str) -> bytes:
    """The fields as one JSON object on one line. That of a summary has the ``ENTRIES`` that it quotes as a list."""
    found: dict[str, object] = {**fields(notice, host)}
    if notice.step is Step.SUMMARY:
        found["ENTRIES"] = [
            {"MESSAGE": each.message, "PRIORITY": str(int(each.priority)), f"{PREFIX}EVENT": each.event}
            | {f"{PREFIX}{name}": value for name, value in each.fields.items()}
            for each in notice.quoted
        ]
    return json.dumps(found).encode() + b"\n"


def explained(entry: Entry) -> tuple[str, str]:
    """What the entry means, and what to do, by the catalog; empty for what is not in it."""
    kind = kind_of(entry)
    return ("", "") if kind is None else (_filled(kind.value.meaning, entry), _filled(kind.value.remedy, entry))


def kind_of(entry: Entry) -> AlertKind | None:
    """The kind of the entry; ``None`` if it is not in the catalog."""
    return AlertKind.__members__.get(entry.event.upper())


def _filled(text: str, entry: Entry) -> str:
    """The text with the fields that it names. They are quoted: somebody may paste a command into a shell."""
    return _FIELD.sub(lambda found: quoted(entry.fields[found[1]]) if entry.fields.get(found[1]) else "-", text)
