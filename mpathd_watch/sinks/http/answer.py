"""A response, before it is put into bytes."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

_TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, complete but for the headers that every response has."""

    status: HTTPStatus
    content_type: str
    content: bytes
    headers: tuple[tuple[str, str], ...] = ()


def plain(status: HTTPStatus, text: str, *headers: tuple[str, str]) -> Answer:
    """A response of one line of text."""
    return Answer(status, _TEXT, f"{text}\n".encode(), headers)
