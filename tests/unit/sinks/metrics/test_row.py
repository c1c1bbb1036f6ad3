"""Rows and blocks by themselves: what a block of a transport to come would do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mpathd_watch.core.catalog.words import Vocabulary
from mpathd_watch.core.model.histogram import Histogram
from mpathd_watch.sinks.metrics.labelled import labelled
from mpathd_watch.sinks.metrics.row import (
    Block,
    Example,
    Kind,
    Label,
    Labels,
    Row,
    Value,
    by_word,
    counter,
    counts,
    gauge,
    info,
    states,
)
from mpathd_watch.sinks.view import View
from tests.factories import NOW, make_state

VIEW = View(make_state(), NOW)
ANY = Example("Any?", "mpathd_watch_any")
PORT = Label("remote_port", "The remote port.")
REASON = Label("reason", "Why.")
SPEED = Label("speed", "How fast.", Vocabulary("Speeds", {"slow": "Not fast.", "fast": "Not slow."}))


@dataclass(frozen=True)
class Port:
    """What a block may be about."""

    label: str
    state: str = "Online"
    speed: int | None = 16


def block(*rows: Row[Port], ports: Iterable[Port] = (Port("b"), Port("a", "Blocked", None))) -> Block[Port]:
    def objects(_: View) -> Iterator[tuple[Labels, Port]]:
        for label, port in labelled(ports):
            yield {PORT.name: label}, port

    return Block("Remote ports", (PORT,), objects, rows)


def points(of: Block[Port]) -> list[tuple[str, Labels, float]]:
    return [(row.metric + suffix, labels, value) for row, found in of.families(VIEW) for suffix, labels, value in found]


def test_a_block_exports_its_rows_in_their_order_for_each_of_its_objects() -> None:
    found = points(
        block(
            info("port_info", "Always 1.", {Label("state", ""): lambda port: port.state}, ANY),
            gauge("port_speed", "Its speed.", lambda port: port.speed, ANY, absent="while nobody knows"),
            counter("port_losses_total", "Its losses.", lambda _: 3, ANY),
        )
    )
    assert found == [
        ("mpathd_watch_port_info", {"remote_port": "a", "state": "Blocked"}, 1.0),
        ("mpathd_watch_port_info", {"remote_port": "b", "state": "Online"}, 1.0),
        ("mpathd_watch_port_speed", {"remote_port": "b"}, 16),
        ("mpathd_watch_port_losses_total", {"remote_port": "a"}, 3),
        ("mpathd_watch_port_losses_total", {"remote_port": "b"}, 3),
    ]


def test_a_state_set_and_counts_by_word_have_every_word() -> None:
    of_states: Row[Port] = states(
        "port_state", "Its state.", Vocabulary("", {"Online": "", "Blocked": ""}), lambda p: p.state, ANY
    )
    of_counts: Row[Port] = by_word("port_errors_total", "Its errors.", SPEED, lambda _: {"fast": 2}, ANY)
    found = points(block(of_states, of_counts, ports=[Port("a")]))
    assert [(tuple(labels.values()), value) for _, labels, value in found] == [
        (("a", "Online"), 1.0),
        (("a", "Blocked"), 0.0),
        (("a", "slow"), 0),
        (("a", "fast"), 2),
    ]


def test_keys_that_become_equal_when_printable_are_counted_together_and_sorted() -> None:
    row: Row[Port] = counts("port_errors_total", "Its errors.", REASON, lambda _: {"e10": 1, "e9\n": 2, "e9": 3}, ANY)
    found = [(labels["reason"], value) for _, labels, value in points(block(row, ports=[Port("a")]))]
    assert found == [("e9", 5), ("e10", 1)]


def test_a_histogram_becomes_its_buckets_their_sum_and_their_count() -> None:
    def read(_: Port, __: View) -> Iterable[Value]:
        return [({"reason": "x"}, Histogram().observed(700.0))]

    row = Row("port_seconds", Kind.HISTOGRAM, (REASON,), "Seconds.", read, ANY)
    found = points(block(row, ports=[Port("a")]))
    assert found[-3:] == [
        ("mpathd_watch_port_seconds_bucket", {"remote_port": "a", "reason": "x", "le": "+Inf"}, 1),
        ("mpathd_watch_port_seconds_sum", {"remote_port": "a", "reason": "x"}, 700.0),
        ("mpathd_watch_port_seconds_count", {"remote_port": "a", "reason": "x"}, 1),
    ]


def test_nothing_is_read_before_it_is_written_out() -> None:
    read: list[str] = []

    def speed(port: Port) -> float:
        read.append(port.label)
        return 1.0

    ((_, found),) = block(gauge("port_speed", "Its speed.", speed, ANY)).families(VIEW)
    assert read == []
    next(found)
    assert read == ["a"]
