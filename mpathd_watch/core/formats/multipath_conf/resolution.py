"""Which value of each keyword is in force for a map and its paths, and who set it (libmultipath/propsel.c, 0.9.4).

The first section that sets a keyword takes precedence, in this order: multipaths, protocol subsection, overrides,
devices, hardware table, defaults, built-in. Not every keyword is looked for in every section: see ``SOURCES``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Generic, TypeVar

from mpathd_watch.core.formats.multipath_conf.model import NEWEST, Document, Value, Version
from mpathd_watch.core.formats.multipath_conf.precedence import Chosen, Origin, Sections, SectionValues, sections
from mpathd_watch.core.formats.multipath_conf.values import UINT_MAX
from mpathd_watch.immutable import immutable

BUILT_IN = Origin("built-in")

DEFAULT_POLLING = 5

T_co = TypeVar("T_co", covariant=True)
_Product = tuple[str | None, str | None]

_ALL = ("multipaths", "overrides", "devices", "defaults")
_PATH = ("overrides", "devices", "defaults")
_TIMEOUT = ("protocol", "overrides", "devices", "defaults")
_GENERAL = ("defaults",)

SOURCES = {
    "fast_io_fail_tmo": _TIMEOUT,
    "dev_loss_tmo": _TIMEOUT,
    "no_path_retry": _ALL,
    "features": _ALL,
    "path_grouping_policy": _ALL,
    "prio": _ALL,
    "failback": _ALL,
    "detect_prio": _PATH,
    "path_checker": _PATH,
    "uid_attribute": _PATH,
    "checker_timeout": _GENERAL,
    "find_multipaths": _GENERAL,
    "uid_attrs": _GENERAL,
    "polling_interval": _GENERAL,
    "max_polling_interval": _GENERAL,
}


@immutable
class Effective(Generic[T_co]):
    """A value in force, with its origin."""

    value: T_co
    origin: Origin


@immutable
class Resolved:
    """What is in force for the paths of one map, all times in seconds.

    ``None`` means that multipath-tools sets nothing: ``dev_loss_tmo`` keeps the kernel's value, ``no_path_retry`` that
    of the map's features (no queueing unless the kernel's table has it), and ``checker_timeout`` is the SCSI device's
    own ``timeout``.

    On iSCSI, multipathd writes ``fast_io_fail_tmo`` to ``recovery_tmo``, unless it is ``off`` or 0, and does not use
    ``dev_loss_tmo``. ``path_checker`` is the configured one: unless ``detect_checker`` is off, multipathd may use
    another one that fits the device. So are ``prio`` and ``path_grouping_policy``: for a SCSI device that reports port
    groups, multipathd uses sysfs or alua in place of ``prio``, unless ``detect_prio`` is off (detect_prio()). From
    0.9.6 on it then groups by priority or by port group, unless detect_pgpolicy is off (select_pgpolicy()).
    """

    polling_interval: Effective[int]
    max_polling_interval: Effective[int]
    fast_io_fail_tmo: Effective[int | str]
    dev_loss_tmo: Effective[int | str | None]
    no_path_retry: Effective[int | str | None]
    path_checker: Effective[str]
    checker_timeout: Effective[int | None]
    find_multipaths: Effective[str]
    path_grouping_policy: Effective[str]
    prio: Effective[str]
    detect_prio: Effective[bool]
    failback: Effective[int | str]


@immutable
class Resolver:
    """The settings of one configuration, for any number of maps."""

    built: Sections
    cached: dict[_Product, tuple[SectionValues, ...]] = field(default_factory=dict, compare=False, repr=False)
    """The device subsections for each product: a host has many maps of few products."""

    def devices(self, vendor: str | None, product: str | None) -> tuple[SectionValues, ...]:
        """See ``Sections.of_device``."""
        key = vendor, product
        if key not in self.cached:
            self.cached[key] = tuple(self.built.of_device(vendor, product))
        return self.cached[key]

    def resolve(self, *, wwid: str, vendor: str | None, product: str | None, protocol: str = "") -> Resolved:
        """What is in force for a map and its paths. ``protocol`` is spelled as in multipath.conf, ``scsi:iscsi``."""
        look = _Look(
            self.built.of_wwid(wwid),
            self.built.of_protocol(protocol),
            self.built.overrides,
            self.devices(vendor, product),
            self.built.defaults,
        )
        interval, longest = look.polling()
        return Resolved(
            polling_interval=interval,
            max_polling_interval=longest,
            fast_io_fail_tmo=look.word_or_number("fast_io_fail_tmo", 5),
            dev_loss_tmo=look.optional("dev_loss_tmo"),
            no_path_retry=look.no_path_retry(),
            path_checker=look.word("path_checker", "tur"),
            checker_timeout=look.optional_number("checker_timeout"),
            find_multipaths=look.word("find_multipaths", "strict"),
            path_grouping_policy=look.word("path_grouping_policy", "failover"),
            prio=look.word("prio", "const"),
            detect_prio=look.switch("detect_prio", default=True),
            failback=look.word_or_number("failback", "manual"),
        )

    def uid_attribute(self, *, devnode: str, vendor: str | None, product: str | None) -> str:
        """The udev property that multipathd reads a path's WWID from (select_getuid())."""
        look = _Look(
            None,
            None,
            self.built.overrides,
            self.devices(vendor, product),
            self.built.defaults,
        )
        for record in look.word("uid_attrs", "").value.split():
            prefix, colon, attribute = record.rpartition(":")
            if colon and devnode.startswith(prefix):
                return attribute
        return look.word("uid_attribute", "ID_SERIAL").value

    def aliases(self) -> Iterator[tuple[str, Effective[str]]]:
        """Each WWID that a multipath subsection gives an alias, with the alias, in reading order."""
        for wwid, entry in self.built.multipaths.items():
            chosen = entry.values.get("alias")
            if chosen is not None:
                yield wwid, Effective(str(chosen.value), chosen.origin)


def resolver(document: Document, *, version: Version = NEWEST, hardware: Document | None = None) -> Resolver:
    """Prepare the settings of ``document`` (one file, or several merged).

    ``hardware`` is the reply to ``show config`` (``parse_printed``). Its devices then stand below those of
    ``document``, in place of the table in ``hardware.py``. Neither this nor its methods ever raise.
    """
    return Resolver(sections(document, version, hardware))


@immutable
class _Look:
    """The sections that apply to one path of one map."""

    multipaths: SectionValues | None
    protocol: SectionValues | None
    overrides: SectionValues
    devices: tuple[SectionValues, ...]
    defaults: SectionValues

    def candidates(self, source: str) -> Iterator[SectionValues]:
        if source == "devices":
            yield from self.devices
        else:
            entry: SectionValues | None = getattr(self, source)
            if entry is not None:
                yield entry

    def find(self, keyword: str) -> Chosen | None:
        for source in SOURCES[keyword]:
            for entry in self.candidates(source):
                if keyword in entry.values:
                    return entry.values[keyword]
        return None

    def any(self, keyword: str, default: Value) -> Effective[Value]:
        found = self.find(keyword)
        return Effective(default, BUILT_IN) if found is None else Effective(found.value, found.origin)

    def word(self, keyword: str, default: str) -> Effective[str]:
        found = self.any(keyword, default)
        return Effective(str(found.value), found.origin)

    def switch(self, keyword: str, *, default: bool) -> Effective[bool]:
        found = self.any(keyword, default)
        return Effective(bool(found.value), found.origin)

    def word_or_number(self, keyword: str, default: int | str) -> Effective[int | str]:
        return self.any(keyword, default)

    def optional(self, keyword: str) -> Effective[int | str | None]:
        found = self.find(keyword)
        return Effective(None, BUILT_IN) if found is None else Effective(found.value, found.origin)

    def optional_number(self, keyword: str) -> Effective[int | None]:
        found = self.find(keyword)
        return Effective(None, BUILT_IN) if found is None else Effective(int(found.value), found.origin)

    def polling(self) -> tuple[Effective[int], Effective[int]]:
        """Both intervals, each derived from the other if it is not set (_init_config() in config.c)."""
        interval, longest = self.optional_number("polling_interval"), self.optional_number("max_polling_interval")
        if longest.value is None:
            shortest = Effective(DEFAULT_POLLING, BUILT_IN) if interval.value is None else _certain(interval)
            fourfold = shortest.value * 4 if shortest.value < UINT_MAX // 4 else UINT_MAX
            return shortest, Effective(fourfold, shortest.origin)
        if interval.value is None:
            quarter = longest.value // 4 if longest.value >= 4 else 1
            return Effective(quarter, longest.origin), _certain(longest)
        return (_certain(interval) if interval.value <= longest.value else _certain(longest)), _certain(longest)

    def no_path_retry(self) -> Effective[int | str | None]:
        """The old feature queue_if_no_path sets it if nothing else does."""
        retry, features = self.optional("no_path_retry"), self.word("features", "0")
        if retry.value is None and "queue_if_no_path" in features.value:
            return Effective("queue", features.origin)
        return retry


def _certain(number: Effective[int | None]) -> Effective[int]:
    return Effective(number.value or 0, number.origin)
