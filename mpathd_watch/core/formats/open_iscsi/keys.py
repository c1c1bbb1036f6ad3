"""The keys of node records and of iscsid.conf that are read, and the only ones: an allow-list.

Everything else stays unread, for node records and iscsid.conf hold CHAP names and passwords. Names from
usr/idbm_fields.h, types from usr/idbm.c (idbm_recinfo_node()), defaults from usr/iscsi_settings.h and
idbm_node_setup_defaults(), the same in open-iscsi 2.1.11 and 2.1.13.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mpathd_watch.core.model.identity import DEFAULT_IFACE

NAME = "node.name"
TPGT = "node.tpgt"
STARTUP = "node.startup"
LEADING_LOGIN = "node.leading_login"
IFACE = "iface.iscsi_ifacename"
ADDRESS = "node.conn[0].address"
PORT = "node.conn[0].port"
SCAN = "node.session.scan"
NR_SESSIONS = "node.session.nr_sessions"
REOPEN_MAX = "node.session.reopen_max"
INITIAL_LOGIN_RETRY_MAX = "node.session.initial_login_retry_max"
REPLACEMENT_TIMEOUT = "node.session.timeo.replacement_timeout"
ABORT_TIMEOUT = "node.session.err_timeo.abort_timeout"
LU_RESET_TIMEOUT = "node.session.err_timeo.lu_reset_timeout"
TGT_RESET_TIMEOUT = "node.session.err_timeo.tgt_reset_timeout"
HOST_RESET_TIMEOUT = "node.session.err_timeo.host_reset_timeout"
LOGIN_TIMEOUT = "node.conn[0].timeo.login_timeout"
LOGOUT_TIMEOUT = "node.conn[0].timeo.logout_timeout"
NOOP_OUT_INTERVAL = "node.conn[0].timeo.noop_out_interval"
NOOP_OUT_TIMEOUT = "node.conn[0].timeo.noop_out_timeout"


@dataclass(frozen=True, slots=True)
class Key:
    """How a key's value is read: a number unless it has ``words``, or is ``text``."""

    words: tuple[str, ...] = ()
    text: bool = False


_NUMBER = Key()
_TEXT = Key(text=True)

KEYS: Mapping[str, Key] = {
    NAME: _TEXT,
    TPGT: _NUMBER,
    STARTUP: Key(words=("manual", "automatic", "onboot")),
    LEADING_LOGIN: Key(words=("No", "Yes")),
    IFACE: _TEXT,
    ADDRESS: _TEXT,
    PORT: _NUMBER,
    SCAN: Key(words=("manual", "auto")),
    NR_SESSIONS: _NUMBER,
    REOPEN_MAX: _NUMBER,
    INITIAL_LOGIN_RETRY_MAX: _NUMBER,
    REPLACEMENT_TIMEOUT: _NUMBER,
    ABORT_TIMEOUT: _NUMBER,
    LU_RESET_TIMEOUT: _NUMBER,
    TGT_RESET_TIMEOUT: _NUMBER,
    HOST_RESET_TIMEOUT: _NUMBER,
    LOGIN_TIMEOUT: _NUMBER,
    LOGOUT_TIMEOUT: _NUMBER,
    NOOP_OUT_INTERVAL: _NUMBER,
    NOOP_OUT_TIMEOUT: _NUMBER,
}
"""The allow-list."""

BUILT_IN: Mapping[str, int | str] = {
    STARTUP: "manual",
    LEADING_LOGIN: "No",
    IFACE: DEFAULT_IFACE,
    SCAN: "auto",
    NR_SESSIONS: 1,
    REOPEN_MAX: 0,
    INITIAL_LOGIN_RETRY_MAX: 4,
    REPLACEMENT_TIMEOUT: 120,
    ABORT_TIMEOUT: 15,
    LU_RESET_TIMEOUT: 30,
    TGT_RESET_TIMEOUT: 30,
    HOST_RESET_TIMEOUT: 60,
    LOGIN_TIMEOUT: 30,
    LOGOUT_TIMEOUT: 15,
    NOOP_OUT_INTERVAL: 5,
    NOOP_OUT_TIMEOUT: 5,
}
"""What open-iscsi has compiled in for keys that nothing sets; timeouts in seconds."""

TIMEOUTS: Mapping[str, str] = {
    key.rpartition(".")[2]: key
    for key in (
        NOOP_OUT_INTERVAL,
        NOOP_OUT_TIMEOUT,
        REPLACEMENT_TIMEOUT,
        LOGIN_TIMEOUT,
        LOGOUT_TIMEOUT,
        ABORT_TIMEOUT,
        LU_RESET_TIMEOUT,
        TGT_RESET_TIMEOUT,
        HOST_RESET_TIMEOUT,
    )
}
"""The keys of the timeouts by their short names, as in ``noop_out_interval``."""
