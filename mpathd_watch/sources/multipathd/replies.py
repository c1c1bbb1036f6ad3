"""The requests to multipathd, and parsers of its replies. Pure: text in, facts out.

The replies contain text from others: aliases of the administrator, vendor and product of the disk. The parsers raise
only ``BadReply``, and only if the whole reply is useless.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from sys import intern
from typing import Generic, TypeVar

from mpathd_watch.core.formats.multipath_conf import Document, Version, parse_printed
from mpathd_watch.core.model.facts import MapListing, PathListing
from mpathd_watch.core.model.vocabulary import CheckerState, DmState
from mpathd_watch.immutable import immutable
from mpathd_watch.sources.multipathd import mapjson
from mpathd_watch.sources.multipathd.errors import BadReply, quote, refuse_error_text

__all__ = [
    "CONFIGURATION_COMMAND",
    "MAPS_COMMAND",
    "PATHS_COMMAND",
    "BadReply",
    "Parsed",
    "parse_configuration",
    "parse_maps",
    "parse_paths",
]

PATHS_COMMAND = 'show paths raw format "%w|%m|%d|%D|%t|%T|%c|%M|%0"'
"""Answered from multipathd's memory. 0.9.4 knows every wildcard; the column of an unknown one stays empty
(_snprint_path() in libmultipath/print.c). The map's name is the second, so that a ``|`` in an alias does not affect the
other columns."""

MAPS_COMMAND = "show maps json"
"""multipathd first reads the table and status of each map by dm ioctl (multipathd/cli_handlers.c, show_maps_json)."""

CONFIGURATION_COMMAND = "show config local"
"""The effective configuration; of its device table the entries that apply to this host."""

UNKNOWN_VALUE = "unknown_value"
BAD_LINE = "bad_line"
BAD_MAP = "bad_map"
BAD_PATH = "bad_path"

T = TypeVar("T")

_NO_MAP = frozenset({"[orphan]", "[offline]", "[unknown]"})
_DM_WORDS = frozenset({"active", "failed", "undef"})
_CHECKER_WORDS = frozenset(CheckerState) - {CheckerState.UNKNOWN}
_DEV_T = re.compile(r"[0-9]+:[0-9]+|#:#")
_NOTICE = re.compile(r"[0-9]+\.[0-9]+ \| .*")
_COUNT = re.compile(r"[0-9]{1,10}")
_PRIO_UNDEF = -1
_INT_MAX = 2**31 - 1
_OF_A_MAP = frozenset({"name", "uuid", "sysfs", "queueing", "features", "vend", "prod", "path_groups"})
_OF_A_PATH = frozenset({"dev", "dev_t", "dm_st", "chk_st", "checker", "pri", "marginal_st"})
_MEMBERS = frozenset({"maps", "group", "paths"}) | _OF_A_MAP | _OF_A_PATH
"""What is read of the JSON. Of a large host's paths the rest would take more memory than the text."""
_COUNTED_QUEUEING = re.compile(r"[0-9]+ (?:chk|sec)")


@immutable
class Parsed(Generic[T]):
    """The ``items`` in a reply, and a count of each kind of ``problems``.

    Problems are ``unknown_value`` (an unknown word), and ``bad_line``, ``bad_map`` and ``bad_path`` (left out).
    """

    items: tuple[T, ...]
    problems: Mapping[str, int]


def parse_paths(text: str) -> Parsed[PathListing]:
    """Read the paths in a reply to ``PATHS_COMMAND``, in multipathd's order.

    Raises ``BadReply`` for an error message, and for a truncated reply: the missing paths would seem to be removed.
    Before 0.9.4 a path without a checker truncated it (libmultipath/print.c, snprint_path_checker).
    """
    lines = _listing(text).split("\n")
    if lines == [""]:
        return Parsed((), {})
    if lines.pop() or lines[-1] in {"fail", "timeout"}:
        raise BadReply("truncated", f"multipathd's list of paths is truncated after {len(lines)} lines.")
    problems: Counter[str] = Counter()
    paths = tuple(path for line in lines if (path := _path_of_line(line, problems)) is not None)
    if not paths:
        raise BadReply("unintelligible", f"multipathd's list of paths has an unknown format: {quote(lines[0])}.")
    return Parsed(paths, dict(problems))


def parse_configuration(text: str, version: Version) -> Parsed[Document]:
    """Read the one document in a reply to ``CONFIGURATION_COMMAND`` of multipath-tools ``version``.

    Raises ``BadReply`` for an error message, and for a reply without the ``defaults`` section, with which all versions
    begin (snprint_config() in libmultipath/print.c).
    """
    document = parse_printed(_listing(text), CONFIGURATION_COMMAND, version)
    if not any(document.named("defaults")):
        detail = f"multipathd's reply to {CONFIGURATION_COMMAND!r} is not a configuration: {quote(text)}."
        raise BadReply("unintelligible", detail)
    return Parsed((document,), {})


def parse_maps(text: str) -> Parsed[MapListing]:
    """Read the maps in a reply to ``MAPS_COMMAND``, in multipathd's order, each with its paths.

    Raises ``BadReply`` for an error message and for text that is not multipathd's JSON.
    """
    listing = _listing(text)
    if not listing:
        return Parsed((), {})
    try:
        return _maps(mapjson.one_by_one(listing, _MEMBERS))
    except mapjson.IrregularError:
        document = mapjson.load(listing, _MEMBERS)
    entries = document.get("maps") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise BadReply("unintelligible", "multipathd's JSON does not contain a list of maps.")
    return _maps(entries)


def _maps(entries: Iterable[object]) -> Parsed[MapListing]:
    problems: Counter[str] = Counter()
    maps = tuple([found for entry in entries if (found := _map(entry, problems)) is not None])
    return Parsed(maps, dict(problems))


def _listing(text: str) -> str:
    r"""The listing in ``text``, without leading notices; empty for ``ok\n``, the reply for an empty listing."""
    start = 0
    while (end := text.find("\n", start)) >= 0 or start < len(text):
        # 0.15 prints notices about deprecated options first: "221324.290721 | /etc/multipath.conf line 35: ..."
        end = len(text) if end < 0 else end
        if not _NOTICE.fullmatch(text, start, end):
            break
        start = end + 1
    listing = text[start:]
    if not listing:
        raise BadReply("empty", "multipathd sent an empty reply; for an empty list it sends 'ok'.")
    if listing.strip() == "ok":
        return ""
    refuse_error_text(listing)
    return listing


def _path_of_line(line: str, problems: Counter[str]) -> PathListing | None:
    wwid, _, rest = line.partition("|")
    fields = rest.rsplit("|", 7)
    if len(fields) != 8 or not _DEV_T.fullmatch(fields[2]):
        problems[BAD_LINE] += 1
        return None
    map_name, dev, dev_t, dm_word, checker_word, checker, marginal_word, failures = fields
    return PathListing(
        wwid=wwid,
        map_name="" if map_name in _NO_MAP else map_name,
        dev=_unless("-", dev),
        dev_t=_unless("#:#", dev_t),
        dm_state=_dm_state(dm_word, problems),
        checker_state=_checker_state(checker_word, problems),
        checker=intern(_unless("(null)", checker)),
        marginal=_marginal(marginal_word, problems),
        failures=_failures(failures, problems),
    )


def _map(entry: object, problems: Counter[str]) -> MapListing | None:
    if not isinstance(entry, dict):
        problems[BAD_MAP] += 1
        return None
    wwid, name, groups = _text(entry, "uuid"), _text(entry, "name"), entry.get("path_groups")
    if not wwid or not name or not isinstance(groups, list):
        problems[BAD_MAP] += 1
        return None
    queueing = intern(_text(entry, "queueing"))
    return MapListing(
        wwid=wwid,
        name=name,
        sysfs_name=_unless("undef", _text(entry, "sysfs")),
        queueing=queueing,
        queues=_queues(queueing, entry.get("features"), problems),
        vendor=intern(_unless("##", _text(entry, "vend"))),
        product=intern(_unless("##", _text(entry, "prod"))),
        paths=tuple(path for group in groups for path in _paths_of_group(group, wwid, name, problems)),
    )


def _paths_of_group(group: object, wwid: str, map_name: str, problems: Counter[str]) -> list[PathListing]:
    entries = group.get("paths") if isinstance(group, dict) else None
    if not isinstance(group, dict) or not isinstance(entries, list):
        problems[BAD_PATH] += 1
        return []
    number = _number(group.get("group"), 1, problems)
    paths = []
    for entry in entries:
        dev = _text(entry, "dev") if isinstance(entry, dict) else ""
        dev_t = _text(entry, "dev_t") if isinstance(entry, dict) else ""
        if not dev or not _DEV_T.fullmatch(dev_t):
            problems[BAD_PATH] += 1
            continue
        paths.append(
            PathListing(
                wwid=wwid,
                map_name=map_name,
                dev=_unless("-", dev),
                dev_t=_unless("#:#", dev_t),
                dm_state=_dm_state(_text(entry, "dm_st"), problems),
                checker_state=_checker_state(_text(entry, "chk_st"), problems),
                checker=intern(_unless("(null)", _text(entry, "checker"))),
                marginal=_marginal(entry.get("marginal_st", ""), problems),
                group=number,
                priority=_priority(entry.get("pri"), problems),
            )
        )
    return paths


def _queues(word: str, features: object, problems: Counter[str]) -> bool | None:
    """Whether I/O waits if no path is left (snprint_queueing in libmultipath/print.c; ``-``: the kernel decides)."""
    if word == "on" or _COUNTED_QUEUEING.fullmatch(word):
        return True
    if word == "off":
        return False
    if word == "-":
        return "queue_if_no_path" in features.split() if isinstance(features, str) else None
    if word:
        problems[UNKNOWN_VALUE] += 1
    return None


def _dm_state(word: str, problems: Counter[str]) -> DmState:
    if word not in _DM_WORDS:
        problems[UNKNOWN_VALUE] += 1
    return DmState.parse(word)


def _checker_state(word: str, problems: Counter[str]) -> CheckerState:
    if word not in _CHECKER_WORDS:
        problems[UNKNOWN_VALUE] += 1
    return CheckerState.parse(word)


def _marginal(word: object, problems: Counter[str]) -> bool | None:
    """The word of snprint_path_marginal() in libmultipath/print.c; ``None`` if this version does not print it."""
    if word in ("normal", "marginal"):
        return word == "marginal"
    if word != "":
        problems[UNKNOWN_VALUE] += 1
    return None


def _failures(digits: str, problems: Counter[str]) -> int | None:
    """How often dm failed the path since the table was loaded (fail_count in drivers/md/dm-mpath.c).

    From the status that multipathd read last, as an int (disassemble_status() in libmultipath/dmparser.c).
    """
    if _COUNT.fullmatch(digits):
        return int(digits)
    if digits:
        problems[UNKNOWN_VALUE] += 1
    return None


def _priority(value: object, problems: Counter[str]) -> int | None:
    """A path's priority; ``None`` as well while its prioritizer has not given it one (libmultipath/prio.h)."""
    return None if value == _PRIO_UNDEF else _number(value, 0, problems)


def _number(value: object, least: int, problems: Counter[str]) -> int | None:
    """A number that is an int in multipathd and at least ``least``; ``None`` if there is none."""
    if type(value) is int and least <= value <= _INT_MAX:
        return value
    if value is not None:
        problems[UNKNOWN_VALUE] += 1
    return None


def _text(entry: Mapping[str, object], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _unless(absent: str, text: str) -> str:
    return "" if text == absent else text
