"""The paths of node records (usr/idbm.c, idbm_open_rec_w() and idbm_for_each_portal(), open-iscsi 2.1.8 to 2.1.13)."""

from __future__ import annotations

from mpathd_watch.core.model.identity import DEFAULT_IFACE
from mpathd_watch.immutable import immutable


@immutable
class Place:
    """What the path of a record contains: ``tpgt`` is ``None`` if it is not there, ``address`` is spelled as there."""

    target: str
    address: str
    port: int
    tpgt: int | None
    iface: str


def record_path(path: str) -> Place | None:
    """Read the path of a node record; ``None`` if it is not one. Never raises.

    The path is ``<db>/nodes/<target>/<address>,<port>,<tpgt>/<iface>``. Old versions have the file
    ``<db>/nodes/<target>/<address>,<port>`` for the default iface. An IPv6 address has no brackets; if there are any,
    they are removed. The tag -1 means that it was not known.
    """
    parts = path.split("/")
    nodes = next((at for at in range(len(parts) - 1, -1, -1) if parts[at] == "nodes"), None)
    if nodes is None:
        return None
    match parts[nodes + 1 :]:
        case [target, portal, iface]:
            pass
        case [target, portal]:
            iface = ""
        case _:
            return None
    match portal.split(","):
        case [address, port, tag] if iface:
            pass
        case [address, port]:
            tag = "-1"
        case _:
            return None
    number, group = _number(port), -1 if tag == "-1" else _number(tag)
    host = address.removeprefix("[").removesuffix("]")
    if not target or not host or number is None or group is None or number > 65535:
        return None
    return Place(target, host, number, None if group < 0 else group, iface or DEFAULT_IFACE)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None
