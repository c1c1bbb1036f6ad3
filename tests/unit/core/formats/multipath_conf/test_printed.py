"""What real multipath-tools print of files of many kinds means to us what the files do, and we complain where they do.

The files and what became of them are in tests/golden/printed, made by tools/print-multipath-config.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import product

import pytest

from mpathd_watch.core.formats.multipath_conf import (
    Blacklist,
    Code,
    Document,
    Problem,
    Section,
    Version,
    blacklist,
    merge,
    parse,
    parse_printed,
    resolver,
    separated,
)
from tests.golden import GOLDEN

PRINTED = GOLDEN / "printed"
SUITES: dict[Version, str] = {(0, 9, 4): "bookworm", (0, 11, 1): "trixie", (0, 15, 1): "sid"}
NAMES = sorted(path.stem for path in PRINTED.glob("*.conf"))
AMBIGUOUS = "blacklist-ambiguous"

PROTOCOLS = ("scsi:iscsi", "scsi:fcp", "scsi:sas", "nvme:tcp", "nvme:pcie", "")
CASES = list(product(NAMES, SUITES))
each = pytest.mark.parametrize(
    ("name", "version"), CASES, ids=[f"{name}-{'.'.join(map(str, version))}" for name, version in CASES]
)


def stored(name: str, version: Version, kind: str) -> str:
    path = PRINTED / f"{name}-{'.'.join(map(str, version))}.{kind}"
    return path.read_text() if path.exists() else ""


@cache
def builtin(version: Version) -> Document:
    file = f"{SUITES[version]}-{'.'.join(map(str, version))}-config-builtin.txt"
    return parse_printed((GOLDEN / "multipathd" / file).read_text(), "multipath -t", version)


def written(name: str, version: Version) -> Document:
    return merge([parse((PRINTED / f"{name}.conf").read_text(), "/etc/multipath.conf", version)])


def printed(name: str, version: Version) -> Document:
    text = stored(name, version, "txt")
    assert text
    return separated(parse_printed(text, "multipath -t", version), written(name, version))


def values(name: str, keyword: str) -> list[str]:
    """What the file compares with a device's text: each as it is, and something like it."""
    text = (PRINTED / f"{name}.conf").read_text()
    found = [value.lstrip("!\\^").rstrip("$") for value in re.findall(rf'^\s*{keyword} "?(.*?)"?$', text, re.MULTILINE)]
    return [*found, "x", "disk", "IET"]


@each
def test_the_printed_form_sets_what_the_file_sets(name: str, version: Version) -> None:
    ours = resolver(written(name, version), version=version, hardware=builtin(version))
    theirs = resolver(printed(name, version), version=version, hardware=builtin(version))
    asked = product(values(name, "wwid"), values(name, "vendor"), values(name, "product"), PROTOCOLS)
    for wwid, vendor, model, protocol in asked:
        of = {"wwid": wwid, "vendor": vendor, "product": model.replace("*", "X"), "protocol": protocol}
        mine, real = ours.resolve(**of), theirs.resolve(**of)
        for field in mine.__dataclass_fields__:
            assert getattr(mine, field).value == getattr(real, field).value, (field, of)
    assert [(wwid, alias.value) for wwid, alias in ours.aliases()] == [
        (wwid, alias.value) for wwid, alias in theirs.aliases()
    ]


@each
def test_the_printed_form_hides_what_the_file_hides(name: str, version: Version) -> None:
    ours = blacklist(written(name, version), version=version, hardware=builtin(version))
    theirs = blacklist(printed(name, version), version=version, hardware=Document())
    for entry, text in product(("vendor", "product"), ("", "x")):
        for value in values(name, entry):
            other = "product" if entry == "vendor" else "vendor"
            agree(ours, theirs, {entry: value, other: text})
    for vendor, model in product(values(name, "vendor"), values(name, "product")):
        agree(ours, theirs, {"vendor": vendor, "product": model})
    for keyword in ("wwid", "devnode"):
        for value in values(name, keyword):
            agree(ours, theirs, {keyword: value})
    for protocol in PROTOCOLS:
        agree(ours, theirs, {"protocol": protocol})


def agree(ours: Blacklist, theirs: Blacklist, texts: dict[str, str]) -> None:
    asked: dict[str, str | None] = {"wwid": None, "vendor": None, "product": None, "protocol": None, **texts}
    devnode = str(asked.pop("devnode", "sda"))
    mine, real = ours.hides(devnode=devnode, **asked), theirs.hides(devnode=devnode, **asked)
    assert (mine is None) == (real is None), texts
    if mine is not None and real is not None:
        assert mine.criterion == real.criterion


@each
def test_nothing_in_the_printed_form_is_misread(name: str, version: Version) -> None:
    document = parse_printed(stored(name, version, "txt"), "f", version)
    obsolete = {Code.IGNORED_KEYWORD, Code.DEPRECATED_KEYWORD, Code.DEPRECATED_VALUE}
    assert {problem.code for problem in document.problems} <= obsolete


# multipath-tools complains of an ignored keyword once, and never of these, which its manual calls deprecated or which
# mean something else than they seem to.
BY_THE_MANUAL = re.compile(
    r"(delay_watch_checks|delay_wait_checks|(path_)?checker \"readsector0\"|features \"1 queue_if)"
)


def ours_alone(problem: Problem) -> bool:
    if problem.code in (Code.DEPRECATED_KEYWORD, Code.DEPRECATED_VALUE):
        return BY_THE_MANUAL.match(problem.text) is not None
    return problem.code in (Code.IGNORED_KEYWORD, Code.INCOMPLETE_SECTION) or problem.keyword == "dev_loss_tmo"


@each
def test_we_complain_of_the_lines_of_which_multipath_tools_complains(name: str, version: Version) -> None:
    theirs = {int(line) for line in re.findall(r"line (\d+)", stored(name, version, "err"))}
    problems = written(name, version).problems
    ours = {problem.line for problem in problems}
    assert theirs <= ours
    assert {problem.line for problem in problems if not ours_alone(problem)} <= theirs | duplicates(problems)


def duplicates(problems: tuple[Problem, ...]) -> set[int]:
    """They print these without a line."""
    return {problem.line for problem in problems if problem.code is Code.DUPLICATE_SECTION}


def test_a_vendor_before_a_product_is_two_devices_if_the_file_says_so() -> None:
    """Of the three devices of the file, the printed form makes two."""
    version = (0, 15, 1)
    raw = parse_printed(stored(AMBIGUOUS, version, "txt"), "f", version)
    pairs = [[setting.value for setting in device.settings] for device in devices(raw)]
    assert pairs[:2] == [["A1", "P2"], ["P3"]]
    of_file = written(AMBIGUOUS, version)
    pairs = [[setting.value for setting in device.settings] for device in devices(separated(raw, of_file))]
    assert pairs[:3] == [["A1"], ["P2"], ["P3"]]
    both = 'blacklist {\n\tdevice {\n\t\tvendor "A1"\n\t\tproduct "P2"\n\t}\n}\n'
    for other in (both, both + of_text(AMBIGUOUS), "", both.replace("A1", "A9")):
        assert separated(raw, parse(other, "f")) == raw


def of_text(name: str) -> str:
    return (PRINTED / f"{name}.conf").read_text()


def devices(document: Document) -> tuple[Section, ...]:
    return next(document.named("blacklist")).children


def test_tabs_decide_even_where_the_form_is_odd() -> None:
    text = (
        'blacklist {\n\t}\n\tdevnode "^x"\n\t\tproduct "P"\n\t}\n\tdevice {\n\t\tvendor "V"\n}\n'
        'overrides {\n\tprio "alua"\n'
    )
    document = parse_printed(text, "f")
    hiding, overrides = document.sections
    assert [setting.value for setting in hiding.settings] == ["^x"]
    assert [[each.value for each in device.settings] for device in hiding.children] == [["P"], ["V"]]
    assert [setting.keyword for setting in overrides.settings] == ["prio"]
    long = f'blacklist {{\n\twwid "{"x" * 3000}"\n\twwid "y"\n}}\n'
    (section,) = parse_printed(long, "f").sections
    assert [len(setting.value) for setting in section.settings] == [3000, 1]
