"""The sections of a configuration, with the values that multipath-tools keeps of each.

Within a section a later valid setting replaces an earlier one; a value that multipath-tools rejects changes nothing.
Which section takes precedence over which is in ``resolution``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from mpathd_watch.core.formats.multipath_conf import ere, hardware
from mpathd_watch.core.formats.multipath_conf.keywords import lookup
from mpathd_watch.core.formats.multipath_conf.model import Document, Section, Setting, Value, Version
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.immutable import immutable

UNCHECKED_INTERVAL = 2**32 - 2
"""Seconds that an unreadable polling_interval ends up as, if none was read before (checkint_handler() in dict.c)."""


@immutable
class Origin:
    """Where a value comes from.

    ``section`` is ``multipaths``, ``overrides/protocol``, ``overrides``, ``devices``, ``hardware`` (the table of
    multipath-tools), ``defaults`` or ``built-in``. ``line`` is 0 and ``file`` empty where no file is behind it.
    """

    section: str
    file: str = ""
    line: int = 0


@immutable
class Chosen:
    """A value that was understood, with its origin."""

    value: Value
    origin: Origin


@dataclass(slots=True)
class SectionValues:
    """What one section sets, by keyword, including the texts that select it (vendor, wwid, type)."""

    values: dict[str, Chosen] = field(default_factory=dict)

    def text(self, keyword: str) -> str | None:
        """The keyword's text, ``None`` if it is not set."""
        chosen = self.values.get(keyword)
        return None if chosen is None else str(chosen.value)

    def read(self, settings: Iterable[Setting], place: str, section: str, version: Version) -> None:
        """Take over the settings of the section at ``place``; ``section`` is what their origin names."""
        for setting in settings:
            keyword = lookup(place, setting.keyword)
            if keyword is None:
                continue
            reading = keyword.read(setting.value, version)
            origin = Origin(section, setting.file, setting.line)
            if reading.accepted and reading.value is not None:
                self.values[keyword.name] = Chosen(reading.value, origin)
            elif reading.accepted:
                self.values.pop(keyword.name, None)
            elif keyword.name == "polling_interval":
                self.values.setdefault(keyword.name, Chosen(UNCHECKED_INTERVAL, origin))

    def merged(self, earlier: SectionValues, *, reconciled: bool) -> SectionValues:
        """With what an earlier section of the same name sets and this one does not.

        That is merge_hwe(), merge_mpe() and merge_pce(). An empty word is not taken over. ``reconciled``: the old
        feature queue_if_no_path becomes ``no_path_retry queue`` (reconcile_features_with_options()).
        """
        taken = {keyword: chosen for keyword, chosen in earlier.values.items() if chosen.value != ""}
        values = {**taken, **self.values}
        features = values.get("features")
        if reconciled and features is not None and "queue_if_no_path" in str(features.value):
            values.setdefault("no_path_retry", Chosen("queue", features.origin))
        return SectionValues(values)


@immutable
class Sections:
    """All sections of a configuration, as they stand when all files have been read; ``multipaths`` by WWID."""

    defaults: SectionValues
    overrides: SectionValues
    protocols: tuple[SectionValues, ...]
    devices: tuple[SectionValues, ...]
    multipaths: Mapping[str, SectionValues]

    def of_protocol(self, protocol: str) -> SectionValues | None:
        """The protocol subsection for ``protocol``, as ``scsi:iscsi``: the name must be the same."""
        return next((entry for entry in self.protocols if entry.text("type") == protocol), None)

    def of_device(self, vendor: str | None, product: str | None) -> Iterator[SectionValues]:
        """The device subsections for a device, the one with the highest precedence first (find_hwe()).

        ``None`` means that the text is not known; every expression matches it. The revision is never known, because no
        source reads it.
        """
        if vendor is None and product is None:
            return
        for entry in reversed(self.devices):
            pairs = (("vendor", vendor), ("product", product), ("revision", None))
            if all(_matches(entry.text(keyword), text) for keyword, text in pairs):
                yield entry

    def of_wwid(self, wwid: str) -> SectionValues | None:
        """The multipath subsection of a map."""
        return self.multipaths.get(wwid) if wwid else None


def _matches(expression: str | None, text: str | None) -> bool:
    if expression is None:
        return True
    try:
        regex = ere.compiled(expression)
    except (ere.InvalidError, ere.UnsupportedError):
        return False
    return text is None or regex.search(text)


def sections(document: Document, version: Version, table: Document | None = None) -> Sections:
    """The sections of ``document``, above the devices of ``table`` (of our own hardware table if it is ``None``)."""
    defaults, overrides = SectionValues(), SectionValues()
    protocols: list[SectionValues] = []
    devices = list(_own_table(version) if table is None else _device_sections(table, "hardware", version))
    multipaths: list[SectionValues] = []
    for section in document.sections:
        if section.name == "defaults":
            defaults.read(section.settings, "defaults", "defaults", version)
        elif section.name == "overrides":
            overrides.read(section.settings, "overrides", "overrides", version)
            protocols.extend(_children(section, "overrides/protocol", "overrides/protocol", version))
        elif section.name == "multipaths":
            multipaths.extend(_children(section, "multipaths/multipath", "multipaths", version))
    devices.extend(_device_sections(document, "devices", version))
    return Sections(
        defaults,
        overrides,
        tuple(_merged(protocols, ("type",))),
        tuple(_merged(devices, ("vendor", "product", "revision"))),
        frozen({entry.text("wwid") or "": entry for entry in _merged(multipaths, ("wwid",))}),
    )


@lru_cache(maxsize=1)
def _own_table(version: Version) -> tuple[SectionValues, ...]:
    return tuple(_section(section, "devices/device", "hardware", version) for section in hardware.table(version))


def _device_sections(document: Document, origin: str, version: Version) -> list[SectionValues]:
    found = (_children(section, "devices/device", origin, version) for section in document.named("devices"))
    complete = (entry for group in found for entry in group)
    return [entry for entry in complete if entry.text("vendor") is not None and entry.text("product") is not None]


def _children(section: Section, place: str, origin: str, version: Version) -> Iterator[SectionValues]:
    return (_section(child, place, origin, version) for child in section.children)


def _section(section: Section, place: str, origin: str, version: Version) -> SectionValues:
    entry = SectionValues()
    entry.read(section.settings, place, origin, version)
    return entry


def _merged(found: list[SectionValues], keywords: tuple[str, ...]) -> list[SectionValues]:
    """Sections of the same name as one, in the place of the last of them; sections without a name are dropped."""
    result: dict[tuple[str | None, ...], SectionValues] = {}
    for entry in found:
        key = tuple(entry.text(keyword) for keyword in keywords)
        if key[0] is None:
            continue
        earlier = result.pop(key, None)
        result[key] = entry if earlier is None else entry.merged(earlier, reconciled="vendor" in keywords)
    return list(result.values())
