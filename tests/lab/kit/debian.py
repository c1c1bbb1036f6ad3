"""Makes root file systems from Debian packages, with mmdebstrap."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.lab.kit import host

UNSTABLE = "sid"
"""The suite that changes several times a day. The others are released, and hardly change."""

CONTAINED = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
"""In front of a command: all that it starts dies with us, however we end; what it mounts is mounted for it alone."""


def bootstrap(suite: str, mirror: str, root: Path, packages: Iterable[str], *options: str) -> None:
    """Make the root file system of a Debian suite with these packages and those that they depend on.

    `options` are further options of mmdebstrap.

    Raises:
        LabError: not root, or mmdebstrap failed.
    """
    host.ensure_root("making a root file system (any user can use what is cached)")
    aptopts = ['APT::Install-Recommends "false"', 'Acquire::Languages "none"']
    # A mirror may be weeks behind. A release does not expire, sid does after a week, unless this host's apt ignores it:
    # mmdebstrap does not read its configuration. The signature is checked in any case.
    if suite == UNSTABLE and host.accepts_old_archives():
        aptopts.append('Acquire::Check-Valid-Until "false"')
    host.run(
        *CONTAINED,
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=apt",
        f"--include={','.join(packages)}",
        *(f"--aptopt={option}" for option in aptopts),
        "--dpkgopt=force-unsafe-io",
        *options,
        suite,
        root,
        mirror,
    )
