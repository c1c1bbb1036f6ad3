"""Whether the configuration hides a path device from multipathd (libmultipath/blacklist.c, filter_path(), 0.9.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mpathd_watch.core.formats.multipath_conf import ere
from mpathd_watch.core.formats.multipath_conf.inversion import expression_of, refused
from mpathd_watch.core.formats.multipath_conf.model import NEWEST, Document, Section, Version
from mpathd_watch.core.formats.multipath_conf.precedence import Sections, sections
from mpathd_watch.immutable import immutable, replace


@immutable
class Rule:
    """An entry of the blacklist or its exceptions.

    ``criterion`` is ``devnode``, ``device``, ``protocol`` or ``wwid``; ``text`` is the entry as written, for a device
    vendor and product. ``line`` is 0 and ``file`` empty for a built-in one.
    """

    criterion: str
    text: str
    file: str = ""
    line: int = 0


_HIDING = ("blacklist", "blacklist_exceptions")
_BUILT_IN_DEVNODE = "!^(sd[a-z]|dasd[a-z]|nvme[0-9])"


@immutable
class _Entry:
    """An entry that is ready to match: each of its expressions, and whether it is inverted."""

    rule: Rule
    tests: tuple[tuple[str, ere.Regex, bool], ...]

    def holds(self, texts: dict[str, str]) -> bool:
        return all(regex.search(texts[name]) != inverted for name, regex, inverted in self.tests)


@immutable
class Blacklist:
    """What hides path devices under one configuration, for any number of devices."""

    entries: tuple[_Entry, ...]
    exceptions: tuple[_Entry, ...]

    def hides(
        self, *, devnode: str, wwid: str | None, vendor: str | None, product: str | None, protocol: str | None
    ) -> Rule | None:
        """The entry for which multipathd ignores the path device ``devnode`` (``sda``); ``None`` if it does not.

        The criteria are asked in the order devnode, device, protocol, wwid. The first entry that matches hides the
        device, unless an exception of the same criterion matches, too. What is ``None`` is not known, and its criterion
        is left out; so is the criterion property, because no source reads the udev properties of a disk.
        """
        named = vendor is not None and product is not None
        questions: tuple[tuple[str, dict[str, str]], ...] = (
            ("devnode", {"devnode": devnode}),
            ("device", {"vendor": str(vendor), "product": str(product)} if named else {}),
            ("protocol", {} if protocol is None else {"protocol": protocol}),
            ("wwid", {} if wwid is None else {"wwid": wwid}),
        )
        found = (self._hides_by(criterion, texts) for criterion, texts in questions if texts)
        return next((rule for rule in found if rule is not None), None)

    def _hides_by(self, criterion: str, texts: dict[str, str]) -> Rule | None:
        if _first(self.exceptions, criterion, texts) is not None:
            return None
        return _first(self.entries, criterion, texts)


def blacklist(document: Document, *, version: Version = NEWEST, hardware: Document | None = None) -> Blacklist:
    """Prepare the blacklist of ``document``. ``hardware`` as in ``resolver``: the table hides some products, too.

    Entries whose expressions multipath-tools refuses, or ``ere`` can't match, are left out: parsing reports them.
    """
    built = sections(document, version, hardware)
    hiding = (*_configured(document, "blacklist"), *_devnodes(_BUILT_IN_DEVNODE), *_products(built))
    return Blacklist(hiding, tuple(_configured(document, "blacklist_exceptions")))


def separated(printed: Document, written: Document) -> Document:
    """``printed`` with two devices for each that is one only because the form can't show the difference.

    A blacklisted device with only a vendor, and after it one with only a product, are printed like a single device with
    both (see ``parse_printed``). They are taken for two where ``written`` has these two and not that one.
    """
    sections = tuple(
        replace(section, children=tuple(_separated(section, written))) if section.name in _HIDING else section
        for section in printed.sections
    )
    return replace(printed, sections=sections)


def _separated(section: Section, written: Document) -> Iterator[Section]:
    devices = {tuple(_texts(device).items()) for each in written.named(section.name) for device in each.children}
    for device in section.children:
        texts = tuple(_texts(device).items())
        if len(texts) > 1 and texts not in devices and all((text,) in devices for text in texts):
            yield from (replace(device, settings=(setting,)) for setting in device.settings)
        else:
            yield device


def _texts(device: Section) -> dict[str, str]:
    return {setting.keyword: setting.value for setting in device.settings}


def _first(entries: Iterable[_Entry], criterion: str, texts: dict[str, str]) -> Rule | None:
    return next((entry.rule for entry in entries if entry.rule.criterion == criterion and entry.holds(texts)), None)


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


def _devnodes(expression: str) -> Iterator[_Entry]:
    return _entry(Rule("devnode", expression), {"devnode": expression})


def _products(built: Sections) -> Iterator[_Entry]:
    """What the device entries hide by product_blacklist (setup_default_blist())."""
    for entry in built.devices:
        hidden = entry.values.get("product_blacklist")
        if hidden is None:
            continue
        values = {"vendor": entry.text("vendor") or "", "product": str(hidden.value)}
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
