"""Incidents in the status document, on the screen and on the page."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from mpathd_watch.core.model.incident import Incident
from mpathd_watch.core.model.vocabulary import Cause, MapHealth
from mpathd_watch.core.state import State
from mpathd_watch.immutable import replace
from mpathd_watch.sinks.http.page import Shown, Wanted
from mpathd_watch.sinks.http.page import render as render_page
from mpathd_watch.sinks.status.document import Document
from mpathd_watch.sinks.status.from_view import document
from mpathd_watch.sinks.status.screen import render
from mpathd_watch.sinks.view import View
from tests.factories import NOW, article_state, at
from tests.unit.sinks.http.reading import read

LOSS = Incident(
    "00c0ffee00c0ffee",
    began=at(-90),
    until=at(-70),
    maps=frozenset({"w1", "w2"}),
    took=24,
    out=20,
    real=at(-80),
    causes=frozenset({Cause.NOP_TIMEOUT}),
    what="session 192.168.2.1:3260/iqn",
    worst=MapHealth.AT_RISK,
)


def shown(*incidents: Incident) -> Document:
    state: State = replace(article_state(), incidents={each.id: each for each in incidents})
    return document(View(state, NOW))


def page(*incidents: Incident, **changes: Any) -> str:
    return render_page(Shown(shown(*incidents), "san-host", zone=UTC, **changes))


def words_of(html: str) -> str:
    return " ".join(" ".join(read(html).text).split())


def test_the_document_has_what_an_incident_has_taken() -> None:
    (found,) = shown(LOSS)["incidents"]
    assert (found["id"], found["what"], found["worst"]) == (LOSS.id, LOSS.what, "at_risk")
    assert (found["paths"], found["out"], found["maps"], found["seconds"]) == (24, 20, 2, 90.0)
    assert found["causes"] == ["nop_timeout"]


def test_the_screen_has_it_on_top_in_full() -> None:
    text = render(shown(LOSS), colour=False, width=80, zone=UTC)
    first = text.splitlines()[1]
    assert first.startswith("incident: session 192.168.2.1:3260/iqn; cause: no answer to the initiator's")
    assert "20 of 24 paths not up" in " ".join(text.split())
    assert "journalctl MPATHD_WATCH_INCIDENT=00c0ffee00c0ffee" in text


def test_what_was_not_logged_yet_is_counted() -> None:
    text = render(shown(replace(LOSS, what="", worst=None)), colour=False, zone=UTC)
    assert "incident: 24 paths of 2 maps, since" in text
    assert "no answer" not in text.splitlines()[1]


def test_of_many_incidents_some_are_shown_and_the_others_counted() -> None:
    many = [replace(LOSS, id=f"{number:016x}") for number in range(20)]
    text = render(shown(*many), colour=False, zone=UTC)
    assert text.count("MPATHD_WATCH_INCIDENT=") == 4
    assert "16 other incidents" in text
    found = page(*many)
    assert found.count("MPATHD_WATCH_INCIDENT=") == 8
    assert "12 other incidents" in found


def test_the_page_has_the_worst_first_and_no_markup_of_others() -> None:
    lost = replace(LOSS, id="1" * 16, what="<b>mpath</b>: path x", worst=MapHealth.LOST)
    html = page(LOSS, lost)
    text = words_of(html)
    assert "<b>mpath" not in html
    assert text.index("mpath</b>: path x") < text.index("session 192.168.2.1:3260/iqn")
    assert "24 paths of 2 maps, 20 not up" in text
    assert "Incidents" not in words_of(page())
    assert "Incidents" not in words_of(page(LOSS, wanted=Wanted(map="mpio")))
