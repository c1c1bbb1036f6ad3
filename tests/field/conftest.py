"""What the field cases need: hosts, and where each case comes from."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.field.host import Host

NewHost = Callable[..., Host]


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark of a case."""
    config.addinivalue_line("markers", "field(title, source): a situation that was reported in public")


@pytest.fixture
def new_host(tmp_path: Path) -> Iterator[NewHost]:
    """Makes hosts, see ``Host``. They are removed afterwards: pytest would keep thousands of files."""
    numbers = itertools.count(1)

    def make(**options: Any) -> Host:
        return Host(tmp_path / f"host{next(numbers)}", **options)

    yield make
    shutil.rmtree(tmp_path)


@pytest.fixture(autouse=True)
def _case(request: pytest.FixtureRequest) -> None:
    """Show where a case comes from if it fails; refuse one that does not say so."""
    mark = request.node.get_closest_marker("field")
    if mark is None:
        assert request.path.name == "test_quiet.py", "a field case has the mark 'field' with its title and source"
        return
    title, source = mark.args
    print(f"field case: {title} [{source}]")  # pytest shows it with the failure
