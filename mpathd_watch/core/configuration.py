"""What an administrator has configured, as far as it can be read. The audit compares it with what is in force."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from mpathd_watch.core.formats.multipath_conf import NEWEST, Document, Version
from mpathd_watch.core.formats.open_iscsi import Place, Record
from mpathd_watch.core.model.system import System
from mpathd_watch.immutable import immutable


class Reason(StrEnum):
    """Why a file or directory could not be read, or not completely."""

    NO_PERMISSION = "no_permission"
    NOT_REGULAR = "not_regular"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    NOT_UTF8 = "not_utf8"
    FAILED = "failed"

    @property
    def counts(self) -> bool:
        """Whether the content of the file counts nevertheless."""
        return self is Reason.NOT_UTF8


@immutable
class Unreadable:
    """A file or directory with the reason as a word and as a sentence. It never quotes the file."""

    path: str
    reason: Reason
    text: str


@immutable
class NodeRecord:
    """A node record, and what its path shows."""

    place: Place
    record: Record


@immutable
class Configuration:
    """The files that configure multipathd and iscsid, and ``system``, what other files of the host say.

    What is in ``unreadable`` may configure more.
    """

    multipath: Document = field(default_factory=Document)
    """multipath.conf and conf.d, merged; empty if there is neither."""

    iscsid: Record | None = None
    """iscsid.conf; ``None`` if there is none."""

    records: tuple[NodeRecord, ...] = ()
    """The node records, each place once."""

    unreadable: tuple[Unreadable, ...] = ()

    version: Version | None = None
    """The version of multipath-tools that is installed; ``None`` if it is not known."""

    wwids: frozenset[str] | None = None
    """The WWIDs in /etc/multipath/wwids, none if only the file is missing; ``None`` if it could not be read."""

    iscsid_running: bool | None = None
    """Whether an iscsid runs; ``None`` if it is not known."""

    wwids_read_at: float | None = 0.0
    """When ``wwids`` was read, in seconds since 1970; ``None`` if it is read again whenever it changes."""

    system: System = field(default=System())

    @property
    def grammar(self) -> Version:
        """The version whose grammar applies to ``multipath``: the installed one, the newest if it is not known."""
        return self.version or NEWEST
