"""What the array reports of the path to a disk (ALUA), from the kernel's copies. None of these reads causes I/O.

The attributes are those of drivers/scsi/scsi_sysfs.c. The kernel fills ``inquiry`` and ``vpd_pg83`` when it scans the
disk. Its device handler keeps ``access_state`` and ``preferred_path``; without one they give EINVAL. Before 5.17 a disk
to which a handler was attached later does not have them.
"""

from __future__ import annotations

import errno

from mpathd_watch.core.formats import inquiry
from mpathd_watch.core.model.facts import AccessFacts
from mpathd_watch.core.model.vocabulary import AccessState
from mpathd_watch.sources.reading.attributes import Attribute, Attributes, Below, GoneError, Open

NOTHING_KNOWN = AccessFacts()

_DETACHED = "detached"
_FLAG = {"0": False, "1": True}


def of_disk(attributes: Attributes, device: Below, before: AccessFacts = NOTHING_KNOWN) -> AccessFacts:
    """The access to a SCSI disk; ``device`` is the directory ``device`` of it.

    ``before``: what was read of the same disk. What only a scan by the kernel changes is taken over from it, and not
    read again if it is complete.
    """
    described = before if _is_complete(before) else _description(attributes, device)
    handler = attributes.optional(device / "dh_state")
    if handler in ("", _DETACHED):
        return AccessFacts(described.grouped, group=described.group)
    return AccessFacts(
        grouped=described.grouped,
        handler=handler,
        state=_state(attributes, device),
        preferred=attributes.parsed(_OfHandler(device / "preferred_path"), _flag),
        group=described.group,
    )


class _OfHandler:
    """An attribute that gives EINVAL without a handler, which may go at any time: then it is as if it were empty."""

    def __init__(self, attribute: Attribute) -> None:
        self._attribute = attribute

    def __str__(self) -> str:
        return str(self._attribute)

    def content(self) -> bytes:
        """As of ``Attribute``."""
        try:
            return self._attribute.content()
        except OSError as error:
            if error.errno == errno.EINVAL:
                return b""
            raise


def _is_complete(described: AccessFacts) -> bool:
    """Whether both copies were there. Without port groups there is no number to look for."""
    return described.grouped is False or None not in (described.grouped, described.group)


def _description(attributes: Attributes, device: Below) -> AccessFacts:
    return AccessFacts(
        grouped=inquiry.has_port_groups(_copy(attributes, device / "inquiry")),
        group=inquiry.port_group(_copy(attributes, device / "vpd_pg83")),
    )


def _copy(attributes: Attributes, attribute: Open) -> bytes:
    try:
        return attributes.content(attribute)
    except GoneError:
        return b""


def _state(attributes: Attributes, device: Below) -> AccessState | None:
    text = attributes.optional(_OfHandler(device / "access_state"))
    return attributes.term(text, AccessState) if text else None


def _flag(text: str) -> bool:
    """Raises ``ValueError``."""
    if text not in _FLAG:
        raise ValueError(text)
    return _FLAG[text]
