"""Settings of the files that multipathd does not run with."""

from __future__ import annotations

from collections.abc import Iterator

from mpathd_watch.core.audit.context import Host
from mpathd_watch.core.audit.effective_settings import line
from mpathd_watch.core.catalog.findings import Finding, FindingKind
from mpathd_watch.core.formats.multipath_conf import Effective
from mpathd_watch.core.model.text import clean

MAIN, MORE = "/etc/multipath.conf", "/etc/multipath/conf.d"


def findings(host: Host) -> Iterator[Finding]:
    """Each setting that differs, with the maps that it applies to.

    Only settings that multipathd takes over unchanged are compared.
    """
    if host.running is None or not comparable(host):
        return
    for map_ in host.maps:
        settings = host.rules.of(map_)
        written, in_force = settings.written, settings.in_force
        pairs: tuple[tuple[str, Effective[int | str | None], Effective[int | str | None]], ...] = (
            ("polling_interval", written.polling_interval, in_force.polling_interval),
            ("fast_io_fail_tmo", written.fast_io_fail_tmo, in_force.fast_io_fail_tmo),
            ("dev_loss_tmo", written.dev_loss_tmo, in_force.dev_loss_tmo),
            ("no_path_retry", written.no_path_retry, in_force.no_path_retry),
            ("path_checker", written.path_checker, in_force.path_checker),
            ("find_multipaths", written.find_multipaths, in_force.find_multipaths),
        )
        for name, configured, used in pairs:
            if configured.value != used.value:
                text = f"{name} is {_shown(configured)} in multipath.conf, but {_shown(used)} in the running multipathd"
                yield Finding(FindingKind.CONFIGURATION_NOT_LOADED, map_.label, text, line(configured.origin))


def comparable(host: Host) -> bool:
    """Whether all files could be read, and multipathd would accept them."""
    unread = any(
        (file.path == MAIN or file.path.startswith(MORE)) and not file.reason.counts
        for file in host.configuration.unreadable
    )
    return not unread and not any(problem.fatal for problem in host.configuration.multipath.problems)


def _shown(value: Effective[int | str | None]) -> str:
    return "not set" if value.value is None else clean(str(value.value))
