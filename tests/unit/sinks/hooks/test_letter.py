"""A notice as a mail: its headers, what it means and what to do; and no text from outside that forges any of it."""

from __future__ import annotations

import email
from datetime import UTC
from email.message import EmailMessage
from email.policy import SMTP, default

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mpathd_watch.core.alerting.notices import Notice, Step
from mpathd_watch.core.alerting.pairs import Entry, entry_of
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.sinks.hooks.letter import letter
from mpathd_watch.sinks.hooks.wording import as_json, explained
from tests.factories import at

TO = ("root", "storage@example.com")


def notice(step: Step = Step.ALERT, priority: Priority = Priority.CRIT, **fields: str) -> Notice:
    entry = Entry("map_lost", priority, "mpatha: no path left.", fields)
    return Notice(step, entry, at(0), "feed", topics=frozenset({"x"}))


def sent(made: Notice, host: str = "host7") -> EmailMessage:
    """The mail as it arrives."""
    raw = letter(made, host, "mpathd-watch@host7", TO, UTC).as_bytes(policy=SMTP)
    return email.message_from_bytes(raw, policy=default)


def text(made: Notice) -> str:
    content: str = sent(made).get_content()
    return content.replace("\r\n", "\n")


def test_the_whole_mail_of_an_alert() -> None:
    assert text(notice(MAP="mpatha", WWID="3600")) == (
        "mpatha: no path left.\n"
        "\n"
        "What it means:\n"
        "I/O to this disk fails, or hangs for as long as the map queues it. Or the map\n"
        "was expected and did not come back after a restart.\n"
        "\n"
        "What to do:\n"
        "Restore any of its paths. File systems may have become read-only: check them\n"
        "afterwards. If it is gone for good: mpathd-watch forget --map mpatha.\n"
        "\n"
        "On host7 at 2026-11-18 11:06:40 UTC:\n"
        "  PRIORITY=2\n"
        "  MESSAGE_ID=b0f6b086226247da9881a9cbd431ee87\n"
        "  MPATHD_WATCH_EVENT=map_lost\n"
        "  MPATHD_WATCH_MAP=mpatha\n"
        "  MPATHD_WATCH_WWID=3600\n"
        "  MPATHD_WATCH_NOTICE=alert\n"
        "\n"
        "A reminder follows while this stands, and an all-clear when it is over.\n"
    )


def test_the_headers_that_programs_read() -> None:
    mail = sent(notice(INCIDENT="0123456789abcdef"))
    assert (mail["From"], mail["To"]) == ("mpathd-watch@host7", "root, storage@example.com")
    assert mail["Date"] == "Wed, 18 Nov 2026 11:06:40 +0000"
    assert mail["Message-ID"] == "<mpathd-watch.feed.0@host7>"
    assert mail["X-Priority"] == "1 (Highest)"
    assert mail["X-Mpathd-Watch-Notice"] == "alert"
    assert mail["X-Mpathd-Watch-Incident"] == "0123456789abcdef"
    assert sent(notice())["X-Mpathd-Watch-Incident"] is None


@pytest.mark.parametrize(
    ("step", "subject"),
    [
        (Step.ALERT, "[host7] mpatha: no path left."),
        (Step.REMINDER, "[host7] reminder: mpatha: no path left."),
        (Step.ALL_CLEAR, "[host7] all clear: mpatha: no path left."),
        (Step.TEST, "[host7] test: mpatha: no path left."),
    ],
)
def test_the_subject_shows_what_kind_of_message_it_is(step: Step, subject: str) -> None:
    assert sent(notice(step))["Subject"] == subject


def test_an_all_clear_is_not_urgent_and_needs_nothing_done() -> None:
    mail = sent(notice(Step.ALL_CLEAR))
    assert mail["X-Priority"] is None
    assert "PRIORITY=5" in mail.get_content()
    assert "What to do" not in mail.get_content()


def test_a_long_message_is_cut_in_the_subject_only() -> None:
    made = Notice(Step.ALERT, Entry("map_lost", Priority.ERR, "word " * 150, {}), at(0), "feed")
    assert len(str(sent(made)["Subject"])) == 160
    assert sent(made)["Subject"].endswith("...")
    assert text(made).count("word") == 150


def test_a_summary_quotes_its_entries() -> None:
    quoted = (Entry("map_lost", Priority.CRIT, "mpathb: lost.", {"MAP": "mpathb"}), Entry("x", Priority.ERR, "y", {}))
    made = Notice(Step.SUMMARY, Entry("summary", Priority.CRIT, "2 more messages.", {}), at(0), "f", quoted=quoted)
    content = text(made)
    assert "  crit: mpathb: lost.\n  err: y\n" in content
    assert "What it means" not in content
    assert b'"MPATHD_WATCH_MAP": "mpathb"' in as_json(made, "host7")


def test_a_command_in_the_remedy_can_be_pasted_whatever_the_map_is_called() -> None:
    entry = Entry("map_lost", Priority.CRIT, "", {"MAP": "a; reboot"})
    assert "forget --map 'a; reboot'." in explained(entry)[1]
    assert "forget --map -." in explained(Entry("map_lost", Priority.CRIT, "", {}))[1]
    assert explained(Entry("of_another_version", Priority.CRIT, "", {})) == ("", "")


@settings(deadline=None)
@given(message=st.text(max_size=300), name=st.text(max_size=100), host=st.text(max_size=70))
def test_no_text_forges_a_header_or_a_line_of_the_body(message: str, name: str, host: str) -> None:
    entry = entry_of(Alert(AlertKind.MAP_LOST, Priority.CRIT, message, {"MAP": name, "INCIDENT": name}))
    made = Notice(Step.ALERT, entry, at(0), "feed", 1, frozenset({"x"}))
    plain = "".join(c for c in host if c.isprintable())
    raw = letter(made, plain, "mpathd-watch@host7", TO, UTC).as_bytes(policy=SMTP)
    head, _, _ = raw.partition(b"\r\n\r\n")
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert set(names) <= {
        *(b"From", b"To", b"Subject", b"Date", b"Message-ID", b"In-Reply-To", b"References", b"Auto-Submitted"),
        *(b"X-Auto-Response-Suppress", b"X-Priority", b"X-Mpathd-Watch-Event", b"X-Mpathd-Watch-Notice"),
        *(b"X-Mpathd-Watch-Incident", b"Content-Type", b"Content-Transfer-Encoding", b"MIME-Version"),
    }
    assert len(set(names)) == len(names)
    assert head.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    mail = email.message_from_bytes(raw, policy=default)
    content: str = mail.get_content()
    assert content.count("\n  MPATHD_WATCH_MAP=") == ("\n  MPATHD_WATCH_MAP=" in f"\n  MPATHD_WATCH_MAP={name}")
