"""The golden support bundles, and copies of them to spoil."""

from __future__ import annotations

import shutil
from pathlib import Path

from mpathd_watch.config import Config
from mpathd_watch.core.audit import audit
from mpathd_watch.core.catalog.findings import Finding
from mpathd_watch.core.state import State
from mpathd_watch.daemon.bundles import look_at_bundle
from mpathd_watch.sources.bundle import Bundle, read

GOLDEN = Path(__file__).parent / "golden/bundles"
WWID = "360000000000000000e00000000010001"
SECRET = "secret-of-the-lab"  # noqa: S105  # a user name in the golden records


class Copy:
    """A copy of a golden bundle below a temporary directory, with short ways to spoil it."""

    def __init__(self, tmp_path: Path, state: str = "healthy", kind: str = "sosreport") -> None:
        self.root = tmp_path / kind
        shutil.copytree(GOLDEN / state / kind, self.root, symlinks=True)

    def path(self, name: str) -> Path:
        """A file of the bundle: below sos_commands, if there is one of this name."""
        command = self.root / "sos_commands" / name
        return command if command.exists() else self.root / name

    def remove(self, *names: str) -> Copy:
        """Remove files or directories."""
        for name in names:
            path = self.path(name)
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        return self

    def replace(self, name: str, *pairs: tuple[str, str]) -> Copy:
        """Replace texts in a file; each must be there."""
        text = self.path(name).read_text("utf-8", "surrogateescape")
        for before, after in pairs:
            assert before in text
            text = text.replace(before, after)
        self.path(name).write_text(text, "utf-8", "surrogateescape")
        return self

    def read(self) -> Bundle:
        """Read it."""
        found = read(self.root)
        assert found is not None
        return found


def state_of(bundle: Bundle) -> State:
    """The state that the bundle shows."""
    return look_at_bundle(Config(), bundle).state


def findings(bundle: Bundle) -> dict[str, Finding]:
    """The findings of the audit, by code."""
    return {finding.kind.code: finding for finding in audit(state_of(bundle)).findings}


def healths(state: State) -> dict[str, str]:
    """The health of each path of the only map, by its label."""
    (map_,) = state.maps.values()
    return {label: path.health.value for label, path in map_.paths.items()}
