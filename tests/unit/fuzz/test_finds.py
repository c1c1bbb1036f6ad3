"""What campaigns and reading for them have found, each find by itself. What was slow is among the shapes.

Those in the core are with the core's own tests: numbers of thousands of digits, counts in expressions, quadratic time.
"""

from __future__ import annotations

import json
import tracemalloc
from math import inf, nan
from pathlib import Path

import pytest
from prometheus_client.exposition import choose_encoder

from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.sinks.http.dialogue import Dialogue, Refusal
from mpathd_watch.sinks.journal import alert_entry
from mpathd_watch.sinks.metrics import Exposition
from mpathd_watch.sinks.status.document import StatusError
from mpathd_watch.sinks.status.document import parse as parse_status
from mpathd_watch.sinks.view import View
from mpathd_watch.sources.bundle.moments import moment
from mpathd_watch.store import notified
from mpathd_watch.store.past_rows import expected_paths
from mpathd_watch.store.rows import microseconds
from tests.factories import NOW, article_state
from tests.fakes.journald import parse as parse_entry


def test_a_content_length_that_python_makes_no_number_of_is_a_bad_request() -> None:
    # h11 0.14, that of Debian 12, raises a ValueError which is none of its own.
    dialogue = Dialogue(8192)
    request = b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: " + b"1" * 5000 + b"\r\n\r\n"
    dialogue.buffer[: len(request)] = request
    dialogue.feed(len(request))
    refused = dialogue.next()
    assert isinstance(refused, Refusal)
    assert dialogue.head(refused.answer).startswith(b"HTTP/1.1 400 ")
    assert not dialogue.go_on()


def test_an_error_of_h11_that_is_none_of_its_own_is_a_bad_request(monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(_: object) -> None:
        raise ValueError("Exceeds the limit (4300 digits) for integer string conversion")

    dialogue = Dialogue(8192)
    monkeypatch.setattr("h11.Connection.next_event", raising)
    refused = dialogue.next()
    assert isinstance(refused, Refusal)
    assert refused.answer.status == 400


ACCEPT = (
    "application/openmetrics-text;version=1.0.0\x80",
    "text/plain;version=a",
    "application/openmetrics-text;version=1.e0sc",
)


def _reads_versions() -> bool:
    """Return whether this prometheus_client reads the version that is asked for: Debian 12's 0.16 does not."""
    return (
        choose_encoder("application/openmetrics-text;version=0.0.1")[1]
        != choose_encoder("application/openmetrics-text;version=1.0.0")[1]
    )


@pytest.mark.parametrize("accept", [*ACCEPT, "text/plain;version=" + "9" * 5000])
def test_an_accept_that_makes_no_sense_gets_the_usual_format(accept: str) -> None:
    exposition = Exposition(lambda: View(article_state(), NOW))
    wanted, usual = exposition.format(accept), exposition.format("")
    if accept.startswith("application/openmetrics-text") and not _reads_versions():
        usual = exposition.format("application/openmetrics-text")
    assert wanted == usual
    assert exposition.render(wanted)[0] == exposition.render(usual)[0]


def test_a_status_that_is_nested_too_deeply_is_no_status() -> None:
    with pytest.raises(StatusError, match="not JSON"):
        parse_status("[" * 100_000)


def test_a_number_in_a_row_that_no_float_can_hold_is_not_known() -> None:
    text = json.dumps({"paths": {"a": {"proven": 10**400}, "b": {"proven": 1.5}}})
    assert list(expected_paths(text)) == [("a", None), ("b", 1.5)]


@pytest.mark.parametrize("seconds", [1e308, -1e308, 1e303])
def test_a_moment_beyond_every_clock_can_be_written(seconds: float) -> None:
    assert abs(microseconds(seconds)) == 2**62


@pytest.mark.parametrize("change", [{"made": inf}, {"since": 10**400}, {"sent": nan}])
def test_a_file_of_what_was_sent_with_numbers_that_make_no_sense_is_damaged(
    change: dict[str, float], tmp_path: Path
) -> None:
    entry = {"event": "path_failed", "priority": 4, "message": "m", "fields": {}}
    known = {"entry": entry, "since": 1.5, "sent": 1.5, "made": 1, "delivered": True, "end": None, "settles": False}
    file = tmp_path / "notified"
    file.write_text(json.dumps({"mail": {"topic": known | change}}))
    with pytest.raises(ValueError, match=r"it makes no sense|not a finite number"):
        notified.load(file)


def test_a_small_file_of_what_was_sent_takes_little_memory(tmp_path: Path) -> None:
    file = tmp_path / "notified"
    file.write_text("{}")
    tracemalloc.start()
    try:
        notified.load(file)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_date_in_the_year_0_is_none() -> None:
    assert moment("Sat Jan  1 00:00:00 UTC 0000", 7.0) == 7.0


ESCAPE = "a\x1b[2Jb"


def test_a_field_of_the_journal_is_text_that_can_be_printed_and_whole() -> None:
    long = "x" * 5000
    alert = Alert(AlertKind.PATH_FAILED, Priority.ERR, "m", {"MAP": ESCAPE, "EVIDENCE": long})
    fields = dict(parse_entry(alert_entry(alert)))
    assert fields["MPATHD_WATCH_MAP"] == rb"a\x1b[2Jb"
    assert fields["MPATHD_WATCH_EVIDENCE"] == long.encode()
