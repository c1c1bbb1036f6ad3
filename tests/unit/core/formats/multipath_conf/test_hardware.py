"""The generated hardware table: what it comes to is what multipath-tools itself prints, version by version."""

from __future__ import annotations

import re
from dataclasses import fields
from functools import cache
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.formats.multipath_conf import (
    NEWEST,
    Blacklist,
    Document,
    Resolved,
    Resolver,
    Section,
    Version,
    blacklist,
    hardware,
    parse_printed,
    resolver,
)
from mpathd_watch.core.formats.multipath_conf.keywords import TABLES
from mpathd_watch.core.formats.multipath_conf.values import Reading
from tests.golden import GOLDEN

EMPTY = Document()
NAMES = [each.name for each in fields(Resolved)]
FILES: dict[Version, str] = {(0, 9, 4): "bookworm-0.9.4", (0, 11, 1): "trixie-0.11.1", (0, 15, 1): "sid-0.15.1"}


@cache
def printed(version: Version) -> Document:
    """What ``multipath -t`` prints of a version that is configured by nothing."""
    text = (GOLDEN / "multipathd" / f"{FILES[version]}-config-builtin.txt").read_text()
    return parse_printed(text, "multipath -t", version)


def texts(section: Section) -> dict[str, str]:
    return {setting.keyword: setting.value for setting in section.settings}


def devices(version: Version) -> list[dict[str, str]]:
    return [texts(device) for section in printed(version).named("devices") for device in section.children]


class Device(NamedTuple):
    """What a disk calls itself."""

    vendor: str
    product: str


@cache
def prepared(version: Version, *, ours: bool) -> tuple[Resolver, Blacklist]:
    """What to ask about our own table, or about the printed one."""
    table = None if ours else printed(version)
    return resolver(EMPTY, version=version, hardware=table), blacklist(EMPTY, version=version, hardware=table)


def comes_to(version: Version, device: Device, *, ours: bool) -> dict[str, object]:
    """All that is asked of a table about a device."""
    asked, entries = prepared(version, ours=ours)
    found = asked.resolve(wwid="1", **device._asdict(), protocol="scsi:fcp")
    values = {name: getattr(found, name).value for name in NAMES}
    sections = {name: getattr(found, name).origin.section for name in NAMES}
    attribute = asked.uid_attribute(devnode="sda", **device._asdict())
    rule = entries.hides(devnode="sda", wwid="1", **device._asdict(), protocol="scsi:fcp")
    return {"values": values, "sections": sections, "uid_attribute": attribute, "hidden": rule and rule.text}


@st.composite
def devices_of(draw: st.DrawFn, version: Version) -> Device:
    """A device that an entry of this version is about, or one that the entry hides."""
    entry = draw(st.sampled_from(devices(version)))
    product = draw(st.sampled_from([entry["product"], entry.get("product_blacklist", entry["product"])]))
    # from_regex() of Debian 12's Hypothesis takes no alphabet.
    names = (draw(st.from_regex(text)) for text in (entry["vendor"], product))
    return Device(*(re.sub("[^ -~]", "x", name) for name in names))


@pytest.mark.parametrize("version", FILES)
def test_what_the_table_comes_to_is_what_multipath_prints(version: Version) -> None:
    @settings(max_examples=80, deadline=None)
    @given(devices_of(version))
    def check(device: Device) -> None:
        assert comes_to(version, device, ours=True) == comes_to(version, device, ours=False)

    check()


@pytest.mark.parametrize("version", FILES)
def test_a_device_that_an_entry_names_is_found_in_both(version: Version) -> None:
    """The entries without an expression, each by its name: none of them is missed."""
    named = [Device(each["vendor"], each["product"]) for each in devices(version)]
    plain = [device for device in named if "".join(device).replace(" ", "").replace("_", "").isalnum()]
    assert len(plain) > 40
    for device in plain:
        assert comes_to(version, device, ours=True) == comes_to(version, device, ours=False)


@pytest.mark.parametrize("version", FILES)
def test_what_multipath_hides_on_its_own_is_what_its_entries_hide(version: Version) -> None:
    """It prints its blacklist, too, which it has made of them and of what is compiled in (setup_default_blist())."""
    hiding = [texts(device) for section in printed(version).named("blacklist") for device in section.children]
    ours = blacklist(EMPTY, version=version)
    assert {rule.text for rule in (entry.rule for entry in ours.entries) if rule.criterion == "device"} == {
        f"vendor {each['vendor']} product {each['product']}" for each in hiding
    }
    theirs = {setting.value for section in printed(version).named("blacklist") for setting in section.settings}
    assert {entry.rule.text for entry in ours.entries if entry.rule.criterion == "devnode"} == theirs


@pytest.mark.parametrize("version", FILES)
def test_what_is_built_in_is_what_multipath_prints(version: Version) -> None:
    ours = resolver(EMPTY, version=version, hardware=EMPTY).resolve(wwid="1", vendor=None, product=None)
    theirs = resolver(printed(version), version=version).resolve(wwid="1", vendor=None, product=None)
    assert {name: getattr(ours, name).value for name in NAMES} == {name: getattr(theirs, name).value for name in NAMES}


@pytest.mark.parametrize(
    ("vendor", "product", "version", "retry", "checker"),
    [
        ("LIO-ORG", "disk0", (0, 9, 4), 12, "tur"),
        ("LIO-ORG", "disk0", (0, 10, 2), 12, "tur"),
        ("LIO-ORG", "disk0", (0, 11, 0), 12, "directio"),
        ("LIO-ORG", "disk0", (0, 11, 1), 12, "directio"),
        ("LIO-ORG", "disk0", (0, 8, 8), 12, "tur"),
        ("NETAPP", "LUN C-Mode", NEWEST, "queue", "tur"),
        ("DGC", "VRAID", NEWEST, 60, "emc_clariion"),
        ("HITACHI", "OPEN-V", (0, 9, 4), None, "tur"),
        ("HITACHI", "OPEN-V", NEWEST, 10, "tur"),
        ("HITACHI", "DF600F", NEWEST, "queue", "tur"),
        ("QUANTUM", "F2100", NEWEST, 30, "tur"),
        ("NVME", "x", NEWEST, None, "none"),
        ("NVMe", "x", (0, 11, 1), None, "none"),
        ("ACME", "x", NEWEST, None, "tur"),
        ("ACME", "x", (1, 0, 0), None, "tur"),
    ],
)
def test_the_table_has_the_arrays_of_the_version(
    vendor: str, product: str, version: Version, retry: object, checker: str
) -> None:
    found = resolver(EMPTY, version=version).resolve(wwid="1", vendor=vendor, product=product)
    assert (found.no_path_retry.value, found.path_checker.value) == (retry, checker)


@pytest.mark.parametrize("version", FILES)
def test_the_table_is_written_in_words_that_its_version_knows(version: Version) -> None:
    for section in hardware.table(version):
        for setting in section.settings:
            keyword = TABLES["devices/device"][setting.keyword]
            reading = keyword.read(setting.value, version)
            assert reading == Reading(accepted=True, value=reading.value)
            assert keyword.since <= version
