"""The keys of the configuration file. ``Config`` declares those of the daemon; the core's are ``Settings``."""

from __future__ import annotations

from dataclasses import field

from mpathd_watch.config.listen_address import LISTEN_PLACES, ListenAddress, Place
from mpathd_watch.config.receivers import Receivers
from mpathd_watch.core.model.declaration import DAYS, MEBIBYTES, TEXT, YES_OR_NO, setting
from mpathd_watch.core.model.settings import Settings
from mpathd_watch.immutable import immutable


@immutable
class Config:
    """What an administrator may set. Only ``settings`` and ``receivers`` can change while the daemon runs.

    ``obsolete``: a line for each key that was given and has no effect any more.
    """

    listen: tuple[Place, ...] = setting(
        (ListenAddress("", 10068),),
        LISTEN_PLACES,
        "Where metrics are served: ADDRESS:PORT, on all addresses if ADDRESS is left out. An IPv6 address needs "
        "brackets: [2001:db8::1]:10068. unix:/PATH is a unix socket, which only the daemon's user and its group may "
        "connect to, without TLS and password. Several places are a list. The service listens on "
        "/run/mpathd-watch/http.sock, too.",
    )
    systemd_socket: bool = setting(
        False,
        YES_OR_NO,
        "Serve metrics on the sockets that systemd has opened, in place of listen: "
        '"systemctl enable --now mpathd-watch.socket".',
    )
    web_config: str = setting(
        "",
        TEXT,
        "A file that configures TLS, passwords and headers for HTTP, in the format of Prometheus' exporters; "
        "/usr/share/doc/mpathd-watch/web-configuration.md describes it. A change of the file or of a certificate has "
        "effect from the next connection on. The daemon's user must be able to read the file and what it names. If "
        "empty, metrics are served without TLS, and to everybody.",
    )
    sysfs: str = setting("/sys", TEXT, "Where sysfs is mounted.")
    multipathd_socket: str = setting(
        "",
        TEXT,
        "multipathd's socket: a path, or @NAME for an abstract socket. If empty, the daemon tries multipathd's own "
        "defaults: its abstract socket and, from multipath-tools 0.12 on, /run/multipathd.socket.",
    )
    record: str = setting(
        "",
        TEXT,
        'A file to record all events in, for "mpathd-watch replay" and for bug reports. If empty, nothing is recorded. '
        "The service can write only below /var/lib/mpathd-watch. At the start, a file that is there is kept as NAME.1.",
    )
    record_mib: int = setting(
        100,
        MEBIBYTES,
        "How large a recording may become, in MiB. A file that has half of that is renamed to NAME.1, in place of the "
        "one before, and another one is begun. An idle host with two paths records at most 2 MB a day.",
    )
    history_days: int = setting(
        730,
        DAYS,
        "For how many days outages, and what else the history shows, are kept.",
    )
    history_mib: int = setting(
        100,
        MEBIBYTES,
        "How large the history may become, in MiB. If it has more, the oldest outages are removed until a tenth of "
        "that is free.",
    )
    settings: Settings = field(default=Settings())
    receivers: Receivers = field(default=Receivers())
    obsolete: tuple[str, ...] = ()
