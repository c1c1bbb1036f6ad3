"""A response, before it is put into bytes."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from mpathd_watch.immutable import immutable

_TEXT: Final = "text/plain; charset=utf-8"


class Content:
    """The bytes of a response, in pieces that others may share."""

    __slots__ = ("length", "pieces")

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.pieces = tuple(pieces)
        self.length = sum(map(len, self.pieces))


NOTHING: Final = Content(())


@immutable
class Answer:
    """A response, complete but for the headers that every response has."""

    status: HTTPStatus
    content_type: str
    content: Content
    headers: tuple[tuple[str, str], ...] = ()


def plain(status: HTTPStatus, text: str, *headers: tuple[str, str]) -> Answer:
    """A response of one line of text."""
    return Answer(status, _TEXT, Content((f"{text}\n".encode(),)), headers)
