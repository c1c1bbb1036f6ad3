"""The list of words to avoid: what it finds, what it allows, and where it looks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import check_words


def found(file: str, text: str) -> list[tuple[int, str]]:
    """The line and the word of each hit."""
    return sorted((hit.line, hit.word) for hit in check_words.hits(file, text))


@pytest.mark.parametrize(
    "text",
    [
        "The state is read anew.",
        "Mend the line.",
        "It tells the reason.",
        "The journal was told.",
        "The session is heard.",
        "multipathd speaks up.",
        "The path is well again.",
        "Nothing came of it.",
        "Wait some 5 s.",
        "Wait some seconds.",
        "Nobody knows why.",
        "Nothing is said about it.",
        "The turn has ended.",
        "The session is doubted.",
        "Put down the figures.",
        "It was so when first seen.",
        "It reads the line otherwise than meant.",
        "The file is held, line by line, against the kernel.",
        "multipathd calls it fine.",
        "This is dm's own word.",
    ],
)
def test_a_private_word_is_found_in_prose(text: str) -> None:
    assert found("page.md", text)
    assert found("page.md", text.upper())


@pytest.mark.parametrize(
    "text",
    [
        "I cannot tell whether it runs.",
        "The two words can't be told apart.",
        "Some disks are paths.",
        "multipathd turns it off, and each disk in turn.",
        "The kernel holds the I/O.",
        "multipathd's own word for it is `faulty`.",
        "For details see mpathd-watch(8).",
        "It retells, misheard, amends, recommends.",
    ],
)
def test_an_ordinary_use_is_allowed(text: str) -> None:
    assert found("page.md", text) == []


def test_every_entry_has_a_better_word() -> None:
    for pattern, better in check_words.BETTER.items():
        re.compile(pattern)
        assert better


def test_a_phrase_is_found_over_the_end_of_a_line() -> None:
    assert found("page.md", "# Page\n\nThe daemon asks, but nobody\n  knows the answer.\n") == [(3, "nobody knows")]


def test_a_page_is_read_without_its_code() -> None:
    text = "The key `told` and\n[a link](told.md).\n\n```\ntold\n```\n\ntold\n"
    assert found("docs/page.md", text) == [(8, "told")]


PYTHON = '''"""The module tells."""

TOLD = {"told": 1}  # it was told
"""The name ``told`` is told."""


def tell(told: str) -> str:
    # The reader is told
    # anew.
    return f"{told} is told " f"and heard {told!r}"


def other() -> str:
    return (
        "a text that nobody "
        "knows"
    )
'''


def test_python_is_read_for_its_docstrings_comments_and_sentences() -> None:
    assert found("mpathd_watch/module.py", PYTHON) == [
        (1, "tells"),
        (3, "told"),
        (4, "told"),
        (8, "told"),
        (9, "anew"),
        (10, "heard"),
        (10, "told"),
        (15, "nobody knows"),
    ]


def test_strings_of_tests_are_not_read() -> None:
    lines = {line for line, _ in found("tests/unit/test_module.py", PYTHON)}
    assert lines == {1, 3, 4, 8, 9}


@pytest.mark.parametrize("file", ["systemd/config.toml", "systemd/x.service", "tools/run.sh", "Makefile"])
def test_a_configuration_and_a_script_are_read_for_their_comments(file: str) -> None:
    assert found(file, 'told = "anew"\n# It is\n# told.\n') == [(3, "told")]


def test_a_script_is_known_by_its_first_line() -> None:
    assert found("tools/run", "#!/bin/sh\n# told\n") == [(2, "told")]
    assert found("tools/data", "# told\n") == []


@pytest.mark.parametrize(
    "file", ["CHANGELOG.md", "LICENSE", "tests/golden/article/journal.json", "tools/check_words.py"]
)
def test_history_data_and_the_list_itself_are_not_read(file: str) -> None:
    assert found(file, "# told\n") == []


def test_the_command_lists_the_hits_by_file_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/b.md").write_text("It was told.\n", encoding="utf-8")
    (tmp_path / "a.md").write_text("Read it.\n\nRead it anew.\n", encoding="utf-8")
    (tmp_path / "c.md").write_bytes(b"\xff told")
    monkeypatch.setattr(check_words, "ROOT", tmp_path)
    monkeypatch.setattr(check_words, "project_files", lambda: ["a.md", "c.md", "docs/b.md"])
    assert check_words.main([]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "a.md:3: 'anew': write 'again'",
        "docs/b.md:1: 'told': write 'reports, logs, shows, names, describes'",
        "2 words to replace in 2 files",
    ]
    assert check_words.main(["docs"]) == 1
    assert "a.md" not in capsys.readouterr().out
    (tmp_path / "a.md").write_text("Read it again.\n", encoding="utf-8")
    assert check_words.main(["a.md"]) == 0
    assert capsys.readouterr().out == ""
