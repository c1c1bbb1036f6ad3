"""Faults of the configuration files themselves."""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import line
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.formats.multipath_conf import (
    DIVIDES,
    UNCHECKED_INTERVAL,
    Code,
    Origin,
    Problem,
    quoted,
    spelled,
)
from mpathd_watch.core.model.text import clean

_OBSOLETE = frozenset({Code.REMOVED_KEYWORD, Code.IGNORED_KEYWORD, Code.DEPRECATED_KEYWORD, Code.DEPRECATED_VALUE})
_REGEX = frozenset({Code.BAD_REGEX, Code.ODD_REGEX, Code.UNSUPPORTED_REGEX})


def findings(host: Host) -> Iterator[Finding]:
    """Problems of multipath.conf, iscsid.conf and the node records, and files that cannot be read."""
    configuration = host.configuration
    for problem in configuration.multipath.problems:
        outcome = ", so multipathd rejects the configuration" if problem.fatal else ""
        yield Finding(_kind(problem), problem.file, f"{problem.text}{outcome}", f"{problem.file}:{problem.line}")
    yield from _aliases(host)
    yield from _intervals(host)
    records = [node.record for node in configuration.records]
    if configuration.iscsid is not None:
        records.insert(0, configuration.iscsid)
    for record in records:
        for fault in record.problems:
            yield Finding(FindingKind.SYNTAX_ERROR, fault.file, fault.text, f"{fault.file}:{fault.line}")
    for file in configuration.unreadable:
        yield Finding(FindingKind.UNREADABLE_FILE, file.path, file.text)


def _intervals(host: Host) -> Iterator[Finding]:
    """Intervals of 0 and the longest ones, often those of a number that multipathd can't read (see ``DIVIDES``)."""
    general = host.rules.files.resolve(wwid="", vendor=None, product=None)
    version = host.configuration.version
    for name, interval in (
        ("polling_interval", general.polling_interval),
        ("max_polling_interval", general.max_polling_interval),
    ):
        if interval.value == 0:
            outcome, newer = "crashes", "crash"
        elif interval.value >= UNCHECKED_INTERVAL:
            outcome, newer = "hangs", "hang"
        else:
            continue
        text = f"{name} is taken for {interval.value} s: multipathd {outcome}"
        if version is None:
            text = f"{name} is taken for {interval.value} s: multipathd {spelled(DIVIDES)} and later {newer}"
        elif version < DIVIDES:
            if interval.value == 0 or name != "polling_interval":
                continue
            text = f"{name} is taken for {interval.value} s: multipathd checks each path once, and then not again"
        yield Finding(FindingKind.IMPOSSIBLE_INTERVAL, interval.origin.file or name, text, line(interval.origin))


def _kind(problem: Problem) -> FindingKind:
    if problem.fatal or problem.code is Code.CRASH:
        return FindingKind.REFUSED_CONFIGURATION
    if problem.code in _OBSOLETE:
        return FindingKind.OBSOLETE_KEYWORD
    if problem.code is Code.TOO_NEW_KEYWORD:
        return FindingKind.TOO_NEW_KEYWORD
    if problem.code in _REGEX:
        return FindingKind.ODD_REGEX
    if problem.code is Code.DUPLICATE_SECTION and problem.keyword == "multipath":
        return FindingKind.DUPLICATE_WWID
    return FindingKind.SYNTAX_ERROR


def _aliases(host: Host) -> Iterator[Finding]:
    first: dict[str, tuple[str, Origin]] = {}
    for wwid, alias in host.rules.files.aliases():
        other, earlier = first.setdefault(alias.value, (wwid, alias.origin))
        if earlier != alias.origin:
            text = f"{clean(wwid)} and {clean(other)} ({line(earlier)}) both have the alias {quoted(alias.value)}"
            yield Finding(FindingKind.DUPLICATE_ALIAS, alias.origin.file, text, line(alias.origin))
