"""What mpathd-watch itself has written, in places where others can write as well, and what clients send."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mpathd_watch.core.events import Event
from mpathd_watch.core.model.incident import Incident
from mpathd_watch.core.model.instant import Instant
from mpathd_watch.core.model.mappings import frozen
from mpathd_watch.core.model.memory import ExpectedMap, ExpectedPath, KeptMap, OpenOutage
from mpathd_watch.core.model.vocabulary import Health, MapHealth, Transport
from mpathd_watch.core.recording.codec import CodecError, decode_event, encode, encode_event
from mpathd_watch.core.recording.lines import Writer, header_line, parse_header, parser
from mpathd_watch.sinks.control.message import MessageError, decode_reply, decode_request
from mpathd_watch.sinks.history.document import outage_entry
from mpathd_watch.sinks.history.timeline import timeline
from mpathd_watch.sinks.http.answer import Answer, Content
from mpathd_watch.sinks.http.dialogue import Dialogue, Nothing, Refusal
from mpathd_watch.sinks.http.site import Rendering, Site
from mpathd_watch.sinks.status.document import StatusError
from mpathd_watch.sinks.status.document import parse as parse_status
from mpathd_watch.sinks.view import View
from mpathd_watch.sources.recording import RecordingError, read
from mpathd_watch.store import notified
from mpathd_watch.store.drills import kept_drill, read_drills
from mpathd_watch.store.past_rows import expected_paths, past_outage
from mpathd_watch.store.rows import (
    OUTAGE_COLUMNS,
    KeptIncident,
    Row,
    expected_text,
    incident_row,
    map_text,
    outage_row,
    read_expected,
    read_findings,
    read_incident,
    read_map,
    read_open,
    readable,
)
from tests.factories import NOW, article_state, make_outage
from tests.fuzz.seeds import RECORDING
from tests.fuzz.target import Target, must, text_of
from tests.histories import BEGAN, drill_report, outage

# --- recordings -------------------------------------------------------------------------------------------------------


def event(data: bytes) -> None:
    """Read an event of a recording; what could be read must come out the same after being written."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    found = decode_event(value)
    must(decode_event(encode_event(found)) == found, "the event has changed on its way")


def recording_line(data: bytes) -> None:
    """Read the header and one line of a recording after the events that are usual."""
    head, _, line = data.partition(b"\n")
    header = parse_header(head.decode("utf-8", "replace"))
    parse = parser(header)
    if header.format > 1:
        for each in _usual():
            parse(each)
    parse(line.decode("utf-8", "replace"))


def recording(data: bytes) -> None:
    """Read a recording, compressed or not; what could be read must come out the same after being written."""
    with TemporaryDirectory() as directory:
        file = Path(directory) / "recording"
        file.write_bytes(data)
        found: list[tuple[Event, Instant]] = []
        try:
            found.extend(read(file))
        except RecordingError as error:
            must(str(error).isprintable(), "the error is not one line")
        writer = Writer()
        text = "".join((header_line("0"), *(writer.line(*each) for each in found)))
        file.write_text(text, "utf-8", "backslashreplace")
        must(list(read(file)) == found, "the recording has changed on its way")


def _usual() -> list[str]:
    writer = Writer()
    return [writer.line(*each) for each in islice(read(RECORDING), 8)]


def event_seeds() -> Iterable[bytes]:
    for line in RECORDING.read_text(encoding="utf-8").splitlines()[1:]:
        value = json.loads(line)
        value.pop("at")
        if value.keys() > {"event"}:
            yield json.dumps(value).encode()


def line_seeds() -> Iterable[bytes]:
    head = header_line("0.1.0").encode()
    for line in _usual():
        yield head + line.encode()


def recording_seeds() -> Iterable[bytes]:
    writer = Writer()
    lines = [header_line("0.1.0"), *(writer.line(*each) for each in islice(read(RECORDING), 12))]
    yield "".join(lines).encode()
    yield gzip.compress("".join(lines).encode(), mtime=0)


# --- the store --------------------------------------------------------------------------------------------------------

_SEPARATOR = b"\x1e"
"""Parts the columns of a row."""


def rows(data: bytes) -> None:
    """Read a row as the daemon does at its start. What makes sense can be written again."""
    texts = [text_of(each) for each in data.split(_SEPARATOR)]
    row = (texts[0], *(texts[1:3] or ("[]", "")))
    for found in _read(row, read_open):
        outage_row(found)
    for incident in _read(row, read_incident):
        incident_row(KeptIncident(incident))
    for kept in _read(row, lambda each: read_map(each[0])):
        map_text(kept)
    for expected in _read(row, lambda each: read_expected(each[0])):
        expected_text(expected)
    _read(row, read_findings)
    list(expected_paths(texts[0]))


def _read(row: Row, read_row: Callable[[Row], Any]) -> list[Any]:
    return list(readable([row], read_row, lambda: None))


def past_rows(data: bytes) -> None:
    """Read an outage of the history, and show it."""
    columns = [_column(each) for each in data.split(_SEPARATOR)]
    found = past_outage(tuple((*columns, *[None] * 40)[:_PAST]))
    if found is not None:
        json.dumps(outage_entry(found))
        must("\n".join(timeline(found, 2e9, zone=UTC)).replace("\n", "").isprintable(), "a line can't be printed")


_PAST = 16 + 2 * 6 + 1


def _column(raw: bytes) -> object:
    """A value of SQLite: ``i``, ``f``, ``b`` and ``n`` are followed by a number, bytes, nothing; the rest is text."""
    kind, rest = raw[:1], raw[1:]
    try:
        if kind == b"i":
            return max(-(2**63), min(2**63 - 1, int(rest[:20])))
        if kind == b"f":
            return float(rest[:40])
    except ValueError:
        return None
    return {b"b": rest, b"n": None}.get(kind, text_of(raw))


def drills(data: bytes) -> None:
    """Take the report of a drill, and read what the store has of one."""
    with suppress(ValueError, RecursionError):  # who reports a drill gets the error
        kept_drill(json.loads(data), 2e9)
    database = sqlite3.connect(":memory:")
    try:
        database.execute("CREATE TABLE drills (id, began, report)")
        database.execute("INSERT INTO drills VALUES (1, 1, ?)", (data.decode("utf-8", "replace"),))
        read_drills(database)
    finally:
        database.close()


def standing(data: bytes) -> None:
    """Read what was sent by mail and hooks."""
    with TemporaryDirectory() as directory:
        file = Path(directory) / "notified"
        file.write_bytes(data)
        notified.save(file, notified.load(file))


def row_seeds() -> Iterable[bytes]:
    known = OpenOutage("3600a", "m", "p", make_outage(), Health.FAILED, NOW, Health.FAILED, "incident")
    yield json.dumps(encode(known)).encode()
    yield json.dumps(encode(known)).encode() + b'\x1e[[0,"up","","","","",""]]\x1eevidence'
    yield json.dumps(encode(Incident("incident", NOW, NOW, took=3, out=1, failover=5.5, real=NOW))).encode()
    yield json.dumps(encode(KeptMap(MapHealth.AT_RISK, NOW, MapHealth.AT_RISK, NOW))).encode()
    yield json.dumps(
        encode(ExpectedMap("m", frozen({"p": ExpectedPath(Transport.ISCSI, "n", "t", proven=1.5)})))
    ).encode()
    yield b'["finding:a"]'
    yield b'{"paths":{"192.168.1.1:3260":{"proven":1.5}}}'


def past_seeds() -> Iterable[bytes]:
    kept = outage()
    yield _SEPARATOR.join(_spelled(kept.get(name)) for name in OUTAGE_COLUMNS)
    yield _SEPARATOR.join(
        (b"a", b"b", b"c", b"d", b"i5", b"n", b"i0", b"unknown", b"", b'{"x":1}', b'{"failover":1e999}')
    )
    yield _SEPARATOR.join(
        (b"a", b"b", b"c", b"d", b"f5.5", b"i4", b"i1", b"nic", b"e", b"n", b"n", b'{"failover":[1,2]}')
    )


def _spelled(value: object) -> bytes:
    if value is None:
        return b"n"
    return f"i{value}".encode() if isinstance(value, int) else str(value).encode()


def drill_seeds() -> Iterable[bytes]:
    yield json.dumps(drill_report(BEGAN)).encode()


def standing_seeds() -> Iterable[bytes]:
    entry = {"event": "path_failed", "priority": 4, "message": "m", "fields": {"MAP": "a"}}
    known = {"entry": entry, "since": 1.5, "sent": 1.5, "made": 1, "delivered": True, "end": entry, "settles": True}
    yield json.dumps({"mail": {"path:a": known}}).encode()


# --- what clients send ------------------------------------------------------------------------------------------------

_STATE = article_state()
_SITE = Site(lambda: View(_STATE, NOW), lambda: 0.0, 10.0)
_MOST = 8192


def http(data: bytes) -> None:
    """Serve what a client sends, as a connection does."""
    dialogue, at = Dialogue(_MOST), 0
    while at <= len(data):
        part = data[at : at + len(dialogue.buffer)]
        dialogue.buffer[: len(part)] = part
        dialogue.feed(len(part))
        at += max(1, len(part))
        while (asked := dialogue.next()) is not Nothing.YET:
            if asked is Nothing.MORE:
                return
            if isinstance(asked, Refusal):
                dialogue.head(asked.answer)
                return
            answer = _SITE.answer(asked.target, asked.accept, asked.accept_encoding)
            if isinstance(answer, Rendering):
                kind = answer.metrics.content_type if answer.metrics else "text/html"
                answer = Answer(HTTPStatus.OK, kind, Content((b"",)))
            head = dialogue.head(answer)
            must(
                head.startswith(b"HTTP/1.1 ") and head.endswith(b"\r\n\r\n") and head.count(b"\r\n\r\n") == 1,
                "the head",
            )
            if not dialogue.go_on():
                return


def page(data: bytes) -> None:
    """Render the page for an address."""
    request = _SITE.answer(f"/?{data[:_MOST].decode('latin-1')}", "", "")
    text = b"".join(_SITE.make(request).content.pieces).decode()  # type: ignore[arg-type]  # a Rendering
    must("<script" not in text.lower(), "a script")


def request_seeds() -> Iterable[bytes]:
    for target in ("/", "/metrics?name[]=a&name[]=b", "/healthz", "/?map=mpio&text=a%20b&problems"):
        yield f"GET {target} HTTP/1.1\r\nHost: a:10068\r\nAccept-Encoding: gzip\r\n\r\n".encode()
    accept = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;q=0.3,*/*;q=0.1"
    yield f"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: {accept}\r\nAccept-Encoding: gzip;q=0\r\n\r\n".encode() * 2
    yield b"HEAD / HTTP/1.0\r\n\r\n"
    yield b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    yield b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"


def page_seeds() -> Iterable[bytes]:
    yield b"map=mpio&text=%3Cscript%3E&problems&search"


def control(data: bytes) -> None:
    """Read a request to the control socket."""
    decode_request(data)


def control_reply(data: bytes) -> None:
    """Read the reply of a daemon."""
    decode_reply(data)


def control_seeds() -> Iterable[bytes]:
    yield b'{"forget":{"map":"mpatha","path":""}}'
    yield b'{"drill":{"id":"0123456789abcdef"}}'


def reply_seeds() -> Iterable[bytes]:
    yield b'{"done":true,"text":"it is forgotten"}'


def status(data: bytes) -> None:
    """Read the status of a daemon."""
    parse_status(data)


def status_seeds() -> Iterable[bytes]:
    yield json.dumps({"version": 1, "maps": [], "sessions": []}).encode()


_JSON = (
    b'{"',
    b'":',
    b"null",
    b"1e999",
    b"-1",
    b"[1,2]",
    b'"\\udcff"',
    b"true",
    b"9" * 400,
    b"1e308",
    b"NaN",
    b'"\\u001b[2J"',
)
_EVENT = (b'{"event":"SystemRead"}', b'"maps":[', b'"at":1,', b'"wwid":"a"')
_OPEN = (b"[", b'{"a":', b'{"event":[', b'[{"":')

TARGETS = (
    Target("event", event, event_seeds, (*_JSON, *_EVENT), _OPEN, (CodecError,)),
    Target("recording_line", recording_line, line_seeds, (*_JSON, *_EVENT), _OPEN, (CodecError,)),
    Target("recording", recording, recording_seeds, (b"\x1f\x8b", b"\n", b'{"at":[1,2],"event":"SourceUp"}\n')),
    Target("store_rows", rows, row_seeds, (*_JSON, _SEPARATOR, b'"outage":', b'"began":[1,2]'), _OPEN),
    Target("past_rows", past_rows, past_seeds, (*_JSON, _SEPARATOR, b"i1", b"f1e300", b"b\xff", b"n"), _OPEN),
    Target("drills", drills, drill_seeds, (*_JSON, b'"began":"0001-01-01T00:00:00+14:00"', b'"paths":[{}]'), _OPEN),
    Target("standing", standing, standing_seeds, (*_JSON, b'"made":', b'"since":'), _OPEN, (ValueError,)),
    Target(
        "http",
        http,
        request_seeds,
        (
            *(
                b"GET / HTTP/1.1\r\n",
                b"Host: a\r\n",
                b"\r\n",
                b"Content-Length: ",
                b"9" * 5000,
                b"Accept: ",
                b"text/plain;",
            ),
            *(
                b"q=0.5,",
                b"HEAD /metrics HTTP/1.0\r\n\r\n",
                b"a: b\r\n",
                b" c\r\n",
                b"?name[]=",
                b"&",
                b"%",
                b"Expect: 100-continue\r\n",
            ),
        ),
    ),
    Target(
        "page", page, page_seeds, (b"map=", b"text=", b"&", b"%3Cscript%3E", b"problems", b"%00", b"%1b", b"+", b";")
    ),
    Target("control", control, control_seeds, _JSON, _OPEN, (MessageError,)),
    Target("control_reply", control_reply, reply_seeds, _JSON, _OPEN, (MessageError,)),
    Target("status", status, status_seeds, _JSON, _OPEN, (StatusError,)),
)
