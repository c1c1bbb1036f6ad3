"""The table of targets: every parser of bytes that come from somewhere else."""

from __future__ import annotations

from tests.fuzz.target import Target
from tests.fuzz.targets import files, kernel, multipathd, own, web

TARGETS: dict[str, Target] = {
    target.name: target
    for module in (kernel, multipathd, files, own, web)  # a module more for each new origin of bytes
    for target in module.TARGETS
}
