"""The keys of node records and of iscsid.conf that are read, and the only ones: an allow-list.

Everything else stays unread, for node records and iscsid.conf hold CHAP names and passwords. A key is here only if
something uses its value. Names from usr/idbm_fields.h, types from usr/idbm.c (idbm_recinfo_node()), defaults from
usr/iscsi_settings.h and idbm_node_setup_defaults(), the same in open-iscsi 2.1.11 and 2.1.13.
"""

from __future__ import annotations

from collections.abc import Mapping

from mpathd_watch.immutable import immutable

STARTUP = "node.startup"
LEADING_LOGIN = "node.leading_login"
DISCOVERY_TYPE = "node.discovery_type"
NR_SESSIONS = "node.session.nr_sessions"
REPLACEMENT_TIMEOUT = "node.session.timeo.replacement_timeout"
NOOP_OUT_INTERVAL = "node.conn[0].timeo.noop_out_interval"
NOOP_OUT_TIMEOUT = "node.conn[0].timeo.noop_out_timeout"


@immutable
class Key:
    """How a key's value is read: as one of ``words``, or as a number if there are none."""

    words: tuple[str, ...] = ()


_NUMBER = Key()

KEYS: Mapping[str, Key] = {
    STARTUP: Key(words=("manual", "automatic", "onboot")),
    LEADING_LOGIN: Key(words=("No", "Yes")),
    DISCOVERY_TYPE: Key(words=("send_targets", "isns", "offload_send_targets", "slp", "static", "fw")),
    NR_SESSIONS: _NUMBER,
    NOOP_OUT_INTERVAL: _NUMBER,
    NOOP_OUT_TIMEOUT: _NUMBER,
    REPLACEMENT_TIMEOUT: _NUMBER,
}
"""The allow-list."""

BUILT_IN: Mapping[str, int | str] = {
    STARTUP: "manual",
    LEADING_LOGIN: "No",
    DISCOVERY_TYPE: "static",
    NR_SESSIONS: 1,
    NOOP_OUT_INTERVAL: 5,
    NOOP_OUT_TIMEOUT: 5,
    REPLACEMENT_TIMEOUT: 120,
}
"""What open-iscsi has compiled in for keys that nothing sets; timeouts in seconds."""

TIMEOUTS: Mapping[str, str] = {
    key.rpartition(".")[2]: key for key in (NOOP_OUT_INTERVAL, NOOP_OUT_TIMEOUT, REPLACEMENT_TIMEOUT)
}
"""The keys by their short names: ``noop_out_interval``, ``noop_out_timeout`` and ``replacement_timeout``."""
