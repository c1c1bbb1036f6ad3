"""The benchmarks, with small hosts: they measure something, and all of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.runner import MEASUREMENTS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("keys", "plots"),
    [(("scrape", "event", "storm"), 3), (("idle", "start"), 3), (("commands", "clients"), 0)],
)
def test_the_quick_run_measures_everything(keys: tuple[str, ...], plots: int, tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("NOT TESTED: the benchmarks need root and unshare")
    if subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], check=False).returncode:  # noqa: S607
        pytest.skip("NOT TESTED: no namespaces may be made here")
    command = [sys.executable, "-m", "benchmarks", "--quick", "--page", str(tmp_path / "page.md"), "--only", *keys]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "failed with" not in page, done.stderr
    assert all(f"## {each.title}\n" in page for each in MEASUREMENTS if each.key in keys)
    assert len(list(tmp_path.glob("*.svg"))) == plots


def test_without_root_one_line_says_so(tmp_path: Path) -> None:
    code = "import os; os.geteuid = lambda: 1; from benchmarks.__main__ import main; main()"
    command = [sys.executable, "-c", code, "--page", str(tmp_path / "page.md")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert done.returncode == 1
    assert done.stderr == "benchmarks: root is needed, to make namespaces for the network and mounts\n"
    assert not list(tmp_path.iterdir())
