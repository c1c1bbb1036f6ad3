"""What a reader of the page has asked for in its address: one map, the problems, or what has a text in its name."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, quote

from mpathd_watch.core.model.text import clean
from mpathd_watch.immutable import immutable
from mpathd_watch.sinks.status.choice import Choice
from mpathd_watch.sinks.status.document import MapEntry

LONGEST: Final = 200
"""Characters of a text that count; names are shorter."""


@immutable
class Wanted:
    """``map`` is a name or WWID, ``text`` a part of any name. With ``search`` the page is a form to search with."""

    map: str = ""
    text: str = ""
    problems: bool = False
    search: bool = False

    def takes(self, entry: MapEntry) -> bool:
        """Whether the map is wanted."""
        return Choice(self.map, self.problems).takes(entry) and self._has_text(entry)

    def _has_text(self, entry: MapEntry) -> bool:
        if not self.text:
            return True
        names = [entry["map"], entry["wwid"], entry["sysfs_name"], entry["vendor"], entry["product"]]
        for path in entry["paths"]:
            names += [path["path"], path["dev"], path["target"]]
        wanted_text = self.text.casefold()
        return any(wanted_text in name.casefold() for name in names if name)


def wanted(query: str) -> Wanted:
    """The part of the address behind the question mark. What is not known in it counts for nothing."""
    found = parse_qs(query[: 8 * LONGEST], keep_blank_values=True, max_num_fields=None)

    def text(name: str) -> str:
        return clean(found.get(name, [""])[0])[:LONGEST]

    return Wanted(text("map"), text("text"), "problems" in found, "search" in found)


def address_of_map(name: str) -> str:
    """The address of the page about one map. It needs no escape in HTML."""
    return f"/?map={quote(name, safe='')}"
