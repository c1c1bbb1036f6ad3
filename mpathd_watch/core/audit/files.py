"""What is wrong in the files themselves."""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.configuration import Configuration
from mpathd_watch.core.findings import Finding, FindingKind
from mpathd_watch.core.multipathconf import Code

_OBSOLETE = frozenset({Code.REMOVED_KEYWORD, Code.IGNORED_KEYWORD, Code.DEPRECATED_KEYWORD, Code.DEPRECATED_VALUE})
_REGEX = frozenset({Code.BAD_REGEX, Code.ODD_REGEX, Code.UNSUPPORTED_REGEX})


def findings(configuration: Configuration) -> Iterator[Finding]:
    """Problems of multipath.conf, of iscsid.conf and of the node records."""
    for problem in configuration.multipath.problems:
        if problem.fatal:
            kind = FindingKind.REFUSED_CONFIGURATION
        elif problem.code in _OBSOLETE:
            kind = FindingKind.OBSOLETE_KEYWORD
        elif problem.code in _REGEX:
            kind = FindingKind.ODD_REGEX
        else:
            kind = FindingKind.SYNTAX_ERROR
        yield Finding(kind, problem.file, problem.text, f"{problem.file}:{problem.line}")
    records = [node.record for node in configuration.records]
    if configuration.iscsid is not None:
        records.insert(0, configuration.iscsid)
    for record in records:
        for trouble in record.problems:
            where = f"{trouble.file}:{trouble.line}"
            yield Finding(FindingKind.SYNTAX_ERROR, trouble.file, trouble.text, where)
    for file in configuration.unreadable:
        yield Finding(FindingKind.UNREADABLE_FILE, file.path, file.text)
