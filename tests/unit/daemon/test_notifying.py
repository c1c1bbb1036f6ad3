"""Mail and hooks of the daemon: who they are, and what is kept of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from mpathd_watch.config.receivers import Hook, Mail, Receivers, Server
from mpathd_watch.core.alerting.notices import Standing
from mpathd_watch.core.catalog import words
from mpathd_watch.core.catalog.alerts import AlertKind, Priority
from mpathd_watch.core.effects import Alert
from mpathd_watch.daemon import clock, notifying
from mpathd_watch.daemon.notifying import Notifying, prepared
from mpathd_watch.sinks.hooks.outcome import Result
from mpathd_watch.store import notified
from mpathd_watch.store.files import WriteError
from tests.unit.sinks.hooks.entries import lost, recovered, until


class Logged(list[str]):
    """What was logged."""

    def log(self, _: Priority, text: str) -> None:
        self.append(text)


@pytest.fixture
def logged() -> Logged:
    return Logged()


def hook(script: str) -> Receivers:
    return Receivers(hook=(Hook(("/bin/sh", "-c", script)),))


def test_a_hook_runs_for_what_is_wanted_over_restarts(tmp_path: Path, logged: Logged) -> None:
    script = f'echo "$MPATHD_WATCH_NOTICE $MPATHD_WATCH_EVENT" >> {tmp_path}/got'
    first = Notifying(tmp_path, clock.now, logged.log)
    first.notify(prepared(hook(script)))
    first.alert(lost())
    first.alert(Alert(AlertKind.PATH_ADDED, Priority.INFO, "", {}))
    until(lambda: first.deliveries.hooks.get(("/bin/sh", Result.OK)) == 1)
    first.stop()
    second = Notifying(tmp_path, clock.now, logged.log)
    second.notify(prepared(hook(script)))
    second.alert(recovered())
    until(lambda: second.deliveries.hooks.get(("/bin/sh", Result.OK)) == 1)
    second.stop()
    assert (tmp_path / "got").read_text() == "alert map_lost\nall_clear map_recovered\n"
    assert logged == []
    assert second.outlets.keys() == {"hooks"}
    assert second.deliveries.mail == {}


def test_a_daemon_that_can_start_no_program_reports_that_its_hooks_do_not_run(logged: Logged) -> None:
    made = Notifying(None, clock.now, logged.log, starts_programs=False)
    made.notify(prepared(Receivers(mail=Mail(("root",), server=Server("localhost", 25)))))
    assert logged == []
    made.notify(prepared(hook("true")))
    made.stop()
    assert len(logged) == 1
    assert logged[0].endswith("Run 'systemctl restart mpathd-watch'.")


def test_hooks_with_the_same_program_have_names_of_their_own_and_no_word_is_in_a_key() -> None:
    hooks = tuple(Hook(words_) for words_ in (("curl", "https://x:secret@y"), ("page",), ("curl", "b"), ("curl", "b")))
    receivers = prepared(Receivers(hook=hooks)).hooks
    assert [each.label for each in receivers] == ["curl", "page", "curl#2", "curl#3"]
    assert len({each.key for each in receivers}) == 4
    assert not any("secret" in each.key for each in receivers)


def test_mail_has_one_receiver_with_its_wish() -> None:
    mail = Mail(("root",), server=Server("localhost", 25), priority=Priority.ERR, repeat_hours=2.0)
    (receiver,) = prepared(Receivers(mail=mail)).mail
    assert (receiver.key, receiver.wish.priority, receiver.wish.repeat) == ("mail", Priority.ERR, 7200.0)


def test_the_words_of_the_metrics_are_those_that_occur() -> None:
    assert {*words.MAIL_RESULT.meanings, *words.HOOK_RESULT.meanings} == {each.value for each in Result}


def test_without_a_state_directory_nothing_is_kept_and_nothing_is_reported(tmp_path: Path, logged: Logged) -> None:
    made = Notifying(None, clock.now, logged.log)
    made.notify(prepared(hook(f"touch {tmp_path}/ran")))
    made.alert(lost())
    until((tmp_path / "ran").exists)
    made.stop()
    assert logged == []


def test_a_file_that_makes_no_sense_is_one_line(tmp_path: Path, logged: Logged) -> None:
    (tmp_path / "notified-mail.json").write_text("{")
    (tmp_path / "notified-hooks.json").mkdir()
    Notifying(tmp_path, clock.now, logged.log)
    assert len(logged) == 2
    assert all(line.startswith("Mail and hooks may miss an all-clear: ") for line in logged)


def waiting() -> int:
    """How many threads wait for something that may hang."""
    return sum(thread.name == "deadline" for thread in threading.enumerate())


def test_a_state_directory_that_hangs_delays_neither_the_start_for_long_nor_a_hook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    hanging = threading.Event()
    before = waiting()

    def hangs(*_: object) -> dict[str, dict[str, Standing]]:
        hanging.wait(20)
        return {}

    monkeypatch.setattr(notifying, "LOADED_WITHIN", 0.05)
    monkeypatch.setattr(notifying, "SAVED_WITHIN", 0.05)
    monkeypatch.setattr(notified, "load", hangs)
    monkeypatch.setattr(notified, "save", hangs)
    made = Notifying(tmp_path, clock.now, logged.log)
    assert [line.rpartition(": ")[2] for line in logged] == ["the read does not return; see dmesg."] * 2
    made.notify(prepared(hook(f"echo >> {tmp_path}/ran")))
    for name in ("a", "b", "c"):
        made.alert(lost(name))
    until(lambda: (tmp_path / "ran").exists() and (tmp_path / "ran").read_text() == "\n\n\n")
    made.stop()
    assert len(logged) == 3
    assert "the write does not return; see dmesg" in logged[2]
    assert waiting() - before <= 3  # two that read, and the first one that writes
    hanging.set()


def test_a_file_that_can_not_be_written_is_reported_once_and_again_after_it_could(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: Logged
) -> None:
    faults = ["full", "full", "", "full"]
    began = time.monotonic()

    def save(_file: Path, _standing: Mapping[str, Mapping[str, Standing]]) -> None:
        if fault := faults.pop(0):
            raise WriteError(fault)

    monkeypatch.setattr(notified, "save", save)
    saver = notifying._Saver(tmp_path, "mail", logged.log)
    while faults:
        saver.save({})
    assert logged == ["After a restart, mail or hooks may miss an all-clear: full."] * 2
    assert time.monotonic() - began < 5
