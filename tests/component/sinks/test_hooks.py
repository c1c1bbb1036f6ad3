"""Hooks as real processes, which fork, hang, write without end, or ignore that they shall end."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mpathd_watch.config.receivers import Hook
from mpathd_watch.core.alerting.notices import Notice, Step
from mpathd_watch.core.alerting.pairs import Entry
from mpathd_watch.core.catalog.alerts import Priority
from mpathd_watch.sinks.hooks import command as module
from mpathd_watch.sinks.hooks.command import Command
from mpathd_watch.sinks.hooks.outcome import Outcome, Result
from tests.component.process import until
from tests.factories import at


def notice(**fields: str) -> Notice:
    return Notice(Step.ALERT, Entry("map_lost", Priority.CRIT, "mpatha: no path left.", fields), at(0), "feed")


def run(*command: str, seconds: float = 10.0, **fields: str) -> Outcome:
    return Command(Hook(command, timeout_seconds=seconds), "host7").deliver(notice(**fields))


def shell(script: str, seconds: float = 10.0, **fields: str) -> Outcome:
    return run("/bin/sh", "-c", script, seconds=seconds, **fields)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def written(path: Path) -> int:
    return until(
        lambda: int(path.read_text()) if path.exists() and path.read_text().endswith("\n") else None, str(path)
    )


def test_the_entry_is_in_the_environment_and_on_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    evil = "$(touch /tmp/evil); 'x' \"y\" `z` \\ & | * ~"
    assert shell(f"env -0 > {tmp_path}/env; cat > {tmp_path}/json", MAP=evil) == Outcome(Result.OK)
    environ = dict(each.split("=", 1) for each in (tmp_path / "env").read_text().split("\0") if each)
    entry = json.loads((tmp_path / "json").read_text())
    assert entry == {
        "MESSAGE": "mpatha: no path left.",
        "PRIORITY": "2",
        "MESSAGE_ID": "b0f6b086226247da9881a9cbd431ee87",
        "MPATHD_WATCH_EVENT": "map_lost",
        "MPATHD_WATCH_MAP": evil,
        "MPATHD_WATCH_HOST": "host7",
        "MPATHD_WATCH_NOTICE": "alert",
        "MPATHD_WATCH_NOTICE_THREAD": "feed",
    }
    assert {name: environ[name] for name in entry} == entry
    assert "NOTIFY_SOCKET" not in environ
    assert "PATH" in environ


def test_no_shell_reads_the_words(tmp_path: Path) -> None:
    (tmp_path / "a; echo $HOME *").touch()
    assert run("/usr/bin/rm", f"{tmp_path}/a; echo $HOME *").result is Result.OK
    assert list(tmp_path.iterdir()) == []
    assert run("/usr/bin/test", "$HOME", "=", "$HOME").result is Result.OK


@pytest.mark.parametrize(
    ("command", "detail"),
    [
        (("/no/such/program",), "/no/such/program: No such file or directory. Check command of [[hook]]"),
        (("/etc/passwd",), "/etc/passwd: Permission denied. Check command of [[hook]]"),
    ],
)
def test_a_program_that_can_not_be_run_is_reported_with_the_remedy(command: tuple[str, ...], detail: str) -> None:
    outcome = run(*command)
    assert outcome.result is Result.NOT_STARTED
    assert outcome.detail.startswith(detail)


def test_a_failure_is_reported_with_the_last_line() -> None:
    assert shell("echo one; echo 'no\033[31m route' >&2; exit 3") == Outcome(
        Result.FAILED, '/bin/sh ended with status 3 (its last line: "no\\x1b[31m route")'
    )
    assert shell("kill -9 $$") == Outcome(Result.FAILED, "/bin/sh was ended by SIGKILL")
    assert shell("kill -40 $$") == Outcome(Result.FAILED, "/bin/sh was ended by signal 40")


def test_a_daemon_that_has_more_than_1023_files_open_runs_it() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
        while stack.enter_context(Path(os.devnull).open("rb")).fileno() < 1024:
            pass
        outcome = shell("echo no; exit 3")
    assert outcome == Outcome(Result.FAILED, '/bin/sh ended with status 3 (its last line: "no")')


def test_waiting_for_it_takes_no_processor_time() -> None:
    began = time.process_time()
    assert shell("sleep 1").result is Result.OK
    assert time.process_time() - began < 0.2


def test_one_that_hangs_is_ended_in_time() -> None:
    began = time.monotonic()
    outcome = shell("echo waiting; sleep 60", 0.3)
    assert time.monotonic() - began < 0.3 + module.ENDS_WITHIN + 2  # where nobody waits for orphans, they stay there
    assert outcome.result is Result.TIMEOUT
    assert outcome.detail.startswith('/bin/sh did not end within 0.3 s and was ended (its last line: "waiting")')


def test_one_that_ignores_sigterm_is_killed_with_its_children(tmp_path: Path) -> None:
    script = f"trap '' TERM; (trap '' TERM; echo $$ > {tmp_path}/no; while :; do sleep 0.1; done) & echo $! > "
    began = time.monotonic()
    assert shell(f"{script}{tmp_path}/pid; while :; do sleep 0.1; done", 0.3).result is Result.TIMEOUT
    assert time.monotonic() - began < 0.3 + module.ENDS_WITHIN + module.GONE_WITHIN + 2
    child = written(tmp_path / "pid")
    until(lambda: not is_running(child) or None, "the child to be gone")


def test_what_it_leaves_behind_in_its_group_is_ended_and_holds_nothing(tmp_path: Path) -> None:
    began = time.monotonic()
    assert shell(f"sleep 60 & echo $! > {tmp_path}/pid; exit 0").result is Result.OK
    assert time.monotonic() - began < module.ENDS_WITHIN + 2
    child = written(tmp_path / "pid")
    until(lambda: not is_running(child) or None, "the child to be gone")


def test_one_that_leaves_its_group_with_the_output_open_holds_nothing(tmp_path: Path) -> None:
    began = time.monotonic()
    script = f"setsid sh -c 'echo $$ > {tmp_path}/pid; exec sleep 30' & while ! [ -s {tmp_path}/pid ]; do :; done"
    assert shell(script).result is Result.OK
    assert time.monotonic() - began < module.ENDS_WITHIN + 4
    os.kill(written(tmp_path / "pid"), signal.SIGKILL)


def test_one_that_forks_again_and_again_is_ended() -> None:
    script = "n=0; while [ $n -lt 30 ]; do sleep 60 & n=$((n+1)); done; wait"
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert shell(script, 0.5).result is Result.TIMEOUT
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_megabytes_are_read_and_forgotten_and_the_end_is_kept() -> None:
    outcome = shell("head -c 3000000 /dev/zero; echo; echo the end; exit 1")
    assert outcome == Outcome(Result.FAILED, '/bin/sh ended with status 1 (its last line: "the end")')


def test_one_that_writes_without_end_is_slowed_down_and_ended() -> None:
    began = time.process_time()
    assert run("/usr/bin/yes", seconds=1.0).result is Result.TIMEOUT
    assert time.process_time() - began < 0.5


def test_one_that_closes_its_output_and_goes_on_is_waited_for() -> None:
    began = time.monotonic()
    assert shell("exec >&- 2>&-; sleep 0.4; exit 2") == Outcome(Result.FAILED, "/bin/sh ended with status 2")
    assert time.monotonic() - began >= 0.4


def test_one_that_does_not_read_its_input_holds_nothing() -> None:
    large = notice(**{f"F{number}": "x" * 1024 for number in range(60)})
    assert Command(Hook(("/bin/true",)), "host7").deliver(large).result is Result.OK


def test_a_program_that_is_not_loaded_in_time_is_given_up_and_not_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where a file system hangs, execve() does not return, and Popen waits for it.
    monkeypatch.setattr(module, "STARTED_WITHIN", 0.3)
    loading = threading.Event()
    popen: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen

    def hangs(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        loading.wait(20)
        return popen(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", hangs)
    hook = Command(Hook(("/bin/sh", "-c", f"sleep 0.3; touch {tmp_path}/ran")), "host7")
    assert hook.deliver(notice()) == Outcome(Result.NOT_STARTED, "/bin/sh could not be loaded within 0.3 s; see dmesg")
    began = time.monotonic()
    assert hook.deliver(notice()).detail == "/bin/sh is still being loaded for the one before; see dmesg"
    assert time.monotonic() - began < 0.2
    loading.set()
    assert until(lambda: (hook.deliver(notice()).result is Result.OK) or None, "it to run again")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a process a capability")
def test_a_hook_has_no_capability_although_the_daemon_has_one() -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own directories are root's alone
        directory = Path(name)
        directory.chmod(0o777)
        program = (
            "from tests.component.sinks.test_hooks import shell\n"
            f"shell('grep Cap /proc/self/status > {directory}/hook')\n"
            f"open('{directory}/daemon', 'w').write(open('/proc/self/status').read())\n"
        )
        drop = ("setpriv", "--reuid=65534", "--inh-caps=-all,+net_admin", "--ambient-caps=+net_admin")
        done = subprocess.run([*drop, sys.executable, "-c", program], check=False, capture_output=True, text=True)  # noqa: S603  # our own program
        assert done.returncode == 0, done.stderr
        own = dict(line.split(":\t") for line in (directory / "daemon").read_text().splitlines() if "Cap" in line)
        hook = dict(line.split(":\t") for line in (directory / "hook").read_text().splitlines())
    assert int(own["CapAmb"], 16) == int(own["CapEff"], 16) == 1 << 12
    assert int(hook["CapAmb"], 16) == int(hook["CapEff"], 16) == int(hook["CapPrm"], 16) == 0


def test_a_hook_is_ended_first_where_memory_is_short(tmp_path: Path) -> None:
    before = Path("/proc/self/oom_score_adj").read_text(encoding="ascii")
    if int(before) < 0:
        assert shell(f"sleep 0.2; cat /proc/self/oom_score_adj > {tmp_path}/score").result is Result.OK
        assert (tmp_path / "score").read_text() == "0\n"
    else:
        assert shell(f"cat /proc/self/oom_score_adj > {tmp_path}/score").result is Result.OK
