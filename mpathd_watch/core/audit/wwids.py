"""WWIDs in files: those that multipath.conf spells in another way than multipathd, and maps that nothing remembers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import ASSUMED, line, remark
from mpathd_watch.core.audit.not_loaded import comparable
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.formats.multipath_conf import Origin, Setting, expression_of, matches, quoted
from mpathd_watch.core.model.text import listed, plural
from mpathd_watch.core.model.vocabulary import Layer
from mpathd_watch.core.state import MapState
from mpathd_watch.immutable import immutable

WWIDS = "/etc/multipath/wwids"

_PREFIXES = re.compile(r"(dm-uuid-mpath-|mpath-|scsi-|wwn-)?(0x|naa\.)?")
_PLAIN = re.compile(r"[0-9a-z._:-]{8,}")
_NO_FILE_BEFORE = (0, 9, 7)

_OUTCOMES = {
    "multipaths": "its settings apply to no map",
    "blacklist": "it hides no disk",
    "blacklist_exceptions": "it excepts no disk",
}


def findings(host: Host) -> Iterator[Finding]:
    """Misspelt WWIDs, those of a section together; then the maps that are not remembered."""
    yield from _misspelt(host)
    yield from _not_remembered(host)


# --- misspelt ---


@immutable
class _Misspelt:
    setting: Setting
    known: str
    name: str


def _misspelt(host: Host) -> Iterator[Finding]:
    """Entries that match nothing on this host as they are, and one map or disk if they are spelled as multipathd does.

    Nothing is reported about the others: the LUN of an entry may just not be there.
    """
    known = {disk.wwid: f"disk {disk.name}" for disk in host.state.unmapped.values() if disk.wwid}
    known |= {wwid: f"map {map_.label}" for wwid, map_ in host.state.maps.items() if map_.layer is Layer.DM_MULTIPATH}
    spellings: dict[str, set[str]] = {}
    for wwid in known:
        spellings.setdefault(wwid.lower(), set()).add(wwid)
    for section, settings in _written(host).items():
        fits = _equal if section == "multipaths" else _found
        right = known.keys() & {setting.value for setting in settings}
        found = []
        for setting in settings:
            meant = _meant(setting.value, spellings) - right
            if len(meant) == 1 and not any(fits(setting.value, wwid) for wwid in known):
                (wwid,) = meant
                found.append(_Misspelt(setting, wwid, known[wwid]))
        if found:
            yield _finding(section, found)


def _written(host: Host) -> dict[str, list[Setting]]:
    """The WWIDs of each section."""
    result: dict[str, list[Setting]] = {name: [] for name in _OUTCOMES}
    for section in host.configuration.multipath.sections:
        for part in (section, *section.children) if section.name in result else ():
            result[section.name] += [setting for setting in part.settings if setting.keyword == "wwid"]
    return result


def _equal(written: str, wwid: str) -> bool:
    return written == wwid


def _found(written: str, wwid: str) -> bool:
    """An entry of a blacklist is an expression; one that is refused, or can't be matched, is not judged here."""
    return matches(written, wwid) is not False


def _meant(written: str, spellings: dict[str, set[str]]) -> set[str]:
    """The known WWIDs that are the same but for capitals, blanks, quotes, a prefix, or the 3 before an NAA name."""
    inverted, expression = expression_of(written)
    plain = "".join(expression.split()).strip("\"'^$/").lower()
    bare = _PREFIXES.sub("", plain, count=1)
    if inverted or not _PLAIN.fullmatch(plain):
        return set()
    return {wwid for text in (plain, bare, f"3{bare}", f"eui.{bare}") for wwid in spellings.get(text, ())}


def _finding(section: str, found: list[_Misspelt]) -> Finding:
    first = found[0].setting
    text = f"{section} has the wwid {quoted(first.value)}, but the {found[0].name} has {found[0].known}"
    text += f": {_OUTCOMES[section]}"
    if len(found) > 1:
        text += f"; and so it is with {plural(len(found) - 1, 'more line')}"
    names = [each.name.partition(" ")[2] for each in found]
    return Finding(FindingKind.MISSPELT_WWID, listed(names), text, line(Origin(section, first.file, first.line)))


# --- not remembered ---


def _not_remembered(host: Host) -> Iterator[Finding]:
    """Maps whose WWID is not in the file, with what find_multipaths makes of that (should_multipath(), wwids.c).

    multipathd writes the WWID of each map that it makes or finds, so such a map is rare: the file was not writable, was
    emptied, or is another one. Nothing is reported if the file could not be read, or if another one may be configured,
    or if there is none and multipath-tools is not installed here: multipathd may run in a container with its own /etc.
    """
    wwids, chosen = host.configuration.wwids, host.rules.general.find_multipaths
    outcome = {
        "strict": "after a reboot there may be no map",
        "on": "after a reboot a disk may be in use before its second path makes it a map",
        "off": "after a reboot a disk may be in use before multipathd makes it a map",
    }.get(chosen.value)
    if wwids is None or outcome is None or chosen.origin == ASSUMED or _elsewhere(host) or not comparable(host):
        return
    if not wwids and host.configuration.version is None:
        return
    missing = [map_.label for map_ in _certain(host) if map_.paths and map_.wwid not in wwids]
    if missing:
        text = f"not in {WWIDS}, and find_multipaths is {chosen.value}{remark(chosen.origin)}: {outcome}"
        yield Finding(FindingKind.WWID_NOT_REMEMBERED, listed(missing), text, line(chosen.origin))


def _certain(host: Host) -> Iterator[MapState]:
    """The maps that were there when the file was read. The unprivileged daemon has it as it was at its last reload."""
    read_at = host.configuration.wwids_read_at
    maps = (map_ for map_ in host.maps if map_.layer is Layer.DM_MULTIPATH)
    return maps if read_at is None else (map_ for map_ in maps if map_.since.wall <= read_at)


def _elsewhere(host: Host) -> bool:
    """Whether multipath-tools may use another file: wwids_file counts before 0.9.7."""
    version = host.configuration.version
    if version is not None and version >= _NO_FILE_BEFORE:
        return False
    defaults = host.configuration.multipath.named("defaults")
    return any(setting.keyword == "wwids_file" for section in defaults for setting in section.settings)
