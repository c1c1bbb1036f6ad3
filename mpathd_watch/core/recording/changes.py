"""What has changed from one event to the next one of its kind, as JSON, and how to apply that.

A change is JSON of the same shape that has only what differs. In place of a list or an object, an object has the
changed items by their index or name; anything else is the new value. A new value that is itself an object is put under
the empty name: ``{"": {...}}``.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, Final, cast

from mpathd_watch.core.recording.codec import CodecError, encode

SAME: Final = object()
"""Nothing has changed."""
_WHOLE: Final = ""


def changes(before: Any, after: Any) -> Any:
    """What makes ``after`` of ``before``, JSON-ready; ``SAME`` if nothing does.

    The values are those that ``encode`` takes. They differ unless their JSON is the same text: 1, 1.0 and True do.
    Sources report the same object as long as nothing in it has changed, so most comparisons end at its identity.
    """
    if before is after:
        return SAME
    if type(before) is type(after):
        if is_dataclass(after):
            names = _names(cast("Hashable", type(after)))
            return _of_items(names, [getattr(before, name) for name in names], [getattr(after, name) for name in names])
        if isinstance(after, tuple) and len(before) == len(after) and all(map(is_dataclass, after)):
            return _of_items(map(str, range(len(after))), before, after)
        if isinstance(after, Mapping) and _WHOLE not in after and tuple(before) == tuple(after):
            return _of_items(after, before.values(), after.values())
    new = encode(after)
    if _is_same(encode(before), new):
        return SAME
    return {_WHOLE: new} if isinstance(new, dict) else new


def changed(before: Any, change: Any) -> Any:
    """The JSON that ``change`` makes of the JSON ``before``, which stays as it is.

    Raises ``CodecError`` if it changes what is not there.
    """
    if not isinstance(change, dict):
        return change
    if change.keys() == {_WHOLE}:
        return change[_WHOLE]
    if isinstance(before, dict):
        return before | {name: changed(_there(before, name), part) for name, part in change.items()}
    if isinstance(before, list):
        items: dict[str, Any] = {str(index): item for index, item in enumerate(before)}
        return list((items | {name: changed(_there(items, name), part) for name, part in change.items()}).values())
    raise CodecError("the line changes what no line before it has")


def _there(items: Mapping[str, Any], name: str) -> Any:
    try:
        return items[name]
    except KeyError as error:
        raise CodecError("the line changes what no line before it has") from error


def _of_items(names: Iterable[str], before: Iterable[Any], after: Iterable[Any]) -> Any:
    found = {
        name: change
        for name, old, new in zip(names, before, after, strict=True)
        if old is not new and (change := changes(old, new)) is not SAME
    }
    return found or SAME


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _is_same(before: Any, after: Any) -> bool:
    """Whether both are the same JSON, text for text."""
    if type(before) is not type(after):
        return False
    if isinstance(after, list):
        return len(before) == len(after) and all(map(_is_same, before, after))
    if isinstance(after, dict):
        return list(before) == list(after) and all(map(_is_same, before.values(), after.values()))
    return bool(before == after) and (not isinstance(after, float) or repr(before) == repr(after))
