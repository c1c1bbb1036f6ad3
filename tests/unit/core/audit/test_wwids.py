"""WWIDs that multipath.conf misspells, and maps that /etc/multipath/wwids does not have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.configuration import Reason, Unreadable
from mpathd_watch.core.formats.multipath_conf import Version, matches
from mpathd_watch.core.model.vocabulary import Layer
from tests.factories import at, make_map
from tests.hosts import CONF, Host, disk

WWID = "3600c0ff000520811c2256f5f01000000"
EUI = "eui.0025385c71b0a1b2"
K = FindingKind


def section(name: str, *wwids: str) -> str:
    lines = [f"\twwid {wwid}\n" for wwid in wwids]
    if name == "multipaths":
        lines = [f"\tmultipath {{\n\t{line}\t}}\n" for line in lines]
    return f"{name} {{\n{''.join(lines)}}}\n"


def misspelt(text: str, **changes: object) -> list[Finding]:
    host = Host(multipath=text, maps=[make_map(wwid=WWID), make_map("nvme", wwid=EUI, paths=())], **changes)  # type: ignore[arg-type]
    return [finding for finding in host.findings if finding.kind is K.MISSPELT_WWID]


@pytest.mark.parametrize("name", ["multipaths", "blacklist", "blacklist_exceptions"])
@pytest.mark.parametrize(
    "written",
    [
        WWID.upper(),
        f'" {WWID}"',
        f"'{WWID}'",
        f"0x{WWID[1:]}",
        f"naa.{WWID[1:]}",
        f"wwn-0x{WWID[1:]}",
        f"scsi-{WWID}",
        f"dm-uuid-mpath-{WWID}",
        f'"{WWID[:9]} {WWID[9:]}"',
    ],
)
def test_a_wwid_that_is_spelled_otherwise_is_named(name: str, written: str) -> None:
    (found,) = misspelt(section(name, written))
    assert found.subject == "mpio"
    assert f"but the map mpio has {WWID}" in found.text
    assert found.where == f"{CONF}:{3 if name == 'multipaths' else 2}"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("multipaths", WWID),
        ("multipaths", "3600c0ff000520811c2256f5f01000001"),
        ("multipaths", f"{WWID}0"),
        ("multipaths", "short"),
        ("multipaths", "3600C0FF.*"),
        ("blacklist", WWID[1:]),
        ("blacklist", WWID[:20]),
        ("blacklist", f'"!{WWID.upper()}"'),
        ("blacklist", '".*"'),
        ("blacklist", "3600C0(FF"),
        ("blacklist", "3600C0FF[[.hyphen.]]"),
        ("blacklist_exceptions", "other"),
        ("defaults", WWID.upper()),
    ],
)
def test_a_wwid_that_matches_or_that_is_not_here_is_none_of_ours(name: str, written: str) -> None:
    assert misspelt(section(name, written)) == []


def test_a_name_of_nvme_without_its_prefix() -> None:
    (found,) = misspelt(section("multipaths", EUI.removeprefix("eui.").upper()))
    assert (found.subject, EUI in found.text) == ("nvme", True)


def test_a_missing_3_counts_where_texts_are_compared_as_a_whole() -> None:
    assert misspelt(section("multipaths", WWID[1:]))
    assert misspelt(section("blacklist", f"^{WWID[1:]}$"))


def test_what_is_right_elsewhere_is_no_fault() -> None:
    assert misspelt(section("multipaths", WWID.upper(), WWID)) == []
    assert misspelt(section("multipaths", WWID) + section("blacklist", WWID.upper()))


def test_disks_without_a_map_count_too_and_the_lines_of_a_section_are_one_finding() -> None:
    unmapped = tuple(disk(f"sd{letter}", wwid=f"360030000000000{letter}") for letter in "abcde")
    text = section("blacklist", *(each.wwid.upper() for each in unmapped))
    (found,) = misspelt(text, unmapped=(*unmapped, disk("sdx", wwid="")))
    assert found.subject == "sda, sdb, sdc and 2 more"
    assert found.text == (
        'blacklist has the wwid "360030000000000A", but the disk sda has 360030000000000a: it hides no disk; and so it '
        "is with 4 more lines"
    )


def test_two_that_differ_in_capitals_alone_are_not_told_apart() -> None:
    unmapped = (disk("sda", wwid="t10.ATA_disk"), disk("sdb", wwid="t10.ATA_DISK"))
    assert misspelt(section("multipaths", "T10.ATA_DISK"), unmapped=unmapped) == []


@pytest.mark.parametrize(
    ("value", "matched"),
    [("^3600", True), ("!^3600", False), ("3600$", False), ("*", None), ("[[.hyphen.]]", None)],
)
def test_an_expression_that_cannot_be_matched_is_not_judged(value: str, matched: bool | None) -> None:
    assert matches(value, WWID) is matched


# --- not remembered ---


def forgotten(find: str = "", **changes: object) -> list[str]:
    words = {"wwids": frozenset({"other"}), "wwids_read_at": None, "multipath": "", **changes}
    if find:
        words["multipath"] = f"defaults {{\n\tfind_multipaths {find}\n}}\n"
    host = Host(**words)  # type: ignore[arg-type]
    return [finding.text for finding in host.findings if finding.kind is K.WWID_NOT_REMEMBERED]


@pytest.mark.parametrize(
    ("find", "outcome"),
    [
        ("strict", "after a reboot there may be no map"),
        ("yes", "after a reboot a disk may be in use before its second path makes it a map"),
        ("no", "after a reboot a disk may be in use before multipathd makes it a map"),
    ],
)
def test_what_find_multipaths_makes_of_a_wwid_that_is_not_remembered(find: str, outcome: str) -> None:
    (text,) = forgotten(find)
    assert text.endswith(f": {outcome}")


@pytest.mark.parametrize("find", ["smart", "greedy"])
def test_where_no_wwid_needs_to_be_remembered(find: str) -> None:
    assert forgotten(find) == []


def test_the_default_is_strict_where_the_version_is_known() -> None:
    assert forgotten() == [
        "not in /etc/multipath/wwids, and find_multipaths is strict (default): after a reboot there may be no map"
    ]
    assert forgotten(version=None) == []
    assert forgotten("strict", version=None)


def test_a_file_that_is_missing_is_not_one_that_cannot_be_read() -> None:
    assert forgotten("strict", wwids=frozenset())
    assert forgotten("strict", wwids=None) == []
    # multipathd may run in a container, with an /etc of its own.
    assert forgotten("strict", wwids=frozenset(), version=None) == []


@pytest.mark.parametrize(("version", "told"), [((0, 9, 4), False), (None, False), ((0, 9, 7), True)])
def test_another_file_may_be_configured(version: Version | None, told: bool) -> None:
    text = "defaults {\n\tfind_multipaths strict\n\twwids_file /var/lib/wwids\n}\n"
    assert bool(forgotten(multipath=text, version=version)) is told


def test_where_the_configuration_is_not_known_nothing_is_claimed() -> None:
    unread = (Unreadable("/etc/multipath/conf.d", Reason.NO_PERMISSION, "no permission to read it"),)
    assert forgotten(unreadable=unread) == []


def test_the_maps_that_came_after_the_file_was_read_are_not_judged() -> None:
    since = at(0)
    assert forgotten(wwids_read_at=since.wall - 1, maps=[make_map(since=since)]) == []
    assert forgotten(wwids_read_at=since.wall + 1, maps=[make_map(since=since)])


def test_maps_without_paths_or_of_another_layer_are_left_out() -> None:
    assert forgotten(maps=[make_map(paths=())]) == []
    assert forgotten(maps=[replace(make_map(), layer=Layer.UNKNOWN)]) == []
