"""Options of the whole suite, and the limits of each test."""

from collections.abc import Generator
from typing import Any

import pytest

from tests import limits


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update-golden`` and ``--no-limits``."""
    parser.addoption("--update-golden", action="store_true", help="write what comes out as what is expected")
    parser.addoption("--no-limits", action="store_true", help="let each test take what it takes, for a debugger")


@pytest.fixture(autouse=True)
def _keep_core_dumps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a command that runs in this process not forbid cores: that lasts, for later tests and what they start."""
    monkeypatch.setattr("mpathd_watch.cli.core_dumps.forbid", lambda: None)


# Each part of a test has its limits. The hooks come last, so that nothing of pytest's own is interrupted.


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, None]:
    """Limit the fixtures."""
    yield from _limited(item)


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, None]:
    """Limit the test."""
    yield from _limited(item)


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, None]:
    """Limit what removes the fixtures."""
    yield from _limited(item)


def _limited(item: pytest.Item) -> Generator[None, Any, None]:
    if item.config.getoption("--no-limits"):
        yield
        return
    component = "component" in item.path.relative_to(item.config.rootpath).parts
    with limits.limited(limits.SECONDS_OF_PROCESSES if component else limits.SECONDS):
        outcome = yield
    if outcome.excinfo and isinstance(outcome.excinfo[1], limits.LimitError):
        limits.release(outcome.excinfo[1])
