"""What a target is: one parser of bytes that come from somewhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One parser.

    ``run`` gives it the bytes as the product does, and may raise ``errors`` only: the parser's own ones. ``seeds`` are
    inputs that make sense. ``words`` are what the format is made of, and ``openers`` those of them that nest.
    """

    name: str
    run: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]
    words: tuple[bytes, ...] = ()
    openers: tuple[bytes, ...] = ()
    errors: tuple[type[Exception], ...] = ()


def text_of(data: bytes) -> str:
    """The text as the product's sources decode it."""
    return data.decode("utf-8", "surrogateescape")


def must(holds: object, what: str) -> None:
    """Raise ``AssertionError``, also where Python ignores assertions."""
    if not holds:
        raise AssertionError(what)
