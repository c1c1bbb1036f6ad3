"""A finding that the administrator has declared to be meant, and how the configuration file spells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from mpathd_watch.core.model.declaration import Kind
from mpathd_watch.immutable import immutable

ANY = "*"
"""At the end of ``object``: any text."""


@immutable
class Acknowledgement:
    """The findings of the code ``finding`` about ``object``, which may end in ``*``, are meant, for this ``reason``."""

    finding: str
    reason: str
    object: str = ANY

    def fits(self, code: str, subject: str) -> bool:
        """Whether a finding of this code about this object is meant."""
        if code != self.finding:
            return False
        return subject.startswith(self.object[:-1]) if self.object.endswith(ANY) else subject == self.object


_KEYS = tuple(sorted(each.name for each in fields(Acknowledgement)))


def _fault(value: object) -> str:
    """What is wrong with the value of ``acknowledge``, a clause; empty if nothing is."""
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        return "it must be tables, each of them headed [[acknowledge]]"
    for number, entry in enumerate(value, 1):
        for key in sorted(entry.keys() - set(_KEYS)):
            return f"table {number} has the unknown key {key!r:.40} (known: {', '.join(_KEYS)})"
        for key in _KEYS:
            text = entry.get(key, ANY if key == "object" else None)
            if text is None:
                return f"table {number} has no {key}"
            if not isinstance(text, str) or not text.isprintable() or not text.strip():
                return f"{key} of table {number} must be a text that is not empty"
    return ""


def _read(value: object) -> tuple[Acknowledgement, ...] | None:
    if _fault(value) or not isinstance(value, list):
        return None
    return tuple(Acknowledgement(**entry) for entry in value)


ACKNOWLEDGEMENTS = Kind("tables with finding, object and reason", _read, _fault)
