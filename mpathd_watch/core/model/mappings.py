"""Mappings that nobody can write to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


def frozen(items: Mapping[Key, Value]) -> Mapping[Key, Value]:
    """A read-only view of ``items``, which nobody else may hold."""
    return MappingProxyType(items if isinstance(items, dict) else dict(items))


def empty() -> Mapping[Any, Any]:
    """A read-only mapping without any item: the default of a field."""
    return MappingProxyType({})
