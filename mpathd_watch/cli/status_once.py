"""What ``status`` shows without a daemon. It is loaded only then."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any, NamedTuple

from mpathd_watch.cli.configuration import configuration
from mpathd_watch.cli.look import look_at_bundle, look_at_host
from mpathd_watch.cli.output import UsageError
from mpathd_watch.config import ConfigError
from mpathd_watch.sinks.status.document import Document
from mpathd_watch.sinks.status.from_view import document


class Shown(NamedTuple):
    """The status, and of a bundle what is shown with it: ``lines`` above the screen, ``keys`` in JSON."""

    document: Document
    lines: tuple[str, ...]
    keys: Mapping[str, Any]


def shown(options: argparse.Namespace) -> Shown:
    """What the bundle in ``--root`` shows, or without that option this host. Raises ``UsageError``."""
    try:
        config = configuration(options)
    except ConfigError as error:
        raise UsageError(str(error)) from error
    if options.root is None:
        seen = look_at_host(config)
    elif (found := look_at_bundle(config, options.root)) is not None:
        seen = found
    else:
        raise UsageError(f"{options.root} is no support bundle of sos or supportconfig")
    return Shown(document(seen.view), seen.lines, seen.keys)
