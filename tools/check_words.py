"""Find words that make our English hard to read, and name better ones.

``python -m tools.check_words [PATH...]`` checks the prose of the project, or of these files and folders only: pages,
the man page, comments of configuration files and scripts, and docstrings, comments and strings of the Python code. The
strings of tests, data, and what is quoted as code are not checked.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent

BETTER: Final[Mapping[str, str]] = {
    r"anew": "again",
    r"mend(s|ed|ing)?": "fix",
    r"(?<!cannot )(?<!can't )(?<!can not )tell(?! (\S+ ){0,4}(apart|from)\b)": "report, log, show, name, describe",
    r"(tells|telling|told)(?! (\S+ ){0,4}(apart|from)\b)": "reports, logs, shows, names, describes",
    r"hea(r|rs|rd|ring)": "receive, detect; the kernel and multipathd report",
    r"unheard(-| )of": "unknown",
    r"sp(eak|eaks|eaking|oke|oken)( for)?": "report; be evidence of; be the alert for",
    r"well again": "up again, resolved",
    r"nothing c(ame|omes) of (it|this|that)": "it never failed, without a failure",
    r"some (\d|half|hundred|thousand|dozen|tens?\b|seconds?\b|minutes?\b|hours?\b|KiB|MiB)": "about, a few",
    r"(nobody|no one) (knows|tells|says|speaks|hears|vouches|can (tell|say|vouch))": "it is not known",
    r"nothing (is|was) (said|told)": "nothing is reported",
    r"(a|the|this|that|one|each|every|per|same|next|last|whole) turn(?! (of|off|on)\b)": "event, draft",
    r"doubt(s|ed|ing|ful|fully)?": "suspicion; suspect",
    r"put(s|ting)? down": "document, record",
    r"so when first seen": "already in this state when mpathd-watch started",
    r"otherwise than": "differently than",
    r"(hold|holds|holding|held)\b[^.;:]{0,60} against": "compare with",
    r"call(s|ed|ing)?\b[^.;:]{0,40} fine": "report as usable",
    r"(kernel|dm|multipathd|TCP|iscsid)'s (own )?word(?! for)": "report",
    r"vouch(es|ed|ing)?": "confirm",
    r"lest": "so that ... not",
    r"accus(e|es|ed|ing)": "derive a cause",
    r"fare[sd]?": "the state of",
}
"""Each regular expression matches whole words in any case; a space in it matches a line end, too."""

NOT_READ: Final = frozenset({"CHANGELOG.md", "tools/check_words.py", "tests/unit/tools/test_check_words.py"})
"""What is history, and what quotes the words."""

_PATTERNS: Final = tuple(
    (re.compile(r"\b({})\b".format(pattern.replace(" ", r"[ \n]")), re.IGNORECASE), better)
    for pattern, better in BETTER.items()
)
_CODE: Final = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_FENCED: Final = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_LINK: Final = re.compile(r"\]\([^)]*\)")
_FIELD: Final = re.compile(r"\{[^{}]*\}")
_BETWEEN_PIECES: Final = re.compile(r"""["']\s*\n\s*[a-zA-Z]{0,2}["']""")
_NO_PROSE: Final = re.compile(r"noqa|type: ignore|pragma|shellcheck|!")


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines of prose that belong together, and the number of the first."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One word to avoid, with its place and a better word."""

    file: str
    line: int
    word: str
    better: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: '{self.word}': write '{self.better}'"


def hits(file: str, text: str) -> Iterator[Hit]:
    """The words to avoid in ``text``, which is the content of ``file``."""
    for passage in passages(file, text):
        prose = _one_space(passage.text)
        for pattern, better in _PATTERNS:
            for match in pattern.finditer(prose):
                line = passage.line + prose.count("\n", 0, match.start())
                yield Hit(file, line, match[0].replace("\n", " "), better)


def passages(file: str, text: str) -> Iterable[Passage]:
    """The prose in ``text``; none of a file of a kind that has no prose."""
    path = PurePosixPath(file)
    if file in NOT_READ:
        return ()
    reader = _READERS.get(path.suffix)
    if reader is not None:
        return reader(file, text)
    return _of_comments(file, text) if text.startswith("#!") or path.name in ("Makefile", "rules") else ()


def _of_page(_file: str, text: str) -> Iterator[Passage]:
    """A page in Markdown without its code."""
    for quotation in (_FENCED, _CODE, _LINK):
        text = quotation.sub(_blank, text)
    yield Passage(1, text)


def _of_everything(_file: str, text: str) -> Iterator[Passage]:
    yield Passage(1, text)


def _of_comments(_file: str, text: str) -> Iterator[Passage]:
    """The comments of a script or a configuration file that begin a line."""
    lines = (line.strip() for line in text.splitlines())
    yield Passage(1, "\n".join(line.lstrip("#") if line.startswith("#") else "" for line in lines))


def _of_python(file: str, text: str) -> Iterator[Passage]:
    tree, lines = ast.parse(text), text.encode().split(b"\n")
    docstrings = {id(node) for node in _docstrings(tree)}
    in_tests = PurePosixPath(file).parts[0] == "tests"
    for node in _strings(tree):
        if id(node) in docstrings or not in_tests:
            source = _source(lines, node)
            if re.search(r"\w\s+\w", source):
                yield Passage(node.lineno, _prose(source, fields=isinstance(node, ast.JoinedStr)))
    yield from _comments(text)


def _docstrings(tree: ast.Module) -> Iterator[ast.expr]:
    """Strings that stand alone: docstrings, and what describes the assignment before."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def _strings(node: ast.AST) -> Iterator[ast.expr]:
    """Every string, but not the parts of a formatted one, whose positions Python 3.11 does not know."""
    if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from _strings(child)


def _source(lines: list[bytes], node: ast.expr) -> str:
    """The text of a node, as ast.get_source_segment() gives it, which splits the whole file each time."""
    found = lines[node.lineno - 1 : node.end_lineno]
    found[-1] = found[-1][: node.end_col_offset]
    found[0] = found[0][node.col_offset :]
    return b"\n".join(found).decode()


def _prose(source: str, *, fields: bool) -> str:
    """A string's source without quotes, quoted code and formatted fields, on as many lines."""
    source = _BETWEEN_PIECES.sub("\n", source)
    if fields:
        source = _FIELD.sub(_blank, source)
    return _CODE.sub(_blank, source)


def _comments(text: str) -> Iterator[Passage]:
    """Comments; those on consecutive lines are one passage."""
    first, lines = 0, list[str]()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        body = token.string.lstrip("# ")
        line = token.start[0]
        if lines and line == first + len(lines):
            lines.append(body)
            continue
        if lines:
            yield Passage(first, _CODE.sub(_blank, "\n".join(lines)))
        first, lines = line, ["" if _NO_PROSE.match(body) else body]
    if lines:
        yield Passage(first, _CODE.sub(_blank, "\n".join(lines)))


def _blank(match: re.Match[str]) -> str:
    """As many lines as the match has, without its words."""
    return re.sub(r"[^\n]", ".", match[0])


def _one_space(text: str) -> str:
    return re.sub(r"[^\S\n]*\n[^\S\n]*", "\n", re.sub(r"[^\S\n]+", " ", text))


_READERS: Final[Mapping[str, Callable[[str, str], Iterable[Passage]]]] = {
    ".md": _of_page,
    ".8": _of_everything,
    ".catalog": _of_everything,
    ".py": _of_python,
    ".toml": _of_comments,
    ".service": _of_comments,
    ".sysusers": _of_comments,
    ".sh": _of_comments,
}


def project_files(root: Path = ROOT) -> list[str]:
    """The project's files, as tools/tree-files lists them, each under one name."""
    listed = subprocess.run(  # noqa: S603  # our own script
        [root / "tools/tree-files"], check=True, capture_output=True, text=True
    )
    names = filter(None, listed.stdout.split("\0"))
    return sorted(name for name in names if not (root / name).is_symlink())


def main(arguments: list[str] | None = None) -> int:
    """Print every hit by file; the exit status."""
    wanted = [PurePosixPath(each) for each in (sys.argv[1:] if arguments is None else arguments)]
    found: list[Hit] = []
    for file in project_files():
        path = PurePosixPath(file)
        if not wanted or any(path == each or each in path.parents for each in wanted):
            try:
                text = (ROOT / file).read_text(encoding="utf-8")
            except UnicodeDecodeError:  # no text of ours
                continue
            found += sorted(hits(file, text), key=lambda hit: hit.line)
    for hit in found:
        sys.stdout.write(f"{hit}\n")
    if found:
        files = Counter(hit.file for hit in found)
        sys.stdout.write(f"{len(found)} words to replace in {len(files)} files\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
