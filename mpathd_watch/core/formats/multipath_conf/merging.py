"""The main file and the files of conf.d, merged to one configuration (libmultipath/config.c, 0.9.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mpathd_watch.core.formats.multipath_conf.inversion import refused
from mpathd_watch.core.formats.multipath_conf.lines import encoded
from mpathd_watch.core.formats.multipath_conf.model import NEWEST, Code, Document, Problem, Section, quoted
from mpathd_watch.core.formats.multipath_conf.precedence import sections
from mpathd_watch.immutable import replace


def merge(documents: Sequence[Document]) -> Document:
    """All ``documents`` as one: the first is the main file, the others are those of conf.d.

    The files of conf.d are sorted here by file name. The caller leaves out names that don't end in ``.conf``, as
    multipath-tools does (process_config_dir()). The sections keep their order, because later settings win. What makes
    multipathd reject the main file does no such harm in conf.d. Problems between sections are added: the same WWID or
    device twice.
    """
    main, rest = documents[:1], sorted(documents[1:], key=_name)
    sections = tuple(section for document in (*main, *rest) for section in document.sections)
    problems = [problem for document in main for problem in document.problems]
    problems.extend(replace(problem, fatal=False) for document in rest for problem in document.problems)
    problems.extend(_twice(_subsections(sections, "multipaths", "multipath"), ("wwid",)))
    problems.extend(_twice(_subsections(sections, "devices", "device"), ("vendor", "product", "revision")))
    merged = Document(sections)
    problems.extend(_fatal_products(merged))
    return replace(merged, problems=tuple(problems))


def _fatal_products(document: Document) -> Iterator[Problem]:
    """A product_blacklist in any file fails only when all files have been read (setup_default_blist())."""
    # Without the hardware table, in which all of them are regular expressions.
    for entry in sections(document, NEWEST, Document()).devices:
        hidden = entry.values.get("product_blacklist")
        if hidden is not None and any(refused(entry.text(name) or "") for name in ("vendor", "product_blacklist")):
            yield Problem(
                hidden.origin.file,
                hidden.origin.line,
                Code.BAD_REGEX,
                f"the product_blacklist {quoted(str(hidden.value))} or its vendor is not a regular expression",
                "product_blacklist",
                fatal=True,
            )


def _name(document: Document) -> bytes:
    """The file's own name as bytes: multipathd runs in the C locale, where alphasort() compares bytes."""
    files = [section.file for section in document.sections] + [problem.file for problem in document.problems]
    return encoded(files[0].rpartition("/")[2] if files else "")


def _subsections(sections: Iterable[Section], parent: str, name: str) -> Iterator[Section]:
    return (child for section in sections if section.name == parent for child in section.children if child.name == name)


def _twice(sections: Iterable[Section], keywords: tuple[str, ...]) -> Iterator[Problem]:
    seen: dict[tuple[str | None, ...], Section] = {}
    for section in sections:
        values = {setting.keyword: setting.value for setting in section.settings}
        key = tuple(values.get(keyword) for keyword in keywords)
        earlier = seen.get(key)
        if earlier is not None and key[0] is not None:
            name = quoted(" ".join(value for value in key if value is not None))
            yield Problem(
                section.file,
                section.line,
                Code.DUPLICATE_SECTION,
                f"{section.name} {name} is also at {earlier.file}:{earlier.line}: the later value of a keyword counts",
                section.name,
            )
        seen[key] = section
