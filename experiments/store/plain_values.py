"""Configurations and results as plain JSON values, and back by their type hints."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

_AS_IT_IS = (Any, bool, int, float, str)


def plain(value: Any) -> Any:
    """Replace tuples by lists, as JSON does, so that a value equals its stored copy.

    Args:
        value: Anything JSON can hold, and dataclasses of such.

    Returns:
        The value as it will be read back.
    """
    return json.loads(json.dumps(value, allow_nan=False, default=asdict))


def from_plain(kind: Any, value: Any) -> Any:
    """Build a value of a type from what :func:`plain` made of it.

    Args:
        kind: A type: a dataclass, a tuple or a mapping of such, one of these or None,
            or anything JSON holds as it is.
        value: The plain value.

    Returns:
        The value.

    Raises:
        TypeError: If a dataclass lacks a value, or has no such field.
    """
    if value is None or kind in _AS_IT_IS:
        return value
    if isinstance(kind, type) and is_dataclass(kind):
        hints, computed = _hints(kind)
        return kind(
            **{
                name: from_plain(hints.get(name, Any), part)
                for name, part in value.items()
                if name not in computed
            }
        )
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        (kind,) = (one for one in args if one is not NoneType)
        return from_plain(kind, value)
    if origin is tuple and args[-1] is Ellipsis:
        return tuple(from_plain(args[0], part) for part in value)
    if origin is tuple:
        return tuple(map(from_plain, args, value))
    if origin in (dict, Mapping):
        return {name: from_plain(args[1], part) for name, part in value.items()}
    return value


@cache
def _hints(kind: type) -> tuple[dict[str, Any], set[str]]:
    """Read once what the fields of a dataclass are, and which are computed."""
    computed = {field.name for field in fields(kind) if not field.init}
    return get_type_hints(kind), computed
