"""Text that comes from the SAN, or that an administrator took over from it: wherever it enters, it is only text.

Names and words with terminal escapes, line ends, HTML and bytes that are no text are put in every place in which the
product reads some. Then each output is looked at: what goes to a terminal, to the journal, to the page, to a scraper,
to mail and hooks, and what is read back from the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mpathd_watch.cli import main
from mpathd_watch.core.alerting.pairs import entry_of
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.sinks.console import ConsoleSink
from mpathd_watch.sinks.journal import alert_entry, line_entry
from mpathd_watch.sources.multipathd.replies import MAPS_COMMAND, PATHS_COMMAND
from tests.component.cli.drilling import DrillHost, Drilling
from tests.fakes import journald
from tests.fakes.sysfs import FakeDisk, FakeSession
from tests.field import product
from tests.field.host import Host
from tests.histories import add, database, drill_report, expect, outage

ESCAPES = (
    "\x1b[2J\x1b[1;1H",  # clear the screen
    "\x1b]0;title\x07",  # set the title
    "\x9b31m",  # the same as ESC [, in one character
    "a\nPRIORITY=0\nMESSAGE=forged",
    "a\r\x08b",
    "\u202etxet",  # from right to left
    "\u2028",
    "<script>alert(1)</script>",
    "\" onmouseover='x' <b>&amp;",
    "a\x7fb",
    "%1b[2J${x}`id`|;",
    "\\x1b[2J",
)
hostile = st.one_of(
    st.sampled_from(ESCAPES),
    st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=20),
    st.tuples(st.sampled_from(ESCAPES), st.sampled_from(("", "a", " ", "é", '"', "|"))).map("".join),
)


# --- the host ---------------------------------------------------------------------------------------------------------


class HostileHost(Host):
    """Two maps over two sessions, of which no text is harmless. ``texts`` are put in one place after the other."""

    def __init__(self, root: Path, texts: Sequence[str]) -> None:
        super().__init__(root)
        self._texts = itertools.cycle(texts)
        self.down = self._session("192.168.1.1:3260")
        sessions = (self.down, self._session("192.168.2.1:3260"))
        for number, wwid in enumerate(("3600a", f"3600{self.text()}")):
            members = [self.disk(session, lun=number + 1) for session in sessions]
            made = self.map(f"map{number}", *members, wwid=wwid)
            made.set("dm/uuid", f"mpath-{wwid}".encode())
            made.set("dm/name", self.text().encode())
        self.disk(self.down, lun=7)
        self.configure(f'multipaths {{\n multipath {{\n wwid "{self.text()}"\n alias "{self.text()}"\n }}\n}}\n')
        self.record("192.168.9.1:3260", target=self.text()[:40], iface=self.text()[:40].strip(".") or "default")
        self._list()
        for disk in self.san.disks:
            self._spoil(disk)

    def text(self) -> str:
        """The next hostile text."""
        return next(self._texts)

    def _session(self, portal: str) -> FakeSession:
        session = self.login(portal)
        for attribute in ("targetname", "initiatorname", "ifacename"):
            session.set(attribute, self._bytes())
        session.iscsi_host.set("netdev", self._bytes())
        return session

    def _spoil(self, disk: FakeDisk) -> None:
        for attribute in ("vendor", "model", "wwid", "dh_state", "access_state"):
            disk.device.set(attribute, self._bytes())
        serial = self.text().encode().replace(b"\n", b"")
        self.san.set_udev(disk, b"E:ID_SERIAL=3700" + serial + b"\xff\x9b\nV:1\n")

    def _bytes(self) -> bytes:
        """The next text with bytes that are none at its end."""
        return self.text().encode() + b"\xff\x9b"

    def _list(self) -> None:
        """Have multipathd list the maps. It escapes nothing, and a NUL ends its reply."""
        document = json.loads(self.multipathd.maps())
        lines: list[str] = []
        texts: dict[str, str] = {}
        for map_ in document["maps"]:
            for member in ("name", "uuid", "vend", "prod"):
                mark = f"<{len(texts)}>"
                texts[json.dumps(mark)] = f'"{self.text()}"' if member != "uuid" else f'"{map_["uuid"]}"'
                map_[member] = mark
            for path in map_["path_groups"][0]["paths"]:
                row = (
                    map_["uuid"],
                    self.text(),
                    path["dev"],
                    path["dev_t"],
                    "active",
                    "ready",
                    self.text(),
                    "normal",
                    "0",
                )
                lines.append("|".join(row) + "\n")
                path["checker"] = self.text()
        listed = json.dumps(document, indent=3, separators=(",", " : ")) + "\n"
        for mark, text in texts.items():
            listed = listed.replace(mark, text)
        self.multipathd.replies |= {MAPS_COMMAND: listed, PATHS_COMMAND: "".join(lines)}
        self.multipathd.listed.clear()  # they are in the replies


@contextlib.contextmanager
def hostile_host(texts: Sequence[str]) -> Iterator[HostileHost]:
    with TemporaryDirectory() as directory:
        yield HostileHost(Path(directory) / "host", texts)


# --- what is asked of an output ---------------------------------------------------------------------------------------


def assert_lines(text: str) -> None:
    """Only printable characters, in lines."""
    for line in text.split("\n"):
        assert line.isprintable(), ascii(line)


class _Tags(HTMLParser):
    """The tags of a page, and the names of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)


def assert_page(text: str) -> None:
    """The tags and attributes of ours, and printable text between them."""
    assert_lines(text)
    found = _Tags()
    found.feed(text)
    assert not found.tags & {"script", "b", "img", "iframe", "link", "object"}
    assert not {name for name in found.attributes if name.startswith("on")}


def assert_entry(raw: bytes) -> None:
    """An entry of the journal with our fields, each once and of printable text."""
    fields = journald.parse(raw)
    names = [name for name, _ in fields]
    assert len(names) == len(set(names))
    for name, value in fields:
        assert name in ("MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER") or name.startswith("MPATHD_WATCH_")
        assert value.decode().isprintable(), (name, value)


def printed(host: Host, *arguments: str) -> str:
    return product._ask(host, *arguments)[1]  # as check() and status() do


# --- the outputs ------------------------------------------------------------------------------------------------------


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(hostile, min_size=1, max_size=12))
@example(list(ESCAPES))
@example(["\x1b[31m"])
def test_check_and_status_print_text(texts: list[str]) -> None:
    with hostile_host(texts) as host:
        root = ("--root", str(host.root))
        for command in (("check", *root), ("check", *root, "--json"), ("status",), ("status", "--json")):
            assert_lines(printed(host, *command))
        # As JSON escapes what can't be printed, what is in it is looked at, too.
        for command in (("check", *root, "--json"), ("status", "--json")):
            for text in strings(json.loads(printed(host, *command))):
                assert text.isprintable(), ascii(text)


def strings(value: object) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


@pytest.mark.parametrize("start", [0, 3, 7])
def test_a_daemon_passes_text_on(start: int) -> None:
    with hostile_host([*ESCAPES[start:], *ESCAPES[:start]]) as host:
        pages: list[str] = []

        async def story(watched: product.Watched) -> None:
            await watched.until(lambda lines: any("path_health" in line for line in lines))
            host.down.fail()
            await watched.until(lambda lines: any('"stalled"' in line and line.endswith(" 1.0") for line in lines))
            host.down.expire()
            await watched.until(lambda lines: any('"failed"' in line and line.endswith(" 1.0") for line in lines))
            await watched.until(lambda _: "incident_began" in watched.events())
            pages.extend([await asyncio.to_thread(got, f"http://{watched.address}{path}") for path in PATHS])

        watched = product.watch(host, story)
        assert {"path_stalled", "path_failed", "incident_began"} <= set(watched.events())
        assert any("\\x1b" in alert.message for alert in watched.alerts)
        for alert in watched.alerts:
            assert_entry(alert_entry(alert))
            entry = entry_of(alert)
            assert all(text.isprintable() for text in (entry.message, *entry.fields.values()))
        for page in pages[:3]:
            assert_page(page)
        assert_lines(pages[3])
        assert_lines(pages[4])
        assert_lines(on_terminal(watched.alerts, ()))


PATHS = ("/", "/?map=%1b[2J", "/?text=%3Cscript%3E%0A&search", "/metrics", "/nothing%1b")


def got(address: str) -> str:
    with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(address, timeout=20) as answer:  # noqa: S310  # loopback
        text: str = answer.read().decode()
        return text
    return ""


def on_terminal(alerts: Iterable[Alert], lines: Iterable[str]) -> str:
    """What a daemon writes on a terminal without colours."""
    stream = io.StringIO()
    console = ConsoleSink(stream, lambda: 0.0, colour=False)
    for alert in alerts:
        console.alert(alert)
    for line in lines:
        console.log(Priority.INFO, line)
    console.stop(20.0)
    assert stream.getvalue()
    return stream.getvalue()


def test_a_drill_prints_text(tmp_path: Path) -> None:
    texts = itertools.cycle(ESCAPES)
    with DrillHost(tmp_path) as host:
        for session in host.sessions:
            session.set("targetname", next(texts).encode() + b"\xff\x9b")
            session.set("ifacename", b"default")
        host.map.set("dm/name", b"\x1b[2Jm\xff<b>")
        for disk in host.disks:
            disk.device.set("vendor", next(texts).encode())
        report = host.directory / "report.md"
        with Drilling(host, "--portal", "192.168.2.1:3260", "--report", str(report)) as drill:
            drill.wait("Waiting for the fault.", lambda: drill.output + drill.errors)
            host.fail(2)
            drill.wait("has failed", lambda: drill.output + drill.errors)
            host.recover(2)
            assert drill.ended() == 0, drill.errors
            shown = drill.output + drill.errors
        assert "\\x1b[2Jm" in shown
        assert_lines(shown)
        assert_lines(report.read_text(encoding="utf-8"))
        assert_page(report.with_suffix(".svg").read_text(encoding="utf-8"))


@given(hostile)
def test_a_line_about_the_daemon_is_text(text: str) -> None:
    assert_entry(line_entry(Priority.WARNING, text))
    assert_lines(on_terminal((), [text]))


@settings(max_examples=15, deadline=None)
@given(st.lists(hostile, min_size=1, max_size=8))
@example(list(ESCAPES))
def test_the_history_prints_text(texts: list[str]) -> None:
    names = itertools.cycle(texts)
    with TemporaryDirectory() as directory:
        with database(Path(directory)) as connection:
            for number in range(3):
                of = {name: next(names) for name in ("wwid", "map", "path", "cause", "evidence", "broken", "incident")}
                add(connection, [outage(number, **of, verdict=next(names), states=json.dumps([[0, *of.values()][:7]]))])
            report = drill_report(reasons=[next(names)])
            report["target"]["name"] = next(names)
            connection.execute("INSERT INTO drills VALUES (?, ?, ?, 1, ?)", (report["id"], 1, 2, json.dumps(report)))
            expect(connection, f"{next(names)}9", [next(names)])
        plot = Path(directory) / "plot.svg"
        show = ("history", "show", f"{0:016x}")
        for command in (
            ("history",),
            ("history", "--json"),
            ("history", "--unproven"),
            show,
            (*show, "--plot", str(plot)),
        ):
            assert_lines(in_process(Path(directory), *command))
        assert_page(plot.read_text(encoding="utf-8"))


def in_process(state: Path, *arguments: str) -> str:
    text = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        patch.setitem(os.environ, "STATE_DIRECTORY", str(state))
        main(list(arguments))
    assert text.getvalue()
    return text.getvalue()
