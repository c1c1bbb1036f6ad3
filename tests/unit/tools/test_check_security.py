"""The check of SECURITY.md: a promise without a test, and a test that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import check_security
from tools.check_security import PROMISES, ROOT, faults

HEAD = (
    "# Security\n\n| who | trusted |\n|---|---|\n| root | yes |\n\n"
    f"{PROMISES}\n\n### Clients\n\n| promise | test |\n|---|---|\n"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "test_it.py").write_text("def test_there():\n    pass\n\nasync def test_async():\n    pass\n")
    return tmp_path


def found(root: Path, rows: str, rest: str = "") -> list[str]:
    return [fault.partition(":")[2] for fault in faults(f"{HEAD}{rows}{rest}", root)]


def test_a_promise_with_its_tests_is_right(root: Path) -> None:
    rows = "| It keeps it. | `test_it.py::test_there`, `test_it.py::test_async` |\n"
    assert found(root, rows, "\n## What it does not promise\n\n| a | b |\n|---|---|\n| x | y |\n") == []


def test_a_promise_without_a_test_is_found(root: Path) -> None:
    assert found(root, "| One. | `test_it.py::test_there` |\n| Two. | later |\n") == ["14: the promise names no test"]


@pytest.mark.parametrize(
    "name", ["test_it.py::test_gone", "test_gone.py::test_there", "test_it.py::TestIt::test_there"]
)
def test_a_test_that_is_not_there_is_found(root: Path, name: str) -> None:
    rows = f"| It keeps it. | `test_it.py::test_there`, `{name}` |\n"
    assert found(root, rows) == [f"13: there is no test {name}"]


def test_a_page_without_promises_is_found(root: Path) -> None:
    assert list(faults("# Security\n", root)) == [f"SECURITY.md: there is no section '{PROMISES}'"]


def test_the_page_has_many_promises_and_all_of_them_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    assert len(list(check_security._rows(page))) > 40
    assert check_security.main() == 0
    assert capsys.readouterr().err == ""


def test_what_is_wrong_is_printed(
    monkeypatch: pytest.MonkeyPatch, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "SECURITY.md").write_text(f"{HEAD}| It keeps it. | none |\n")
    monkeypatch.setattr(check_security, "ROOT", root)
    assert check_security.main() == 1
    assert capsys.readouterr().err == "SECURITY.md:13: the promise names no test\n"
