"""Mail by a real SMTP conversation on loopback, with servers that do what servers do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from mpathd_watch.config.receivers import Mail, Server
from mpathd_watch.core.alerting.notices import Notice, Step
from mpathd_watch.core.alerting.pairs import Entry
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.sinks.hooks import mail as module
from mpathd_watch.sinks.hooks.mail import Mailer
from mpathd_watch.sinks.hooks.outcome import Outcome, Result
from tests.factories import at
from tests.fakes.smtp import SmtpServer

TO = ("root", "storage@example.com")


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as serving:
        yield serving


def mailer(server: SmtpServer, *to: str) -> Mailer:
    return Mailer(Mail(to or TO, server=Server("127.0.0.1", server.port)), "host7")


def notice(message: str = "mpatha: no path left; I/O hangs until one returns.", number: int = 0) -> Notice:
    fields = {"INCIDENT": "0123456789abcdef", "MAP": "mpatha", "WWID": "36001405"}
    entry = Entry("map_lost", Priority.CRIT, message, fields)
    return Notice(Step.ALERT, entry, at(0), "feed", number, frozenset({"incident 0123456789abcdef"}))


def test_a_mail_arrives_with_its_headers_and_what_to_do(server: SmtpServer) -> None:
    assert mailer(server).deliver(notice()) == Outcome(Result.OK)
    (got,) = server.received
    assert (got.sender, got.to) == ("mpathd-watch@host7", list(TO))
    assert got.mail["Subject"] == "[host7] mpatha: no path left; I/O hangs until one returns."
    assert got.mail["X-Mpathd-Watch-Event"] == "map_lost"
    assert got.mail["X-Mpathd-Watch-Incident"] == "0123456789abcdef"
    assert got.mail["Auto-Submitted"] == "auto-generated"
    text = got.mail.get_content()
    assert "Restore any of its paths." in text
    assert "mpathd-watch forget --map mpatha." in text
    assert "  MPATHD_WATCH_WWID=36001405" in text


def test_an_incident_is_one_thread(server: SmtpServer) -> None:
    sending = mailer(server)
    for number in range(3):
        sending.deliver(notice(number=number))
    first, second, third = (got.mail for got in server.received)
    assert first["References"] is None
    assert second["References"] == second["In-Reply-To"] == first["Message-ID"]
    assert third["References"] == f"{first['Message-ID']} {second['Message-ID']}"


def test_a_name_from_the_san_forges_neither_header_nor_recipient_nor_line(server: SmtpServer) -> None:
    evil = "x\r\nBcc: victim@example.com\r\n\r\n.\r\nMAIL FROM:<a@b>\r\n\u202e"
    made = notice(evil)
    made.entry.fields["MAP"] = evil
    assert mailer(server).deliver(made).result is Result.OK
    (got,) = server.received
    assert got.to == list(TO)
    assert got.mail["Bcc"] is None
    assert "\\x0d\\x0aBcc:" in got.mail["Subject"]
    assert sum(command.startswith("MAIL FROM") for command in server.commands) == 1


def test_a_greylisting_server_defers_and_later_gets_the_same_mail(server: SmtpServer) -> None:
    sending = mailer(server)
    server.answer = lambda command: b"451 4.7.1 greylisted, try later" if command.startswith("RCPT") else None
    deferred = sending.deliver(notice())
    assert (deferred.result, deferred.everything) == (Result.DEFERRED, False)
    assert "does not accept root and 1 more now: 451 4.7.1 greylisted, try later" in deferred.detail
    server.answer = lambda _: None
    assert sending.deliver(notice()).result is Result.OK
    assert [got.to for got in server.received] == [list(TO)]


def test_who_has_the_mail_does_not_get_it_again(server: SmtpServer) -> None:
    sending = mailer(server)
    server.answer = lambda command: b"450 mailbox busy" if command.startswith("RCPT TO:<storage@") else None
    assert sending.deliver(notice()).result is Result.DEFERRED
    server.answer = lambda _: None
    assert sending.deliver(notice()).result is Result.OK
    assert [got.to for got in server.received] == [["root"], ["storage@example.com"]]
    assert sending.deliver(notice(number=1)).result is Result.OK
    assert server.received[-1].to == list(TO)


@pytest.mark.parametrize(
    ("command", "answer", "result", "everything"),
    [
        ("RCPT TO:<storage", b"550 no such user", Result.FAILED, False),
        ("MAIL", b"553 bad sender", Result.FAILED, False),
        ("MAIL", b"452 disk full", Result.DEFERRED, False),
        (".", b"554 looks like spam", Result.FAILED, False),
        (".", b"421 shutting down", Result.DEFERRED, True),
        ("CONNECT", b"554 go away", Result.DEFERRED, True),
        ("CONNECT", b"421 too busy", Result.DEFERRED, True),
        ("CONNECT", b"garbage", Result.DEFERRED, True),
    ],
)
def test_what_a_server_answers_is_final_or_not(
    server: SmtpServer, command: str, answer: bytes, result: Result, everything: bool
) -> None:
    server.answer = lambda asked: answer if asked.startswith(command) else None
    outcome = mailer(server).deliver(notice())
    assert (outcome.result, outcome.everything) == (result, everything)
    assert server.address in outcome.detail
    assert outcome.detail.isprintable()


def test_a_server_that_does_not_answer_takes_no_longer_than_it_may(
    server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWERS_WITHIN", 0.2)
    for command in ("CONNECT", "EHLO", "RCPT", "."):
        server.answer = lambda asked, command=command: b"" if asked.startswith(command) else None  # type: ignore[misc]
        began = time.monotonic()
        outcome = mailer(server).deliver(notice())
        assert time.monotonic() - began < 5
        assert (outcome.result, outcome.everything) == (Result.DEFERRED, True)
        assert "does not answer" in outcome.detail or "took too long" in outcome.detail


@pytest.mark.parametrize(("line", "pause"), [(b"2", 0.05), (b"220-more\r\n", 0.0)])
def test_a_server_that_answers_without_end_is_given_up(
    monkeypatch: pytest.MonkeyPatch, line: bytes, pause: float
) -> None:
    monkeypatch.setattr(module, "SENT_WITHIN", 0.5)
    monkeypatch.setattr(module, "MOST_READ", 10_000)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def dribble() -> None:
            client, _ = listening.accept()
            try:
                while not over.wait(pause):
                    client.sendall(line)
            except OSError:
                client.close()

        thread = threading.Thread(target=dribble)
        thread.start()
        sending = Mailer(Mail(TO, server=Server("127.0.0.1", listening.getsockname()[1])), "host7")
        began = time.monotonic()
        outcome = sending.deliver(notice())
        assert time.monotonic() - began < 5
        over.set()
        thread.join()
    assert (outcome.result, outcome.everything) == (Result.DEFERRED, True)


def test_without_a_server_there_is_a_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    outcome = Mailer(Mail(TO, server=Server("127.0.0.1", port)), "host7").deliver(notice())
    assert (outcome.result, outcome.everything) == (Result.DEFERRED, True)
    assert outcome.detail == (
        f"127.0.0.1:{port}: Connection refused. Check that a mail server runs there, or set server of [mail]"
    )


def test_a_name_that_is_none_is_a_mistake() -> None:
    outcome = Mailer(Mail(TO, server=Server("a..b", 25)), "host7").deliver(notice())
    assert outcome == Outcome(Result.FAILED, "a..b:25 is no name of a host. Check server of [mail]")
