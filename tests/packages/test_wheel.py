"""The wheel, and a host that is set up with it as docs/install.md describes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from mpathd_watch import __version__
from tests.packages.root import copied

TREE = Path(__file__).parent.parent.parent
DATA = f"mpathd_watch-{__version__}.data/data"
CARRIED = {
    "lib/systemd/system/mpathd-watch.service": "systemd/mpathd-watch.service",
    "lib/systemd/system/mpathd-watch.socket": "systemd/mpathd-watch.socket",
    "lib/systemd/catalog/mpathd-watch.catalog": "systemd/mpathd-watch.catalog",
    "lib/sysusers.d/mpathd-watch.conf": "systemd/mpathd-watch.sysusers",
    "etc/mpathd-watch/config.toml": "systemd/config.toml",
    "share/man/man8/mpathd-watch.8": "docs/mpathd-watch.8",
    "share/bash-completion/completions/mpathd-watch": "completions/mpathd-watch",
    "share/zsh/site-functions/_mpathd-watch": "completions/_mpathd-watch",
}
"""What the wheel has besides the program, by its place below the prefix, and the file of the tree."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("hatchling", reason="NOT TESTED: hatchling is not installed")
    work = tmp_path_factory.mktemp("wheel")
    command = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(work))
    done = subprocess.run(command, cwd=TREE, capture_output=True, text=True, timeout=100, check=False)  # noqa: S603  # our own
    assert done.returncode == 0, done.stderr
    (wheel,) = work.iterdir()
    return wheel


def test_the_wheel_carries_what_a_host_needs_besides_the_program(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        carried = {name.removeprefix(f"{DATA}/") for name in archive.namelist() if name.startswith(DATA)}
        assert carried == set(CARRIED)
        for place, source in CARRIED.items():
            assert archive.read(f"{DATA}/{place}") == (TREE / source).read_bytes()


def test_every_unit_of_the_tree_is_in_the_wheel() -> None:
    units = {path.name for path in (TREE / "systemd").iterdir()}
    assert units == {Path(source).name for source in CARRIED.values() if source.startswith("systemd/")}


def test_the_wheel_has_the_program_and_nothing_else_of_the_tree(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.startswith(DATA)]
        entry_points = archive.read(f"mpathd_watch-{__version__}.dist-info/entry_points.txt").decode()
        metadata = Parser().parsestr(archive.read(f"mpathd_watch-{__version__}.dist-info/METADATA").decode())
    assert {name.partition("/")[0] for name in names} == {"mpathd_watch", f"mpathd_watch-{__version__}.dist-info"}
    modules = {str(path.relative_to(TREE)) for path in (TREE / "mpathd_watch").rglob("*.py")}
    assert modules <= set(names)
    assert "mpathd-watch = mpathd_watch.cli:main" in entry_points
    project = tomllib.loads((TREE / "pyproject.toml").read_text())["project"]
    lines = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    required = {re.sub(r"\W", "", line) for line in lines}
    assert required == {re.sub(r"\W", "", line) for line in project["dependencies"]}


def test_a_host_is_set_up_with_the_wheel_as_the_documentation_describes(wheel: Path, tmp_path: Path) -> None:
    page = (TREE / "docs/install.md").read_text()
    section = page.partition("\n## pip\n")[2].partition("\n## ")[0]
    (commands,) = re.findall(r"^```\n(.+?)^```$", section, re.MULTILINE | re.DOTALL)
    if shutil.which("systemd-sysusers") is None or not Path("/usr/bin/python3").exists():
        pytest.skip("NOT TESTED: this host has no systemd or no python3 of its own")
    with copied(Path("/"), tmp_path / "work") as root:
        if root.result("python3", "-c", "import ensurepip").returncode:
            pytest.skip("NOT TESTED: this host's python3 has no ensurepip; install python3-venv")
        # As on a host that has never had it.
        root.inside("sh", "-c", "rm -rf /etc/mpathd-watch /opt/mpathd-watch /usr/local/bin/mpathd-watch")
        root.inside("sed", "-i", "/^mpathd-watch:/d", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")
        root.outside("cp", str(wheel), f"{root.path}/tmp/")  # noqa: S108  # of the copy
        # The libraries are those of the host: nothing is downloaded or compiled here.
        offline = "cd /tmp; export PIP_NO_INDEX=1 PIP_NO_DEPS=1 PIP_DISABLE_PIP_VERSION_CHECK=1\n"
        first, _, rest = commands.partition("\n")
        libraries = "sed -i s/^include-system.*/include-system-site-packages=true/ /opt/mpathd-watch/pyvenv.cfg\n"
        # Nor is systemd running there.
        root.inside("sh", "-euc", f"{offline}{first}\n{libraries}{rest}".replace("enable --now", "enable"))
        assert root.inside("/usr/local/bin/mpathd-watch", "--version") == f"mpathd-watch {__version__}\n"
        history = root.result("/usr/local/bin/mpathd-watch", "history", "--state-dir", "/nowhere")
        assert history.stderr.startswith("mpathd-watch: there is no history in /nowhere")
        verified = root.result("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", "mpathd-watch.service")
        assert verified.stderr == ""
        unit = root.inside("cat", "/etc/systemd/system/mpathd-watch.service")
        assert "/usr/bin/mpathd-watch" not in unit
        assert unit.count("/opt/mpathd-watch/bin/mpathd-watch ") == 4
        assert root.inside("systemctl", "is-enabled", "mpathd-watch.service") == "enabled\n"
        assert root.inside("getent", "passwd", "mpathd-watch").startswith("mpathd-watch:")
        assert "mpathd-watch: " in root.inside("journalctl", "--no-pager", "--list-catalog")
        for place in ("/usr/share/man/man8/mpathd-watch.8", "/etc/mpathd-watch/config.toml"):
            assert root.inside("stat", "--format", "%U %a", place) == "root 644\n"
