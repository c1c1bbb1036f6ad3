"""``[mail]`` and ``[[hook]]``: what they take, and that a mistake in them is named."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mpathd_watch.config import ConfigError, parse
from mpathd_watch.config.receivers import Mail, Server

MAIL_KEYS = "to, from, server, priority, repeat_hours"
HOOK_KEYS = "command, priority, events, timeout_seconds, repeat_hours"
ADDRESSES = "mail: to must be a list of mail addresses"
SERVER = "mail: server must be HOST or HOST:PORT, for example localhost:25 or [2001:db8::1]:25"
COMMAND = 'hook: table 1: command must be a list of words, for example ["/usr/local/bin/page", "--now"]'
TO = 'to = ["root"]\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("mail = 1", "mail: it must be one table, headed [mail]"),
        (f"[[mail]]\n{TO}", "mail: it must be one table, headed [mail]"),
        ("[mail]\n", "mail: no to"),
        (f"[mail]\n{TO}too = 1\n", f"mail: unknown key 'too' (known: {MAIL_KEYS})"),
        ('[mail]\nto = "root"\n', ADDRESSES),
        ("[mail]\nto = []\n", ADDRESSES),
        ('[mail]\nto = ["a b@example.com"]\n', ADDRESSES),
        ('[mail]\nto = ["root\\r\\nBcc: x@example.com"]\n', ADDRESSES),
        ('[mail]\nto = ["<root@example.com>"]\n', ADDRESSES),
        ('[mail]\nto = ["a@b@c"]\n', ADDRESSES),
        (f'[mail]\n{TO}from = "x\\ny"\n', "mail: from must be a mail address"),
        (f'[mail]\n{TO}server = ""\n', SERVER),
        (f'[mail]\n{TO}server = ":25"\n', SERVER),
        (f'[mail]\n{TO}server = "mx:0"\n', SERVER),
        (f'[mail]\n{TO}server = "mx:smtp"\n', SERVER),
        (f'[mail]\n{TO}server = "2001:db8::1:25"\n', SERVER),
        (f'[mail]\n{TO}server = "a b"\n', SERVER),
        (f"[mail]\n{TO}server = 25\n", SERVER),
        (f"[mail]\n{TO}priority = 4\n", "mail: priority must be one of crit, err, warning, notice, info"),
        (f'[mail]\n{TO}priority = "error"\n', "mail: priority must be one of crit, err, warning, notice, info"),
        (f"[mail]\n{TO}repeat_hours = -1\n", "mail: repeat_hours must be a number of hours from 0 to 8760"),
        (f"[mail]\n{TO}repeat_hours = true\n", "mail: repeat_hours must be a number of hours from 0 to 8760"),
        (f"[mail]\n{TO}repeat_hours = nan\n", "mail: repeat_hours must be a number of hours from 0 to 8760"),
        ("hook = 1", "hook: it must be tables, each of them headed [[hook]]"),
        ('[hook]\ncommand = ["x"]\n', "hook: it must be tables, each of them headed [[hook]]"),
        ("[[hook]]\n", "hook: table 1: no command"),
        ('[[hook]]\ncommand = ["x"]\n' * 65, "hook: there are more than 64 tables"),
        ('[[hook]]\ncommand = "page --now"\n', COMMAND),
        ("[[hook]]\ncommand = []\n", COMMAND),
        ('[[hook]]\ncommand = [" "]\n', COMMAND),
        ('[[hook]]\ncommand = ["x", 1]\n', COMMAND),
        ('[[hook]]\ncommand = ["x", "\\u0000"]\n', COMMAND),
        ('[[hook]]\ncommand = ["x"]\nevents = "map_lost"\n', "hook: table 1: events must be a list of events"),
        ('[[hook]]\ncommand = ["x"]\nevents = [1]\n', "hook: table 1: events must be a list of events"),
        (
            '[[hook]]\ncommand = ["x"]\nevents = ["map_lots", "zzz"]\n',
            "hook: table 1: there is no event 'map_lots' (did you mean map_lost?), and there is no event 'zzz'",
        ),
        (
            '[[hook]]\ncommand = ["x"]\n[[hook]]\ncommand = ["y"]\ntimeout_seconds = 0\nenv = 1\n',
            f"hook: table 2: unknown key 'env' (known: {HOOK_KEYS}), and "
            "timeout_seconds must be a number of seconds from 1 to 600",
        ),
    ],
)
def test_a_mistake_is_named(content: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(tomllib.loads(content))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("localhost", Server("localhost", 25)),
        ("mx.example.com:587", Server("mx.example.com", 587)),
        ("192.0.2.25", Server("192.0.2.25", 25)),
        ("[2001:db8::25]", Server("2001:db8::25", 25)),
        ("[2001:db8::25]:26", Server("2001:db8::25", 26)),
    ],
)
def test_a_server_has_a_port_or_25(text: str, server: Server) -> None:
    config = parse({"mail": {"to": ["root"], "server": text}})
    assert config.receivers.mail == Mail(("root",), server=server)
    assert parse({"mail": {"to": ["root"], "server": str(server)}}) == config


@given(st.one_of(st.none(), st.text(), st.lists(st.text()), st.dictionaries(st.text(), st.text())), st.text())
def test_no_value_and_no_address_breaks_the_reader(value: object, address: str) -> None:
    for key in ("mail", "hook"):
        for table in (value, [value], {"to": value, "command": value}, {"to": [address], "server": address}):
            try:
                config = parse({key: table})
            except ConfigError as error:
                assert str(error).startswith(f"{key}")  # noqa: PT017  # what else comes is valid
            else:
                mail = config.receivers.mail
                assert mail is None or all(each.isascii() and each.isprintable() for each in mail.to)
