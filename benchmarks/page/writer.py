"""The page in Markdown, with its plots beside it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.figures import Figure, Section
from benchmarks.machine import Machine
from benchmarks.page.numbers import beside, number
from benchmarks.page.plot import drawn
from benchmarks.peers import about

OURS = "mpathd-watch"
WIDTH = 128
HOW = (
    "`make bench` measures all of this again, as root, and writes this page. The host is simulated: its sysfs is a "
    "tree of files in memory, with four paths to a map, about 160 paths to a session, and a TCP connection for each "
    "session; its multipathd and its journald answer at once; its uevents come through the kernel's netlink. "
    "mpathd-watch is the real program, as a process. Everything runs in namespaces of its own. [soak.md](soak.md) "
    "shows what becomes of it in hours of hard work."
)
RATIOS = (
    "Compare ratios, not seconds: another machine has others. What is in one row was measured in one run, in rotation. "
    "The number in parentheses is the ratio to mpathd-watch: 2 means twice as much, 1/2 half as much."
)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that one run has found.

    ``missing`` are the titles of what it has not measured, with the reason. The first table shows hosts of the size
    ``main`` where it can.
    """

    machine: Machine
    effort: str
    sections: tuple[Section, ...]
    missing: tuple[tuple[str, str], ...] = ()
    main: int = 0


def files(report: Report, page: str) -> Mapping[str, str]:
    """The text of each file by its name: the page ``page``.md, and the plots."""
    plots = {f"{page}-{plot.key}.svg": drawn(plot) for section in report.sections for plot in section.plots}
    return {f"{page}.md": "\n".join(_page(report, page)) + "\n", **plots}


def _page(report: Report, page: str) -> Iterator[str]:
    yield from _heading(report.machine, report.effort)
    yield from _headlines(report)
    yield from _peers(report.sections)
    for section in report.sections:
        yield from ("", f"## {section.title}", "", _wrapped(section.text), "")
        yield from _table(section.figures, section.at)
        for note in dict.fromkeys(figure.note for figure in section.figures if figure.note):
            names = dict.fromkeys(figure.name for figure in section.figures if figure.note == note)
            yield from ("", _wrapped(f"{_listed(names)}: {note}."))
        for plot in section.plots:
            yield from ("", f"![{plot.title}]({page}-{plot.key}.svg)")
    yield from _growth([section for section in report.sections if section.grows])
    if report.missing:
        yield from ("", "## Not measured in this run", "")
        yield from (f"* {title}: {reason}" for title, reason in report.missing)


def _heading(machine: Machine, effort: str) -> Iterator[str]:
    yield from ("# Performance", "", "<!-- Written by `make bench`. Do not edit. -->", "")
    yield from (_wrapped(HOW), "", "| | |", "|---|---|")
    yield f"| processor | {machine.processor}, {machine.cores} cores |"
    yield f"| memory | {number(machine.memory)} GiB |"
    yield f"| software | {machine.kernel}, Python {machine.python}, mpathd-watch {machine.version} |"
    yield f"| date | {machine.date} |"
    yield f"| how much | {effort} |"
    yield from ("", _wrapped(RATIOS))


def _headlines(report: Report) -> Iterator[str]:
    if not report.sections:
        return
    yield from ("", "## In short", "", "| | | mpathd-watch | the others |", "|---|---:|---:|---|")
    for section in report.sections:
        for group in _by_name(section.figures):
            if group[0].name in section.headlines:
                figure = next((each for each in group if each.at == report.main), group[-1])
                others = [f"{peer}: {beside(value, figure.ours)}" for peer, value in figure.peers.items()]
                size, ours = f"{figure.at:,} {section.at}", f"{number(figure.ours)} {figure.unit}".rstrip()
                yield _row([f"{section.title}: {figure.name}", size, ours, "; ".join(others)])


def _peers(sections: Sequence[Section]) -> Iterator[str]:
    found = dict.fromkeys(peer for section in sections for figure in section.figures for peer in figure.peers)
    if found:
        yield from ("", "## What is compared", "", "| name | what it is |", "|---|---|")
        yield from (f"| {peer} | {about(peer)} |" for peer in found)


def _table(figures: Sequence[Figure], at: str) -> Iterator[str]:
    peers = list(dict.fromkeys(peer for figure in figures for peer in figure.peers))
    yield _row(["", at, "unit", OURS, *peers])
    yield _rule("---", "---:", "---", *["---:"] * (len(peers) + 1))
    for figure in _ordered(figures):
        theirs = [beside(figure.peers[peer], figure.ours) if peer in figure.peers else "" for peer in peers]
        yield _row([figure.name, f"{figure.at:,}", figure.unit, number(figure.ours), *theirs])


def _growth(sections: Sequence[Section]) -> Iterator[str]:
    """How the figures at the largest size compare with those at the smallest."""
    rows = [
        (section, found[0], found[-1])
        for section in sections
        for found in _by_name(section.figures)
        if len(found) > 1 and found[0].ours > 0 and not found[0].note
    ]
    if not rows:
        return
    small, large = min(first.at for _, first, _ in rows), max(last.at for _, _, last in rows)
    rows = [row for row in rows if (row[1].at, row[2].at) == (small, large)]
    peers = list(dict.fromkeys(peer for _, first, _ in rows for peer in first.peers))
    yield from ("", f"## Growth from {small:,} to {large:,} paths", "")
    yield f"How many times as much {number(large / small)} times the paths take."
    yield ""
    yield _row(["", OURS, *peers])
    yield _rule("---", *["---:"] * (len(peers) + 1))
    for section, first, last in rows:
        theirs = [number(last.peers[peer] / first.peers[peer]) if first.peers.get(peer) else "" for peer in peers]
        yield _row([f"{section.title}: {first.name}", number(last.ours / first.ours), *theirs])


def _by_name(figures: Sequence[Figure]) -> list[list[Figure]]:
    names = dict.fromkeys(figure.name for figure in figures)
    return [sorted((each for each in figures if each.name == name), key=lambda each: each.at) for name in names]


def _ordered(figures: Sequence[Figure]) -> Iterator[Figure]:
    for group in _by_name(figures):
        yield from group


def _listed(names: Mapping[str, object]) -> str:
    text = ", ".join(names)
    return text[:1].upper() + text[1:]


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _rule(*cells: str) -> str:
    return f"|{'|'.join(cells)}|"


def _row(cells: Sequence[str]) -> str:
    return "|" + "".join(f" {cell} |" if cell else " |" for cell in cells)
