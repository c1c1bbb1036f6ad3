"""Our reading of multipath.conf against multipathd's own, on files written by hand and files that nobody would write.

Each file is put into the guest and multipathd reconfigured; what `show config` then reports must be what we make
of the same file, in every value that we use. A file that comes last in conf.d carries a number, by which one can see
that multipathd has read everything, and which shows that a brace left open ends with its file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from mpathd_watch.core.formats.multipath_conf import Document, Resolved, Version, merge, parse, parse_printed, resolver
from mpathd_watch.core.formats.multipath_conf.precedence import Sections, SectionValues, sections
from tests.lab.kit import conffiles
from tests.lab.kit.errors import LabError
from tests.lab.kit.san import MOUNT_POINT, MULTIPATH_CONF, QUICK
from tests.lab.kit.scenario import Lab

SAN = QUICK
LONG_SUITES = ("bookworm",)
ALERTS = ("path_missing", "path_failed", "path_stalled", "map_at_risk", "map_lost", "map_degraded", "config_finding")

VERSIONS: Mapping[str, Version] = {"bookworm": (0, 9, 4), "trixie": (0, 11, 1)}
RANDOM_FILES = 60
FIRST_SEED = 20090224

LAST = "/etc/multipath/conf.d/zz-last.conf"
BY_HAND = (Path(__file__).parents[1] / "confs", Path(__file__).parents[2] / "golden/conf")
NOTHING = Document()

ENDLESS = 2**30
"""Seconds: longer than any interval that a file here sets."""


def run(lab: Lab) -> None:
    version = VERSIONS[lab.guest.image.suite]
    # No maps: reloading them time and again is not what this is about.
    lab.guest.run(f"umount {MOUNT_POINT}; iscsiadm -m node --logout; multipath -F; mkdir -p {Path(LAST).parent}")
    texts = {"nothing": ""}
    for path in sorted(
        path for directory in BY_HAND for path in directory.glob("*.conf") if not path.name.startswith("iscsid")
    ):
        texts[path.stem] = path.read_text(encoding="utf-8")
    for seed in range(FIRST_SEED, FIRST_SEED + RANDOM_FILES):
        texts[f"seed {seed}"] = conffiles.make(seed)
    defaults: SectionValues | None = None
    compared = 0
    for number, (name, text) in enumerate(texts.items(), 101):
        last = f"defaults {{\n retrigger_delay {number}\n}}\n"
        document = merge([parse(text, MULTIPATH_CONF, version), parse(last, LAST, version)])
        if not survivable(document, version):
            continue
        lab.guest.write_file(MULTIPATH_CONF, text.encode())
        lab.guest.write_file(LAST, last)
        printed = reported(lab, number, rejected=any(problem.fatal for problem in document.problems))
        if printed is None:
            lab.say(f"{name}: rejected as a whole, as expected")
            continue
        theirs = parse_printed(printed, "multipathd", version)
        read = sections(theirs, version, NOTHING)
        # The first file is empty: what is reported then is built in.
        defaults = defaults or read.defaults
        differences = [
            *section_differences(sections(document, version, NOTHING), read, defaults),
            *resolved_differences(document, theirs, version),
        ]
        compared += 1
        if not lab.check(not differences, f"{name}: {'; '.join(differences)}"):
            lab.say(f"{text!r}")
    lab.say(f"{compared} of {len(texts)} files compared")
    lab.guest.write_file(MULTIPATH_CONF, SAN.multipath_conf())


def reported(lab: Lab, number: int, *, rejected: bool) -> str | None:
    """Reconfigure multipathd, and return what it reports; None if `rejected` and it does not take the files over."""
    lab.guest.run("multipathd reconfigure")

    def look() -> str | None:
        printed = lab.guest.run("multipathd show config", check=False)
        return printed if f"retrigger_delay {number}\n" in printed else None

    try:
        return lab.wait(f"retrigger_delay {number}", look, 3.0 if rejected else 20.0)
    except LabError:
        if rejected:
            return None
        raise


def section_differences(ours: Sections, theirs: Sections, built_in: SectionValues) -> Iterator[str]:
    """Name what is reported and not as we read it, section by section; where we read nothing it must be `built_in`."""
    yield from unlike("defaults", ours.defaults, theirs.defaults, built_in)
    yield from unlike("overrides", ours.overrides, theirs.overrides, SectionValues())
    for place, mine, reported_ones, keyword in (
        ("protocol", ours.protocols, theirs.protocols, "type"),
        ("multipath", ours.multipaths.values(), theirs.multipaths.values(), "wwid"),
    ):
        own = {entry.text(keyword): entry for entry in mine}
        for entry in reported_ones:
            yield from unlike(
                f"{place} {entry.text(keyword)}", own.get(entry.text(keyword), SectionValues()), entry, SectionValues()
            )


def unlike(place: str, ours: SectionValues, theirs: SectionValues, otherwise: SectionValues) -> Iterator[str]:
    """Name each keyword of a section whose reported value is not ours."""
    for keyword, chosen in theirs.values.items():
        # Each interval is derived from the other: both are compared once they are resolved.
        if keyword in conffiles.KEYWORDS and not keyword.endswith("polling_interval"):
            mine = ours.values.get(keyword) or otherwise.values.get(keyword)
            if mine is None or mine.value != chosen.value:
                yield f"{place}: {keyword} is {chosen.value!r}, ours {mine and mine.value!r}"


def resolved_differences(ours: Document, theirs: Document, version: Version) -> Iterator[str]:
    """Name each value in force, for some maps and paths, that differs from the reported one."""
    for lun in (1, 2):
        for protocol in ("scsi:iscsi", "scsi:fcp"):
            mine = of_map(ours, version, lun, protocol)
            reported_ones = of_map(theirs, version, lun, protocol, NOTHING)
            for name in (each.name for each in fields(mine)):
                value, expected = getattr(mine, name).value, getattr(reported_ones, name).value
                if value != expected:
                    yield f"LUN {lun}, {protocol}: {name} is {expected!r}, ours {value!r}"


def survivable(document: Document, version: Version) -> bool:
    """Return whether multipathd survives reading this.

    From 0.10 on it never comes to an end with an interval of 2**32 - 2, which an unreadable polling_interval ends up
    as, and dies of a division by zero with one of 0.
    """
    known = of_map(document, version)
    intervals = (known.polling_interval.value, known.max_polling_interval.value)
    return version < (0, 10, 0) or (min(intervals) > 0 and max(intervals) < ENDLESS)


def of_map(
    document: Document, version: Version, lun: int = 1, protocol: str = "scsi:iscsi", table: Document | None = None
) -> Resolved:
    """Return what a configuration comes to for the map of a LUN."""
    prepared = resolver(document, version=version, hardware=table)
    return prepared.resolve(wwid=SAN.wwid(lun), vendor="IET", product="VIRTUAL-DISK", protocol=protocol)
