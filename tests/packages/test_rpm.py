"""The RPM package that `make rpm` has built, installed into a copy of a root file system.

`make test-rpm` runs this. The root file system is this host's, or the one in RPM_TEST_ROOT, with another Python.
rpm itself need know nothing of either: the dependencies are those of the Debian package.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from mpathd_watch import __version__
from tests.component.process import until
from tests.packages.root import Root, copied

TREE = Path(__file__).parent.parent.parent
SPEC = TREE / "rpm/mpathd-watch.spec"
MODULES = "/usr/share/mpathd-watch"
DOCS = "/usr/share/doc/mpathd-watch"
CONFIG = "/etc/mpathd-watch/config.toml"
DATABASE = ("--dbpath", "/var/lib/rpm")
"""Debian's rpm has its database in the home directory otherwise."""
INTO = (("debian/mpathd-watch.docs", DOCS), ("debian/mpathd-watch.examples", f"{DOCS}/examples"))
"""Lists of debian/ that name files, and where the files are installed."""
ELSEWHERE = {"/usr/share/zsh/vendor-completions": "/usr/share/zsh/site-functions"}
"""Directories of Debian that other distributions have elsewhere."""
DEBIAN_ONLY = frozenset({"apparmor/mpathd-watch"})
"""Files that the RPM does not have: Debian's own scripts load an AppArmor profile, and Fedora has no AppArmor."""


@pytest.fixture(scope="module")
def package() -> Path:
    if shutil.which("rpm") is None or shutil.which("rpmspec") is None:
        pytest.skip("NOT TESTED: rpm is not installed")
    try:
        (package,) = TREE.glob("dist/mpathd-watch-*.noarch.rpm")
    except ValueError:
        pytest.skip("NOT TESTED: there is no package in dist; run `make test-rpm`")
    return package


@pytest.fixture(scope="module")
def root(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    """A root file system with the package in it. One test at the end removes the package again."""
    with copied(Path(os.environ.get("RPM_TEST_ROOT", "/")), tmp_path_factory.mktemp("root")) as root:
        # As on a host that has never had the package.
        root.inside("sh", "-c", f"rm -rf {MODULES} {DOCS} /etc/mpathd-watch /usr/bin/mpathd-watch")
        root.inside("sed", "-i", "/^mpathd-watch:/d", "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")
        rpm(root, "--install", "--nodeps", str(package))
        yield root


def rpm(root: Root, *arguments: str) -> str:
    return root.outside("rpm", "--root", str(root.path), *DATABASE, *arguments)


def query(package: Path, *arguments: str) -> list[str]:
    command = ("rpm", "--query", "--package", *arguments, str(package))
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()  # noqa: S603  # our own


def shipped() -> dict[str, Path]:
    """Where the lists of debian/ install each file of the tree that has no rules of its own."""
    units = [*TREE.glob("systemd/*.service"), *TREE.glob("systemd/*.socket")]
    found = {f"/usr/lib/systemd/system/{unit.name}": unit for unit in units}
    found["/usr/lib/sysusers.d/mpathd-watch.conf"] = TREE / "systemd/mpathd-watch.sysusers"
    for line in (TREE / "debian/mpathd-watch.install").read_text().splitlines():
        source, _, directory = line.partition(" ")
        if source in DEBIAN_ONLY:
            continue
        directory = "/" + directory.strip().strip("/")
        found[f"{ELSEWHERE.get(directory, directory)}/{Path(source).name}"] = TREE / source
    for name, directory in INTO:
        for pattern in (TREE / name).read_text().split():
            found |= {f"{directory}/{file.name}": file for file in TREE.glob(pattern)}
    return found


def test_it_holds_what_the_debian_package_holds(package: Path, root: Root) -> None:
    expected = shipped()
    assert len(expected) > 40
    for place, source in expected.items():
        assert (root.inside("cat", place)) == source.read_text(), place
    modules = {f"{MODULES}/{file.relative_to(TREE)}" for file in (TREE / "mpathd_watch").rglob("*") if file.is_file()}
    modules = {place for place in modules if "__pycache__" not in place}
    others = {
        f"{DOCS}/CHANGELOG.md",
        "/usr/bin/mpathd-watch",
        "/usr/share/man/man8/mpathd-watch.8.gz",
        "/usr/share/licenses/mpathd-watch/LICENSE",
    }
    directories = {line.split()[-1] for line in query(package, "--list", "--verbose") if line.startswith("d")}
    assert set(query(package, "--list")) - directories == {*expected, *modules, *others}


def test_files_belong_to_root_and_only_root_may_change_them(package: Path, root: Root) -> None:
    places = query(package, "--list")
    found = root.inside("stat", "--format", "%U:%G %a %F %n", *places).splitlines()
    assert len(found) == len(places)
    executable = set()
    for line in found:
        owner, mode, kind, place = re.fullmatch(r"(\S+) (\d+) ([a-z ]+) (/.*)", line).groups()  # type: ignore[union-attr]
        assert owner == "root:root", line
        if mode == "755" and kind != "directory":
            executable.add(place)
        else:
            assert mode == ("755" if kind == "directory" else "644"), line
    assert executable == {"/usr/bin/mpathd-watch"}
    assert rpm(root, "--verify", "--nodeps", "mpathd-watch") == ""


def test_the_package_is_for_every_processor_and_every_new_enough_python(package: Path) -> None:
    assert query(package, "--queryformat", "%{ARCH} %{OS}") == ["noarch linux"]
    assert not [place for place in query(package, "--list") if re.search(r"python3\.\d|dist-packages|\.pyc$", place)]
    needs = set(query(package, "--requires"))
    names = ("h11", "prometheus_client", "pyudev", "structlog", "systemd")
    assert {need.split()[0] for need in needs} >= {f"python3-{name}" for name in names}
    assert "python3 >= 3.11" in needs
    # What pyproject.toml requires at least, is required at least.
    floors = dict(
        re.findall(r'^ {4}"([a-z0-9-]+) >= (\d+\.\d+|\d+)', (TREE / "pyproject.toml").read_text(), re.MULTILINE)
    )
    floors["systemd"] = floors.pop("systemd-python")
    assert {f"python3-{name.replace('-', '_')} >= {floor}" for name, floor in floors.items()} <= needs


def test_the_account_is_made_with_the_package(root: Root) -> None:
    _, _, uid, gid, _, home, shell = root.inside("getent", "passwd", "mpathd-watch").strip().split(":")
    assert 0 < int(uid) < 1000
    assert root.inside("getent", "group", "mpathd-watch").split(":")[2] == gid
    assert home == "/var/lib/mpathd-watch"
    assert shell.endswith("/nologin")


def test_systemd_knows_the_service_and_journald_its_messages(root: Root) -> None:
    assert root.inside("systemctl", "is-enabled", "mpathd-watch.service") == "enabled\n"
    assert (
        root.result("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", "mpathd-watch.service").stderr
        == ""
    )
    listed = root.inside("journalctl", "--no-pager", "--list-catalog")
    assert re.search(r"mpathd-watch: ", listed)


def test_the_program_runs(root: Root) -> None:
    assert root.inside("mpathd-watch", "--version") == f"mpathd-watch {__version__}\n"
    assert json.loads(root.inside("mpathd-watch", "export-config"))["format"] == 1
    root.inside("sh", "-c", "mkdir /tmp/host; echo nonsense = 1 >/tmp/wrong.toml")
    wrong = root.result("mpathd-watch", "run", "--config", "/tmp/wrong.toml")  # noqa: S108  # of the copy
    assert (wrong.returncode, len(wrong.stderr.splitlines())) == (2, 1)
    assert "nonsense" in wrong.stderr
    # A host of which nothing can be read is no host without findings.
    check = root.result("mpathd-watch", "check", "--sysfs", "/tmp/host", "--root", "/tmp/host")  # noqa: S108  # of the copy
    assert check.returncode == 3, check.stdout + check.stderr
    # Only what is in the package is run, and no module of this host.
    traced = root.inside(
        "python3", "-c", f"import sys; sys.path[0] = '{MODULES}'; import mpathd_watch; print(mpathd_watch.__file__)"
    )
    assert traced == f"{MODULES}/mpathd_watch/__init__.py\n"


def test_the_daemon_runs_as_its_own_user(root: Root) -> None:
    root.inside(
        "install", "-d", "-o", "mpathd-watch", "-g", "mpathd-watch", "/run/mpathd-watch", "/var/lib/mpathd-watch"
    )
    root.inside("sh", "-c", "mkdir -p /etc/iscsi; umask 077; echo >/etc/iscsi/iscsid.conf")
    account = ("setpriv", "--reuid=mpathd-watch", "--regid=mpathd-watch", "--clear-groups")
    port = "18068"
    with root.start(*account, "mpathd-watch", "run", "--web.listen-address", f"127.0.0.1:{port}") as daemon:
        try:
            text = until(lambda: scraped(port), "an answer of the daemon")
            assert f'version="{__version__}"' in text
            status = json.loads(root.inside(*account, "mpathd-watch", "status", "--json"))
            assert status["maps"] == []
            until(lambda: "unreadable_file" in (scraped(port) or "") or None, "the audit")
        finally:
            daemon.send_signal(signal.SIGTERM)
            _, errors = daemon.communicate(timeout=20)
    assert daemon.returncode == 0, errors
    assert "Traceback" not in errors
    # The child process that would read what only root can read has found the program, too.
    assert "/etc/iscsi/iscsid.conf" in errors
    assert "'mpathd-watch export-config' ended" not in errors
    assert root.inside("find", MODULES, "-user", "mpathd-watch") == ""


def scraped(port: str) -> str | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return None


def test_an_update_keeps_a_configuration_that_was_changed(package: Path, root: Root) -> None:
    root.inside("sh", "-c", f"echo flap_failures = 4 >>{CONFIG}")
    rpm(root, "--upgrade", "--replacepkgs", "--nodeps", str(package))
    assert root.inside("tail", "-n", "1", CONFIG) == "flap_failures = 4\n"
    assert root.inside("systemctl", "is-enabled", "mpathd-watch.service") == "enabled\n"
    assert root.inside("find", MODULES, "-name", "*.pyc") != ""


def test_removed_it_leaves_the_changed_configuration_and_the_state(package: Path, root: Root) -> None:
    root.inside("sh", "-c", f"echo flap_failures = 4 >>{CONFIG}")
    rpm(root, "--erase", "mpathd-watch")
    left = {place for place in query(package, "--list") if root.result("test", "-e", place).returncode == 0}
    assert left == {"/etc/mpathd-watch"}
    assert root.inside("ls", "/etc/mpathd-watch") == "config.toml.rpmsave\n"
    assert root.result("systemctl", "is-enabled", "mpathd-watch.service").returncode != 0
    assert not re.search(r"mpathd-watch: ", root.inside("journalctl", "--no-pager", "--list-catalog"))


SUSE = ("service_add_pre", "service_add_post", "service_del_preun", "service_del_postun")
FEDORA = ("systemd_post", "systemd_preun", "systemd_postun_with_restart")


@pytest.mark.parametrize(("family", "macros"), [("suse_version 1600", SUSE), ("fedora 43", FEDORA), ("none 1", ())])
@pytest.mark.usefixtures("package")
def test_the_macros_of_each_family_are_used_where_they_exist(family: str, macros: tuple[str, ...]) -> None:
    defined = [f"--define={macro}() echo macro-{macro} %*" for macro in macros]
    command = ("rpmspec", "--parse", f"--define={family}", *defined, str(SPEC))
    parsed = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own
    assert parsed.stderr == ""
    for macro in macros:
        assert parsed.stdout.count(f"echo macro-{macro} mpathd-watch.service") == 1
    assert ("systemctl" in parsed.stdout) == (not macros)
    assert ("systemd-rpm-macros" in parsed.stdout) == bool(macros)
    assert ("Group:" in parsed.stdout) == (macros == SUSE)
