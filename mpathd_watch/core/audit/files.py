"""What is wrong in the files themselves."""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import line
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.formats.multipath_conf import UNCHECKED_INTERVAL, Code, Origin, Problem, quoted
from mpathd_watch.core.model.text import clean

_OBSOLETE = frozenset({Code.REMOVED_KEYWORD, Code.IGNORED_KEYWORD, Code.DEPRECATED_KEYWORD, Code.DEPRECATED_VALUE})
_REGEX = frozenset({Code.BAD_REGEX, Code.ODD_REGEX, Code.UNSUPPORTED_REGEX})


def findings(host: Host) -> Iterator[Finding]:
    """Problems of multipath.conf, of iscsid.conf and of the node records."""
    configuration = host.configuration
    for problem in configuration.multipath.problems:
        yield Finding(_kind(problem), problem.file, problem.text, f"{problem.file}:{problem.line}")
    yield from _aliases(host)
    yield from _intervals(host)
    records = [node.record for node in configuration.records]
    if configuration.iscsid is not None:
        records.insert(0, configuration.iscsid)
    for record in records:
        for trouble in record.problems:
            where = f"{trouble.file}:{trouble.line}"
            yield Finding(FindingKind.SYNTAX_ERROR, trouble.file, trouble.text, where)
    for file in configuration.unreadable:
        yield Finding(FindingKind.UNREADABLE_FILE, file.path, file.text)


def _intervals(host: Host) -> Iterator[Finding]:
    """multipath-tools 0.11.1 was seen to loop for ever on the longest intervals, and to die of 0 (adjust_int())."""
    general = host.rules.files.resolve(wwid="", vendor=None, product=None)
    for name, interval in (
        ("polling_interval", general.polling_interval),
        ("max_polling_interval", general.max_polling_interval),
    ):
        if interval.value >= UNCHECKED_INTERVAL or interval.value == 0:
            told = f"{name} comes to {interval.value} s, and multipathd hangs on it or dies of it"
            yield Finding(FindingKind.IMPOSSIBLE_INTERVAL, interval.origin.file or name, told, line(interval.origin))


def _kind(problem: Problem) -> FindingKind:
    if problem.fatal:
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
            where = f"{alias.origin.file}:{alias.origin.line}"
            told = (
                f"the alias {quoted(alias.value)} of {clean(wwid)} is also that of {clean(other)}, in "
                f"{earlier.file}:{earlier.line}"
            )
            yield Finding(FindingKind.DUPLICATE_ALIAS, alias.origin.file, told, where)
