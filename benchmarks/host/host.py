"""The simulated host as a whole."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.host.daemon import Daemon, running
from benchmarks.host.journald import Journald, journald
from benchmarks.host.listing import Listing
from benchmarks.host.multipathd import Multipathd, multipathd
from benchmarks.host.namespace import PLACE
from benchmarks.host.tree import Tree, configure, grown
from benchmarks.polling import answering, connected

ANSWERS_EVERY = 4.0
"""Seconds between the answers of the targets to pings."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host of ``paths`` paths in ``directory``, and its neighbours."""

    paths: int
    directory: Path
    tree: Tree
    multipathd: Multipathd
    journald: Journald

    @property
    def sysfs(self) -> Path:
        """Where its sysfs is."""
        return self.tree.san.root

    @property
    def options(self) -> list[str]:
        """The options that have a command read this host."""
        config = ["--config", str(self.directory / "config.toml"), "--sysfs", str(self.sysfs)]
        return [*config, "--multipathd-socket", str(self.multipathd.socket)]

    @property
    def root(self) -> Path:
        """Where its configuration is."""
        return self.directory / "root"

    @contextlib.contextmanager
    def watched(self) -> Iterator[Daemon]:
        """A daemon on it that is ready, until the end of the block."""
        with running(self.directory, [*self.options, "--root", str(self.root)]) as daemon:
            yield daemon


@contextlib.contextmanager
def host(paths: int) -> Iterator[Host]:
    """A host until the end of the block."""
    with tempfile.TemporaryDirectory(dir=PLACE) as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        tree = grown(directory / "sys", paths)
        configure(directory / "root", tree)
        # Paths fail again and again here; that they flap is not what is measured.
        (directory / "config.toml").write_text("flap_failures = 0\n")
        ends = stack.enter_context(connected(tree.san))
        # Processes are forked before journald's thread begins.
        stack.enter_context(answering(tree.san, ends, ANSWERS_EVERY))
        serving = stack.enter_context(multipathd(directory, Listing(tree.maps)))
        yield Host(paths, directory, tree, serving, stack.enter_context(journald()))
