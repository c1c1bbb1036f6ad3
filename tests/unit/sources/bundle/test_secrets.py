"""A support bundle may hold CHAP names and passwords, in files and in what commands have printed. None is kept."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mpathd_watch.cli import main
from mpathd_watch.config import Config
from mpathd_watch.core.events import ConfigurationRead
from mpathd_watch.core.formats.open_iscsi import keys
from mpathd_watch.daemon.bundles import look_at_bundle
from mpathd_watch.sinks.status.from_view import document
from tests.bundles import Copy

CANARY = "Kanari7x"
VALUE = re.compile(r"((?:user(?:name)?|pass(?:word)?)(?:_in)?[ \t]*[:=][ \t]*)\S.*", re.IGNORECASE)
WRONG = f"""{CANARY}-1
node.session.auth.password={CANARY}-2
node.session.auth.password {CANARY}-3
node.session.auth.password = x = {CANARY}-4
node.startup = {CANARY}-5
{keys.REPLACEMENT_TIMEOUT} = {CANARY}-6
{CANARY}-7 = 1
# {CANARY}-8
\tpassword: {CANARY}-9
"""
"""Lines with secrets in places where nothing expects them."""
STARTED = f"root 77 0.0 0.0 1 1 ? Ss 12:00 0:00 iscsistart -i iqn.x -t iqn.y -a 192.0.2.1 -u {CANARY} -w {CANARY}\n"
STARTUP = re.compile(r"^#?[ \t]*node\.startup = .*\n", re.MULTILINE)
"""A line that iscsid.conf and each node record have."""


def spoil(copy: Copy) -> int:
    """Put the canary wherever a name or a password may be; returns the number of files that have it."""
    count = 0
    for path in copy.root.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        before = path.read_text("utf-8", "surrogateescape")
        text = STARTUP.sub(lambda match: match[0] + WRONG, VALUE.sub(rf"\g<1>{CANARY}", before))
        if "COMMAND" in before:
            text += STARTED
        path.write_text(text, "utf-8", "surrogateescape")
        count += CANARY in text
    return count


@pytest.mark.parametrize("kind", ["sosreport", "supportconfig"])
@pytest.mark.parametrize("state", ["healthy", "link-down"])
def test_no_secret_of_a_bundle_is_kept_or_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, kind: str, state: str
) -> None:
    copy = Copy(tmp_path, state, kind)
    assert spoil(copy) > (3 if kind == "sosreport" else 0)
    bundle = copy.read()
    (configuration,) = (event.configuration for event in bundle.events if isinstance(event, ConfigurationRead))
    # The lines in wrong places were read, and are problems.
    assert configuration.iscsid is not None
    assert any(problem.code == "no_separator" for problem in configuration.iscsid.problems)
    view = look_at_bundle(Config(), bundle)
    kept = [repr(bundle), repr(view), json.dumps(document(view)), repr(bundle.lines), repr(bundle.document)]
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    for command in (["check"], ["check", "--json"], ["status"], ["status", "--json"]):
        main([*command, "--root", str(copy.root)])
        printed = capsys.readouterr()
        kept += [printed.out, printed.err]
    assert all(kept[:6])
    assert [text for text in kept if CANARY in text] == []
