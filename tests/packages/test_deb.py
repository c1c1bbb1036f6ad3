"""The Debian package that `make deb` has built, installed by the real dpkg into a copy of this host's root file system.

`make test-deb` runs this. No systemd runs there: what it does is tested in the lab.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.packages.root import Root, copied

TREE = Path(__file__).parent.parent.parent
NAME = "mpathd-watch"
ACCOUNTS = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")
OTHER_PLACES = ("home", "mnt", "opt", "root", "srv", "var/tmp", "work")
OF_OTHERS = (
    *("/var/lib/dpkg/", "/var/log/", "/var/cache/", "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-"),
    # debhelper's scripts remove the directory if it is empty.
    *("/etc/.pwd.lock", "/var/lib/systemd/catalog/database", "/etc/apparmor.d/disable/"),
    *(f"/{place}/" for place in OTHER_PLACES),
)
"""Files that dpkg, passwd and systemd keep about all packages and accounts."""


@pytest.fixture(scope="module")
def package() -> Path:
    if shutil.which("dpkg") is None:
        pytest.skip("NOT TESTED: this host has no dpkg")
    try:
        (package,) = TREE.glob("dist/mpathd-watch_*_all.deb")
    except ValueError:
        pytest.skip("NOT TESTED: there is no package in dist; run `make test-deb`")
    return package


@pytest.fixture
def root(package: Path, tmp_path: Path) -> Iterator[Root]:
    """A root file system that has never had the package; the package is in it as /tmp/product.deb."""
    with copied(Path("/"), tmp_path / "root") as root:
        # What other programs write there meanwhile is nothing of ours, and searching it takes long.
        for place in OTHER_PLACES:
            if (Path("/") / place).is_dir():
                root.outside("mount", "-t", "tmpfs", "tmpfs", str(root.path / place))
        root.result("dpkg", "--purge", NAME)
        root.inside("sed", "-i", f"/^{NAME}:/d", *ACCOUNTS)
        root.inside("sh", "-c", f"rm -rf /var/lib/{NAME} /etc/{NAME} /var/lib/systemd/deb-systemd-helper-*/*{NAME}*")
        root.outside("cp", str(package), str(root.path / "tmp/product.deb"))
        yield root


def dpkg(root: Root, *arguments: str) -> str:
    # Another mirror of the libraries may be installed here than the package is for.
    return root.inside("dpkg", "--force-depends", "--force-confold", *arguments)


def everything(root: Root) -> dict[str, str]:
    """Each file of the root file system, with its size and owner, and the accounts line by line."""
    format_ = "%p\\t%y %m %U:%G %l %s\\n"
    listed = root.inside(
        "find", "/", "/run", "-xdev", "(", "-type", "d", "-printf", "%p/\\t\\n", "-o", "-printf", format_, ")"
    )
    found = dict(line.split("\t", 1) for line in listed.splitlines() if "\t" in line)
    found = {name: what for name, what in found.items() if not name.startswith(OF_OTHERS)}
    return found | {f"{file}:{line}": "" for file in ACCOUNTS for line in root.inside("cat", file).splitlines()}


def differences(before: dict[str, str], after: dict[str, str]) -> set[str]:
    accounts = tuple(ACCOUNTS)
    changed = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    # Their sizes say nothing that their lines do not.
    return {name for name in (before.keys() ^ after.keys()) | changed if name not in accounts}


def used(root: Root) -> None:
    """Leave what a daemon and its administrator leave."""
    script = f"""
        install -d -o {NAME} -g {NAME} /var/lib/{NAME} /run/{NAME}
        for name in state.db state.db.newer state.db.newer.1 state.db.corrupt lock notified-mail.json record.gz; do
            install -o {NAME} -g {NAME} /dev/null /var/lib/{NAME}/$name
        done
        mkdir /var/lib/{NAME}/of-a-hook
        echo 'flap_failures = 4' >>/etc/{NAME}/config.toml
        echo tls_server_config: >/etc/{NAME}/web.yml
        echo '{{}}' >/run/{NAME}/root-only.json
        mkdir -p /etc/systemd/system/sockets.target.wants /etc/systemd/system/{NAME}.socket.d
        ln -sf /usr/lib/systemd/system/{NAME}.socket /etc/systemd/system/sockets.target.wants/
        echo >/etc/systemd/system/{NAME}.socket.d/override.conf
    """
    root.inside("sh", "-euc", script)


def test_purge_leaves_nothing(root: Root) -> None:
    before = everything(root)
    dpkg(root, "--install", "/tmp/product.deb")  # noqa: S108  # of the copy
    assert root.inside("id", "-un", NAME) == f"{NAME}\n"
    assert f"{NAME}: " in root.inside("journalctl", "--no-pager", "--list-catalog")
    used(root)
    installed = differences(before, everything(root))
    assert len(installed) > 100
    assert f"/var/lib/systemd/deb-systemd-helper-enabled/{NAME}.service.dsh-also" in installed

    dpkg(root, "--remove", NAME)
    removed = differences(before, everything(root))
    assert f"/etc/{NAME}/config.toml" in removed
    assert f"/var/lib/{NAME}/state.db" in removed
    assert not [name for name in removed if name.startswith("/usr/")]
    assert f"{NAME}: " not in root.inside("journalctl", "--no-pager", "--list-catalog")

    said = dpkg(root, "--purge", NAME)
    assert "stays" not in said
    assert differences(before, everything(root)) == set()
    assert root.result("getent", "passwd", NAME).returncode == 2
    assert root.result("getent", "group", NAME).returncode == 2


def test_purge_of_what_was_never_used_leaves_nothing_either(root: Root) -> None:
    before = everything(root)
    dpkg(root, "--install", "/tmp/product.deb")  # noqa: S108  # of the copy
    dpkg(root, "--purge", NAME)
    assert differences(before, everything(root)) == set()


@pytest.mark.parametrize("owner", [f"{NAME}:root", f"root:{NAME}"])
def test_the_account_stays_while_a_file_has_its_number(root: Root, owner: str) -> None:
    dpkg(root, "--install", "/tmp/product.deb")  # noqa: S108  # of the copy
    root.inside(
        "sh",
        "-c",
        f"mkdir -p /etc/ssl/private; echo key >/etc/ssl/private/lab.key; chown {owner} /etc/ssl/private/lab.key",
    )
    said = dpkg(root, "--purge", NAME)
    assert f"{NAME}: the account stays, because of /etc/ssl/private/lab.key\n" in said
    assert root.inside("stat", "-c", "%U:%G", "/etc/ssl/private/lab.key") == f"{owner}\n"
    assert root.result("test", "-e", f"/var/lib/{NAME}").returncode == 1
    # Installed again, it is the same account.
    dpkg(root, "--install", "/tmp/product.deb")  # noqa: S108  # of the copy
    assert root.inside("stat", "-c", "%U:%G", "/etc/ssl/private/lab.key") == f"{owner}\n"
    root.inside("rm", "/etc/ssl/private/lab.key")
    dpkg(root, "--purge", NAME)
    assert root.result("getent", "passwd", NAME).returncode == 2


def test_the_account_stays_if_its_unit_was_changed(root: Root) -> None:
    dpkg(root, "--install", "/tmp/product.deb")  # noqa: S108  # of the copy
    drop_in = f"/etc/systemd/system/{NAME}.service.d"
    root.inside("sh", "-c", f"mkdir -p {drop_in}; printf '[Service]\\nReadWritePaths=/srv\\n' >{drop_in}/override.conf")
    assert "the account stays, because drop-ins" in dpkg(root, "--purge", NAME)
    assert root.result("test", "-e", drop_in).returncode == 1
    assert root.inside("id", "-un", NAME) == f"{NAME}\n"


def test_another_account_of_that_name_and_a_group_with_members(root: Root) -> None:
    root.inside("useradd", "--system", "--home-dir", "/home/other", NAME)
    dpkg(root, "--install", "/tmp/product.deb")  # noqa: S108  # of the copy
    dpkg(root, "--purge", NAME)
    assert root.inside("id", "-un", NAME) == f"{NAME}\n"
    root.inside("userdel", NAME)
    dpkg(root, "--install", "/tmp/product.deb")  # noqa: S108  # of the copy
    root.inside("usermod", "--append", "--groups", NAME, "games")
    dpkg(root, "--purge", NAME)
    assert root.result("getent", "group", NAME).returncode == 2


def test_an_upgrade_stops_no_socket_that_an_administrator_has_enabled(package: Path, root: Root) -> None:
    scripts = {
        name: root.inside("sh", "-c", f"dpkg-deb --info /tmp/product.deb {name} 2>/dev/null || true")
        for name in ("preinst", "postinst", "prerm", "postrm")
    }
    assert package.exists()
    assert not [name for name, text in scripts.items() if "stop" in text and name != "prerm"]
    assert "stop mpathd-watch.socket" in scripts["prerm"]
