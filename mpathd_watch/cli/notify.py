"""``mpathd-watch notify --test``: send a mail and run each hook once, as the user that the daemon runs as."""

from __future__ import annotations

import argparse
import os
import pwd

from mpathd_watch.cli.output import fail
from mpathd_watch.cli.places import state_directory
from mpathd_watch.cli.state_owner import become_owner_of
from mpathd_watch.config import DEFAULT_PATH, ConfigError, load
from mpathd_watch.core.alerting.notices import sample
from mpathd_watch.daemon import clock
from mpathd_watch.daemon.notifying import Prepared, prepared
from mpathd_watch.sinks.hooks.outcome import Result
from mpathd_watch.sinks.hooks.post import Receiver


def run(options: argparse.Namespace) -> int:
    """Notify everybody who is configured, and print what became of each. Returns 1 if one of them failed."""
    path = options.config or DEFAULT_PATH
    try:
        config = load(path, required=options.config is not None)
    except ConfigError as error:
        return fail(str(error), 2)
    receivers = prepared(config.receivers)
    if not receivers.mail and not receivers.hooks:
        return fail(f"{path} has neither [mail] nor [[hook]]: nobody is notified", 2)
    try:
        become_owner_of(state_directory())
    except OSError as error:
        # Without the directory it is not known who runs the daemon; root must not run what it would run.
        if os.geteuid() == 0 or not isinstance(error, FileNotFoundError):
            return fail(f"{state_directory()}: {error.strerror}; run this as the user that runs the daemon")
    print(f"As user {_user()}:")
    mail = config.receivers.mail
    title = f"mail to {', '.join(mail.to)}" if mail else ""
    failed = [each for each in _all(receivers, title) if not _notified(*each)]
    return 1 if failed else 0


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _all(receivers: Prepared, mail: str) -> list[tuple[str, Receiver]]:
    return [(mail, each) for each in receivers.mail] + [(f"hook {each.label}", each) for each in receivers.hooks]


def _notified(title: str, receiver: Receiver) -> bool:
    """Notify one of them."""
    outcome = receiver.deliver(sample(clock.now()))
    print(f"{title}: {outcome.result}{f': {outcome.detail}' if outcome.detail else ''}", flush=True)
    return outcome.result is Result.OK
