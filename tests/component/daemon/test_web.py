"""The whole daemon with a web configuration, several places to listen on, and sockets of systemd."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.component.process import PATIENCE, Daemon, until
from tests.component.sinks.securing import Pki, ask_unix, basic, hashed, pki, trusting
from tests.fakes.sysfs import healthy_san

__all__ = ["pki"]
Start = Callable[..., Daemon]
USERS = f"basic_auth_users:\n  ann: {hashed('secret')}\n"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    healthy_san(tmp_path / "sys")
    started: list[Daemon] = []

    def starter(*options: str, **places: object) -> Daemon:
        started.append(Daemon(tmp_path, *options, **places))  # type: ignore[arg-type]  # as Daemon takes them
        started[-1].wait_notified(r"^READY=1$")
        return started[-1]

    yield starter
    for daemon in started:
        daemon.close()


def scrape(daemon: Daemon, context: ssl.SSLContext, **headers: str) -> str:
    request = urllib.request.Request(f"{daemon.url()}/metrics".replace("http:", "https:"), headers=headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=PATIENCE, context=context) as answer:  # noqa: S310  # loopback
        text: str = answer.read().decode()
    return text


def fails(*options: str, **environ: str) -> str:
    """The one line of a start that fails because of a wrong configuration."""
    command = [sys.executable, "-m", "mpathd_watch", "run", "--web.listen-address", "127.0.0.1:0", *options]
    done = subprocess.run(  # noqa: S603  # our own program
        command, capture_output=True, text=True, timeout=PATIENCE, check=False, env={**os.environ, **environ}
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    return line


def test_tls_a_client_certificate_and_a_password(start: Start, pki: Pki, tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    web.write_text(pki.tls("client_auth_type: RequireAndVerifyClientCert", f"client_ca_file: {pki.ours.cert}") + USERS)
    daemon = start("--web.config.file", str(web))
    context = trusting(pki.ours, pki.client)
    assert "mpathd_watch_build_info" in scrape(daemon, context, **basic("ann", "secret"))
    with pytest.raises(urllib.error.HTTPError, match="401"):
        scrape(daemon, context)
    with pytest.raises(OSError, match=r"(?i)certificate required|reset|closed"):
        scrape(daemon, trusting(pki.ours), **basic("ann", "secret"))
    # The command and the socket of our own need neither.
    assert [each["map"] for each in daemon.status()["maps"]] == ["mpio"]
    reply = ask_unix(tmp_path / "run/http.sock")
    assert b'mpathd_watch_source_up{source="web"} 1.0' in reply.body
    assert daemon.stop() == 0
    assert not (tmp_path / "run/http.sock").exists()


def test_a_broken_web_configuration_is_an_entry_and_the_old_one_counts(start: Start, pki: Pki, tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    web.write_text(pki.tls())
    daemon = start("--web.config.file", str(web))

    def source() -> str:
        (line,) = [
            each
            for each in scrape(daemon, trusting(pki.ours)).splitlines()
            if each.startswith('mpathd_watch_source_up{source="web"}')
        ] or [""]
        return line.rpartition(" ")[2]

    until(lambda: source() == "1.0" or None, "the source web")
    web.write_text(pki.tls("min_versoin: TLS13"))
    until(lambda: source() == "0.0" or None, "the mistake to be found")
    found = [each for each in daemon.status()["sources"] if each["source"] == "web"]
    assert found[0]["reason"] == "bad_file"
    assert "min_versoin: unknown key (did you mean min_version?)" in str(found[0])
    web.write_text(pki.tls("min_version: TLS13"))
    until(lambda: source() == "1.0" or None, "the mistake to be over")


def test_several_places(start: Start, tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    daemon = start("--web.listen-address", f"unix:{path}", "--web.listen-address", "127.0.0.2:0")
    assert "mpathd_watch_build_info" in daemon.scrape()
    assert ask_unix(path).status == 200
    assert ask_unix(tmp_path / "run/http.sock", "/").status == 200


SYSTEMD = """
import os, socket, sys
listening = socket.create_server(("127.0.0.1", 0))
print(listening.getsockname()[1], file=open(sys.argv[1], "w"))
os.dup2(listening.fileno(), 3)
os.set_inheritable(3, True)
os.execvpe(sys.argv[2], sys.argv[2:], {**os.environ, "LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())})
"""
"""Passes a socket to the command that it becomes, as systemd does."""


def test_a_socket_of_systemd(start: Start, tmp_path: Path) -> None:
    daemon = start("--web.systemd-socket", prefix=(sys.executable, "-c", SYSTEMD, str(tmp_path / "port")))
    port = (tmp_path / "port").read_text().strip()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE) as answer:
        assert answer.read() == b"ok\n"
    assert daemon.stop() == 0


def test_a_wrong_start_is_one_line(pki: Pki, tmp_path: Path) -> None:
    web = tmp_path / "web.yml"
    assert fails("--web.config.file", str(web)).endswith(f"{web}: No such file or directory")
    web.write_text("tls_server_config: {cert_file: a, key_file: b}\n")
    assert fails("--web.config.file", str(web)).endswith(f"{web}: cert_file a: No such file or directory")
    web.write_text("a: &b [*b]\n")
    assert "anchors and aliases" in fails("--web.config.file", str(web))
    web.write_text(pki.tls(f"client_ca_file: {pki.ours.cert}"))
    assert "client_ca_file has no effect without client_auth_type" in fails("--web.config.file", str(web))


@pytest.mark.parametrize(
    ("library", "text", "expected"),
    [
        ("yaml", "", "Debian's package python3-yaml, or mpathd-watch[web] with pip"),
        ("bcrypt", USERS, "basic_auth_users needs Python's library bcrypt: install Debian's package python3-bcrypt"),
    ],
    ids=["yaml", "bcrypt"],
)
def test_a_library_that_is_missing_is_named(tmp_path: Path, library: str, text: str, expected: str) -> None:
    (tmp_path / f"{library}.py").write_text("raise ImportError\n")
    web = tmp_path / "web.yml"
    web.write_text(text)
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    assert expected in fails("--web.config.file", str(web), PYTHONPATH=path)
