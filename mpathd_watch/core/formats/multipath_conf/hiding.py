"""Whether the configuration hides a path device from multipathd (libmultipath/blacklist.c, filter_path(), 0.9.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mpathd_watch.core.formats.multipath_conf import ere
from mpathd_watch.core.formats.multipath_conf.inversion import expression_of, refused
from mpathd_watch.core.formats.multipath_conf.model import NEWEST, Document, Section, Version
from mpathd_watch.core.formats.multipath_conf.precedence import Layers
from mpathd_watch.core.formats.multipath_conf.resolution import Resolver, resolver

_SIMPLE = ("property", "devnode", "protocol", "wwid")


@dataclass(frozen=True, slots=True)
class Rule:
    """An entry of the blacklist or its exceptions.

    ``criterion`` is ``property``, ``devnode``, ``device``, ``protocol`` or ``wwid``; ``text`` is the entry as written,
    for a device vendor and product. ``line`` is 0 and ``file`` empty for a built-in one.
    """

    criterion: str
    text: str
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a device is hidden, and by which entry; if it isn't, ``by`` is the last exception that spared it."""

    hidden: bool
    by: Rule | None = None


NO_PROPERTY = Rule("property", "(no property matches)")
"""What hides a device that has its uid_attribute, and none of the properties that the exceptions ask for."""

_BUILT_IN_DEVNODE = "!^(sd[a-z]|dasd[a-z]|nvme[0-9])"
_BUILT_IN_PROPERTY = "(SCSI_IDENT_|ID_WWN)"


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry ready to match: all of its tests, each an expression and whether it is inverted."""

    rule: Rule
    tests: tuple[tuple[str, ere.Regex, bool], ...]

    def holds(self, texts: dict[str, str]) -> bool:
        return all(regex.search(texts[name]) != inverted for name, regex, inverted in self.tests)


@dataclass(frozen=True, slots=True)
class Blacklist:
    """Answers for one configuration and any number of devices; ``blacklisted`` is the short form for a single one."""

    entries: tuple[_Entry, ...]
    exceptions: tuple[_Entry, ...]
    resolver: Resolver

    def check(
        self,
        *,
        devnode: str,
        wwid: str | None,
        vendor: str | None,
        product: str | None,
        protocol: str | None,
        properties: Iterable[str] | None = None,
    ) -> Verdict:
        """See ``blacklisted``."""
        spared: Rule | None = None
        for verdict in (
            self.by_property(properties, devnode, vendor, product),
            self.by("devnode", {"devnode": devnode}),
            self.by_device(vendor, product),
            self.by("protocol", {} if protocol is None else {"protocol": protocol}),
            self.by("wwid", {} if wwid is None else {"wwid": wwid}),
        ):
            if verdict.hidden:
                return verdict
            spared = verdict.by or spared
        return Verdict(hidden=False, by=spared)

    def by(self, criterion: str, texts: dict[str, str]) -> Verdict:
        """The verdict of one criterion on ``texts``, of which there are none if they are not known."""
        if texts:
            for entries, hidden in ((self.exceptions, False), (self.entries, True)):
                for entry in entries:
                    if entry.rule.criterion == criterion and entry.holds(texts):
                        return Verdict(hidden, entry.rule)
        return Verdict(hidden=False)

    def by_device(self, vendor: str | None, product: str | None) -> Verdict:
        """The verdict on what the device calls itself; both texts must be known (filter_device())."""
        known = vendor is not None and product is not None
        return self.by("device", {"vendor": str(vendor), "product": str(product)} if known else {})

    def by_property(
        self, properties: Iterable[str] | None, devnode: str, vendor: str | None, product: str | None
    ) -> Verdict:
        """The verdict on the udev properties, of which one must match (filter_property())."""
        if properties is None:
            return Verdict(hidden=False)
        # libudev hands the properties over sorted by name, and the first that any entry matches decides.
        names = sorted(set(properties))
        for name in names:
            verdict = self.by("property", {"property": name})
            if verdict.by is not None:
                return verdict
        attribute = self.resolver.uid_attribute(devnode=devnode, vendor=vendor, product=product)
        if attribute and attribute not in names:
            return Verdict(hidden=False)
        return Verdict(hidden=True, by=NO_PROPERTY) if attribute else Verdict(hidden=False)


def blacklist(document: Document, *, version: Version = NEWEST, hardware: Document | None = None) -> Blacklist:
    """Prepare to answer for ``document``; the arguments are those of ``blacklisted``.

    Entries whose expressions multipath-tools refuses, or ``ere`` can't match, are left out: parsing has named them.
    """
    prepared = resolver(document, version=version, hardware=hardware)
    hiding = [*_configured(document, "blacklist"), *_built_in(_BUILT_IN_DEVNODE, "devnode"), *_products(prepared.built)]
    sparing = [*_configured(document, "blacklist_exceptions"), *_built_in(_BUILT_IN_PROPERTY, "property")]
    return Blacklist(tuple(hiding), tuple(sparing), prepared)


def blacklisted(
    document: Document,
    *,
    devnode: str,
    wwid: str | None,
    vendor: str | None,
    product: str | None,
    protocol: str | None,
    properties: Iterable[str] | None = None,
    version: Version = NEWEST,
    hardware: Document | None = None,
) -> Verdict:
    """Whether multipathd ignores the path device ``devnode`` (``sda``) for its blacklist.

    The criteria are asked in the order property, devnode, device, protocol, wwid. The first entry that matches hides
    the device, unless an exception of the same criterion does. What is ``None`` is not known, and its criterion is left
    out; ``properties`` are the names of the device's udev properties. ``hardware`` as in ``resolve``: the table hides
    some products, too. Never raises.
    """
    return blacklist(document, version=version, hardware=hardware).check(
        devnode=devnode, wwid=wwid, vendor=vendor, product=product, protocol=protocol, properties=properties
    )


def _configured(document: Document, name: str) -> Iterator[_Entry]:
    for section in document.named(name):
        for setting in section.settings:
            rule = Rule(setting.keyword, setting.value, setting.file, setting.line)
            yield from _entry(rule, {setting.keyword: setting.value})
        for device in section.children:
            yield from _device(device)


def _device(section: Section) -> Iterator[_Entry]:
    # A refused expression leaves what an earlier line of the device set (set_ble_device()).
    values = {setting.keyword: setting.value for setting in section.settings if not refused(setting.value)}
    if values:
        text = " ".join(f"{keyword} {value}" for keyword, value in values.items())
        yield from _entry(Rule("device", text, section.file, section.line), values)


def _built_in(value: str, criterion: str) -> Iterator[_Entry]:
    return _entry(Rule(criterion, value), {criterion: value})


def _products(built: Layers) -> Iterator[_Entry]:
    """What the device entries hide by product_blacklist (setup_default_blist())."""
    for layer in built.devices:
        hidden = layer.values.get("product_blacklist")
        if hidden is None:
            continue
        values = {"vendor": layer.text("vendor") or "", "product": str(hidden.value)}
        text = f"vendor {values['vendor']} product {values['product']}"
        yield from _entry(Rule("device", text, hidden.origin.file, hidden.origin.line), values)


def _entry(rule: Rule, values: dict[str, str]) -> Iterator[_Entry]:
    tests = []
    for name, value in values.items():
        inverted, expression = expression_of(value)
        try:
            tests.append((name, ere.compiled(expression), inverted))
        except (ere.InvalidError, ere.UnsupportedError):
            return
    yield _Entry(rule, tuple(tests))
