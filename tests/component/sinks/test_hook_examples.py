"""The shipped examples are what the configuration file takes, and do what they promise."""

from __future__ import annotations

import json
import os
import shutil
import threading
import tomllib
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mpathd_watch.config import parse
from mpathd_watch.config.receivers import Hook, Server
from mpathd_watch.core.alerting.notices import Notice, Step
from mpathd_watch.core.alerting.pairs import Entry
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.sinks.hooks.command import Command
from mpathd_watch.sinks.hooks.outcome import Result
from tests.factories import at

EXAMPLES = Path(__file__).parents[3] / "docs/examples"


def hook_of(name: str) -> Hook:
    (found,) = parse(tomllib.loads((EXAMPLES / name).read_text(encoding="utf-8"))).receivers.hook
    return found


def notice(step: Step, priority: Priority) -> Notice:
    return Notice(step, Entry("map_lost", priority, 'mpatha: "no" path $left.', {"MAP": "mpatha"}), at(0), "feed")


def test_the_mail_is_for_the_server_of_this_host() -> None:
    config = parse(tomllib.loads((EXAMPLES / "mail.toml").read_text(encoding="utf-8")))
    assert config.receivers.mail is not None
    assert config.receivers.mail.server == Server("localhost", 25)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize(("status", "result"), [(204, Result.OK), (500, Result.FAILED)])
def test_the_webhook_posts_the_entry_as_json(status: int, result: Result) -> None:
    posted: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append((self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        example = hook_of("webhook.toml")
        url = f"http://127.0.0.1:{server.server_port}/hooks"
        outcome = Command(Hook((*example.command[:-1], url)), "host7").deliver(notice(Step.ALERT, Priority.CRIT))
        server.shutdown()
    assert outcome.result is result
    assert outcome.detail == "" or "500" in outcome.detail
    ((kind, body),) = posted
    assert kind == "application/json"
    assert json.loads(body)["MESSAGE"] == 'mpatha: "no" path $left.'


@pytest.mark.parametrize(
    ("step", "priority", "kind"),
    [
        (Step.ALERT, Priority.CRIT, "failure"),
        (Step.REMINDER, Priority.ERR, "failure"),
        (Step.ALERT, Priority.WARNING, "warning"),
        (Step.TEST, Priority.NOTICE, "info"),
        (Step.ALL_CLEAR, Priority.NOTICE, "success"),
    ],
)
def test_the_chat_gets_the_message_with_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: Step, priority: Priority, kind: str
) -> None:
    fake = tmp_path / "apprise"
    fake.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/got\n', encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert hook_of("chat.toml").command == ("/usr/local/bin/mpathd-watch-chat",)
    script = Command(Hook((str(EXAMPLES / "chat"),)), "host7")
    assert script.deliver(notice(step, priority)).result is Result.OK
    assert (tmp_path / "got").read_text(encoding="utf-8").splitlines() == [
        "--config=/etc/mpathd-watch/apprise.conf",
        f"--notification-type={kind}",
        "--title=host7: map_lost",
        '--body=mpatha: "no" path $left.',
    ]
