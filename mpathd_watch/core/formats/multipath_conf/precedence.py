"""The structures that multipath-tools fills from a configuration, one for each section that settings come from.

Later valid settings replace earlier ones; a value that multipath-tools rejects changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mpathd_watch.core.formats.multipath_conf import ere, hardware
from mpathd_watch.core.formats.multipath_conf.keywords import lookup
from mpathd_watch.core.formats.multipath_conf.model import Document, Section, Setting, Value, Version

UNCHECKED_INTERVAL = 2**32 - 2
"""Seconds that an unreadable polling_interval ends up as, if none was read before (checkint_handler() in dict.c)."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from.

    ``section`` is ``multipaths``, ``overrides/protocol``, ``overrides``, ``devices``, ``hardware`` (the table of
    multipath-tools), ``defaults`` or ``built-in``. ``line`` is 0 and ``file`` empty where no file is behind it.
    """

    section: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Chosen:
    """A value that was understood, with its origin."""

    value: Value
    origin: Origin


@dataclass(slots=True)
class Layer:
    """One structure: what its section set, by keyword, and the texts that select it (vendor, wwid, type)."""

    values: dict[str, Chosen] = field(default_factory=dict)

    def text(self, keyword: str) -> str | None:
        """The keyword's text, ``None`` if it is not set."""
        chosen = self.values.get(keyword)
        return None if chosen is None else str(chosen.value)

    def read(self, settings: Iterable[Setting], place: str, section: str, version: Version) -> None:
        """Take over settings of the section at ``place``, as ones of the origin ``section``."""
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

    def merge(self, earlier: Layer) -> None:
        """Fill what this layer leaves open from one of the same name (merge_hwe(), merge_mpe(), merge_pce())."""
        for keyword, chosen in earlier.values.items():
            if chosen.value != "":
                self.values.setdefault(keyword, chosen)

    def reconcile(self) -> None:
        """Turn the old feature queue_if_no_path into ``no_path_retry queue`` (reconcile_features_with_options())."""
        features = self.values.get("features")
        if features is not None and "queue_if_no_path" in str(features.value):
            self.values.setdefault("no_path_retry", Chosen("queue", features.origin))


@dataclass(frozen=True, slots=True)
class Layers:
    """A whole configuration, as it stands when all files are read."""

    defaults: Layer
    overrides: Layer
    protocols: tuple[Layer, ...]
    devices: tuple[Layer, ...]
    multipaths: tuple[Layer, ...]

    def of_protocol(self, protocol: str) -> Layer | None:
        """The protocol subsection for ``protocol``, as ``scsi:iscsi``: the name must be the same."""
        return next((layer for layer in self.protocols if layer.text("type") == protocol), None)

    def of_device(self, vendor: str | None, product: str | None) -> Iterator[Layer]:
        """The device entries for a device, the one that goes first first (find_hwe()).

        Each text may be ``None`` for "not known", which every expression matches. The revision never is: no source
        reads it.
        """
        if vendor is None and product is None:
            return
        for layer in reversed(self.devices):
            pairs = (("vendor", vendor), ("product", product), ("revision", None))
            if all(_matches(layer.text(keyword), text) for keyword, text in pairs):
                yield layer

    def of_wwid(self, wwid: str) -> Layer | None:
        """The multipath subsection of a map."""
        return next((layer for layer in self.multipaths if wwid and layer.text("wwid") == wwid), None)


def _matches(expression: str | None, text: str | None) -> bool:
    if expression is None:
        return True
    try:
        regex = ere.compiled(expression)
    except (ere.InvalidError, ere.UnsupportedError):
        return False
    return text is None or regex.search(text)


def layers(document: Document, version: Version, table: Document | None = None) -> Layers:
    """Build the structures for ``document`` above the hardware ``table`` (else above the built-in extract)."""
    defaults, overrides = Layer(), Layer()
    protocols: list[Layer] = []
    devices = _own_table(version) if table is None else _device_layers(table, "hardware", version)
    multipaths: list[Layer] = []
    for section in document.sections:
        if section.name == "defaults":
            defaults.read(section.settings, "defaults", "defaults", version)
        elif section.name == "overrides":
            overrides.read(section.settings, "overrides", "overrides", version)
            protocols.extend(_children(section, "overrides/protocol", "overrides/protocol", version))
        elif section.name == "multipaths":
            multipaths.extend(_children(section, "multipaths/multipath", "multipaths", version))
    devices.extend(_device_layers(document, "devices", version))
    return Layers(
        defaults,
        overrides,
        tuple(_merged(protocols, ("type",))),
        tuple(_merged(devices, ("vendor", "product", "revision"))),
        tuple(_merged(multipaths, ("wwid",))),
    )


def _own_table(version: Version) -> list[Layer]:
    return [_layer(section, "devices/device", "hardware", version) for section in hardware.table(version)]


def _device_layers(document: Document, origin: str, version: Version) -> list[Layer]:
    found = (_children(section, "devices/device", origin, version) for section in document.named("devices"))
    complete = (layer for group in found for layer in group)
    return [layer for layer in complete if layer.text("vendor") is not None and layer.text("product") is not None]


def _children(section: Section, place: str, origin: str, version: Version) -> Iterator[Layer]:
    return (_layer(child, place, origin, version) for child in section.children)


def _layer(section: Section, place: str, origin: str, version: Version) -> Layer:
    layer = Layer()
    layer.read(section.settings, place, origin, version)
    return layer


def _merged(found: list[Layer], keywords: tuple[str, ...]) -> list[Layer]:
    """Layers of the same name as one, which stands where the last of them does; nameless ones are dropped."""
    result: dict[tuple[str | None, ...], Layer] = {}
    for layer in found:
        key = tuple(layer.text(keyword) for keyword in keywords)
        if key[0] is None:
            continue
        earlier = result.pop(key, None)
        if earlier is not None:
            layer.merge(earlier)
            if "vendor" in keywords:
                layer.reconcile()
        result[key] = layer
    return list(result.values())
