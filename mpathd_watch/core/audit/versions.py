"""Installed versions with a bug that may hit this host.

Distributions correct bugs without a new upstream version. So only bugs are listed that no package of Debian has had
corrected under the same version.
"""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.formats.multipath_conf import Version, spelled
from mpathd_watch.core.model.vocabulary import Layer
from mpathd_watch.immutable import immutable


@immutable
class _Bug:
    """A bug of multipath-tools from version ``since`` on, corrected in ``fixed``; ``text`` says what it breaks."""

    since: Version
    fixed: Version
    text: str


_BUGS = (
    # NEWS.md of 0.14.3, commit 01cc89c: paths that udev is not done with yet are dropped from the map at the start.
    # Debian went from 0.13.0 to 0.14.3.
    _Bug((0, 14, 1), (0, 14, 3), "a host whose root file system is on a map may not boot"),
)


def findings(host: Host) -> Iterator[Finding]:
    """The bugs of the installed version, on a host with maps."""
    version = host.configuration.version
    if version is None or all(map_.layer is not Layer.DM_MULTIPATH for map_ in host.maps):
        return
    for bug in _BUGS:
        if bug.since <= version < bug.fixed:
            text = f"{spelled(version)} is installed: {bug.text}; corrected in {spelled(bug.fixed)}"
            yield Finding(FindingKind.KNOWN_BAD_VERSION, "multipath-tools", text)
