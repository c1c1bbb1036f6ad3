"""Supportconfigs that lack something, and details of their format."""

from __future__ import annotations

from pathlib import Path

from mpathd_watch.core.model.vocabulary import SourceName
from mpathd_watch.sources.bundle.files import Files
from mpathd_watch.sources.bundle.outputs import Output
from mpathd_watch.sources.bundle.supportconfig import SupportConfig
from tests.bundles import Copy, findings, healths, state_of

COMMAND = "#==[ Command ]======================================#\n"
FILE = "#==[ Configuration File ]===========================#\n"


def copy(tmp_path: Path, state: str = "healthy") -> Copy:
    return Copy(tmp_path, state, "supportconfig")


def test_half_a_bundle(tmp_path: Path) -> None:
    bundle = copy(tmp_path).remove("mpio.txt").read()
    assert state_of(bundle).source(SourceName.SYSFS).up is False
    assert findings(bundle) == {}
    bundle = copy(tmp_path / "more").remove("fs-iscsi.txt", "basic-environment.txt", "network.txt").read()
    assert healths(state_of(bundle)) == {"0:0:0:1": "up", "1:0:0:1": "up"}


def test_a_file_that_is_cut_in_the_middle_of_a_listing(tmp_path: Path) -> None:
    spoiled = copy(tmp_path)
    path = spoiled.path("mpio.txt")
    text = path.read_text()
    path.write_text(text[: text.index("sdb 8:16")])
    assert state_of(spoiled.read()).source(SourceName.SYSFS).up is False


def test_a_tool_that_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "mpio.txt").write_text(f"{COMMAND}# multipath -ll\nERROR: Command not found or not executable\n\n")
    source = SupportConfig(Files(tmp_path))
    assert source.output(Output.TOPOLOGY) is None
    assert source.output(Output.RUNNING) is None
    assert source.taken_at() is None


def test_more_files_and_the_list_of_packages(tmp_path: Path) -> None:
    spoiled = copy(tmp_path)
    name = "multipath-tools                     SUSE Linux Enterprise 15            0.9.4+71+suse.c648a77-150500.3.6.1"
    (spoiled.root / "rpm.txt").write_text(f"{COMMAND}# rpm -qa --queryformat x\n{name}\n")
    with spoiled.path("mpio.txt").open("a") as file:
        file.write(f"{FILE}# /etc/multipath/conf.d/a.conf\ndefaults {{\n\tno_path_retry queue\n}}\n\n")
        file.write(f"{FILE}# /etc/multipath/conf.d/b.conf - File not found\n\n")
    (spoiled.root / "basic-health-check.txt").write_text(
        f"{COMMAND}# /usr/bin/ps axwwo user,pid,cmd\nroot 1 /usr/lib/systemd/systemd\nroot 7 /sbin/iscsid -f\n\n"
    )
    configuration = state_of(spoiled.read()).auditing.configuration
    assert configuration is not None
    assert (configuration.version, configuration.iscsid_running) == ((0, 9, 4), True)
    settings = [each for section in configuration.multipath.named("defaults") for each in section.settings]
    assert settings[-1].value == "queue"


def test_a_log_file_of_which_only_the_end_is_read(tmp_path: Path) -> None:
    spoiled = copy(tmp_path, "link-down")
    log = spoiled.path("messages.txt")
    lines = [line for line in log.read_text().split("\n") if not line.startswith("#")]
    log.write_text("\n".join(lines))
    assert "went down" not in "\n".join(spoiled.read().missing)
    log.write_text("#==[ Log File ]=====================================#\n# /var/log/messages\n" + "\n".join(lines))
    assert "went down" not in "\n".join(spoiled.read().missing)
    log.write_text("#==[ Log File ]=====================================#\n# /var/log/other\n" + "\n".join(lines))
    assert "went down" in "\n".join(spoiled.read().missing)
