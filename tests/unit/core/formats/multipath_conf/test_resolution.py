"""Which value is in force and who set it; which devices the configuration hides."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from mpathd_watch.core.formats.multipath_conf import (
    NEWEST,
    Document,
    Effective,
    Origin,
    Resolved,
    Rule,
    Section,
    Setting,
    Version,
    blacklist,
    merge,
    parse,
    parse_printed,
    resolver,
)
from mpathd_watch.core.formats.multipath_conf.keywords import TABLES
from mpathd_watch.core.formats.multipath_conf.precedence import UNCHECKED_INTERVAL
from tests.golden import GOLDEN

MODERN = parse((GOLDEN / "conf" / "multipath-modern.conf").read_text(), "m.conf")
NAMES = [each.name for each in fields(Resolved)]
LISTED = "36001405aaaaaaaaaaaaaaaaaaaaaaaaa"
EMPTY = Document()
NO_TABLE = Document()
BUILT_IN = Origin("built-in")
DEBIAN_12: Version = (0, 9, 4)


def resolve(
    document: Document,
    *,
    version: Version = NEWEST,
    hardware: Document | None = None,
    wwid: str = "x",
    vendor: str | None = None,
    product: str | None = None,
    protocol: str = "",
) -> Resolved:
    prepared = resolver(document, version=version, hardware=hardware)
    return prepared.resolve(wwid=wwid, vendor=vendor, product=product, protocol=protocol)


def of(text: str, *, version: Version = NEWEST, vendor: str = "v", product: str = "p", wwid: str = "1") -> Resolved:
    document = merge([parse(text, "m.conf", version)])
    return resolve(
        document, wwid=wwid, vendor=vendor, product=product, protocol="scsi:iscsi", version=version, hardware=NO_TABLE
    )


def defaults(line: str) -> str:
    return f"defaults {{\n{line}\n}}\n"


def test_nothing_configured_is_what_is_built_in() -> None:
    found = of("")
    assert {name: getattr(found, name).value for name in NAMES} == {
        "polling_interval": 5,
        "max_polling_interval": 20,
        "fast_io_fail_tmo": 5,
        "dev_loss_tmo": None,
        "no_path_retry": None,
        "path_checker": "tur",
        "checker_timeout": None,
        "find_multipaths": "strict",
        "path_grouping_policy": "failover",
        "prio": "const",
        "detect_prio": True,
        "failback": "manual",
    }
    assert {getattr(found, name).origin for name in NAMES} == {BUILT_IN}


def test_every_section_has_its_say() -> None:
    found = resolve(MODERN, wwid=LISTED, vendor="LIO-ORG", product="disk", protocol="scsi:iscsi")
    assert {name: (getattr(found, name).value, getattr(found, name).origin) for name in NAMES} == {
        "polling_interval": (7, Origin("defaults", "m.conf", 3)),
        "max_polling_interval": (28, Origin("defaults", "m.conf", 3)),
        "fast_io_fail_tmo": (20, Origin("overrides/protocol", "m.conf", 47)),
        "dev_loss_tmo": ("infinity", Origin("defaults", "m.conf", 5)),
        "no_path_retry": ("queue", Origin("multipaths", "m.conf", 59)),
        # Nearer to the device than defaults: multipath-tools' own entry for LIO, below the user's.
        "path_checker": ("directio", Origin("hardware")),
        "checker_timeout": (11, Origin("defaults", "m.conf", 7)),
        "find_multipaths": ("on", Origin("defaults", "m.conf", 8)),
        "path_grouping_policy": ("group_by_prio", Origin("multipaths", "m.conf", 55)),
        "prio": ("alua", Origin("hardware")),
        "detect_prio": (True, BUILT_IN),
        "failback": (15, Origin("devices", "m.conf", 38)),
    }


def test_how_paths_are_grouped_is_looked_for_in_the_sections_that_multipathd_looks_in() -> None:
    """select_prio(), select_detect_prio(), select_pgpolicy() and select_pgfailback(), the same from 0.9.4 to 0.15."""
    lines = "prio alua\npath_grouping_policy multibus\nfailback 7\ndetect_prio no\n"
    for section, own in (
        (f"multipaths {{\nmultipath {{\nwwid 1\n{lines}}}\n}}\n", False),
        (f"overrides {{\n{lines}}}\n", True),
        (f"devices {{\ndevice {{\nvendor v\nproduct p\n{lines}}}\n}}\n", True),
        (f"defaults {{\n{lines}}}\n", True),
    ):
        found = of(section)
        values = (found.prio.value, found.path_grouping_policy.value, found.failback.value)
        assert values == ("alua", "multibus", 7)
        assert found.detect_prio.value is not own
    assert of(defaults("path_grouping_policy group_by_tpg")).path_grouping_policy.value == "group_by_tpg"
    older = of(defaults("path_grouping_policy group_by_tpg"), version=(0, 9, 5))
    assert older.path_grouping_policy == Effective("failover", BUILT_IN)


def test_another_map_protocol_and_device_get_the_next_section() -> None:
    found = resolve(MODERN, wwid="other", vendor="SUSE", product="x", protocol="scsi:fcp")
    assert (found.fast_io_fail_tmo.value, found.fast_io_fail_tmo.origin.section) == (10, "overrides")
    assert (found.no_path_retry.value, found.no_path_retry.origin) == (9, Origin("devices", "m.conf", 32))


def test_an_unknown_device_is_in_no_device_section() -> None:
    found = resolve(MODERN)
    assert (found.no_path_retry.value, found.no_path_retry.origin.section) == (6, "defaults")


def test_a_device_known_in_part_is_matched_in_part() -> None:
    assert resolve(MODERN, vendor="SUSE").no_path_retry.value == 9


@pytest.mark.parametrize(
    ("text", "interval", "longest"),
    [
        ("polling_interval 10", 10, 40),
        ("max_polling_interval 3", 1, 3),
        ("max_polling_interval 21", 5, 21),
        ("polling_interval 10\nmax_polling_interval 5", 5, 5),
        ("polling_interval 10\nmax_polling_interval 25", 10, 25),
        ("max_polling_interval 0", 5, 20),
        ("polling_interval 2000000000", 2000000000, 4294967295),
        ('polling_interval "5 "', 5, 20),
        ("polling_interval 5s", UNCHECKED_INTERVAL, 4294967295),
        ("polling_interval -5", UNCHECKED_INTERVAL, 4294967295),
        ("polling_interval 6\npolling_interval 5s", 6, 24),
        ("polling_interval 0", 0, 0),
    ],
)
def test_the_polling_intervals_are_derived_from_each_other(text: str, interval: int, longest: int) -> None:
    found = of(defaults(text))
    assert (found.polling_interval.value, found.max_polling_interval.value) == (interval, longest)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("fast_io_fail_tmo off", "fast_io_fail_tmo", "off"),
        ("fast_io_fail_tmo 0", "fast_io_fail_tmo", 0),
        ("fast_io_fail_tmo 00", "fast_io_fail_tmo", 1),
        ("fast_io_fail_tmo -3", "fast_io_fail_tmo", 1),
        ("fast_io_fail_tmo x", "fast_io_fail_tmo", 5),
        ("fast_io_fail_tmo 9\nfast_io_fail_tmo x", "fast_io_fail_tmo", 9),
        ("dev_loss_tmo infinity", "dev_loss_tmo", "infinity"),
        ("dev_loss_tmo 4294967295", "dev_loss_tmo", "infinity"),
        ("dev_loss_tmo -1", "dev_loss_tmo", "infinity"),
        ("dev_loss_tmo 99999999999999999999", "dev_loss_tmo", "infinity"),
        ("dev_loss_tmo 30s", "dev_loss_tmo", 30),
        ("dev_loss_tmo 30\ndev_loss_tmo 0", "dev_loss_tmo", None),
        ("dev_loss_tmo x", "dev_loss_tmo", None),
        ("no_path_retry fail", "no_path_retry", "fail"),
        ("no_path_retry 0", "no_path_retry", "fail"),
        ("no_path_retry queue", "no_path_retry", "queue"),
        ("no_path_retry 12", "no_path_retry", 12),
        ("no_path_retry 99999999999", "no_path_retry", 2147483647),
        ("checker_timeout 0", "checker_timeout", None),
        ("find_multipaths 1", "find_multipaths", "on"),
        ("find_multipaths no", "find_multipaths", "off"),
        ("checker rdac\npath_checker tur", "path_checker", "tur"),
        ("path_checker tur\nchecker rdac", "path_checker", "rdac"),
        ("path_grouping_policy multibus", "path_grouping_policy", "multibus"),
        ("path_grouping_policy multibusses", "path_grouping_policy", "multibus"),
        ("path_grouping_policy alua", "path_grouping_policy", "failover"),
        ("prio alua", "prio", "alua"),
        ("detect_prio no", "detect_prio", False),
        ("detect_prio 0\ndetect_prio off", "detect_prio", False),
        ("detect_prio no\ndetect_prio 1", "detect_prio", True),
        ("failback immediate", "failback", "immediate"),
        ("failback followover", "failback", "followover"),
        ("failback 300", "failback", 300),
        ("failback 300\nfailback 0", "failback", "manual"),
    ],
)
def test_values_are_understood_as_the_handlers_do(line: str, name: str, value: object) -> None:
    assert getattr(of(defaults(line)), name).value == value


@pytest.mark.parametrize(
    ("text", "retry"),
    [
        ('features "1 queue_if_no_path"', "queue"),
        ('features "3 queue_if_no_path pg_init_retries 5"', "queue"),
        ('features "1 queue_if_no_path"\nno_path_retry 4', 4),
        ('features "2 pg_init_retries 5"', None),
        ('features "2 queue_if_no_path"', None),
    ],
)
def test_the_old_feature_for_queueing_is_no_path_retry(text: str, retry: object) -> None:
    assert of(defaults(text)).no_path_retry.value == retry


def test_device_sections_of_the_same_name_are_one_where_the_last_stands() -> None:
    def device(vendor: str, line: str) -> str:
        return f'device {{\nvendor "{vendor}"\nproduct p\n{line}\n}}\n'

    sections = (
        device("v", "no_path_retry 1\npath_checker rdac"),
        device(".*", "no_path_retry 2\ndev_loss_tmo 2"),
        device("v", 'dev_loss_tmo 3\npath_checker ""'),
    )
    found = of(f"devices {{\n{''.join(sections)}}}\n")
    assert (found.no_path_retry.value, found.dev_loss_tmo.value, found.path_checker.value) == (1, 3, "")
    # An empty word is one, but it is not handed on to a later section.
    found = of("devices {\n" + device("v", 'path_checker ""') + device("v", "dev_loss_tmo 3") + "}\n")
    assert found.path_checker == Effective("tur", BUILT_IN)
    # A feature takes its effect as soon as two sections are merged, so a later word on it no longer counts.
    queueing = (device("v", 'features "1 queue_if_no_path"'), device("v", ""), device("v", 'features "0"'))
    assert of(f"devices {{\n{''.join(queueing)}}}\n").no_path_retry.value == "queue"


def test_incomplete_sections_are_dropped() -> None:
    found = of(
        "devices {\ndevice {\nvendor v\nno_path_retry 1\n}\n}\n"
        "multipaths {\nmultipath {\nno_path_retry 1\n}\n}\n"
        "overrides {\nprotocol {\nfast_io_fail_tmo 9\n}\nprotocol {\ntype bogus\nfast_io_fail_tmo 9\n}\n}\n"
    )
    assert (found.no_path_retry.value, found.fast_io_fail_tmo.value) == (None, 5)


def test_a_device_section_whose_expression_is_refused_matches_nothing() -> None:
    device = (
        'device {\nvendor "*"\nproduct p\nno_path_retry 1\n}\ndevice {\nvendor "(v)\\1"\nproduct p\ndev_loss_tmo 1\n}\n'
    )
    found = of(f"devices {{\n{device}}}\n")
    assert (found.no_path_retry.value, found.dev_loss_tmo.value) == (None, None)


def test_settings_that_the_section_does_not_know_have_no_effect() -> None:
    settings = (Setting("bogus", "1", "f", 1), Setting("no_path_retry", "4", "f", 2))
    document = Document((Section("defaults", "f", 1, settings), Section("bogus", "f", 3, settings)))
    assert resolve(document).no_path_retry.value == 4


# --- the hardware table -----------------------------------------------------------------------------------------------


def test_multipathds_own_listing_is_the_table_where_there_is_one() -> None:
    text = (
        'devices {\n\tdevice {\n\t\tvendor "ACME"\n\t\tproduct ".*"\n\t\tno_path_retry 8\n\t\tdev_loss_tmo 9\n\t}\n}\n'
    )
    listing = parse_printed(text, "show config")
    above = parse("devices {\ndevice {\nvendor ACME\nproduct x\ndev_loss_tmo 7\n}\n}\n", "m.conf")
    found = resolve(above, wwid="1", vendor="ACME", product="x", hardware=listing)
    assert (found.no_path_retry.value, found.no_path_retry.origin) == (8, Origin("hardware", "show config", 5))
    assert (found.dev_loss_tmo.value, found.dev_loss_tmo.origin.section) == (7, "devices")
    assert resolve(above, wwid="1", vendor="LIO-ORG", product="x", hardware=listing).no_path_retry.value is None


@pytest.mark.parametrize(("name", "version"), [("bookworm-0.9.4", DEBIAN_12), ("trixie-0.11.1", (0, 11, 1))])
def test_what_a_real_multipathd_has_in_force_is_what_its_listing_resolves_to(name: str, version: Version) -> None:
    text = (GOLDEN / "multipathd" / f"{name}-config-local-healthy.txt").read_text()
    listing = parse_printed(text, "show config local", version)
    wwid = "360000000000000000e00000000010001"
    found = resolve(listing, wwid=wwid, vendor="IET", product="VIRTUAL-DISK", protocol="scsi:iscsi", version=version)
    assert (found.polling_interval.value, found.max_polling_interval.value) == (10, 40)
    assert (found.no_path_retry.value, found.fast_io_fail_tmo.value) == ("fail", 5)
    assert [(each, alias.value) for each, alias in resolver(listing, version=version).aliases()] == [(wwid, "mpio")]


# --- the blacklist ----------------------------------------------------------------------------------------------------


def hidden(text: str, *, table: Document | None = NO_TABLE, **changes: Any) -> Rule | None:
    facts = {"devnode": "sda", "wwid": "w", "vendor": "v", "product": "p", "protocol": "scsi:iscsi"}
    return blacklist(merge([parse(text, "m.conf")]), hardware=table).hides(**{**facts, **changes})


@pytest.mark.parametrize(
    ("text", "facts", "by"),
    [
        ("", {}, None),
        ("", {"devnode": "vda"}, "devnode"),
        ("", {"devnode": "nvme0n1"}, None),
        ('blacklist {\ndevnode "^sd"\n}\n', {}, "devnode"),
        ('blacklist {\ndevnode "!^sdb"\n}\n', {}, "devnode"),
        ('blacklist {\ndevnode "!^sda"\n}\n', {}, None),
        ('blacklist {\ndevnode "^hd[a-z][[0-9]*]"\n}\n', {}, None),
        ("blacklist {\nwwid w\n}\n", {}, "wwid"),
        ("blacklist {\nwwid w\n}\n", {"wwid": None}, None),
        ('blacklist {\nprotocol "scsi:.*"\n}\n', {}, "protocol"),
        ('blacklist {\nprotocol "scsi:.*"\n}\n', {"protocol": None}, None),
        ("blacklist {\ndevice {\nvendor v\n}\n}\n", {}, "device"),
        ('blacklist {\ndevice {\nvendor v\nproduct "!p"\n}\n}\n', {}, None),
        ('blacklist {\ndevice {\nvendor v\nproduct "!q"\n}\n}\n', {}, "device"),
        ("blacklist {\ndevice {\nvendor v\n}\n}\n", {"product": None}, None),
        ("blacklist {\ndevice {\n}\n}\n", {}, None),
        ('blacklist {\nwwid "*"\n}\n', {}, None),
        ('blacklist {\nwwid "(w)\\1"\n}\n', {"wwid": "ww"}, None),
        ('blacklist {\ndevice {\nvendor v\nvendor "*"\n}\n}\n', {}, "device"),
        ('blacklist {\ndevice {\nvendor v\nproduct "(p)\\1"\n}\n}\n', {}, None),
        ("blacklist {\nproperty ID_SERIAL\n}\n", {}, None),
    ],
)
def test_the_first_criterion_that_matches_hides(text: str, facts: dict[str, Any], by: str | None) -> None:
    rule = hidden(text, **facts)
    assert (rule and rule.criterion) == by


def test_an_exception_spares_only_within_its_criterion() -> None:
    text = 'blacklist {\nwwid ".*"\n}\nblacklist_exceptions {\nwwid "^spared"\ndevnode sda\n}\n'
    assert hidden(text) == Rule("wwid", ".*", "m.conf", 2)
    assert hidden(text, wwid="spared1") is None
    assert hidden(text, wwid=None) is None


def test_the_answer_is_the_entry() -> None:
    assert hidden("", devnode="vda") == Rule("devnode", "!^(sd[a-z]|dasd[a-z]|nvme[0-9])")
    assert hidden('blacklist {\ndevice {\nvendor v\nproduct ".*"\n}\n}\n') == Rule(
        "device", "vendor v product .*", "m.conf", 2
    )


def test_the_hardware_table_hides_some_products_too() -> None:
    rule = hidden("", table=None, vendor="NETAPP", product="Universal Xport")
    assert rule == Rule("device", "vendor (NETAPP|LSI|ENGENIO) product Universal Xport")
    own = "devices {\ndevice {\nvendor v\nproduct x\nproduct_blacklist p\n}\n}\n"
    assert hidden(own) == Rule("device", "vendor v product p", "m.conf", 5)


@pytest.mark.parametrize(
    ("text", "attribute"),
    [
        ("", "ID_SERIAL"),
        ("defaults {\nuid_attribute ID_X\n}\n", "ID_X"),
        ('defaults {\nuid_attribute ""\n}\n', ""),
        ('defaults {\nuid_attrs "sd:ID_X bogus"\n}\n', "ID_X"),
        ('defaults {\nuid_attrs "dasd:ID_X"\n}\n', "ID_SERIAL"),
        ("overrides {\nuid_attribute ID_Y\n}\ndefaults {\nuid_attribute ID_X\n}\n", "ID_Y"),
    ],
)
def test_the_wwid_property_is_the_configured_one(text: str, attribute: str) -> None:
    prepared = resolver(parse(text, "m.conf"), hardware=NO_TABLE)
    assert prepared.uid_attribute(devnode="sda", vendor="v", product="p") == attribute


def test_the_wwid_property_of_nvme_comes_from_the_table() -> None:
    prepared = resolver(EMPTY)
    assert prepared.uid_attribute(devnode="nvme0n1", vendor="NVME", product="x") == "ID_WWN"
    assert prepared.uid_attribute(devnode="sda", vendor="v", product="x") == "ID_SERIAL"


# --- values no test above needs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "keyword", "text", "accepted"),
    [
        ("defaults", "reservation_key", "file", True),
        ("defaults", "reservation_key", "0x1a2b", True),
        ("defaults", "reservation_key", "1a2b:aptpl", True),
        ("defaults", "reservation_key", "0", False),
        ("defaults", "reservation_key", "12345678901234567", False),
        ("defaults", "partition_delimiter", "a/b", False),
        ("defaults", "partition_delimiter", "-part", True),
        ("defaults", "bindings_file", "/x", True),
        ("defaults", "bindings_file", "x", False),
        ("defaults", "max_fds", "max", True),
        ("defaults", "max_fds", "100", True),
        ("defaults", "max_fds", "lots", False),
        ("defaults", "verbosity", "9", True),
        ("defaults", "verbosity", "", False),
        ("overrides/protocol", "type", "scsi:iscsi", True),
        ("overrides/protocol", "type", "iscsi", False),
        ("defaults", "failback", "followover", True),
        ("defaults", "failback", "30", True),
        ("defaults", "failback", "x", False),
        ("defaults", "path_grouping_policy", "multibus2", True),
        ("defaults", "path_grouping_policy", "all", False),
        ("defaults", "path_selector", "round-robin 0", True),
        ("defaults", "path_selector", "round-robin", False),
        ("defaults", "path_selector", "x 2 y", False),
        ("defaults", "path_selector", "x -1", False),
        ("defaults", "user_friendly_names", "1", True),
        ("defaults", "user_friendly_names", "maybe", False),
    ],
)
def test_other_values_are_understood_as_the_handlers_do(place: str, keyword: str, text: str, accepted: bool) -> None:
    assert TABLES[place][keyword].read(text, NEWEST).accepted is accepted
